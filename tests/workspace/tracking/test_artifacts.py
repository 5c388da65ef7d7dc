"""Artifacts through the server: what the real client sends and reads, and what is refused."""

from __future__ import annotations

import http.client
import os
import resource
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from mlflow.exceptions import MlflowException

from aml.workspace.embedded.server import wire
from conftest import wait_for

PROXY = "/api/2.0/mlflow-artifacts/artifacts"
MIB = 1024 * 1024


@pytest.fixture
def run_id(mlflow: Any) -> str:
    return str(mlflow.MlflowClient().create_run("0").info.run_id)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_files_go_both_ways(mlflow: Any, served: Any, tmp_path: Path) -> None:
    local = tmp_path / "local"
    (local / "sub").mkdir(parents=True)
    (local / "sub" / "ä b+c.txt").write_text("hello")
    (local / "empty").write_bytes(b"")
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(local / "empty"))
        mlflow.log_artifacts(str(local), "many")
        mlflow.log_text("text", "notes/a.txt")
        mlflow.log_dict({"a": [1, 2]}, "conf.json")
        mlflow.log_text("again", "notes/a.txt")
    expected = {
        "empty": b"",
        "many/empty": b"",
        "many/sub/ä b+c.txt": b"hello",
        "notes/a.txt": b"again",
        "conf.json": b'{\n  "a": [\n    1,\n    2\n  ]\n}',
    }
    assert files_of(served.paths.run_artifacts(run.info.run_id)) == expected
    assert not list(served.paths.scratch.iterdir())
    target = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=str(tmp_path / "back"))
    assert files_of(Path(target)) == expected
    listed = mlflow.artifacts.list_artifacts(run_id=run.info.run_id)
    assert [(file.path, file.is_dir, file.file_size) for file in listed] == [
        ("conf.json", False, len(expected["conf.json"])),
        ("empty", False, 0),
        ("many", True, None),
        ("notes", True, None),
    ]
    inner = mlflow.artifacts.list_artifacts(run_id=run.info.run_id, artifact_path="many/sub")
    assert [file.path for file in inner] == ["many/sub/ä b+c.txt"]
    assert mlflow.artifacts.list_artifacts(run_id=run.info.run_id, artifact_path="conf.json") == []
    assert mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/conf.json") == {"a": [1, 2]}


def test_a_run_without_artifacts_has_an_empty_list(mlflow: Any, run_id: str) -> None:
    assert mlflow.MlflowClient().list_artifacts(run_id) == []
    with pytest.raises(MlflowException, match="Failed to download"):
        mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="nothing.txt")


def test_artifacts_are_deleted(mlflow: Any, served: Any, run_id: str) -> None:
    client = mlflow.MlflowClient()
    for name in ("a.txt", "d/b.txt", "d/c.txt"):
        client.log_text(run_id, "x", name)
    assert served.request("DELETE", f"{PROXY}/runs/{run_id}/d")[0] == 200
    assert served.request("DELETE", f"{PROXY}/runs/{run_id}/nothing")[0] == 200
    assert list(files_of(served.paths.run_artifacts(run_id))) == ["a.txt"]


def test_the_plain_list_of_a_run_has_whole_paths(mlflow: Any, served: Any, run_id: str) -> None:
    mlflow.MlflowClient().log_text(run_id, "x", "d/b.txt")
    _, answer = served.request("GET", f"/api/2.0/mlflow/artifacts/list?run_id={run_id}&path=d")
    assert answer == {
        "root_uri": f"mlflow-artifacts:/runs/{run_id}",
        "files": [{"path": "d/b.txt", "is_dir": False, "file_size": 1}],
    }


@pytest.mark.parametrize(
    "path",
    [
        "../up.txt",
        "..%2Fup.txt",
        "%2e%2e/up.txt",
        "a/../../up.txt",
        "a//b.txt",
        "./a.txt",
        "a%00b.txt",
        "a" * 300,
        "link/up.txt",
        "file_link",
        "loop/a.txt",
    ],
)
def test_a_path_can_not_leave_the_folder(served: Any, run_id: str, path: str) -> None:
    folder = served.paths.run_artifacts(run_id)
    folder.mkdir(parents=True)
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "up.txt").write_text("secret")
    (folder / "link").symlink_to(outside)
    (folder / "file_link").symlink_to(outside / "up.txt")
    (folder / "loop").symlink_to("loop")
    before = files_of(folder.parent)
    for method in ("GET", "PUT", "DELETE"):
        status, answer = served.request(method, f"{PROXY}/runs/{run_id}/{path}", b"x" if method == "PUT" else None)
        assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), method
    assert files_of(folder.parent) == before
    query = quote(f"runs/{run_id}/{path}") if "%" not in path else f"runs/{run_id}/{path}"
    assert served.request("GET", f"{PROXY}?path={query}")[0] == 400


@pytest.mark.parametrize("address", ["", "runs", "runs/nobody/a.txt", "models/m-none/a", "registry/none/1/a", "etc/a"])
def test_an_address_that_is_none_is_refused(served: Any, run_id: str, address: str) -> None:
    for method in ("GET", "PUT"):
        assert served.request(method, f"{PROXY}/{address}")[0] in (400, 404)
    assert not served.paths.runs.exists()


def test_files_and_folders_do_not_replace_each_other(served: Any, run_id: str) -> None:
    base = f"{PROXY}/runs/{run_id}"
    assert served.request("PUT", f"{base}/a", b"x")[0] == 200
    assert served.request("PUT", f"{base}/a/b", b"x")[0] == 400
    assert served.request("PUT", f"{base}/c/d", b"x")[0] == 200
    assert served.request("PUT", f"{base}/c", b"x")[0] == 400
    assert served.request("PUT", base, b"x")[0] == 400
    assert served.request("GET", f"{base}/c")[0] == 404
    assert not list(served.paths.scratch.iterdir())


def test_a_pipe_among_the_artifacts_blocks_nobody(served: Any, run_id: str) -> None:
    folder = served.paths.run_artifacts(run_id)
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    assert served.request("GET", f"{PROXY}/runs/{run_id}/pipe")[0] == 404
    assert served.request("GET", f"{PROXY}?path=runs/{run_id}")[1] == {"files": []}


def test_an_upload_that_breaks_off_leaves_nothing(served: Any, run_id: str) -> None:
    served.request("PUT", f"{PROXY}/runs/{run_id}/a.bin", b"old")
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        lines = [
            f"PUT {PROXY}/runs/{run_id}/a.bin HTTP/1.1",
            f"Host: 127.0.0.1:{served.port}",
            "Authorization: Bearer a token of forty characters or so, more or less",
            "Content-Length: 1000000",
        ]
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + b"x" * 1000)
        wait_for(lambda: list(served.paths.scratch.iterdir()))
        assert files_of(served.paths.run_artifacts(run_id)) == {"a.bin": b"old"}
    wait_for(lambda: not list(served.paths.scratch.iterdir()))
    assert files_of(served.paths.run_artifacts(run_id)) == {"a.bin": b"old"}


def test_large_files_pass_through_little_memory(served: Any, run_id: str, tmp_path: Path) -> None:
    size = 256 * MIB
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    headers = {"Authorization": "Bearer a token of forty characters or so, more or less"}
    path = f"{PROXY}/runs/{run_id}/large.bin"
    with large.open("rb") as file:
        connection.request("PUT", path, file, headers)
    assert connection.getresponse().read() == b"{}"
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    received = 0
    while piece := response.read(MIB):
        received += len(piece)
    connection.close()
    assert received == size
    assert (served.paths.run_artifacts(run_id) / "large.bin").stat().st_size == size
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mib < 64


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PIECE_BYTES", 7)


@pytest.mark.usefixtures("small_pieces")
def test_a_chunked_upload_is_the_same_file(served: Any, run_id: str) -> None:
    content = os.urandom(1000)
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    headers = {"Authorization": "Bearer a token of forty characters or so, more or less"}
    path = f"{PROXY}/runs/{run_id}/a.bin"
    pieces = (content[start : start + 90] for start in range(0, len(content), 90))
    connection.request("PUT", path, pieces, headers, encode_chunked=True)
    assert connection.getresponse().read() == b"{}"
    connection.close()
    assert served.request("GET", path)[1] == content


def test_the_client_falls_back_from_multipart_uploads(
    mlflow: Any, served: Any, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", "1000")
    (tmp_path / "a.bin").write_bytes(b"x" * 5000)
    mlflow.MlflowClient().log_artifact(run_id, str(tmp_path / "a.bin"))
    assert files_of(served.paths.run_artifacts(run_id)) == {"a.bin": b"x" * 5000}
    assert served.request("GET", f"/api/2.0/mlflow-artifacts/presigned/runs/{run_id}/a.bin")[0] == 501
