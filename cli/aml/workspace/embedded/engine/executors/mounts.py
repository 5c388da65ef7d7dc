"""What a job must not change, mounted in its own namespace where the kernel lets us.

Inputs are mounted read-only; elsewhere they stay links. Of a built environment the job sees what it writes itself, in a
layer of its own as in an image, and nobody else does.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aml.workspace.embedded.engine.executors import Launch

# Arguments up to --: source, place, folder of the layer or "". What can't be layered is read-only; an input that
# can't be mounted becomes the link again that it was.
MOUNT = """
layered() {
  [ -n "$3" ] || return 1
  options="lowerdir=$1,upperdir=$3/upper,workdir=$3/work"
  mount -t overlay -o "$options" aml "$2" || mount -t overlay -o "$options,userxattr" aml "$2"
}
while [ "$1" != -- ]; do
  layered "$1" "$2" "$3" 2>/dev/null || mount -o rbind,ro "$1" "$2" 2>/dev/null ||
    { umount "$2" 2>/dev/null; { rmdir "$2" || rm -f "$2"; } 2>/dev/null && ln -s "$1" "$2"; }
  shift 3
done
shift
"""

# An ordinary user may mount in a user namespace of its own as long as the first process keeps its capabilities; the
# job's command must not have them, or it could unmount.
_KEEP = ("--keep-caps",)
_DROP = ("setpriv", "--inh-caps=-all", "--ambient-caps=-all")


@dataclass(frozen=True)
class Mounting:
    """What it takes to mount: the namespace's command, and what the job's command is started by."""

    namespace: tuple[str, ...]
    drop: tuple[str, ...] = ()


@functools.cache
def mounting(namespace: tuple[str, ...]) -> Mounting | None:
    """How to mount in `namespace`, or None if that is not possible here."""
    if not namespace or shutil.which("mount") is None:
        return None
    found = Mounting((*namespace, *_KEEP), _DROP) if "--user" in namespace else Mounting(namespace)
    with tempfile.TemporaryDirectory() as folder:
        probe = 'mount -o rbind,ro "$0" "$0" && exec "$@"'
        tried = [*found.namespace, "sh", "-c", probe, folder, *found.drop, "sh", "-c", '! touch "$0/x"', folder]
        done = subprocess.run(tried, capture_output=True, check=False) if _has(found.drop) else None
    return found if done is not None and done.returncode == 0 else None


def arguments(launch: Launch) -> list[str]:
    """Of MOUNT, with the folders of the layers made."""
    found = [text for source, place in launch.read_only for text in (source, place, "")]
    for number, folder in enumerate(launch.layered):
        layer = launch.paths.layers / str(number)
        for part in ("upper", "work"):
            (layer / part).mkdir(parents=True, exist_ok=True)
        found += [folder, folder, str(layer)]
    return found


def make_places(mounts: Sequence[tuple[str, str]]) -> None:
    """Put something to mount on where the links are."""
    for source, place in mounts:
        path = Path(place)
        if path.is_symlink():
            path.unlink()
            if Path(source).is_dir():
                path.mkdir()
            else:
                path.touch()


def _has(program: Sequence[str]) -> bool:
    return not program or shutil.which(program[0]) is not None
