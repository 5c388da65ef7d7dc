"""Files from http and https addresses, fetched once for all jobs of a workspace.

A file is kept with the ETag that it came with: asking again costs one conditional request, and offline what is there is
good enough. A transfer that breaks off goes on where it ended, also in another process.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import math
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urlsplit

from aml.errors import BackendError
from aml.workspace.embedded.files.blobs import explained

if TYPE_CHECKING:
    from http.client import HTTPResponse

TIMEOUT_S = 30.0  # without a byte
ATTEMPTS = 4
TELL_S = 1.0
_CHUNK_BYTES = 1 << 20
_ARCHIVE_SUFFIX = r"\.(zip|tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz))$"
# Texts and tables get 10 to 50 times smaller, zeros 1,000 times.
_MOST_TIMES = 200
_LEAST_LIMIT_BYTES = 1 << 30

Tell = Callable[[str], None]
"""Hears a sentence about what is going on."""


def _tell_nobody(_: str) -> None: ...


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Place:
    """The files of one address."""

    folder: Path
    name: str

    @property
    def whole(self) -> Path:
        return self.folder / "content" / self.name

    @property
    def part(self) -> Path:
        return self.folder / ".part"

    @property
    def etag(self) -> Path:
        """Of `whole`, or of `part` while that is there."""
        return self.folder / ".etag"


def is_address(reference: str) -> bool:
    return reference.lower().startswith(("http://", "https://"))


def target(url: str, cache: Path) -> Path:
    """Where `fetch` puts the content of `url`: alone in its folder, named as the address ends."""
    return _place(url, cache).whole


def unpacked(url: str, cache: Path) -> Path:
    """Where `fetch` lays out what is in the archive at `url`, if it is to: a folder named as the archive."""
    place = _place(url, cache)
    return place.folder / "unpacked" / re.sub(_ARCHIVE_SUFFIX, "", place.name, flags=re.IGNORECASE)


def fetch(url: str, cache: Path, *, unpack: bool = False, tell: Tell = _tell_nobody) -> Path:
    """The content of `url` as a file, named as the address ends; with `unpack` also laid out at `unpacked`.

    A fragment `#sha256=HEX` is not sent, but held against the content. `tell` hears how far it is, about once a
    second; what it raises ends the transfer, which the next one goes on with. Raises `BackendError`.
    """
    address, fragment = urldefrag(url)
    place = _place(url, cache)
    with explained(place.folder):
        place.whole.parent.mkdir(parents=True, exist_ok=True)
        with _locked(place.folder):
            _fetch(address, place, _Progress(place.name, tell))
            _verify(url, fragment, place)
            if unpack:
                tell(f"unpacking {place.name}")
                _unpack(place, unpacked(url, cache))
    return place.whole


class _Progress:
    """Tells how much of a file is here, about once a second."""

    def __init__(self, name: str, tell: Tell) -> None:
        self._name = name
        self._tell = tell
        self._told_at = -math.inf

    def report(self, have_bytes: int, all_bytes: int | None) -> None:
        if time.monotonic() - self._told_at < TELL_S:
            return
        self._told_at = time.monotonic()
        share = f" of {all_bytes / 1e6:.1f} MB ({have_bytes / all_bytes:.0%})" if all_bytes else " MB"
        self._tell(f"fetching {self._name}: {have_bytes / 1e6:.1f}{share}")


def _unpack(place: _Place, folder: Path) -> None:
    """Lay an archive out, once as long as it stays the same. The one before is kept: a job may still read it."""
    from aml.workspace.embedded.files.archives import extract

    details, mark = place.whole.stat(), place.folder / ".unpacked"
    content = f"{details.st_mtime_ns} {details.st_size}"
    if folder.exists() and mark.exists() and mark.read_text() == content:
        return
    new, old = place.folder / ".new", place.folder / ".old"
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    free = shutil.disk_usage(place.folder).free
    try:
        extract(place.whole, new, limit_bytes=min(free, max(_LEAST_LIMIT_BYTES, details.st_size * _MOST_TIMES)))
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    folder.parent.mkdir(exist_ok=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    mark.write_text(content)


def _place(url: str, cache: Path) -> _Place:
    address = urldefrag(url)[0]
    return _Place(cache / hashlib.sha256(address.encode()).hexdigest()[:32], _file_name(address))


def _fetch(address: str, place: _Place, progress: _Progress) -> None:
    import urllib.error  # with urllib.request it costs 10 ms, and every command imports this module
    from http.client import HTTPException

    for attempt in range(1, ATTEMPTS + 1):
        try:
            _transfer(address, place, progress)
        except urllib.error.HTTPError as error:
            error.close()
            raise BackendError(f"{address}: {error.code} {error.reason}", _hint(error.code)) from error
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
            if place.whole.exists():
                log.warning("%s can't be reached (%s); the copy that is here is used", address, error)
                return
            if attempt == ATTEMPTS:
                reason = getattr(error, "reason", None) or error
                raise BackendError(f"{address} can't be fetched: {reason}", "Is this machine online?") from error
            log.info("%s: attempt %d ended with %s", address, attempt, error)
        else:
            return


def _transfer(address: str, place: _Place, progress: _Progress) -> None:
    """One request: nothing new, the rest of a part, or all of it. What arrives before a break is kept."""
    import urllib.error
    import urllib.request

    request = urllib.request.Request(address)  # noqa: S310, only http and https addresses come here
    etag = place.etag.read_text() if place.etag.exists() else None
    have = place.part.stat().st_size if place.part.exists() else 0
    if have and etag:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", etag)
    elif place.whole.exists() and etag:
        request.add_header("If-None-Match", etag)
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code == 304:  # not modified
            error.close()
            return
        raise
    with response:
        _store(response, place, progress, resumed=response.status == 206)
    place.part.replace(place.whole)


def _store(response: HTTPResponse, place: _Place, progress: _Progress, *, resumed: bool) -> None:
    etag = response.headers.get("ETag", "")
    if not resumed:
        place.part.unlink(missing_ok=True)
    if etag.startswith('"'):  # a weak one does not promise the same bytes
        place.etag.write_text(etag)
    else:
        place.etag.unlink(missing_ok=True)
    expected = response.headers.get("Content-Length")
    received = 0
    with place.part.open("ab") as part:
        before = part.tell()
        while chunk := response.read1(_CHUNK_BYTES):
            part.write(chunk)
            received += len(chunk)
            progress.report(before + received, None if expected is None else before + int(expected))
    if expected is not None and received < int(expected):
        raise ConnectionError(f"it broke off after {received} of {expected} bytes")


def _verify(url: str, fragment: str, place: _Place) -> None:
    kind, _, wanted = fragment.partition("=")
    if kind != "sha256":
        return
    with place.whole.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wanted.lower():
        place.whole.unlink()
        place.etag.unlink(missing_ok=True)
        raise BackendError(f"{url}: its SHA-256 is {found}", "It is not the file that was meant; it was not kept.")


def _file_name(address: str) -> str:
    """The last part of the path, without what could lead elsewhere."""
    name = unquote(urlsplit(address).path).rstrip("/").rpartition("/")[2]
    return "".join(char if char.isalnum() or char in "._- " else "_" for char in name).lstrip(".") or "content"


def _hint(code: int) -> str | None:
    return {401: "It asks for a login.", 403: "It is not public.", 404: "Check the address."}.get(code)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
