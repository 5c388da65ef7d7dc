"""HTTP/1.1 on one connection: a request's head and body in, a response out, every wait and every size bounded.

A body is read by whoever handles the request, as bytes with a limit or as a stream of any length.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import BinaryIO

from aml.workspace.embedded.engine.refusal import RequestError

IDLE_S = 75.0  # a kept-alive connection without a request
HEAD_S = 15.0  # from a request's first byte to the end of its headers
STALL_S = 60.0  # no byte of a body or of a response goes through
MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 100
PIECE_BYTES = 1024 * 1024


class Disconnected(Exception):
    """The client went away in the middle of a message."""


@dataclass(frozen=True)
class Head:
    """A request line and its headers, names in lower case."""

    method: str
    target: str  # origin form, not decoded
    headers: Mapping[str, str]
    keep_alive: bool


@dataclass(frozen=True)
class Response:
    """`body` is sent whole; a file is sent from its start to its present end, and closed."""

    body: bytes | BinaryIO = b""
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Stream:
    """Buffered reads from a connected socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._buffer = bytearray()

    def head(self) -> Head | None:
        """The next request's head; None if the client ends the connection or stays idle."""
        deadline = time.monotonic() + (HEAD_S if self._buffer else IDLE_S)
        waiting = not self._buffer
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise RequestError("BAD_REQUEST", "The request's headers are too long.", status=431)
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            received = self.socket.recv(65536)
            if not received:
                return None
            self._buffer += received
            if waiting:
                waiting, deadline = False, time.monotonic() + HEAD_S
        if end > MAX_HEAD_BYTES:
            raise RequestError("BAD_REQUEST", "The request's headers are too long.", status=431)
        text = self._buffer[:end].decode("latin-1")
        del self._buffer[: end + 4]
        self.socket.settimeout(STALL_S)
        return _parse_head(text)

    def line(self, limit: int = 256) -> bytes:
        """The next line without its end, of a chunked body."""
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > limit:
                raise RequestError("BAD_REQUEST", "The request's body is not chunked as it says.")
            received = self.socket.recv(65536)
            if not received:
                raise Disconnected
            self._buffer += received
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def read_into(self, view: memoryview) -> int:
        """At least one byte into `view`; how many it were."""
        if self._buffer:
            count = min(len(view), len(self._buffer))
            view[:count] = self._buffer[:count]
            del self._buffer[:count]
            return count
        count = self.socket.recv_into(view)
        if count == 0:
            raise Disconnected
        return count

    def send(self, response: Response, *, keep_alive: bool) -> None:
        """Write `response`, within `STALL_S` for what is not a file, and for each part of one."""
        self.socket.settimeout(STALL_S)
        if isinstance(response.body, bytes):
            self.socket.sendall(_response_head(response, len(response.body), keep_alive) + response.body)
            return
        with response.body as file:
            size = os.fstat(file.fileno()).st_size
            self.socket.sendall(_response_head(response, size, keep_alive))
            if size and self.socket.sendfile(file, 0, size) != size:
                raise Disconnected  # the file was cut meanwhile, so the promised length can't be kept


class Body:
    """A request's body, by Content-Length or chunked; `100 Continue` is sent when the first byte is asked for."""

    def __init__(self, stream: Stream, headers: Mapping[str, str]) -> None:
        self._stream = stream
        self._chunked = "transfer-encoding" in headers
        self._left = _content_length(headers)
        self._awaited = headers.get("expect", "").lower() == "100-continue"
        self._ended = not self._chunked and self._left == 0
        self._in_chunk = False
        self._garbled = False

    def pieces(self) -> Iterator[memoryview]:
        """The body bit by bit; each piece is valid until the next one is asked for."""
        if self._ended:
            return
        if self._awaited:
            self._stream.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._awaited = False
        buffer = memoryview(bytearray(PIECE_BYTES if self._chunked else min(PIECE_BYTES, self._left)))
        while self._next_part():
            count = self._stream.read_into(buffer[: self._left])
            self._left -= count
            yield buffer[:count]

    def read(self, limit: int) -> bytes:
        """The whole body, refused when it is longer than `limit`."""
        if self._left > limit and not self._chunked:
            raise _too_long(limit)
        whole = bytearray()
        for piece in self.pieces():
            whole += piece
            if len(whole) > limit:
                raise _too_long(limit)
        return bytes(whole)

    def finish(self, seconds: float) -> bool:
        """Throw the rest away, so that the client comes to read the answer.

        False if no other request can follow: the rest is too long, unreadable, or was never asked for.
        """
        if self._ended or self._awaited or self._garbled:
            return self._ended
        deadline = time.monotonic() + seconds
        self._stream.socket.settimeout(seconds)
        try:
            return all(time.monotonic() < deadline for _ in self.pieces())
        except (RequestError, TimeoutError):
            return False

    def _next_part(self) -> bool:
        if self._left > 0:
            return True
        if self._chunked:
            self._garbled = True
            self._left = self._next_chunk()
            self._garbled = False
        self._ended = self._left == 0
        return not self._ended

    def _next_chunk(self) -> int:
        if self._in_chunk and self._stream.line() != b"":
            raise RequestError("BAD_REQUEST", "The request's body is not chunked as it says.")
        self._in_chunk = True
        size = self._stream.line().partition(b";")[0].strip()
        if not size or len(size) > 15 or not all(byte in b"0123456789abcdefABCDEF" for byte in size):
            raise RequestError("BAD_REQUEST", "The request's body is not chunked as it says.")
        length = int(size, 16)
        if length == 0:
            for _ in range(MAX_HEADERS):
                if not self._stream.line(MAX_HEAD_BYTES):  # trailers end at an empty line
                    return 0
            raise RequestError("BAD_REQUEST", "The request has too many trailers.", status=431)
        return length


def _parse_head(text: str) -> Head:
    first, *lines = text.lstrip("\r\n").split("\r\n")
    method, _, rest = first.partition(" ")
    target, _, version = rest.partition(" ")
    if version not in ("HTTP/1.1", "HTTP/1.0") or not method.isalpha() or not target.startswith("/"):
        raise RequestError("BAD_REQUEST", "The request line is not HTTP/1.1.")
    if len(lines) > MAX_HEADERS:
        raise RequestError("BAD_REQUEST", "The request has too many headers.", status=431)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        # A folded line, a space before the colon or two lengths are how one request is smuggled behind another.
        if not colon or not name or name != name.strip() or "\n" in line or "\r" in line or "\0" in line:
            raise RequestError("BAD_REQUEST", "A header of the request is not well-formed.")
        key = name.lower()
        if key in headers and key in ("host", "content-length", "transfer-encoding", "authorization"):
            raise RequestError("BAD_REQUEST", f"The header {name} stands twice.")
        headers[key] = value.strip()
    wishes = {wish.strip() for wish in headers.get("connection", "").lower().split(",")}
    keep_alive = "close" not in wishes if version == "HTTP/1.1" else "keep-alive" in wishes
    return Head(method.upper(), target, headers, keep_alive)


def _content_length(headers: Mapping[str, str]) -> int:
    encoding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if encoding is not None:
        if encoding.lower() != "chunked" or length is not None:
            raise RequestError("BAD_REQUEST", "The request's body has no clear length.")
        return 0
    if length is None:
        return 0
    if not (length.isascii() and length.isdigit() and len(length) <= 18):
        raise RequestError("BAD_REQUEST", "The header Content-Length is not a number.")
    return int(length)


def _too_long(limit: int) -> RequestError:
    return RequestError("BAD_REQUEST", f"The request's body is longer than {limit} bytes.", status=413)


def _response_head(response: Response, length: int, keep_alive: bool) -> bytes:
    status = HTTPStatus(response.status)
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {length}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
        *(f"{name}: {value}" for name, value in response.headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
