"""Downloads from a real server on loopback: once, whole, resumed, verified."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import threading
import zipfile
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from aml.errors import BackendError, Conflict
from aml.spec.model import DataInput
from aml.workspace.embedded.files import downloads
from aml.workspace.embedded.files.downloads import fetch
from aml.workspace.records import Reason, Status
from conftest import command_job, log_of, wait_for

CONTENT = os.urandom(3_000_000)


class Site:
    """Serves CONTENT with an ETag; `breaks` answers break off in the middle."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.breaks = 0
        self.gate: threading.Event | None = None  # what follows the first 1,000 bytes waits for it
        self.requests: list[tuple[str, str | None]] = []  # status, Range
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/data/my%20file.bin"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        etag = f'"{hashlib.md5(self.content).hexdigest()}"'
        asked = handler.headers.get("Range")
        if "missing" in handler.path:
            self.requests.append(("404", asked))
            handler.send_error(404)
            return
        if handler.headers.get("If-None-Match") == etag:
            self.requests.append(("304", asked))
            handler.send_response(304)
            handler.end_headers()
            return
        start = int(asked[6:-1]) if asked and handler.headers.get("If-Range") == etag else 0
        self.requests.append(("206" if start else "200", asked))
        handler.send_response(206 if start else 200)
        handler.send_header("ETag", etag)
        body = self.content[start:]
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if self.breaks:
            self.breaks -= 1
            handler.wfile.write(body[: len(body) // 2])
            handler.close_connection = True
            return
        if self.gate is not None:
            handler.wfile.write(body[:1000])
            self.gate.wait(60)
            body = body[1000:]
        with suppress(ConnectionError):  # the job was canceled meanwhile
            handler.wfile.write(body)


@pytest.fixture
def site():
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


def test_a_file_is_fetched_once_and_asked_for_again_with_its_etag(site, tmp_path):
    path = fetch(site.url, tmp_path)
    assert path.name == "my file.bin"
    assert path.read_bytes() == CONTENT
    assert fetch(site.url, tmp_path) == path
    assert [status for status, _ in site.requests] == ["200", "304"]


def test_a_changed_file_is_fetched_anew(site, tmp_path):
    fetch(site.url, tmp_path)
    site.content = b"changed"
    assert fetch(site.url, tmp_path).read_bytes() == b"changed"


def test_a_transfer_that_breaks_off_goes_on_where_it_ended(site, tmp_path):
    site.breaks = 2
    assert fetch(site.url, tmp_path).read_bytes() == CONTENT
    assert [status for status, _ in site.requests] == ["200", "206", "206"]
    assert site.requests[1][1] == f"bytes={len(CONTENT) // 2}-"


def test_a_part_of_a_file_that_has_changed_meanwhile_is_thrown_away(site, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "ATTEMPTS", 1)
    site.breaks = 1
    with pytest.raises(BackendError, match=r"broke off after 1500000 of 3000000 bytes"):
        fetch(site.url, tmp_path)
    site.content = os.urandom(2_000_000)
    assert fetch(site.url, tmp_path).read_bytes() == site.content


def test_the_copy_that_is_here_is_good_enough_offline(site, tmp_path, monkeypatch):
    fetch(site.url, tmp_path)
    site.server.shutdown()
    site.server.server_close()
    monkeypatch.setattr(downloads, "ATTEMPTS", 1)
    assert fetch(site.url, tmp_path).read_bytes() == CONTENT
    with pytest.raises(BackendError, match=r"can't be fetched: .*refused") as caught:
        fetch(site.url + "2", tmp_path)
    assert caught.value.hint == "Is this machine online?"


def test_a_checksum_in_the_address_is_held_against_the_content(site, tmp_path):
    good = hashlib.sha256(CONTENT).hexdigest()
    assert fetch(f"{site.url}#sha256={good}", tmp_path).read_bytes() == CONTENT
    with pytest.raises(BackendError, match=f"its SHA-256 is {good}"):
        fetch(f"{site.url}#sha256={'0' * 64}", tmp_path)


def test_what_is_not_there_is_said_with_its_status(site, tmp_path):
    with pytest.raises(BackendError, match=r"missing: 404 Not Found"):
        fetch(site.url.replace("my%20file.bin", "missing"), tmp_path)


def test_two_that_want_the_same_file_fetch_it_once(site, tmp_path):
    threads = [threading.Thread(target=fetch, args=(site.url, tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status for status, _ in site.requests) == ["200", "304", "304", "304"]


@pytest.mark.parametrize(("address", "name"), [("http://x/", "content"), ("http://x/a/..%2f..%2fetc", "etc")])
def test_a_name_can_not_lead_out_of_the_folder(address, name):
    assert "/" not in downloads._file_name(address)
    assert downloads._file_name(address).endswith(name)


def test_a_job_reads_what_is_at_an_address_and_a_missing_one_fails_it_with_the_reason(site, workspace):
    digest = hashlib.sha256(CONTENT).hexdigest()
    inputs = {"file": DataInput(site.url, type="uri_file"), "folder": DataInput(site.url)}
    job = workspace.submit(command_job("sha256sum ${{inputs.file}}; ls -A ${{inputs.folder}}", inputs=inputs))
    assert workspace.wait(job.name, timeout_s=60).status is Status.COMPLETED
    first, second = log_of(workspace, job.name).splitlines()
    assert first.startswith(digest)
    assert first.endswith("/my_file.bin")
    assert second == "my file.bin"
    missing = {"file": DataInput(site.url.replace("my%20file.bin", "missing"), type="uri_file")}
    failed = workspace.submit(command_job("cat ${{inputs.file}}", inputs=missing))
    failed = workspace.wait(failed.name, timeout_s=60)
    assert (failed.status, failed.reason) == (Status.FAILED, Reason.PREPARE_FAILED)
    assert "missing: 404 Not Found" in failed.message


def test_direct_gives_the_job_the_address_itself(site, workspace):
    inputs = {"file": DataInput(site.url, type="uri_file", mode="direct")}
    job = workspace.submit(command_job("echo '${{inputs.file}}'", inputs=inputs))
    workspace.wait(job.name, timeout_s=60)
    assert log_of(workspace, job.name) == f"{site.url}\n"
    assert site.requests == []


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return content.getvalue()


def test_who_asks_hears_how_far_it_is(site, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "TELL_S", 0.0)
    told: list[str] = []
    fetch(site.url, tmp_path, tell=told.append)
    assert told[-1] == "fetching my file.bin: 3.0 of 3.0 MB (100%)"


def test_an_archive_is_unpacked_for_a_job_that_asks_for_it_and_only_once(site, workspace):
    site.content = zipped(train__a=b"hello", readme=b"r")
    url = site.url.replace("my%20file.bin", "fowl%20data.zip")
    spec = command_job(
        "cat ${{inputs.data}}/train/a; basename ${{inputs.data}}; ls ${{inputs.packed}}",
        inputs={"data": DataInput(url), "packed": DataInput(url)},
        properties={"aml.unpack": "data"},
    )
    for _ in range(2):
        job = workspace.wait(workspace.submit(spec).name, timeout_s=60)
        assert job.status is Status.COMPLETED, job.message
        assert log_of(workspace, job.name) == "hellofowl_data\nfowl data.zip\n"
    assert [status for status, _ in site.requests] == ["200", "304", "304", "304"]


def test_a_new_archive_at_the_same_address_is_unpacked_anew(site, tmp_path):
    for text in (b"one", b"two"):
        site.content = zipped(a=text)
        fetch(site.url, tmp_path, unpack=True)
        assert (downloads.unpacked(site.url, tmp_path) / "a").read_bytes() == text


def test_a_tar_with_links_inside_is_unpacked(site, tmp_path):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        info = tarfile.TarInfo("a/data.txt")
        info.size, info.mode = 5, 0o755
        tar.addfile(info, io.BytesIO(b"hello"))
        link = tarfile.TarInfo("a/link")
        link.type, link.linkname = tarfile.SYMTYPE, "data.txt"
        tar.addfile(link)
    site.content = content.getvalue()
    fetch(site.url, tmp_path, unpack=True)
    folder = downloads.unpacked(site.url, tmp_path)
    assert (folder / "a" / "link").read_text() == "hello"
    assert (folder / "a" / "data.txt").stat().st_mode & 0o777 == 0o755


def test_what_is_no_archive_and_a_bomb_are_refused(site, tmp_path, monkeypatch):
    with pytest.raises(BackendError, match="is no whole tar or zip archive"):
        fetch(site.url, tmp_path, unpack=True)
    monkeypatch.setattr(downloads, "_LEAST_LIMIT_BYTES", 1_000_000)
    site.content = zipped(zeros=bytes(50_000_000))
    with pytest.raises(BackendError, match="unpacks to more than"):
        fetch(site.url, tmp_path, unpack=True)
    assert not downloads.unpacked(site.url, tmp_path).exists()


@pytest.mark.parametrize("asked", ["nobody", "local", "file"])
def test_only_folders_that_are_fetched_can_be_unpacked(workspace, site, tmp_path, asked):
    inputs = {"local": DataInput(str(tmp_path)), "file": DataInput(site.url, type="uri_file")}
    with pytest.raises(Conflict, match=r"aml\.unpack: "):
        workspace.submit(command_job("true", inputs=inputs, properties={"aml.unpack": asked}))


def test_a_job_that_waits_for_its_data_says_so_and_can_be_canceled(site, workspace):
    site.gate = threading.Event()
    job = workspace.submit(command_job("true", inputs={"data": DataInput(site.url)}))
    wait_for(lambda: "fetching my file.bin: 0.0 of 3.0 MB" in (workspace.job(job.name).message or ""))
    workspace.cancel(job.name)
    site.gate.set()
    ended = workspace.wait(job.name, timeout_s=30)
    assert (ended.status, ended.message) == (Status.CANCELED, None)
