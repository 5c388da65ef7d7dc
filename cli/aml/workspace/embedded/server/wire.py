"""HTTP/1.1 on one connection, read and written by h11, with a bound on every wait and every size.

A body is read by whoever handles the request, as bytes with a limit or as a stream of any length.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import BinaryIO, cast

import h11

from aml.workspace.embedded.server.refusal import RequestError

IDLE_S = 75.0  # a kept-alive connection without a request
HEAD_S = 15.0  # from a request's first byte to the end of its headers
STALL_S = 60.0  # no byte of a body or of a response goes through
DRAIN_S = 10.0  # how long a refused upload may go on, so that its client comes to read why
MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 100
PIECE_BYTES = 64 * 1024


@dataclass(frozen=True)
class Response:
    """`body` is sent whole; a file is sent from its start to its present end, and closed."""

    body: bytes | BinaryIO = b""
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Body:
    """A request's body; `100 Continue` is sent when the first piece is asked for."""

    pieces: Callable[[], Iterator[bytes]]
    length: int  # 0 if it is chunked

    def read(self, limit: int) -> bytes:
        """The whole body, refused when it is longer than `limit`."""
        whole = bytearray()
        if self.length <= limit:
            for piece in self.pieces():
                whole += piece
                if len(whole) > limit:
                    break
            else:
                return bytes(whole)
        raise RequestError("BAD_REQUEST", f"The request's body is longer than {limit} bytes.", status=413)


@dataclass(frozen=True)
class Head:
    """A request line and its headers, names in lower case, and the body that follows."""

    method: str
    target: str  # origin form, not decoded
    headers: Mapping[str, str]
    body: Body


class Stream:
    """A connected socket, and how far the exchange of messages on it is."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._bodiless = False  # nothing follows the head of an answer to HEAD

    def head(self) -> Head | None:
        """The next request's head; None if the client ends the connection."""
        if not self._http.trailing_data[0]:
            self._receive(IDLE_S)
        deadline = time.monotonic() + HEAD_S
        raw = self._http.trailing_data[0]
        while (event := self._next_event()) is h11.NEED_DATA:
            self._receive(max(deadline - time.monotonic(), 0.001))
            raw = self._http.trailing_data[0]
        if not isinstance(event, h11.Request):
            return None
        self._bodiless = event.method == b"HEAD"
        _check(event, raw[: len(raw) - len(self._http.trailing_data[0])])
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
        body = Body(self._pieces, int(headers.get("content-length", 0)))
        return Head(event.method.decode(), event.target.decode(), headers, body)

    def drain(self) -> None:
        """Throw the rest of the body away, so that the client comes to read the answer."""
        if not self._http.they_are_waiting_for_100_continue:
            deadline = time.monotonic() + DRAIN_S
            with suppress(RequestError, TimeoutError):
                all(time.monotonic() < deadline for _ in self._pieces(DRAIN_S))

    def send(self, response: Response, *, last: bool) -> bool:
        """Write `response`, within `STALL_S` for what is not a file, and for each part of one.

        Whether another request can follow: not if the rest of this one's body was not read.
        """
        self.socket.settimeout(STALL_S)
        again = self._http.their_state is h11.DONE and not last
        if isinstance(response.body, bytes):
            head = self._head_of(response, len(response.body), again=again)
            self.socket.sendall(head if self._bodiless else head + response.body)
        else:
            with response.body as file:
                size = os.fstat(file.fileno()).st_size
                self.socket.sendall(self._head_of(response, size, again=again))
                if size and not self._bodiless and self.socket.sendfile(file, 0, size) != size:
                    raise ConnectionAbortedError  # the file was cut meanwhile, so the promised length can't be kept
        if again:
            self._http.start_next_cycle()
        return again

    def _pieces(self, stall_s: float | None = None) -> Iterator[bytes]:
        if self._http.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, reason="Continue", headers=[])
            self.socket.sendall(self._http.send(go_on))
        while self._http.their_state is h11.SEND_BODY:
            event = self._next_event()
            if isinstance(event, h11.Data):
                yield event.data
            elif event is h11.NEED_DATA:
                self._receive(STALL_S if stall_s is None else stall_s)

    def _next_event(self) -> h11.Event | type[h11.NEED_DATA | h11.PAUSED]:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            status = 431 if error.error_status_hint == 431 else 400
            what = str(error).partition(":")[0]  # the line itself, which may hold the token, is not repeated
            raise RequestError("BAD_REQUEST", f"The request is not HTTP/1.1: {what}.", status=status) from error

    def _receive(self, timeout_s: float) -> None:
        self.socket.settimeout(timeout_s)
        self._http.receive_data(self.socket.recv(PIECE_BYTES))

    def _head_of(self, response: Response, length: int, *, again: bool) -> bytes:
        """The head of `response` as bytes; h11 takes the body, which the caller sends, for sent."""
        headers = {
            "Content-Type": response.content_type,
            "Content-Length": str(length),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Connection": "keep-alive" if again else "close",
            **response.headers,
        }
        status = HTTPStatus(response.status)
        head = self._http.send(h11.Response(status_code=status, reason=status.phrase, headers=list(headers.items())))
        placeholder = cast("bytes", range(0 if self._bodiless else length))  # h11 asks for its length alone
        self._http.send_with_data_passthrough(h11.Data(data=placeholder))
        self._http.send(h11.EndOfMessage())
        return head


def _check(request: h11.Request, raw: bytes) -> None:
    """Refuse what h11 lets pass although it can be read in two ways; `raw` is the head as it came."""
    names = [name for name, _ in request.headers]
    if len(raw) > MAX_HEAD_BYTES or len(names) > MAX_HEADERS:
        raise RequestError("BAD_REQUEST", "The request's headers are too long or too many.", status=431)
    if not request.target.startswith(b"/"):
        raise RequestError("BAD_REQUEST", "The request line does not have a path.")
    if raw.count(b"\n") != len(names) + 2 or names.count(b"authorization") > 1:
        raise RequestError("BAD_REQUEST", "A header of the request is folded or stands twice.")
    if {b"content-length", b"transfer-encoding"} <= {*names} or re.search(rb"(?i)\ncontent-length:.*,", raw):
        raise RequestError("BAD_REQUEST", "The request's body has no clear length.")
