"""Versions of data, environments and components: immutable but for what describes them.

Files are stored once as blobs; a version's folder holds read-only links to them. What is a URI stays a reference.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aml.errors import Conflict, NotFound
from aml.workspace.embedded import names
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.files import snapshot
from aml.workspace.embedded.files.blobs import Blobs, Manifest
from aml.workspace.embedded.paths import WorkspacePaths
from aml.workspace.records import Asset

LABELS = {"data": "data asset", "environment": "environment", "component": "component"}
"""Kind -> what messages call one of it."""


@dataclass(frozen=True)
class NewAsset:
    """What an asset is made from."""

    kind: str
    name: str
    document: Mapping[str, Any]
    created_by: str
    version: str | None = None  # None: the next integer
    files: Path | None = None  # folder or file to store
    tree: tuple[tuple[str, Path], ...] | None = None  # or files from several places: (path in a folder `code`, file)
    job_name: str | None = None
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, str | None] = field(default_factory=dict)
    repeatable: bool = False  # a version that exists with the same content is described anew, and is no conflict


class AssetTable:
    """The asset table and the files of it, of a workspace or of the registry of that name."""

    def __init__(self, database: Database, paths: WorkspacePaths, registry: str | None = None) -> None:
        self._database = database
        self._paths = paths
        self.registry = registry
        self._blobs = Blobs(paths.blobs)

    def create(self, new: NewAsset) -> Asset:
        """Store a version. Raises `Conflict` if it exists, `NotFound` if there are no such files."""
        names.check_asset_name(new.name, f"a {LABELS[new.kind]}")
        if new.version is not None:
            names.check_asset_name(new.version, "a version")
        manifest = self._ingest(new)
        with self._database.transaction() as write:
            version = new.version or self._next_version(write, new)
            row = _row(new, manifest)
            inserted = _insert(write, row | {"version": version, "path": self._place(new, version)})
            if inserted is None:
                return self._again(write, new, row, version)
            if manifest is not None:
                folder = self._paths.folder / inserted["path"]
                shutil.rmtree(folder.parent, ignore_errors=True)  # of an attempt whose transaction was lost
                target = folder.parent if new.files is not None and new.files.is_file() else folder
                self._blobs.check_out(manifest, target, writable=False)
        return self._asset(inserted)

    def get(self, kind: str, name: str, version: str | None = None) -> Asset:
        """One version, or the one that was created last."""
        condition = "" if version is None else "AND version = :version"
        row = self._database.connection.execute(
            f"SELECT * FROM asset WHERE kind = :kind AND name = :name {condition} ORDER BY id DESC LIMIT 1",
            {"kind": kind, "name": name, "version": version},
        ).fetchone()
        if row is None:
            label = LABELS[kind]
            what = f"no {label} named {name}" if version is None else f"no version {version} of the {label} {name}"
            raise names.not_there(what, kind, self.registry)
        return self._asset(row)

    def list(
        self, kind: str, name: str | None = None, *, archived: bool | None = False, limit: int | None = None
    ) -> Sequence[Asset]:
        """All versions of one name, or of all, newest first; `archived` None is: both."""
        conditions = ["kind = :kind"]
        if name is not None:
            conditions.append("name = :name")
        if archived is not None:
            conditions.append(f"archived = {int(archived)}")
        query = f"SELECT * FROM asset WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT :limit"
        values = {"kind": kind, "name": name, "limit": -1 if limit is None else limit}
        return [self._asset(row) for row in self._database.connection.execute(query, values)]

    def made_by(self, job_name: str) -> Sequence[Asset]:
        """Versions whose files are outputs of a job."""
        rows = self._database.connection.execute("SELECT * FROM asset WHERE job_name = ? ORDER BY id", (job_name,))
        return [self._asset(row) for row in rows]

    def update(self, kind: str, name: str, version: str | None, change: Callable[[Asset], Asset]) -> Asset:
        """Store what `change` makes of description, tags, properties and archived, with no write in between."""
        with self._database.transaction() as write:
            changed = change(self.get(kind, name, version))
            _update(write, changed)
        return changed

    def _ingest(self, new: NewAsset) -> Manifest | None:
        if new.tree is not None:
            return self._blobs.ingest(new.tree)
        if new.files is None:
            return None
        if not new.files.exists():
            raise NotFound(f"{new.files} does not exist", "Give the path of a file or a folder.")
        return self._blobs.ingest(snapshot.tree(new.files))

    def _place(self, new: NewAsset, version: str) -> str | None:
        if new.tree is None and new.files is None:
            return None
        path = self._paths.asset(new.kind, new.name, version) / (new.files.name if new.files is not None else "code")
        return str(path.relative_to(self._paths.folder))

    def _next_version(self, write: sqlite3.Connection, new: NewAsset) -> str:
        rows = write.execute("SELECT version FROM asset WHERE kind = ? AND name = ?", (new.kind, new.name))
        return names.next_version(row["version"] for row in rows)

    def _again(self, write: sqlite3.Connection, new: NewAsset, row: Mapping[str, Any], version: str) -> Asset:
        query = "SELECT * FROM asset WHERE kind = ? AND name = ? AND version = ?"
        there = write.execute(query, (new.kind, new.name, version)).fetchone()
        if not new.repeatable or any(there[key] != row[key] for key in ("document", "manifest")):
            raise Conflict(
                f"version {version} of the {LABELS[new.kind]} {new.name} exists already",
                "Leave the version out for the next one.",
            )
        described = replace(self._asset(there), description=new.description, tags=new.tags)
        _update(write, described)
        return described

    def _asset(self, row: sqlite3.Row) -> Asset:
        return Asset(
            kind=row["kind"],
            name=row["name"],
            version=row["version"],
            document=json.loads(row["document"]),
            created_at=datetime.fromisoformat(row["created_at"]),
            created_by=row["created_by"],
            path=None if row["path"] is None else self._paths.folder / row["path"],
            size_bytes=row["size_bytes"],
            job_name=row["job_name"],
            description=row["description"],
            tags=json.loads(row["tags"]),
            properties=json.loads(row["properties"]),
            archived=bool(row["archived"]),
            registry=self.registry,
        )


def _row(new: NewAsset, manifest: Manifest | None) -> dict[str, object]:
    return {
        "kind": new.kind,
        "name": new.name,
        "document": json.dumps(new.document, sort_keys=True, default=str),  # YAML has dates, JSON has none
        "manifest": None if manifest is None else manifest.digest,
        "size_bytes": 0 if manifest is None else manifest.size_bytes,
        "job_name": new.job_name,
        "description": new.description,
        "created_at": datetime.now(UTC).isoformat(),
        "created_by": new.created_by,
        "tags": json.dumps(dict(new.tags)),
        "properties": json.dumps(dict(new.properties)),
    }


def _insert(write: sqlite3.Connection, row: Mapping[str, object]) -> sqlite3.Row | None:
    """The new row, or None if the version is taken."""
    columns, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    cursor = write.execute(f"INSERT INTO asset ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING RETURNING *", row)
    inserted: sqlite3.Row | None = cursor.fetchone()
    return inserted


def _update(write: sqlite3.Connection, asset: Asset) -> None:
    tags, properties = json.dumps(dict(asset.tags)), json.dumps(dict(asset.properties))
    write.execute(
        "UPDATE asset SET description = ?, tags = ?, properties = ?, archived = ?"
        " WHERE kind = ? AND name = ? AND version = ?",
        (asset.description, tags, properties, int(asset.archived), asset.kind, asset.name, asset.version),
    )
