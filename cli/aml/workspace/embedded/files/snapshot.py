"""Which files of a code folder a job gets.

The rules are Azure's: `.amlignore` in the root of the folder, else `.gitignore` there, in git's syntax; never both,
never one of a subfolder. Ignored folders are not walked. `.git` and `__pycache__` are always left out. Symbolic links
are followed, as the upload to Azure does.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from aml.errors import BackendError
from aml.workspace.embedded.files.blobs import explained
from aml.workspace.records import Snapshot

ALWAYS_IGNORED = frozenset({".git", "__pycache__"})
IGNORE_FILES = (".amlignore", ".gitignore")


def files(code: Path) -> Iterator[tuple[str, Path]]:
    """The files of a snapshot of `code`, a folder or a single file: (path in the tree, file on disk).

    Raises `BackendError` for what can't be stored: a broken or circular link, a special file, no permission.
    """
    if code.is_file():
        yield code.name, code
        return
    yield from _walk(code, "", _ignored(code), frozenset())


def listing(code: Path) -> Snapshot:
    """What `files` would give, with sizes, and what it would leave out because an ignore file says so."""
    if code.is_file():
        return Snapshot(code, ((code.name, code.stat().st_size),), None, ())
    ignored, dropped = _ignored(code), list[str]()

    def noted(path: str) -> bool:
        if not ignored(path):
            return False
        if not _always_ignored(path):
            dropped.append(path)
        return True

    found = tuple((name, path.stat().st_size) for name, path in _walk(code, "", noted, frozenset()))
    ignore_file = next((name for name in IGNORE_FILES if (code / name).is_file()), None)
    return Snapshot(code, found, ignore_file, tuple(dropped))


def tree(path: Path) -> Iterator[tuple[str, Path]]:
    """All files below a folder, or a single file, nothing ignored: for models and outputs."""
    if path.is_file():
        yield path.name, path
        return
    yield from _walk(path, "", _nothing_ignored, frozenset())


def _walk(
    folder: Path, prefix: str, ignored: Callable[[str], bool], above: frozenset[tuple[int, int]]
) -> Iterator[tuple[str, Path]]:
    with explained(folder):
        details = folder.stat()
        identity = (details.st_dev, details.st_ino)
        if identity in above:
            raise BackendError(f"{folder}: this link leads back to a folder above it", _HINT)
        children = sorted(os.scandir(folder), key=lambda child: child.name)
    for child in children:
        name = prefix + child.name
        path = Path(child.path)
        if child.is_dir():
            if not ignored(name + "/"):
                yield from _walk(path, name + "/", ignored, above | {identity})
        elif not ignored(name):
            _check_regular(path)
            yield name, path


_HINT = "Remove it, or name it in .amlignore."


def _check_regular(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise BackendError(f"{path}: a link to {path.readlink()}, which does not exist", _HINT) from None
    if not stat.S_ISREG(mode):
        raise BackendError(f"{path}: neither a file nor a folder, can't be part of a job's code", _HINT)


def _ignored(code: Path) -> Callable[[str], bool]:
    for name in IGNORE_FILES:
        if (code / name).is_file():
            from pathspec import GitIgnoreSpec  # costs 20 ms, and most folders have neither file

            spec = GitIgnoreSpec.from_lines((code / name).read_text().splitlines())
            return lambda path: _always_ignored(path) or spec.match_file(path)
    return _always_ignored


def _nothing_ignored(path: str) -> bool:  # noqa: ARG001
    return False


def _always_ignored(path: str) -> bool:
    return path.rstrip("/").rpartition("/")[2] in ALWAYS_IGNORED
