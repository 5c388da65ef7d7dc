"""Archives that others have made: what is in them stays in its folder, and is not more than it may be."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from aml.errors import BackendError
from aml.workspace.embedded.files.blobs import explained

MAX_MEMBERS = 5_000_000
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Member:
    """One entry of an archive."""

    name: str
    kind: Literal["file", "folder", "symlink", "hardlink", "other"]
    size_bytes: int = 0
    mode: int = 0o644
    link: str = ""
    content: IO[bytes] | None = None


def extract(archive: Path, folder: Path, *, limit_bytes: int) -> None:
    """Lay a tar or zip archive out below `folder`. Raises `BackendError` for one that can't be trusted or read.

    Refused: names and links that lead out of the folder, devices, and more than `limit_bytes` or `MAX_MEMBERS`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = folder.resolve()
    room, count = limit_bytes, 0
    with explained(folder), _translated(archive):
        for member in _members(archive):
            room, count = room - member.size_bytes, count + 1
            if room < 0 or count > MAX_MEMBERS:
                raise BackendError(
                    f"{archive.name} unpacks to more than {limit_bytes} bytes or {MAX_MEMBERS} files",
                    "It may be a bomb; unpack it yourself if it is not, and give the folder.",
                )
            _lay_out(member, root, archive.name)


def _members(archive: Path) -> Iterator[Member]:
    if zipfile.is_zipfile(archive):
        return _zip_members(archive)
    return _tar_members(archive)


def _tar_members(archive: Path) -> Iterator[Member]:
    with tarfile.open(archive) as tar:
        for info in tar:
            if info.isreg():
                yield Member(info.name, "file", info.size, info.mode, content=tar.extractfile(info))
            elif info.isdir():
                yield Member(info.name, "folder")
            elif info.issym() or info.islnk():
                yield Member(info.name, "symlink" if info.issym() else "hardlink", link=info.linkname)
            else:
                yield Member(info.name, "other")


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            mode = info.external_attr >> 16
            if info.is_dir():
                yield Member(info.filename, "folder")
                continue
            with packed.open(info) as content:
                if stat.S_ISLNK(mode):
                    yield Member(info.filename, "symlink", link=content.read(_CHUNK_BYTES).decode())
                else:
                    yield Member(info.filename, "file", info.file_size, mode or 0o644, content=content)


def _lay_out(member: Member, root: Path, archive: str) -> None:
    target = root / member.name
    if not _is_inside(target, root) or not target.parent.resolve().is_relative_to(root):
        raise BackendError(f"{archive}: {member.name} leads out of the folder", "The archive can't be trusted.")
    if target == root:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():
        target.unlink()
    match member.kind:
        case "folder":
            target.mkdir(exist_ok=True)
        case "file":
            _write(member, target, archive)
        case "symlink":
            linked = target.parent / member.link
            if member.link.startswith("/") or not linked.resolve().is_relative_to(root):
                raise BackendError(f"{archive}: the link {member.name} leads out of the folder")
            target.symlink_to(member.link)
        case "hardlink":
            source = root / member.link
            if not _is_inside(source, root) or not source.resolve().is_relative_to(root) or source.is_symlink():
                raise BackendError(f"{archive}: the link {member.name} leads out of the folder")
            target.unlink(missing_ok=True)
            os.link(source, target)
        case "other":
            raise BackendError(f"{archive}: {member.name} is neither a file nor a folder nor a link")


def _write(member: Member, target: Path, archive: str) -> None:
    """The content, cut at the size that the archive tells: more would not have been counted."""
    assert member.content is not None
    target.unlink(missing_ok=True)
    left = member.size_bytes
    with target.open("xb") as file:
        while chunk := member.content.read(min(_CHUNK_BYTES, left)) if left else b"":
            file.write(chunk)
            left -= len(chunk)
        if left or member.content.read(1):
            raise BackendError(f"{archive}: {member.name} is not as long as the archive says", "Fetch it again.")
        os.fchmod(file.fileno(), (member.mode & 0o755) | stat.S_IRUSR)


def _is_inside(path: Path, root: Path) -> bool:
    return Path(os.path.normpath(path)).is_relative_to(root)


@contextmanager
def _translated(archive: Path) -> Iterator[None]:
    broken = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError, shutil.ReadError)
    try:
        yield
    except broken as error:
        raise BackendError(f"{archive.name} is no whole tar or zip archive: {error}", "Is it all there?") from error
    except RuntimeError as error:  # zipfile's word for an encrypted member
        raise BackendError(f"{archive.name}: {error}", "Unpack it yourself, and give the folder.") from error
