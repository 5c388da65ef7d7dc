"""Registered models: versions of files that never change.

The content is stored once as blobs; a version's folder holds read-only links to them, so that it can be read by path.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aml.errors import Conflict, NotFound
from aml.workspace.embedded import names
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.files import snapshot
from aml.workspace.embedded.files.blobs import Blobs, Manifest
from aml.workspace.embedded.paths import WorkspacePaths
from aml.workspace.records import ModelVersion

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class ModelTable:
    """The model table and the files of it, of a workspace or of the registry of that name."""

    def __init__(self, database: Database, paths: WorkspacePaths, registry: str | None = None) -> None:
        self._database = database
        self._paths = paths
        self.registry = registry
        self._blobs = Blobs(paths.blobs)

    def create(
        self,
        name: str,
        source: Path,
        *,
        type: str,
        created_by: str,
        version: str | None = None,
        run_id: str | None = None,
        description: str | None = None,
        stage: str | None = None,
        tags: Mapping[str, str | None] = _NOTHING,
        properties: Mapping[str, str | None] = _NOTHING,
        flavors: Mapping[str, Any] = _NOTHING,
    ) -> ModelVersion:
        """Store a file or folder as a version, the next integer if none is given; `run_id` is the job that made it.

        Raises `Conflict` if that version exists, `NotFound` if there is no such file or nothing in it.
        """
        names.check_asset_name(name, "a model")
        if version is not None:
            names.check_asset_name(version, "a version")
        if not source.exists():
            raise NotFound(f"{source} does not exist", "A model's path is a file or a folder.")
        manifest = self._blobs.ingest(snapshot.tree(source))
        if not manifest.entries:
            raise NotFound(f"{source} is an empty folder", "A model needs at least one file.")
        row: dict[str, object] = {
            "name": name,
            "type": type,
            "size_bytes": manifest.size_bytes,
            "manifest": manifest.digest,
            "job_name": run_id,
            "description": description,
            "stage": stage,
            "created_at": datetime.now(UTC).isoformat(),
            "created_by": created_by,
            "tags": json.dumps(dict(tags)),
            "properties": json.dumps(dict(properties)),
            "flavors": json.dumps(dict(flavors)),
        }
        with self._database.transaction() as write:
            version = version or self._next_version(write, name)
            path = Path("models", name, version, source.name)
            inserted = _insert(write, row | {"version": version, "path": str(path)})
            if inserted is None:
                raise Conflict(
                    f"version {version} of the model {name} exists already", "Leave the version out for the next one."
                )
            self._check_out(manifest, self._paths.folder / path, single=source.is_file())
        return self._model(inserted)

    def get(self, name: str, version: str | None = None) -> ModelVersion:
        """One version, or the one that was created last."""
        condition = "" if version is None else "AND version = :version"
        row = self._database.connection.execute(
            f"SELECT * FROM model WHERE name = :name {condition} ORDER BY id DESC LIMIT 1",
            {"name": name, "version": version},
        ).fetchone()
        if row is None:
            what = f"no model named {name}" if version is None else f"no version {version} of the model {name}"
            raise names.not_there(what, "model", self.registry)
        return self._model(row)

    def list(
        self,
        name: str | None = None,
        *,
        archived: bool | None = False,
        limit: int | None = None,
        stage: str | None = None,
    ) -> Sequence[ModelVersion]:
        """All versions of a model, or of all models, newest first; `archived` None is: both."""
        conditions, values = ["1"], {"name": name, "stage": stage, "limit": -1 if limit is None else limit}
        if name is not None:
            conditions.append("name = :name")
        if stage is not None:
            conditions.append("stage = :stage COLLATE NOCASE")
        if archived is not None:
            conditions.append(f"archived = {int(archived)}")
        query = f"SELECT * FROM model WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT :limit"
        return [self._model(row) for row in self._database.connection.execute(query, values)]

    def names(self) -> Sequence[str]:
        """Names with a version that is not archived."""
        rows = self._database.connection.execute("SELECT DISTINCT name FROM model WHERE archived = 0 ORDER BY name")
        return [row["name"] for row in rows]

    def versions(self, name: str) -> Sequence[ModelVersion]:
        """Of one model, oldest first, without the archived ones."""
        return self.list(name)[::-1]

    def made_by(self, job_name: str) -> Sequence[ModelVersion]:
        """Versions whose files are outputs of a job."""
        rows = self._database.connection.execute("SELECT * FROM model WHERE job_name = ? ORDER BY id", (job_name,))
        return [self._model(row) for row in rows]

    def update(self, name: str, version: str, change: Callable[[ModelVersion], ModelVersion]) -> ModelVersion:
        """Store what `change` makes of description, stage, tags, properties and archived, with no write in between."""
        with self._database.transaction() as write:
            changed = change(self.get(name, version))
            write.execute(
                "UPDATE model SET description = ?, stage = ?, tags = ?, properties = ?, archived = ?"
                " WHERE name = ? AND version = ?",
                (
                    changed.description,
                    changed.stage,
                    json.dumps(dict(changed.tags)),
                    json.dumps(dict(changed.properties)),
                    int(changed.archived),
                    name,
                    version,
                ),
            )
        return changed

    def delete(self, name: str, version: str) -> None:
        """Remove a version and its folder; blobs stay until nothing refers to them."""
        model = self.get(name, version)
        with self._database.transaction() as write:
            write.execute("DELETE FROM model WHERE name = ? AND version = ?", (name, version))
        shutil.rmtree(self._paths.models / model.name / model.version, ignore_errors=True)

    def _next_version(self, write: sqlite3.Connection, name: str) -> str:
        rows = write.execute("SELECT version FROM model WHERE name = ?", (name,))
        return names.next_version(row["version"] for row in rows)

    def _check_out(self, manifest: Manifest, target: Path, *, single: bool) -> None:
        shutil.rmtree(target.parent, ignore_errors=True)  # of an attempt whose transaction was lost
        self._blobs.check_out(manifest, target.parent if single else target, writable=False)

    def _model(self, row: sqlite3.Row) -> ModelVersion:
        return ModelVersion(
            name=row["name"],
            version=row["version"],
            type=row["type"],
            created_at=datetime.fromisoformat(row["created_at"]),
            created_by=row["created_by"],
            path=self._paths.folder / row["path"],
            size_bytes=row["size_bytes"],
            job_name=row["job_name"],
            description=row["description"],
            stage=row["stage"],
            tags=json.loads(row["tags"]),
            properties=json.loads(row["properties"]),
            flavors=json.loads(row["flavors"]),
            archived=bool(row["archived"]),
            registry=self.registry,
        )


def _insert(write: sqlite3.Connection, row: Mapping[str, object]) -> sqlite3.Row | None:
    """The new row, or None if the version is taken."""
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    cursor = write.execute(f"INSERT INTO model ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING RETURNING *", row)
    inserted: sqlite3.Row | None = cursor.fetchone()
    return inserted
