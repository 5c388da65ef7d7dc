"""What the handlers of MLflow's endpoints share: stores, the request, and how a list of endpoints becomes routes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aml.workspace.embedded.database import Database
from aml.workspace.embedded.server.routing import Request, Route
from aml.workspace.embedded.tracking.artifacts import Artifacts
from aml.workspace.embedded.tracking.fields import Arguments, required_text
from aml.workspace.embedded.tracking.registry import RegisteredModels
from aml.workspace.embedded.tracking.runs import active_run


@dataclass(frozen=True)
class Tracking:
    """The stores behind the endpoints."""

    database: Database
    artifacts: Artifacts
    registry: RegisteredModels

    @property
    def read(self) -> sqlite3.Connection:
        return self.database.connection


@dataclass(frozen=True)
class Call:
    """One request: `arguments` are its JSON body or its query."""

    request: Request
    arguments: Arguments

    @property
    def user(self) -> str:
        return "" if self.request.principal is None else self.request.principal.user

    @property
    def run_id(self) -> str:
        return required_text(self.arguments, "run_id", "run_uuid")


Answer = Mapping[str, Any]
Endpoint = tuple[str, str, Callable[[Tracking, Call], Answer]]  # method, path below .../mlflow/, handler


def table(tracking: Tracking, endpoints: Iterable[Endpoint]) -> list[Route]:
    """Routes below every prefix that clients put before MLflow's paths."""
    return [
        Route(method, f"/{prefix}/{version}/mlflow/{path}", _handler(tracking, endpoint))
        for method, path, endpoint in endpoints
        for prefix in ("api", "ajax-api")
        for version in ("2.0", "3.0")
    ]


def active_run_id(write: sqlite3.Connection, call: Call) -> str:
    """The request's run, which must not be deleted."""
    run_id: str = active_run(write, call.run_id)["run_id"]
    return run_id


def _handler(tracking: Tracking, endpoint: Callable[[Tracking, Call], Answer]) -> Callable[[Request], Answer]:
    return lambda request: endpoint(tracking, Call(request, request.arguments()))
