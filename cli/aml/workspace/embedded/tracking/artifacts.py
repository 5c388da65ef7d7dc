"""Files of runs, logged models and registered models over HTTP, as MLflow's artifact proxy has them.

Their addresses are mlflow-artifacts:/runs/RUN_ID, /models/MODEL_ID and /registry/NAME/VERSION; the last is read-only.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from aml.workspace.embedded.database import Database
from aml.workspace.embedded.server.refusal import RequestError
from aml.workspace.embedded.server.routing import Request, Route
from aml.workspace.embedded.server.wire import Response
from aml.workspace.embedded.tracking.fields import invalid, missing, optional_text
from aml.workspace.embedded.tracking.logged_models import holds_logged_model, logged_model, logged_model_of_run
from aml.workspace.embedded.tracking.runs import run
from aml.workspace.records import ModelVersion

PROXY = "/mlflow-artifacts"
Handler = Callable[["Artifacts", Request], Response | dict[str, Any]]
_PROXY_PATH = f"/api/2.0{PROXY}/artifacts/"


@dataclass(frozen=True)
class Place:
    """A file or folder that an address means; `path` is below `root` or is it, and need not exist."""

    root: Path
    path: Path
    writable: bool


@dataclass(frozen=True)
class Artifacts:
    """Where artifacts are.

    `run_folder` gives the folder of a run or of a logged model without a run, by its id; `registered` a registered
    model's version. `scratch` is on the same file system; what is in it after a crash can be thrown away.
    """

    database: Database
    run_folder: Callable[[str], Path]
    registered: Callable[[str, str], ModelVersion]
    scratch: Path

    def place(self, address: str) -> Place:
        """The place of RUN-OR-MODEL/PATH as it stands in a mlflow-artifacts URI, decoded."""
        kind, *parts = _parts(address)
        match kind, parts:
            case "runs", [run_id, *rest]:
                run(self.database.connection, run_id)
                return _place(self.run_folder(run_id), rest)
            case "models", [model_id, *rest]:
                return _place(self.model_folder(model_id), rest)
            case "registry", [name, version, *rest]:
                return _registered_place(self.registered(name, version).path, rest)
        raise missing(f"'{address}' is not the address of an artifact.")

    def model_folder(self, model_id: str) -> Path:
        model = logged_model(self.database.connection, model_id)
        return self.run_folder(model["run_id"] or model_id) / str(model["folder"])

    def run_of_model(self, model_id: str | None) -> str | None:
        """The run that logged a model."""
        query = "SELECT run_id FROM logged_model WHERE model_id = ?"
        row = self.database.connection.execute(query, (model_id,)).fetchone()
        return None if row is None else row["run_id"]

    def source(self, uri: str) -> Path:
        """The existing file or folder that a model is registered from, by any URI that MLflow's client sends for it."""
        parts = urlsplit(uri)
        path = unquote(parts.path).strip("/")
        match parts.scheme:
            case "runs":
                found = self._source_of_run(path)
            case "models":
                found = self._source_of_model(path)
            case "mlflow-artifacts":
                found = self.place(path).path
            case "http" | "https" if f"/{path}".startswith(_PROXY_PATH):
                found = self.place(f"/{path}".removeprefix(_PROXY_PATH)).path
            case _:
                raise invalid(
                    f"A model can't be registered from '{uri}': log it to a run first and register it from "
                    "runs:/RUN_ID/PATH, or use `aml model create --path` for a local folder."
                )
        if not found.exists():
            raise invalid(f"There is nothing at '{uri}' to register a model from.")
        return found

    def _source_of_run(self, path: str) -> Path:
        place = self.place(f"runs/{path}")
        run_id, *rest = path.split("/")
        if rest and not place.path.exists():
            model = logged_model_of_run(self.database.connection, run_id, rest[0])
            if model is not None:
                return _place(self.model_folder(model["model_id"]), rest[1:]).path
        return place.path

    def _source_of_model(self, path: str) -> Path:
        if "/" not in path:
            return self.model_folder(path)
        return self.place(f"registry/{path}").path


def routes(artifacts: Artifacts) -> list[Route]:
    handlers: Sequence[tuple[str, str, Handler]] = (
        ("GET", "/artifacts", _list),
        ("GET", "/artifacts/{path...}", _download),
        ("PUT", "/artifacts/{path...}", _upload),
        ("DELETE", "/artifacts/{path...}", _delete),
        ("POST", "/mpu/{step}/{path...}", _no_multipart_upload),
        ("GET", "/presigned/{path...}", _no_presigned_download),
    )
    return [
        Route(method, f"/{prefix}/2.0{PROXY}{path}", partial(handler, artifacts))
        for method, path, handler in handlers
        for prefix in ("api", "ajax-api")
    ]


def list_folder(place: Place) -> list[dict[str, Any]]:
    """MLflow's FileInfo of each entry, paths relative to the folder; nothing if it is not one."""
    if not place.path.is_dir():
        return []
    found = []
    for entry in sorted(os.scandir(place.path), key=lambda entry: entry.name):
        if entry.is_dir():
            found.append({"path": entry.name, "is_dir": True})
        elif entry.is_file():
            found.append({"path": entry.name, "is_dir": False, "file_size": entry.stat().st_size})
    return found


def _list(artifacts: Artifacts, request: Request) -> dict[str, Any]:
    address = optional_text(request.arguments(), "path") or ""
    return {"files": list_address(artifacts, address)}


def list_address(artifacts: Artifacts, address: str) -> list[dict[str, Any]]:
    """What is at an address. The files of a logged model are listed below /models/ alone.

    The client adds those to what it finds below the run, so that they would appear twice.
    """
    place = artifacts.place(address)
    kind, *parts = _parts(address)
    if kind == "runs" and len(parts) > 1 and holds_logged_model(artifacts.database.connection, parts[0], parts[1]):
        return []
    if place.root.is_file():  # a registered model that is one file looks like a folder with that file
        size = place.root.stat().st_size
        return [{"path": place.root.name, "is_dir": False, "file_size": size}] if place.path == place.root else []
    return list_folder(place)


def _download(artifacts: Artifacts, request: Request) -> Response:
    place = artifacts.place(request.variables["path"])
    if not place.path.is_file():  # nor is a pipe, whose reading would not end
        raise missing(f"There is no artifact '{request.variables['path']}'.")
    file = place.path.open("rb")  # closed when it is sent
    disposition = f"attachment; filename*=UTF-8''{quote(place.path.name)}"
    return Response(file, content_type="application/octet-stream", headers={"Content-Disposition": disposition})


def _upload(artifacts: Artifacts, request: Request) -> dict[str, Any]:
    place = _writable(artifacts, request)
    if place.path == place.root or place.path.is_dir():
        raise invalid(f"'{request.variables['path']}' is a folder.")
    artifacts.scratch.mkdir(parents=True, exist_ok=True)
    temporary = artifacts.scratch / os.urandom(8).hex()
    try:
        with temporary.open("xb") as file:
            for piece in request.body.pieces():
                file.write(piece)
        place.path.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(place.path)
    except (FileExistsError, NotADirectoryError):
        raise invalid(f"A part of '{request.variables['path']}' is a file.") from None
    finally:
        temporary.unlink(missing_ok=True)
    return {}


def _delete(artifacts: Artifacts, request: Request) -> dict[str, Any]:
    place = _writable(artifacts, request)
    if place.path.is_dir():
        shutil.rmtree(place.path)
    else:
        place.path.unlink(missing_ok=True)
    return {}


def _writable(artifacts: Artifacts, request: Request) -> Place:
    place = artifacts.place(request.variables["path"])
    if not place.writable:
        raise RequestError("PERMISSION_DENIED", "The files of a registered model can't be changed.")
    return place


def _no_multipart_upload(_artifacts: Artifacts, _request: Request) -> Response:
    message = "Multipart upload is not supported for the current artifact repository"
    raise RequestError("NOT_IMPLEMENTED", message)


def _no_presigned_download(_artifacts: Artifacts, _request: Request) -> Response:
    message = "Presigned download is not supported for the current artifact repository"
    raise RequestError("NOT_IMPLEMENTED", message)


def _parts(address: str) -> list[str]:
    parts = address.strip("/").split("/")
    if any(part in ("", ".", "..") or "\0" in part or len(os.fsencode(part)) > 255 for part in parts):
        raise invalid(f"Invalid path '{address}'.")
    return parts


def _place(root: Path, parts: Sequence[str]) -> Place:
    """Refuses what leads out of `root` by a symbolic link."""
    path = root.joinpath(*parts)
    try:
        inside = path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # links that lead in a circle
        inside = False
    if not inside:
        raise invalid(f"The path '{'/'.join(parts)}' leads out of the artifacts.")
    return Place(root, path, writable=True)


def _registered_place(path: Path, parts: Sequence[str]) -> Place:
    if path.is_file():
        return Place(path, path if list(parts) in ([], [path.name]) else path / "/".join(parts), writable=False)
    return Place(path, _place(path, parts).path, writable=False)
