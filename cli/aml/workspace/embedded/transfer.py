"""A workspace as one file, and back: store, blobs, assets, and what its jobs wrote.

Left out: secrets (tokens, credentials of datastores, the environments that jobs were submitted from), downloads, pipes
and sockets, and links that lead out of the workspace.
"""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import sqlite3
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from aml.errors import BackendError, Conflict
from aml.version import __version__
from aml.workspace.embedded import names
from aml.workspace.embedded.database import VERSION, Database, translated
from aml.workspace.embedded.files import archives
from aml.workspace.embedded.files.blobs import explained
from aml.workspace.embedded.listing import UNFINISHED
from aml.workspace.embedded.paths import WorkspacePaths, workspace_paths
from aml.workspace.embedded.store import Jobs
from aml.workspace.records import Reason

FORMAT = 1
_ABOUT = "aml-workspace.json"
_MAX_ABOUT_BYTES = 1 << 16
_TYPES = {"format": int, "store": int, "name": str}
_FOLDERS = ("blobs", "models", "assets", "datastores", "runs", "jobs")  # blobs first: the others have links to them
_MARKS = ("exit.", "failed.")  # all that is kept of a job's exec folder
_SUFFIXES = (".tar", ".gz", ".tgz")
_EXPORTED = "it was not over when its workspace was exported"


def export_workspace(name: str, file: Path) -> list[str]:
    """Write a workspace to a new file, also while jobs run; the links and pipes that were left out.

    A job that is not over is Failed in the file.
    """
    if file.suffix not in _SUFFIXES:
        raise BackendError(f"{file} is no name of an archive", "End it with .tar.gz or .tar.")
    if file.exists():
        raise Conflict(f"{file} exists already", "Give another name, or remove it.")
    paths = workspace_paths(name)
    with explained(file), tempfile.TemporaryDirectory(prefix=".export-", dir=file.parent) as scratch:
        store, part = Path(scratch, "store.db"), Path(scratch, "archive")
        _copy_store(paths.store, store)
        with _open(part, compressed=file.suffix != ".tar") as tar:
            _add_bytes(tar, _ABOUT, json.dumps(_about(name)).encode())
            _add(tar, store, "store.db")
            left_out = [member for member in _files(paths) if not _add(tar, paths.folder / member, member)]
        part.chmod(0o600)
        part.replace(file)
    return left_out


def import_workspace(file: Path, name: str | None) -> str:
    """Make a workspace of such a file, under a new name or the one it had; its name."""
    about = _read_about(file)
    name = name or str(about["name"])
    names.check_asset_name(name, "a workspace")
    target = workspace_paths(name).folder
    if os.path.lexists(target):
        raise Conflict(f"a workspace named {name} exists already", "Give another name with --name.")
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = Path(tempfile.mkdtemp(prefix=".import-", dir=target.parent))
        try:
            archives.extract(file, folder, limit_bytes=shutil.disk_usage(folder).free)
            (folder / _ABOUT).unlink()
            _check_store(folder / "store.db")
            folder.rename(target)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return name


def _open(part: Path, *, compressed: bool) -> tarfile.TarFile:
    if not compressed:
        return tarfile.open(part, "w")
    return tarfile.open(part, "w:gz", compresslevel=1)  # weights and images hardly get smaller: the fastest


def _about(name: str) -> dict[str, object]:
    now = datetime.now(UTC).isoformat()
    return {"format": FORMAT, "store": VERSION, "aml": __version__, "name": name, "exported_at": now}


def _read_about(file: Path) -> dict[str, Any]:
    """What the file says of itself in its first member."""
    not_ours = BackendError(f"{file} is no exported workspace", "`aml workspace export` makes one.")
    try:
        with explained(file), tarfile.open(file) as tar:
            first = tar.next()
            content = None if first is None or first.name != _ABOUT else tar.extractfile(first)
            if content is None:
                raise not_ours
            about = json.loads(content.read(_MAX_ABOUT_BYTES))
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise not_ours from error
    if not isinstance(about, dict) or not all(isinstance(about.get(key), type_) for key, type_ in _TYPES.items()):
        raise not_ours
    if about["format"] != FORMAT or about["store"] > VERSION:
        raise BackendError(f"{file} was exported by a newer aml ({about.get('aml')})", "Update aml.")
    return about


def _copy_store(store: Path, copy: Path) -> None:
    """The store as it is at one moment, with every job over."""
    with translated(store), closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    database = Database(copy)
    jobs = Jobs(database)
    for row in database.connection.execute(f"SELECT name FROM job WHERE {UNFINISHED}").fetchall():
        jobs.adopt(row["name"], "export")
        jobs.record_end(row["name"], "export", Reason.LOST, message=_EXPORTED)
    with translated(copy):
        database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.connection.execute("PRAGMA journal_mode = DELETE")
    database.close()


def _check_store(store: Path) -> None:
    """That it opens, and that no name or path in it leads out of the workspace."""
    database = Database(store)
    for row in database.connection.execute("SELECT name FROM job"):
        names.check_job_name(row["name"])
    query = "SELECT path FROM asset WHERE path IS NOT NULL UNION SELECT path FROM model"
    for row in database.connection.execute(query):
        if row["path"].startswith("/") or ".." in Path(row["path"]).parts:
            raise BackendError(f"{row['path']} leads out of the workspace", "The file can't be trusted.")
    database.close()


def _files(paths: WorkspacePaths) -> Iterator[str]:
    """Files and links of the parts that are kept, relative to the workspace's folder."""
    for part in _FOLDERS:
        for folder, below, files in os.walk(paths.folder / part):
            links = [name for name in below if Path(folder, name).is_symlink()]
            relative = Path(folder).relative_to(paths.folder)
            is_exec = len(relative.parts) == 3 and (relative.parts[0], relative.parts[2]) == ("jobs", "exec")
            if is_exec:
                below.clear()
                links, files = [], [name for name in files if name.startswith(_MARKS)]  # noqa: PLW2901
            for name in sorted([*links, *files]):
                yield str(relative / name)


def _add(tar: tarfile.TarFile, path: Path, member: str) -> bool:
    """Add a file that may grow, shrink or go meanwhile; False if it is no file, or a link out of the workspace."""
    if path.is_symlink():
        return _add_link(tar, path, member)
    try:
        handle = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")  # a pipe would keep it waiting
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            return False
        raise
    with handle:
        if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
            return False
        info = tar.gettarinfo(arcname=member, fileobj=handle)
        info.uname = info.gname = ""
        tar.addfile(info, _Padded(handle) if info.isreg() else None)
    return True


def _add_link(tar: tarfile.TarFile, path: Path, member: str) -> bool:
    root = path.parents[len(Path(member).parts) - 1]
    if not path.resolve().is_relative_to(root.resolve()):
        return False
    info = tarfile.TarInfo(member)
    info.type = tarfile.SYMTYPE
    info.linkname = os.path.relpath(path.resolve(), path.parent.resolve())
    tar.addfile(info)
    return True


def _add_bytes(tar: tarfile.TarFile, member: str, content: bytes) -> None:
    info = tarfile.TarInfo(member)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


class _Padded(io.RawIOBase):
    """A file that always gives as much as is asked for: one that shrinks meanwhile must not break the archive."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size).ljust(size, b"\0")
