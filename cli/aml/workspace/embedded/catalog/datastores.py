"""Datastores: the workspace's own are folders of it; others are Azure's, or a folder that stands for one.

What signs in to a datastore is in a file of its own that its owner alone can read, never in the store.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aml.errors import BackendError, Conflict, NotFound
from aml.workspace.embedded import names
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.files.blobs import explained
from aml.workspace.embedded.paths import WorkspacePaths
from aml.workspace.records import Datastore

if TYPE_CHECKING:
    from aml.spec.model import Datastore as DatastoreSpec

DEFAULT = "workspaceblobstore"
OWN: Mapping[str, tuple[str, str, str]] = {
    DEFAULT: ("azure_blob", "container_name", "azureml-blobstore"),
    "workspacefilestore": ("azure_file", "file_share_name", "azureml-filestore"),
    "workspaceworkingdirectory": ("azure_file", "file_share_name", "code"),
    "workspaceartifactstore": ("azure_blob", "container_name", "azureml"),
}
"""Name -> (type, key, value of that key), of those that every workspace of Azure's has too."""


class DatastoreTable:
    """The datastores of one workspace."""

    def __init__(self, database: Database, paths: WorkspacePaths) -> None:
        self._database = database
        self._paths = paths

    def put(self, spec: DatastoreSpec, folder: Path | None = None) -> Datastore:
        """Make a datastore, or change the one of that name; without a folder it keeps the one that it has."""
        from aml.spec.stored.basics import datastore_document

        if spec.name.lower() in OWN:
            raise Conflict(f"the datastore {spec.name} is the workspace's own and can't be changed")
        names.check_asset_name(spec.name, "a datastore")
        row = {
            "name": spec.name,
            "type": spec.type,
            "document": json.dumps(datastore_document(spec)),
            "folder": None if folder is None else str(folder),
            "created_at": datetime.now(UTC).isoformat(),
            "created_by": names.user_name(),
        }
        columns, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        with self._database.transaction() as write:
            kept = write.execute(
                f"INSERT INTO datastore ({columns}) VALUES ({marks}) ON CONFLICT (name) DO UPDATE SET "
                "type = excluded.type, document = excluded.document, folder = coalesce(excluded.folder, folder) "
                "RETURNING *",
                row,
            ).fetchone()
            self._keep_credentials(kept["name"], spec.credentials)
        return self._datastore(kept)

    def get(self, name: str) -> Datastore:
        if name.lower() in OWN:
            return self._own(name.lower())
        row = self._database.connection.execute("SELECT * FROM datastore WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise NotFound(f"there is no datastore named {name}", f"There is: {', '.join(self._names())}.")
        return self._datastore(row)

    def list(self) -> Sequence[Datastore]:
        """The workspace's own ones first, then in the order in which they were made."""
        rows = self._database.connection.execute("SELECT * FROM datastore ORDER BY id")
        return [*(self._own(name) for name in OWN), *(self._datastore(row) for row in rows)]

    def delete(self, name: str) -> None:
        """Forget a datastore and its credentials; what is in it stays."""
        if name.lower() in OWN:
            raise Conflict(f"the datastore {name} is the workspace's own and can't be deleted")
        found = self.get(name)
        with self._database.transaction() as write:
            write.execute("DELETE FROM datastore WHERE name = ?", (found.name,))
        self._credentials(found.name).unlink(missing_ok=True)

    def folder(self, name: str) -> Path:
        """The folder of this machine that it is; `BackendError` if it is Azure's alone."""
        found = self.get(name)
        if found.folder is None:
            raise BackendError(
                f"the datastore {found.name} is Azure's ({found.type}) and can't be reached from this machine",
                f"`aml datastore update -n {found.name} --path FOLDER` names a folder that stands for it here;"
                " `mode: direct` gives the job the URI.",
            )
        return found.folder

    def _names(self) -> Sequence[str]:
        return [each.name for each in self.list()]

    def _own(self, name: str) -> Datastore:
        type_, key, value = OWN[name]
        document = {"account_name": "local", key: value, "endpoint": "core.windows.net", "protocol": "https"}
        return Datastore(name, type_, document, self._paths.datastore(name), is_default=name == DEFAULT)

    def _datastore(self, row: sqlite3.Row) -> Datastore:
        return Datastore(
            name=row["name"],
            type=row["type"],
            document=json.loads(row["document"]),
            folder=None if row["folder"] is None else Path(row["folder"]),
            created_at=datetime.fromisoformat(row["created_at"]),
            created_by=row["created_by"],
            has_credentials=self._credentials(row["name"]).exists(),
        )

    def _credentials(self, name: str) -> Path:
        return self._paths.credentials / f"{name.lower()}.json"

    def _keep_credentials(self, name: str, credentials: Mapping[str, str]) -> None:
        """Those of a file that has none are left as they are: an update need not say them again."""
        if not credentials:
            return
        path = self._credentials(name)
        with explained(path):
            path.parent.mkdir(exist_ok=True, mode=0o700)
            temporary = path.with_suffix(".new")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump(dict(credentials), file)
            temporary.replace(path)
