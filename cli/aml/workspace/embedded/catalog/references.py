"""From the way a spec names data or a model to where it is on this machine."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aml.errors import BackendError, NotFound
from aml.spec import reference as forms
from aml.workspace.embedded import names
from aml.workspace.embedded.catalog.assets import AssetTable
from aml.workspace.embedded.catalog.datastores import DatastoreTable
from aml.workspace.embedded.catalog.models import ModelTable
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.paths import WorkspacePaths, registry_paths
from aml.workspace.records import COLLECTIONS, Asset, ModelVersion, reference_to

_JOB_OUTPUT = re.compile(r"azureml://jobs/(?P<job>[^/]+)/outputs/(?P<output>[^/]+)(?:/paths/(?P<path>.*))?")
_RUN = re.compile(r"runs:/+(?P<job>[^/]+)(?:/(?P<path>.*))?")
_ASSET = re.compile(r"azureml:(?P<name>[^:@/]+)(?::(?P<version>[^:@/]+)|@latest)")
_DATASTORE = re.compile(
    r"azureml://(?:subscriptions/[^/]+/resourcegroups/[^/]+/workspaces/[^/]+/)?"
    r"datastores/(?P<name>[^/]+)/paths/(?P<path>.*)",
    re.IGNORECASE,
)
_REGISTERED = re.compile(
    r"azureml://registries/(?P<registry>[^/]+)/(?P<collection>data|models|components|environments)/(?P<name>[^/]+)"
    r"/(?:versions/(?P<version>[^/]+)|labels/latest)"
)
DEFAULT_OUTPUT = "artifacts"


@dataclass(frozen=True)
class References:
    """What the references of one workspace lead to.

    Known: local paths and `file:` URIs, `azureml://jobs/JOB/outputs/OUTPUT/paths/PATH`, `runs:/JOB/PATH`,
    `azureml://datastores/NAME/paths/PATH`, `azureml:NAME:VERSION` and `azureml:NAME@latest`: models for
    the types of models, else data, else models. `azureml://registries/NAME/models/...` and `/data/...` name the kind.
    """

    paths: WorkspacePaths
    models: ModelTable
    assets: AssetTable
    datastores: DatastoreTable | None = None  # a registry has none

    def path(self, reference: str, type: str = "uri_folder") -> Path:
        """Where it is. `NotFound` if it is not there, `BackendError` if its form can't be used here."""
        found = self._found(reference, type)
        if found is None:
            return self._path(reference)
        return found.path or self._path(str(found.document["path"])) if isinstance(found, Asset) else found.path

    def uri(self, reference: str, type: str) -> str | None:
        """The URI that it is, or that the data has which it names; None for what is a path."""
        found = self._found(reference, type)
        if found is not None:
            return str(found.document["path"]) if isinstance(found, Asset) and found.path is None else None
        return None if forms.is_local(reference) else reference

    def pinned(self, reference: str, type: str) -> str:
        """`@latest` as the version that it is now; all else as it stands."""
        match = _ASSET.fullmatch(reference) or _REGISTERED.fullmatch(reference)
        if match is None or match["version"] is not None:
            return reference
        found = self._found(reference, type)
        assert found is not None
        return reference_to(found)

    def _found(self, reference: str, type: str) -> Asset | ModelVersion | None:
        """The registered version that it names; None if it has no such form."""
        if match := _ASSET.fullmatch(reference):
            return self._asset(match["name"], match["version"], type)
        match = _REGISTERED.fullmatch(reference)
        if match is None:
            return None
        if match["collection"] not in ("data", "models"):
            raise BackendError(
                f"{reference} is neither data nor a model", "They have /data/ and /models/ in its place."
            )
        return registered(match["registry"], match["collection"], match["name"], match["version"])

    def _path(self, reference: str) -> Path:
        if match := _JOB_OUTPUT.fullmatch(reference):
            return _of_job(self._output(match["job"], match["output"]), match["path"] or "", reference)
        if match := _RUN.fullmatch(reference):
            return _of_job(self.paths.run_artifacts(match["job"]), match["path"] or "", reference)
        if match := _DATASTORE.fullmatch(reference):
            return self._stored(match["name"], match["path"], reference)
        path = Path(forms.absolute(reference, Path("/"))) if forms.scheme(reference) == "file" else Path(reference)
        if path.is_absolute():
            if not path.exists():
                raise NotFound(f"{reference} does not exist")
            return path
        raise BackendError(
            f"{reference} can't be reached from the embedded workspace",
            "Use a local path, an asset as azureml:NAME:VERSION, azureml://jobs/JOB/outputs/OUTPUT/paths/PATH, or"
            " `mode: direct`, which gives the job the URI itself.",
        )

    def _asset(self, name: str, version: str | None, type: str) -> Asset | ModelVersion:
        if type.endswith("_model"):
            return self.models.get(name, version)
        with suppress(NotFound):
            return self.assets.get("data", name, version)
        with suppress(NotFound):
            return self.models.get(name, version)
        what = "" if version is None else f"version {version} of "
        raise NotFound(
            f"there is no {what}data or model named {name} in this workspace",
            "`aml data list` and `aml model list` show what there is.",
        )

    def _output(self, job: str, output: str) -> Path:
        job_paths = self.paths.job(job)
        return job_paths.artifacts if output == DEFAULT_OUTPUT else job_paths.named_outputs / output

    def destination(self, reference: str) -> Path | None:
        """Where on this machine an output with this path is to be; None if it names no datastore."""
        match = _DATASTORE.fullmatch(reference)
        return self._in_datastore(match["name"], match["path"], reference) if match else None

    def _stored(self, datastore: str, relative: str, reference: str) -> Path:
        path = self._in_datastore(datastore, relative, reference)
        if not path.exists():
            folder = self._in_datastore(datastore, "", reference)
            raise NotFound(f"{reference}: no such file or folder", f"The datastore is the folder {folder}.")
        return path

    def _in_datastore(self, datastore: str, relative: str, reference: str) -> Path:
        if self.datastores is None:
            raise BackendError(f"{reference} is in a workspace, which a registry can't look into")
        folder = self.datastores.folder(datastore)
        return _below(folder, relative, f"{reference} leads out of the datastore")


def registered(registry: str, collection: str, name: str, version: str | None) -> Asset | ModelVersion:
    """A version of a registry, the latest for None; `NotFound` if there is none."""
    paths = existing_registry(registry)
    database = Database(paths.store)
    if collection == "models":
        return ModelTable(database, paths, registry).get(name, version)
    (kind,) = (kind for kind, named in COLLECTIONS.items() if named == collection)
    return AssetTable(database, paths, registry).get(kind, name, version)


def is_registry(name: str) -> bool:
    """Whether this machine has a registry of that name."""
    return registry_paths(name).store.exists()


def existing_registry(name: str) -> WorkspacePaths:
    names.check_asset_name(name, "a registry")
    if not is_registry(name):
        raise NotFound(
            f"there is no registry named {name} on this machine",
            f"`aml model create --registry-name {name} ...` makes it, as `create` of any asset does;"
            " registries of Azure can't be reached from here.",
        )
    return registry_paths(name)


def job_of(reference: str) -> str | None:
    """The job whose output a reference names, if it is one."""
    match = _JOB_OUTPUT.fullmatch(reference) or _RUN.fullmatch(reference)
    return match["job"] if match else None


def _of_job(folder: Path, relative: str, reference: str) -> Path:
    path = _below(folder, relative, f"{reference} leads out of the job's folder")
    if not path.exists():
        raise NotFound(f"{reference}: no such output", f"The job's folder is {folder.parent}.")
    return path


def _below(folder: Path, relative: str, otherwise: str) -> Path:
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise BackendError(otherwise)
    return path
