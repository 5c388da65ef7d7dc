"""Everything that MLflow's client asks a tracking server for, as one table of routes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aml.workspace.embedded.catalog.models import ModelTable
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.server.routing import Request, Route
from aml.workspace.embedded.server.wire import Response
from aml.workspace.embedded.tracking import (
    artifacts,
    experiment_routes,
    logged_model_routes,
    metric_routes,
    model_version_routes,
    registered_model_routes,
    run_routes,
)
from aml.workspace.embedded.tracking.registry import RegisteredModels
from aml.workspace.embedded.tracking.rest import Tracking, table

MLFLOW_VERSION = "3.17.2"  # whose server we answer like; the client asks for it

_SERVER_INFO = {
    "store_type": "SqlStore",
    "workspaces_enabled": False,
    "trace_archival_enabled": False,
    "multipart_uploads_enabled": False,
    "multipart_downloads_enabled": False,
    "presigned_upload_run_id_supported": False,
    "presigned_upload_model_id_supported": False,
    "features_enabled": {},
}


def routes(
    database: Database, models: ModelTable, *, artifact_dir: Callable[[str], Path], scratch: Path
) -> list[Route]:
    """The table, for the one server of a workspace.

    `artifact_dir` gives the folder of a run by its id (a job's name, or an id that was made here), and of a logged
    model without a run by its id (m-...). `scratch` is a folder on the same file system for files that are being
    uploaded; what is left in it of a server before this one can be thrown away.
    """
    files = artifacts.Artifacts(database, artifact_dir, models.get, scratch)
    tracking = Tracking(database, files, RegisteredModels(database, models))
    endpoints = (
        *experiment_routes.ENDPOINTS,
        *run_routes.ENDPOINTS,
        *metric_routes.ENDPOINTS,
        *logged_model_routes.ENDPOINTS,
        *registered_model_routes.ENDPOINTS,
        *model_version_routes.ENDPOINTS,
    )
    return [*table(tracking, endpoints), *artifacts.routes(files), *_of_the_server()]


def _of_the_server() -> list[Route]:
    info = "3.0/mlflow/server-info"
    return [
        Route("GET", "/health", _text("OK"), public=True),
        Route("GET", "/version", _text(MLFLOW_VERSION), public=True),
        *(Route("GET", f"/{prefix}/{info}", lambda _: _SERVER_INFO, public=True) for prefix in ("api", "ajax-api")),
    ]


def _text(content: str) -> Callable[[Request], Response]:
    return lambda _: Response(content.encode(), content_type="text/plain")
