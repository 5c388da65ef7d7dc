"""Where the images come from: a folder as it is, an archive or its https address unpacked beside the cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import urlsplit
from urllib.request import urlopen

from aml_trainer import files
from aml_trainer.errors import ConfigError, TrainerError

TIMEOUT_S = 60  # of one read; a download may take as long as it moves
CHUNK_BYTES = 1 << 20


def fetch(data: str, cache_dir: Path) -> Path:
    """The folder of `data`. Archives are unpacked once, below `cache_dir`, under the digest of their bytes."""
    scheme = urlsplit(data).scheme
    if scheme == "https":
        return _fetch_address(data, cache_dir)
    if scheme and "://" in data:
        raise ConfigError(f"--data: {data}: only https addresses are read, not {scheme}; download it and give the file")
    path = Path(data)
    if path.is_dir():
        return path
    if not path.exists():
        raise ConfigError(f"--data: there is no folder {path}")
    return unpack(path, cache_dir)


def unpack(archive: Path, cache_dir: Path, name: str = "") -> Path:
    """The folder that holds what `archive` (zip, or tar with any compression) holds, whole; messages call it `name`."""
    name = name or str(archive)
    if zipfile.is_zipfile(archive):
        extract: Callable[[Path, Path], None] = _extract_zip
    elif tarfile.is_tarfile(archive):
        extract = _extract_tar
    else:
        raise ConfigError(f"--data: {name} is no folder, zip or tar")
    folder = cache_dir / "unpacked" / _digest(archive)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".unpack-", dir=folder.parent))
        try:
            extract(archive, temporary)
            if not folder.is_dir():
                _rename(temporary, folder)
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError) as error:
            raise TrainerError(f"{name} can't be unpacked: {error}") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return _without_wrapper(folder)


def _rename(temporary: Path, folder: Path) -> None:
    try:
        temporary.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was faster
            raise


def _fetch_address(address: str, cache_dir: Path) -> Path:
    """What was downloaded once is not again; a file under the address's digest says where it was unpacked."""
    known = cache_dir / "downloads" / hashlib.sha256(address.encode()).hexdigest()[:32]
    if known.is_file() and (folder := cache_dir / known.read_text()).is_dir():
        return folder
    known.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".download-", dir=known.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            _download(address, file)
        folder = unpack(temporary, cache_dir, address)
        files.write(known, str(folder.relative_to(cache_dir)))
    except OSError as error:  # URLError is one
        reason = getattr(error, "reason", error)
        raise TrainerError(
            f"{address} can't be downloaded: {reason}; download it elsewhere and give --data the file"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return folder


def _download(address: str, file: BinaryIO) -> None:
    with urlopen(address, timeout=TIMEOUT_S) as answer:  # noqa: S310 - https only
        if urlsplit(answer.url).scheme != "https":
            raise TrainerError(f"{address} leads to {answer.url}, which is not https")
        expected = answer.headers.get("Content-Length")
        shutil.copyfileobj(answer, file, CHUNK_BYTES)
        if expected is not None and file.tell() != int(expected):
            raise TrainerError(f"{address} broke off after {file.tell()} of {expected} bytes; start again")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def _extract_tar(archive: Path, folder: Path) -> None:
    # The data filter refuses absolute names, names and links that lead out, and devices.
    with tarfile.open(archive) as tar:
        _check_room(sum(member.size for member in tar), folder)
        tar.extractall(folder, filter="data")


def _extract_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        members = file.infolist()
        for member in members:
            name = PurePosixPath(member.filename.replace("\\", "/"))
            # zipfile would quietly put such a name elsewhere; a labelled folder that needs it is not one
            if name.is_absolute() or ".." in name.parts or (name.parts[:1] and ":" in name.parts[0]):
                raise zipfile.BadZipFile(f"the name {member.filename!r} leads out of the folder")
            if stat.S_ISLNK(member.external_attr >> 16):
                raise zipfile.BadZipFile(f"{member.filename!r} is a link")
        # zipfile reads no more of a member than the size that is counted here
        _check_room(sum(member.file_size for member in members), folder)
        file.extractall(folder)  # noqa: S202 - the names were checked


def _check_room(size_bytes: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if size_bytes > free:
        raise OSError(f"it holds {size_bytes:,} bytes, and {folder} has room for {free:,}")


def _without_wrapper(folder: Path) -> Path:
    """Archives often hold one folder that holds all the rest, and macOS adds a __MACOSX of its own."""
    entries = [entry for entry in folder.iterdir() if entry.name != "__MACOSX" and not entry.name.startswith(".")]
    if len(entries) == 1 and entries[0].is_dir() and entries[0].name not in {"train", "val"}:
        return _without_wrapper(entries[0])
    return folder
