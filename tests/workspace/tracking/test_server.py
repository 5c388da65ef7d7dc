"""The loopback server as raw HTTP meets it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aml.errors import Conflict, NotFound, UsageError
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.server import wire
from aml.workspace.embedded.server.server import Principal, Request, Response, Route, Server
from conftest import wait_for

TOKEN = "right"


class Handlers:
    """What the routes of this file do."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "store.db"
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def echo(self, request: Request) -> dict[str, object]:
        return {"arguments": request.arguments(), "variables": dict(request.variables)}

    def count(self, request: Request) -> dict[str, int]:
        return {"bytes": sum(len(piece) for piece in request.body.pieces())}

    def fail(self, request: Request) -> Response:
        errors = {
            "bug": ZeroDivisionError("a bug"),
            "missing": NotFound("there is no such thing"),
            "conflict": Conflict("it is over"),
            "usage": UsageError("it is wrong", "Do it right."),
        }
        raise errors[request.variables["how"]]

    def fill_disk(self, request: Request) -> Response:
        with Path("/dev/full").open("wb") as file:
            file.writelines(request.body.pieces())
        return Response()

    def fill_store(self, request: Request) -> Response:
        database = Database(self.database)
        with closing(database), database.transaction() as write:
            (pages,) = write.execute("PRAGMA page_count").fetchone()
            write.execute(f"PRAGMA max_page_count = {pages}")
            write.execute("INSERT INTO experiment_tag VALUES (0, 'k', ?)", ("x" * 10_000_000,))
        return Response()

    def wait(self, request: Request) -> dict[str, str]:
        self.entered.set()
        assert self.go_on.wait(20)
        return {"answered": "yes"}


@pytest.fixture
def handlers(tmp_path: Path) -> Handlers:
    return Handlers(tmp_path)


@pytest.fixture
def server(handlers: Handlers) -> Iterator[Server]:
    routes = [
        Route("GET", "/public", lambda _: Response(b"hello", content_type="text/plain"), public=True),
        Route("GET", "/echo", handlers.echo),
        Route("POST", "/echo", handlers.echo),
        Route("GET", "/items/{name}/parts/{rest...}", handlers.echo),
        Route("PUT", "/count", handlers.count),
        Route("POST", "/fail/{how}", handlers.fail),
        Route("PUT", "/full/disk", handlers.fill_disk),
        Route("PUT", "/full/store", handlers.fill_store),
        Route("POST", "/wait", handlers.wait),
    ]
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(listener, routes, lambda token: Principal("ada") if token == TOKEN else None)
    yield server
    handlers.go_on.set()
    server.stop()


def talk(server: Server, *parts: bytes) -> bytes:
    """Everything that the server says to these bytes until it closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
        received = b""
        while more := connection.recv(65536):
            received += more
    return received


def head(server: Server, line: str, *headers: str, token: str = TOKEN) -> bytes:
    lines = [f"{line} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", f"Authorization: Bearer {token}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def ask(
    server: Server, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, dict[str, object], http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, content, {"Authorization": f"Bearer {TOKEN}", **headers})
    response = connection.getresponse()
    document = json.loads(response.read() or b"{}")
    connection.close()
    return response.status, document, response


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Basic cmlnaHQ6", "right", ""])
def test_a_request_without_the_token_is_refused(server: Server, header: str) -> None:
    status, document, response = ask(server, "GET", "/echo", Authorization=header)
    assert (status, document["error_code"]) == (401, "UNAUTHENTICATED")
    assert response.getheader("WWW-Authenticate") == "Bearer"


def test_a_public_route_needs_no_token(server: Server) -> None:
    assert b"\r\n\r\nhello" in talk(server, head(server, "GET /public", "Connection: close", token="wrong"))


def test_what_does_not_exist_is_told_only_with_the_token(server: Server) -> None:
    status, document, _ = ask(server, "GET", "/nothing")
    assert (status, document["error_code"]) == (404, "ENDPOINT_NOT_FOUND")
    assert ask(server, "GET", "/nothing", Authorization="Bearer wrong")[0] == 401
    assert ask(server, "DELETE", "/echo")[0] == 404


def test_an_answer_to_head_has_no_body(server: Server) -> None:
    received = talk(server, head(server, "HEAD /echo"), head(server, "GET /public", "Connection: close"))
    first, second, body = received.split(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 404")
    assert second.startswith(b"HTTP/1.1 200")
    assert body == b"hello"


def test_a_query_and_the_variables_of_a_path_are_decoded(server: Server) -> None:
    _, document, _ = ask(server, "GET", "/items/a%20b%2Fc/parts/d/e%25.txt?one=1&many=2&many=%C3%A4&empty=")
    assert document["arguments"] == {"one": "1", "many": ["2", "ä"], "empty": ""}
    assert document["variables"] == {"name": "a b/c", "rest": "d/e%.txt"}


def test_strange_targets_are_answered(server: Server) -> None:
    assert ask(server, "GET", "/echo?" + "&".join("a=1" for _ in range(1001)))[0] == 400
    assert ask(server, "GET", "//[/echo")[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", ""])
def test_another_host_is_refused(server: Server, host: str) -> None:
    assert ask(server, "GET", "/echo", Host=host.format(port=server.port))[0] == 403


@pytest.mark.parametrize("host", ["localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"])
def test_every_name_of_this_machine_is_accepted(server: Server, host: str) -> None:
    assert ask(server, "GET", "/echo", Host=host.format(port=server.port))[0] == 200


def test_a_page_of_another_origin_is_refused(server: Server) -> None:
    assert ask(server, "GET", "/echo", Origin="https://evil.example")[0] == 403
    assert ask(server, "GET", "/echo", Origin="null")[0] == 403
    assert ask(server, "GET", "/echo", Origin=f"http://127.0.0.1:{server.port}")[0] == 200


def test_a_connection_carries_many_requests(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.connect()
    first = connection.sock
    for number in range(5):
        connection.request("POST", "/echo", json.dumps({"n": number}), {"Authorization": f"Bearer {TOKEN}"})
        assert json.loads(connection.getresponse().read())["arguments"] == {"n": number}
    assert connection.sock is first
    connection.close()


def test_requests_sent_at_once_are_answered_in_order(server: Server) -> None:
    one = head(server, "POST /echo", "Content-Length: 7") + b'{"n":1}'
    two = head(server, "POST /echo", "Content-Length: 7", "Connection: close") + b'{"n":2}'
    received = talk(server, one + two)
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert received.index(b'{"n":1}') < received.index(b'{"n":2}')


def test_a_chunked_body_is_read(server: Server) -> None:
    start = head(server, "PUT /count", "Transfer-Encoding: chunked", "Connection: close")
    chunks = b"5\r\nhello\r\n", b"3;name=value\r\n", b"abc\r\n", b"0\r\nTrailer: x\r\n\r\n"
    assert talk(server, start, *chunks).endswith(b'{"bytes":8}')


@pytest.mark.parametrize("chunk", [b"-5\r\nhello\r\n", b"zz\r\n", b"\r\n", b"5\r\nhelloXX3\r\n", b"0" * 300 + b"\r\n"])
def test_a_chunk_that_is_none_is_refused(server: Server, chunk: bytes) -> None:
    received = talk(server, head(server, "PUT /count", "Transfer-Encoding: chunked"), chunk)
    assert received.startswith(b"HTTP/1.1 400")


def test_a_body_is_asked_for_only_when_it_is_wanted(server: Server) -> None:
    waiting = "Expect: 100-continue", "Content-Length: 5", "Connection: close"
    received = talk(server, head(server, "PUT /count", *waiting), b"hello")
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    refused = talk(server, head(server, "PUT /count", *waiting, token="wrong"))
    assert refused.startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5", "content-length: 5"),
        ("Content-Length: +5",),
        ("Content-Length: 5, 5",),
        ("Transfer-Encoding: gzip, chunked",),
        ("Host: evil.example",),
        ("authorization: Bearer wrong",),
        ("Name : value",),
        (" folded",),
        ("no colon",),
    ],
)
def test_a_message_that_can_be_read_in_two_ways_is_refused(server: Server, headers: tuple[str, ...]) -> None:
    received = talk(server, head(server, "PUT /count", *headers))
    assert received.startswith(b"HTTP/1.1 400")
    assert b"Connection: close" in received


@pytest.mark.parametrize("line", ["GET http://evil.example/", "GET", "get\t/echo", "GET /echo HTTP/1.1 "])
def test_a_request_line_that_is_none_is_refused(server: Server, line: str) -> None:
    assert talk(server, head(server, line)).startswith(b"HTTP/1.1 400")


def test_headers_have_a_limit(server: Server) -> None:
    assert talk(server, head(server, "GET /echo", "X: " + "x" * 70_000)).startswith(b"HTTP/1.1 431")
    assert talk(server, head(server, "GET /echo", *["X: x"] * 200)).startswith(b"HTTP/1.1 431")
    chunked = head(server, "PUT /count", "Transfer-Encoding: chunked")
    assert talk(server, chunked, b"0\r\nTrailer: " + b"x" * 70_000).startswith(b"HTTP/1.1 431")


def test_a_json_body_has_a_limit(server: Server) -> None:
    size = 64 * 1024 * 1024 + 1
    claimed = head(server, "POST /echo", f"Content-Length: {size}", "Expect: 100-continue")
    assert talk(server, claimed).startswith(b"HTTP/1.1 413")
    chunked = head(server, "POST /echo", "Transfer-Encoding: chunked", "Connection: close")
    assert talk(server, chunked, b"%x\r\n" % size, b" " * size, b"\r\n0\r\n\r\n").startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(server: Server, body: bytes) -> None:
    status, document, _ = ask(server, "POST", "/echo", body)
    assert (status, document["error_code"]) == (400, "BAD_REQUEST")


def test_a_compressed_body_is_refused(server: Server) -> None:
    assert ask(server, "POST", "/echo", b"\x1f\x8b", **{"Content-Encoding": "gzip"})[0] == 415


def test_the_client_of_a_refused_upload_reads_why(server: Server) -> None:
    body = b"x" * (32 * 1024 * 1024)
    assert ask(server, "PUT", "/count", body, Authorization="Bearer wrong")[0] == 401


def test_a_bug_is_told_in_short_and_logged_in_full(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    status, document, _ = ask(server, "POST", "/fail/bug?secret=1", {})
    assert (status, document["error_code"]) == (500, "INTERNAL_ERROR")
    assert "POST /fail/bug failed" in caplog.text
    assert "ZeroDivisionError: a bug" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("how", "status", "code", "message"),
    [
        ("missing", 404, "RESOURCE_DOES_NOT_EXIST", "there is no such thing"),
        ("conflict", 409, "RESOURCE_CONFLICT", "it is over"),
        ("usage", 400, "INVALID_PARAMETER_VALUE", "it is wrong. Do it right."),
    ],
)
def test_our_own_errors_have_mlflows_codes(server: Server, how: str, status: int, code: str, message: str) -> None:
    assert ask(server, "POST", f"/fail/{how}")[:2] == (status, {"error_code": code, "message": message})


@pytest.mark.parametrize("what", ["disk", "store"])
def test_a_full_disk_is_told_as_such(server: Server, what: str) -> None:
    status, document, _ = ask(server, "PUT", f"/full/{what}", b"x" * 5_000_000)
    assert status == 507
    assert "full" in str(document["message"])
    assert ask(server, "GET", "/echo")[0] == 200


def test_a_client_that_dawdles_is_cut_off(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.2)
    monkeypatch.setattr(wire, "STALL_S", 0.2)
    assert talk(server, b"GET /echo HT") == b""
    assert talk(server, head(server, "PUT /count", "Content-Length: 9"), b"half") == b""


def test_a_stop_lets_a_request_end(server: Server, handlers: Handlers) -> None:
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ask(server, "POST", "/wait", {})))
    asking.start()
    assert handlers.entered.wait(20)
    assert server.idle_s == 0
    idle = socket.create_connection(("127.0.0.1", server.port))
    wait_for(lambda: len(server._connections) == 2)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    assert idle.recv(1) == b""  # nothing was asked on it, so it ends at once
    handlers.go_on.set()
    for thread in (asking, stopping):
        thread.join(20)
    assert answers[0][1] == {"answered": "yes"}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))


def test_the_server_knows_how_long_nobody_asked(server: Server) -> None:
    ask(server, "GET", "/echo")
    wait_for(lambda: server.idle_s > 0.05)
    began = time.monotonic()
    ask(server, "GET", "/echo")
    wait_for(lambda: 0 < server.idle_s <= time.monotonic() - began)


def test_many_clients_are_answered_at_once(server: Server, handlers: Handlers) -> None:
    waiting = [threading.Thread(target=ask, args=(server, "POST", "/wait", {})) for _ in range(20)]
    for thread in waiting:
        thread.start()
    assert handlers.entered.wait(20)
    assert ask(server, "GET", "/echo")[0] == 200
    handlers.go_on.set()
    for thread in waiting:
        thread.join(20)
        assert not thread.is_alive()
