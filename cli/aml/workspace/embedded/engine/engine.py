"""One engine: the store, the server on the listening socket, and the loop that runs the jobs."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Mapping
from typing import Any

from aml.errors import Conflict
from aml.version import __version__
from aml.workspace.embedded import settings, tokens
from aml.workspace.embedded.catalog.assets import AssetTable
from aml.workspace.embedded.catalog.models import ModelTable
from aml.workspace.embedded.compute.computes import ComputeTable
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.engine.executors.process import ProcessExecutor
from aml.workspace.embedded.engine.reserve import Reserve
from aml.workspace.embedded.engine.scheduler import Scheduler
from aml.workspace.embedded.engine.start import HOST
from aml.workspace.embedded.engine.steps import Steps
from aml.workspace.embedded.names import user_name
from aml.workspace.embedded.paths import WorkspacePaths
from aml.workspace.embedded.queue import Queue
from aml.workspace.embedded.server.refusal import RequestError
from aml.workspace.embedded.server.server import Principal, Request, Route, Server
from aml.workspace.embedded.store import Jobs
from aml.workspace.embedded.sweeps import SweepTable
from aml.workspace.embedded.tracking.routes import routes


class Engine:
    """Runs a workspace's jobs until it is idle or told to stop."""

    def __init__(self, paths: WorkspacePaths, listener: socket.socket, *, idle_s: float) -> None:
        self._paths = paths
        self._key = tokens.secret(paths.secret)
        self._started_at = time.time()
        self._user = user_name()
        shutil.rmtree(paths.scratch, ignore_errors=True)  # uploads that another engine did not finish
        database = Database(paths.store)
        models = ModelTable(database, paths)
        port = listener.getsockname()[1]
        steps = Steps(paths, models, AssetTable(database, paths), database, f"http://{HOST}:{port}")
        self._scheduler = Scheduler(
            Jobs(database),
            steps,
            ProcessExecutor(str(paths.engine)),
            Reserve(paths.engine / "reserve"),
            sweeps=SweepTable(database),
            queue=Queue(database),
            local_jobs=lambda: settings.read(database).local_jobs,
            settle=ComputeTable(database).settle,
            unasked_s=lambda: self._server.idle_s,
            idle_s=idle_s,
        )
        own = [
            Route("POST", "/engine/wake", self._wake),
            Route("GET", "/engine/status", self._status),
        ]
        tracking = routes(database, models, artifact_dir=paths.run_artifacts, scratch=paths.scratch)
        paths.engine_pid.write_text(f"{os.getpid()}\n")
        self._server = Server(listener, [*own, *tracking], self._authorize)

    def run(self) -> None:
        try:
            self._scheduler.run()
        finally:
            self._server.stop()

    def stop(self) -> None:
        """From any thread or a signal handler."""
        self._scheduler.stop()

    def _wake(self, request: Request) -> Mapping[str, Any]:
        _for_the_owner(request)
        if not self._scheduler.wake():
            raise Conflict("the engine is about to end")
        return {"version": __version__, "pid": os.getpid()}

    def _status(self, request: Request) -> Mapping[str, Any]:
        _for_the_owner(request)
        return {"pid": os.getpid(), "started_at": self._started_at}

    def _authorize(self, token: str | None) -> Principal | None:
        holder = tokens.holder(self._key, token)
        if holder is None:
            return None
        return Principal(self._user, None if holder == tokens.OWNER else holder)


def _for_the_owner(request: Request) -> None:
    if request.principal is None or request.principal.job_name is not None:
        raise RequestError("PERMISSION_DENIED", "A job's token is for its tracking alone.")
