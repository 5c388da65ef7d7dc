"""A workspace's store behind the real server, and the real MLflow client in front of it."""

from __future__ import annotations

import hmac
import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aml.workspace.embedded.catalog.models import ModelTable
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.paths import WorkspacePaths
from aml.workspace.embedded.server.server import Principal, Server
from aml.workspace.embedded.tracking.routes import routes

TOKEN = "a token of forty characters or so, more or less"


@dataclass(frozen=True)
class Served:
    """What a test needs of the server and of what is behind it."""

    url: str
    port: int
    database: Database
    models: ModelTable
    paths: WorkspacePaths
    server: Server

    def request(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """One request with the token, on a connection of its own; the status and the decoded JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, path, content, {"Authorization": f"Bearer {TOKEN}", **(headers or {})})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, json.loads(text) if response.getheader("Content-Type") == "application/json" else text


def authorize(token: str | None) -> Principal | None:
    return Principal("ada") if hmac.compare_digest(token or "", TOKEN) else None


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    paths = WorkspacePaths(tmp_path / "workspace")
    paths.folder.mkdir()
    database = Database(paths.store)
    models = ModelTable(database, paths)
    listener = socket.create_server(("127.0.0.1", 0))
    table = routes(database, models, artifact_dir=paths.run_artifacts, scratch=paths.scratch)
    server = Server(listener, table, authorize)
    yield Served(f"http://127.0.0.1:{server.port}", server.port, database, models, paths, server)
    server.stop()
    database.close()


@pytest.fixture
def mlflow(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The client's module, talking to the server."""
    environment = {
        "MLFLOW_TRACKING_URI": served.url,
        "MLFLOW_TRACKING_TOKEN": TOKEN,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "DO_NOT_TRACK": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    import mlflow

    mlflow.set_tracking_uri(served.url)
    mlflow.set_registry_uri(served.url)
    yield mlflow
    while mlflow.active_run() is not None:
        mlflow.end_run()
    mlflow.tracking.fluent._active_experiment_id = None  # the client keeps it for the process
