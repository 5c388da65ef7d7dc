"""What MLflow says of models, on top of the workspace's own model store.

Names, their descriptions, tags and aliases are kept here, their versions there; a name that only the store knows is a
registered model too. Archived versions are found by their number alone.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aml.errors import NotFound
from aml.workspace.embedded.catalog.models import ModelTable
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.server.refusal import RequestError
from aml.workspace.embedded.tracking.fields import Pairs, invalid, missing, now_ms
from aml.workspace.records import ModelVersion

# Azure's rule for a model's name, which keeps it a good folder name.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_ALIAS = re.compile(r"[\w\-]{1,255}")
_RESERVED_ALIAS = re.compile(r"latest|v\d+", re.IGNORECASE)
STAGES = {"none": "None", "staging": "Staging", "production": "Production", "archived": "Archived"}

SOURCE = "mlflow.source"  # properties of a version that MLflow's fields are kept in
RUN_ID = "mlflow.runId"
RUN_LINK = "mlflow.runLink"
MODEL_ID = "mlflow.modelId"

_SET_TAG = "INSERT INTO registered_model_tag VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
_SET_ALIAS = "INSERT INTO registered_model_alias VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version"


@dataclass(frozen=True)
class RegisteredModel:
    """What is known of a model's name."""

    name: str
    description: str | None
    created_ms: int
    updated_ms: int
    tags: Mapping[str, str]
    aliases: Mapping[str, str]  # alias -> version
    versions: Sequence[ModelVersion]  # oldest first

    @property
    def latest(self) -> Mapping[str, ModelVersion]:
        """The newest version of each stage."""
        latest = {stage_of(version): version for version in self.versions}
        return {stage: latest[stage] for stage in STAGES.values() if stage in latest}


@dataclass(frozen=True)
class RegisteredModels:
    """Registered models: their names' own data joined with the store's versions."""

    database: Database
    store: ModelTable

    def create(self, name: str, description: str | None, tags: Pairs) -> RegisteredModel:
        if not _NAME.fullmatch(name):
            raise invalid(
                f"Invalid model name '{name}': it has up to 255 letters, digits, dots, dashes and underscores, "
                "and begins with a letter or a digit."
            )
        if self._find(name) is not None:
            raise RequestError("RESOURCE_ALREADY_EXISTS", f"Registered Model (name={name}) already exists.")
        with self.database.transaction() as write:
            _insert(write, name, description)
            write.executemany(_SET_TAG, [(name, key, value) for key, value in tags])
        return self.get(name)

    def get(self, name: str) -> RegisteredModel:
        found = self._find(name)
        if found is None:
            raise missing(f"Registered Model with name={name} not found.")
        return found

    def all(self) -> list[RegisteredModel]:
        """By name."""
        rows = self.database.connection.execute("SELECT name FROM registered_model")
        names = {name.lower(): name for name in [*(row["name"] for row in rows), *self.store.names()]}
        found = (self._find(names[key]) for key in sorted(names))
        return [model for model in found if model is not None]

    def describe(self, name: str, description: str | None) -> RegisteredModel:
        self._write(name, "UPDATE registered_model SET description = ? WHERE name = ?", (description, name))
        return self.get(name)

    def delete(self, name: str) -> None:
        """The name and every version of it."""
        for version in self.get(name).versions:
            self.store.delete(name, version.version)
        with self.database.transaction() as write:
            write.execute("DELETE FROM registered_model WHERE name = ?", (name,))

    def set_tag(self, name: str, key: str, value: str) -> None:
        self._write(name, _SET_TAG, (name, key, value))

    def delete_tag(self, name: str, key: str) -> None:
        self._write(name, "DELETE FROM registered_model_tag WHERE name = ? AND key = ?", (name, key))

    def set_alias(self, name: str, alias: str, version: str) -> None:
        if not _ALIAS.fullmatch(alias) or _RESERVED_ALIAS.fullmatch(alias):
            raise invalid(
                f"Invalid alias name '{alias}': it has letters, digits, dashes and underscores, and is not 'latest' or "
                "a version such as 'v1'."
            )
        self.version(name, version)
        self._write(name, _SET_ALIAS, (name, alias, version))

    def delete_alias(self, name: str, alias: str) -> None:
        self._write(name, "DELETE FROM registered_model_alias WHERE name = ? AND alias = ?", (name, alias))

    def by_alias(self, name: str, alias: str) -> ModelVersion:
        row = self.database.connection.execute(
            "SELECT version FROM registered_model_alias WHERE name = ? AND alias = ?", (name, alias)
        ).fetchone()
        if row is None:
            self.get(name)
            raise invalid(f"Registered model alias {alias} not found.")
        return self.version(name, row["version"])

    def version(self, name: str, version: str) -> ModelVersion:
        try:
            return self.store.get(name, version)
        except NotFound:
            raise missing(f"Model Version (name={name}, version={version}) not found.") from None

    def delete_version(self, name: str, version: str) -> None:
        self.version(name, version)
        self.store.delete(name, version)
        with self.database.transaction() as write:
            write.execute("DELETE FROM registered_model_alias WHERE name = ? AND version = ?", (name, version))

    def change_tag(self, version: ModelVersion, key: str, value: str | None) -> None:
        """Set a tag of a version, or take it away when `value` is None."""

        def changed(old: ModelVersion) -> ModelVersion:
            tags = {name: kept for name, kept in old.tags.items() if name != key}
            return replace(old, tags=tags if value is None else {**tags, key: value})

        self.store.update(version.name, version.version, changed)

    def job_of(self, run_id: str | None) -> str | None:
        """The job whose run it is, or whose child run."""
        row = self.database.connection.execute(
            "SELECT name FROM job WHERE name IN (?1, (SELECT value FROM run_tag WHERE run_id = ?1 AND key = ?2))",
            (run_id, "mlflow.parentRunId"),
        ).fetchone()
        return None if row is None else str(row["name"])

    def _write(self, name: str, statement: str, values: Sequence[str | None]) -> None:
        self.get(name)
        with self.database.transaction() as write:
            _insert(write, name, None)  # a name that only the store knew
            write.execute(statement, values)
            write.execute("UPDATE registered_model SET updated_ms = ? WHERE name = ?", (now_ms(), name))

    def _find(self, name: str) -> RegisteredModel | None:
        read = self.database.connection.execute
        row = read("SELECT * FROM registered_model WHERE name = ?", (name,)).fetchone()
        versions = self.store.versions(name)
        if row is None and not versions:
            return None
        times = [int(version.created_at.timestamp() * 1000) for version in versions]
        tags = read("SELECT key, value FROM registered_model_tag WHERE name = ?", (name,))
        aliases = read("SELECT alias, version FROM registered_model_alias WHERE name = ?", (name,))
        return RegisteredModel(
            name=versions[0].name if row is None else row["name"],
            description=None if row is None else row["description"],
            created_ms=min([*times, *([] if row is None else [row["created_ms"]])]),
            updated_ms=max([*times, *([] if row is None else [row["updated_ms"]])]),
            tags={tag["key"]: tag["value"] for tag in tags},
            aliases={alias["alias"]: alias["version"] for alias in aliases},
            versions=versions,
        )


def canonical_stage(stage: str) -> str:
    if stage.lower() not in STAGES:
        raise invalid(f"Invalid Model Version stage: {stage}. Value must be one of {', '.join(STAGES.values())}.")
    return STAGES[stage.lower()]


def stage_of(version: ModelVersion) -> str:
    """MLflow's word for it."""
    stage = version.stage or "None"
    return STAGES.get(stage.lower(), stage)


def run_of(version: ModelVersion) -> str | None:
    return version.properties.get(RUN_ID) or version.job_name


def flavors_of(source: Path) -> Mapping[str, Any] | None:
    """The flavors in a folder's MLmodel file; None if it has none, and so is not an MLflow model."""
    import yaml  # costs more than starting the engine may

    try:
        document = yaml.safe_load((source / "MLmodel").read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise invalid(f"The model's MLmodel file can't be read: {error}") from error
    flavors = document.get("flavors") if isinstance(document, dict) else None
    if not isinstance(flavors, dict):
        raise invalid("The model's MLmodel file has no flavors.")
    return flavors


def _insert(write: sqlite3.Connection, name: str, description: str | None) -> None:
    now = now_ms()
    write.execute(
        "INSERT INTO registered_model VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", (name, description, now, now)
    )
