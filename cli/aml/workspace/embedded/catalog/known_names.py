"""Names that a shell may complete: read from the store as it is, without opening the workspace.

Nobody is told of what can't be read: a Tab key is no place for an error.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from aml.workspace.embedded.paths import home, registry_paths, workspace_paths

MOST = 100
_TIMEOUT_S = 0.1  # a writer that holds the store longer must not hold up a prompt

_ALWAYS: Mapping[str, Sequence[str]] = {
    "compute": ("local",),
    "datastore": (
        *("workspaceblobstore", "workspacefilestore"),
        *("workspaceworkingdirectory", "workspaceartifactstore"),
    ),
}
_ASSET = "SELECT name FROM asset WHERE kind = '{}' AND archived = 0 AND {{}} GROUP BY name ORDER BY max(id) DESC"
_QUERIES: Mapping[str, str] = {
    "job": "SELECT name FROM job WHERE {} ORDER BY id DESC",
    "experiment": "SELECT name FROM experiment WHERE lifecycle_stage = 'active' AND {} ORDER BY id DESC",
    "compute": "SELECT name FROM compute WHERE {} ORDER BY id",
    "datastore": "SELECT name FROM datastore WHERE {} ORDER BY id",
    "model": "SELECT name FROM model WHERE archived = 0 AND {} GROUP BY name ORDER BY max(id) DESC",
    **{kind: _ASSET.format(kind) for kind in ("data", "environment", "component")},
}


def known_names(kind: str, prefix: str, workspace_name: str) -> Sequence[str]:
    """Names of jobs, computes, models, ... that begin with `prefix`, the newest first; at most `MOST`."""
    if kind in ("workspace", "registry"):
        found = ["default"] if kind == "workspace" else []
        return _starting(prefix, sorted({*found, *_stores(home() / ("workspaces" if found else "registries"))}))
    always = _starting(prefix, _ALWAYS.get(kind, ()))
    condition = "name >= :low COLLATE NOCASE AND name < :high COLLATE NOCASE" if prefix else "1"
    values = {"low": prefix, "high": prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix else ""}
    return [*always, *_rows(workspace_paths(workspace_name).store, _QUERIES[kind].format(condition), values)]


def known_versions(kind: str, name: str, prefix: str, workspace_name: str, registry_name: str | None) -> Sequence[str]:
    """Versions of an asset that begin with `prefix`, the newest first."""
    table = "model WHERE" if kind == "model" else "asset WHERE kind = :kind AND"
    paths = workspace_paths(workspace_name) if registry_name is None else registry_paths(registry_name)
    query = f"SELECT version FROM {table} name = :name ORDER BY id DESC"
    return _starting(prefix, _rows(paths.store, query, {"kind": kind, "name": name}))


def _rows(store: Path, query: str, values: Mapping[str, str]) -> Sequence[str]:
    try:
        with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True, timeout=_TIMEOUT_S)) as connection:
            return [row[0] for row in connection.execute(f"{query} LIMIT {MOST}", values)]
    except sqlite3.Error:
        return []


def _stores(folder: Path) -> Sequence[str]:
    try:
        return [path.name for path in folder.iterdir() if path.name[0] != "." and (path / "store.db").exists()]
    except OSError:
        return []


def _starting(prefix: str, names: Sequence[str]) -> Sequence[str]:
    return [name for name in names if name.lower().startswith(prefix.lower())]
