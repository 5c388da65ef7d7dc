"""Which file system a folder is on. A store's locks and shared memory can't be trusted on one of the network."""

from __future__ import annotations

import os
from pathlib import Path

from aml.errors import BackendError

_MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs"}
    | {"nfs4", "ocfs2", "orangefs", "pvfs2", "smb3", "smbfs", "fuse.blobfuse", "fuse.blobfuse2", "fuse.ceph"}
    | {"fuse.davfs", "fuse.gcsfuse", "fuse.glusterfs", "fuse.juicefs", "fuse.mfs", "fuse.moosefs", "fuse.rclone"}
    | {"fuse.s3fs", "fuse.sshfs"}
)


def refuse_network(folder: Path) -> None:
    """`BackendError` with the way out if `folder`, which need not be there yet, is on a file system of the network."""
    try:
        mounts = _MOUNTS.read_text()
    except OSError:  # not Linux: nobody tells
        return
    kind, mount = mount_of(os.path.realpath(folder), mounts)
    if kind in _NETWORK:
        raise BackendError(
            f"{folder} is on {mount}, a network file system ({kind}): a store there could be damaged",
            "Point AML_HOME to a folder on a disk of this machine.",
        )


def mount_of(path: str, mountinfo: str) -> tuple[str, str]:
    """Type and place of the mount that a path is on, from the text of /proc/self/mountinfo."""
    found = ("", "")
    for line in mountinfo.splitlines():
        fields = line.split(" ")
        place = _unescaped(fields[4])
        inside = path == place or path.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(found[1]):  # of two at one place the later one is on top
            found = (fields[fields.index("-") + 1], place)
    return found


def _unescaped(text: str) -> str:
    """Blanks, tabs, newlines and backslashes stand there as octal numbers."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
