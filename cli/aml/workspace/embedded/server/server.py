"""The workspace's loopback HTTP server: a table of routes behind a token.

A thread serves each connection. Before a handler runs, the Host and Origin headers (pages in a browser must not reach
us) and the token have been checked. What a handler raises leaves as MLflow's error JSON.
"""

from __future__ import annotations

import errno
import json
import logging
import selectors
import socket
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from aml.errors import AmlError, BackendError, Conflict, NotFound
from aml.workspace.embedded.server.refusal import RequestError
from aml.workspace.embedded.server.routing import Authorize, Principal, Request, Route, Table
from aml.workspace.embedded.server.wire import Head, Response, Stream

__all__ = ["Principal", "Request", "Response", "Route", "Server"]

MAX_CONNECTIONS = 512
MAX_QUERY_FIELDS = 1000

log = logging.getLogger(__name__)


class Server:
    """Serves a bound, listening socket from background threads until `stop()`."""

    def __init__(self, sock: socket.socket, routes: Iterable[Route], authorize: Authorize) -> None:
        self.port: int = sock.getsockname()[1]
        self._socket = sock
        self._table = Table(routes)
        self._authorize = authorize
        hosts = [f"{name}:{self.port}" for name in ("127.0.0.1", "localhost", "[::1]")]
        self._hosts = frozenset(hosts)
        self._origins = frozenset(f"http://{host}" for host in hosts)
        self._lock = threading.Condition()
        self._connections: dict[socket.socket, bool] = {}  # whether a request is being answered on it
        self._last_request = time.monotonic()
        self._stopping = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._accept, name="http", daemon=True)
        self._thread.start()

    @property
    def idle_s(self) -> float:
        """How long ago the last request ended; 0 while one is being answered."""
        with self._lock:
            return 0.0 if any(self._connections.values()) else time.monotonic() - self._last_request

    def stop(self, grace_s: float = 5.0) -> None:
        """Stop listening, let requests that are being answered end within `grace_s`, cut the rest."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._wake.send(b"x")
        self._thread.join()
        self._socket.close()
        with self._lock:
            self._cut(also_busy=False)
            self._lock.wait_for(lambda: not self._connections, timeout=grace_s)
            self._cut(also_busy=True)
        self._wake.close()
        self._woken.close()

    def _cut(self, *, also_busy: bool) -> None:
        for connection, busy in self._connections.items():
            if also_busy or not busy:
                with suppress(OSError):  # the client was faster
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        self._socket.setblocking(False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._stopping.is_set():
                selector.select()
                try:
                    connection, _ = self._socket.accept()
                except BlockingIOError:
                    continue
                except OSError as error:  # out of file descriptors: those in use will be given back
                    log.warning("can't accept a connection: %s", error)
                    self._stopping.wait(0.5)
                    continue
                self._start(connection)

    def _start(self, connection: socket.socket) -> None:
        with self._lock:
            if len(self._connections) >= MAX_CONNECTIONS:
                connection.close()
                return
            self._connections[connection] = False
        try:
            threading.Thread(target=self._serve, args=(connection,), name="http-connection", daemon=True).start()
        except RuntimeError as error:  # no more threads: the next connection may have luck
            log.warning("can't serve a connection: %s", error)
            self._forget(connection)

    def _serve(self, connection: socket.socket) -> None:
        stream = Stream(connection)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while not self._stopping.is_set() and self._exchange(stream):
                self._mark(connection, busy=False)
        except OSError:
            log.debug("a client went away", exc_info=True)
        finally:
            self._forget(connection)

    def _forget(self, connection: socket.socket) -> None:
        with self._lock:
            del self._connections[connection]
            self._last_request = time.monotonic()
            self._lock.notify_all()
        connection.close()

    def _mark(self, connection: socket.socket, *, busy: bool) -> None:
        with self._lock:
            self._connections[connection] = busy
            self._last_request = time.monotonic()

    def _exchange(self, stream: Stream) -> bool:
        """One request and its response; whether the connection can carry another."""
        try:
            head = stream.head()
            if head is None:
                return False
        except RequestError as error:
            return stream.send(error_response(error), last=True)
        self._mark(stream.socket, busy=True)
        response = self._answer(head)
        stream.drain()
        return stream.send(response, last=self._stopping.is_set())

    def _answer(self, head: Head) -> Response:
        try:
            return _as_response(self._handle(head))
        except (ConnectionError, TimeoutError):
            raise
        except Exception as error:
            return error_response(_refusal(error, head))

    def _handle(self, head: Head) -> Response | Mapping[str, Any]:
        self._check_source(head)
        path, _, query = head.target.partition("?")
        found = self._table.find(head.method, path)
        principal = None
        if found is None or not found[0].public:
            principal = self._authorize(_bearer(head))
            if principal is None:
                raise RequestError(
                    "UNAUTHENTICATED",
                    "The token is missing or not valid here. Jobs get theirs in MLFLOW_TRACKING_TOKEN.",
                )
        if found is None:
            raise RequestError("ENDPOINT_NOT_FOUND", f"This workspace does not have {head.method} {path}.")
        if head.headers.get("content-encoding", "identity") != "identity":
            raise RequestError("BAD_REQUEST", "Compressed request bodies are not accepted.", status=415)
        route, variables = found
        return route.handler(Request(head.method, path, _fields(query), head.headers, head.body, principal, variables))

    def _check_source(self, head: Head) -> None:
        if head.headers.get("host", "").lower() not in self._hosts:
            raise RequestError("PERMISSION_DENIED", "The Host header is not this server's address.")
        origin = head.headers.get("origin")
        if origin is not None and origin.lower() not in self._origins:
            raise RequestError("PERMISSION_DENIED", "Requests from other origins are not accepted.")


def error_response(error: RequestError) -> Response:
    body = json.dumps({"error_code": error.code, "message": error.message}).encode()
    return Response(body, error.status, headers={"WWW-Authenticate": "Bearer"} if error.status == 401 else {})


def _refusal(error: Exception, head: Head) -> RequestError:
    """What the client is told of an exception; the log is told of those that nobody meant."""
    match error:
        case RequestError():
            return error
        case UnicodeEncodeError():  # half of a surrogate pair, which JSON can hold and no file or row can
            return RequestError("BAD_REQUEST", "The request has text that is not valid Unicode.")
        case NotFound():
            return RequestError("RESOURCE_DOES_NOT_EXIST", _sentence(error))
        case Conflict():
            return RequestError("RESOURCE_CONFLICT", _sentence(error))
        case BackendError() | OSError() if _disk_is_full(error):
            return RequestError(
                "INTERNAL_ERROR", "The disk that holds the workspace is full: free some space.", status=507
            )
        case BackendError() if "locked" in error.message:
            return RequestError("TEMPORARILY_UNAVAILABLE", _sentence(error))
        case AmlError() if not isinstance(error, BackendError):
            return RequestError("INVALID_PARAMETER_VALUE", _sentence(error))
    log.error("%s %s failed", head.method, head.target.partition("?")[0], exc_info=error)
    return RequestError("INTERNAL_ERROR", f"The workspace failed at this request ({error}); its engine's log has more.")


def _disk_is_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            return True
        error = error.__cause__
    return False


def _sentence(error: AmlError) -> str:
    return error.message if error.hint is None else f"{error.message}. {error.hint}"


def _fields(query: str) -> Mapping[str, list[str]]:
    try:
        return parse_qs(query, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        raise RequestError("BAD_REQUEST", f"The query has more than {MAX_QUERY_FIELDS} fields.") from None


def _as_response(answer: Response | Mapping[str, Any]) -> Response:
    if isinstance(answer, Response):
        return answer
    return Response(json.dumps(answer, separators=(",", ":"), allow_nan=False).encode())


def _bearer(head: Head) -> str | None:
    scheme, _, token = head.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
