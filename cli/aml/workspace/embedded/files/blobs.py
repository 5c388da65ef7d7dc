"""Content-addressed files: a file is stored once under the SHA-256 of its content, read-only.

A tree is a manifest, itself a blob: what was stored before costs a read, never a second write.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aml.errors import BackendError
from aml.workspace.embedded.files.trees import copy_file, copy_tree

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One file of a tree."""

    path: str  # relative, with forward slashes
    digest: str
    size_bytes: int
    executable: bool


@dataclass(frozen=True)
class Manifest:
    digest: str
    entries: tuple[Entry, ...]
    stored_bytes: int = 0  # what this ingest had to write

    @property
    def size_bytes(self) -> int:
        return sum(entry.size_bytes for entry in self.entries)


@dataclass(frozen=True)
class Blobs:
    """A folder of blobs; safe to use from several processes at once."""

    folder: Path

    def path(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest[2:]

    def ingest(self, files: Iterable[tuple[str, Path]]) -> Manifest:
        """Store files, given as (path in the tree, file on disk), and the manifest of them."""
        entries, stored = [], 0
        for name, source in files:
            with explained(source), source.open("rb") as handle:
                details = os.fstat(handle.fileno())
                digest = hashlib.file_digest(handle, "sha256").hexdigest()
                if not self._refreshed(digest):
                    handle.seek(0)
                    # A file that changes meanwhile is stored as what was copied.
                    digest = self._copy(handle.fileno())
                    stored += details.st_size
            entries.append(Entry(name, digest, details.st_size, bool(details.st_mode & stat.S_IXUSR)))
        entries.sort(key=lambda entry: entry.path)
        return Manifest(self._store_manifest(entries), tuple(entries), stored)

    def manifest(self, digest: str) -> Manifest:
        rows = json.loads(self.path(digest).read_bytes())
        return Manifest(digest, tuple(Entry(*row) for row in rows))

    def check_out(self, manifest: Manifest, folder: Path, *, writable: bool) -> None:
        """Lay the tree out below `folder`: copies that may be changed, or read-only links to the blobs."""
        for parent in sorted({(folder / entry.path).parent for entry in manifest.entries} | {folder}):
            parent.mkdir(parents=True, exist_ok=True)
        for entry in manifest.entries:
            target = folder / entry.path
            with explained(target):
                if writable:
                    shutil.copyfile(self.path(entry.digest), target)
                    target.chmod(0o755 if entry.executable else 0o644)
                else:
                    link_or_copy(self.path(entry.digest), target)

    def _refreshed(self, digest: str) -> bool:
        """Whether the blob is there; its time is renewed, so that garbage collection leaves it."""
        try:
            os.utime(self.path(digest))
        except FileNotFoundError:
            return False
        return True

    def _copy(self, source: int) -> str:
        digest = hashlib.sha256()
        with self._new_blob() as (handle, publish):
            while chunk := os.read(source, _CHUNK_BYTES):
                digest.update(chunk)
                handle.write(chunk)
            publish.append(digest.hexdigest())
        return digest.hexdigest()

    def _store_manifest(self, entries: list[Entry]) -> str:
        rows = [[entry.path, entry.digest, entry.size_bytes, entry.executable] for entry in entries]
        content = json.dumps(rows, separators=(",", ":")).encode()
        digest = hashlib.sha256(content).hexdigest()
        if not self._refreshed(digest):
            with explained(self.folder), self._new_blob() as (handle, publish):
                handle.write(content)
                publish.append(digest)
        return digest

    @contextmanager
    def _new_blob(self) -> Iterator[tuple[tempfile._TemporaryFileWrapper[bytes], list[str]]]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=".new-", delete=False) as handle:
            published: list[str] = []
            try:
                yield handle, published
                handle.flush()
                os.fchmod(handle.fileno(), 0o444)
                target = self.path(published[0])
                target.parent.mkdir(exist_ok=True)
                Path(handle.name).replace(target)
            except BaseException:
                Path(handle.name).unlink(missing_ok=True)
                raise


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link where the file system has them, else a copy."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        shutil.copyfile(source, target)


def copy_out(source: Path, target: Path) -> None:
    """Copy a file or folder for the user: the content alone, so that the copy of a read-only file is writable."""
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            copy_tree(source, target)
        else:
            copy_file(source, target)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an OSError about `path` into a `BackendError` that says what to do."""
    try:
        yield
    except OSError as error:
        where = error.filename or path
        hint = {
            errno.ENOSPC: "The disk is full: free some space and try again.",
            errno.EDQUOT: "Your disk quota is used up: free some space and try again.",
            errno.EACCES: "Give yourself read access, or name the file in .amlignore.",
            errno.EROFS: "The file system is read-only: point AML_HOME to one that can be written.",
        }.get(error.errno or 0)
        raise BackendError(f"{where}: {error.strerror or error}", hint) from error


def size_bytes(path: Path, seen: set[tuple[int, int]]) -> int:
    """What the files below `path` take that are not in `seen`; they are afterwards."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            details = os.lstat(os.path.join(folder, name))  # noqa: PTH118, a Path for each of 100,000 files is slow
            if (details.st_dev, details.st_ino) not in seen:
                seen.add((details.st_dev, details.st_ino))
                total += details.st_blocks * 512
    return total
