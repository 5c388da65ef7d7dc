"""What the verbs of data and environment share: everything but how one is made."""

from __future__ import annotations

from dataclasses import replace

from aml.commands._output import emit, emit_list
from aml.commands._workspace import workspace_in_use
from aml.errors import UsageError
from aml.spec.updates import Update, updated
from aml.view import cards, entities
from aml.workspace.records import Asset


def emit_asset(asset: Asset) -> None:
    emit(entities.asset(asset), card=lambda color: cards.asset(asset, color=color))


def show(kind: str, name: str, version: str | None, label: str | None) -> None:
    emit_asset(workspace_in_use().assets.get(kind, name, version_of(version, label)))


def list_assets(kind: str, name: str | None, limit: int | None, *, archived: bool | None) -> None:
    assets = workspace_in_use().assets.list(kind, name, limit=limit, archived=archived)
    none = "No data." if kind == "data" else f"No {kind}s."
    emit_list([entities.asset(asset) for asset in assets], entities.ASSET_COLUMNS[kind], none=none)


def update(kind: str, name: str, version: str | None, label: str | None, changes: Update) -> None:
    def changed(asset: Asset) -> Asset:
        described = {"description": asset.description, "tags": dict(asset.tags), "properties": dict(asset.properties)}
        return replace(asset, **updated(described, changes))

    emit_asset(workspace_in_use().assets.update(kind, name, version_of(version, label), changed))


def archive(kind: str, name: str, version: str | None, label: str | None, *, archived: bool) -> None:
    """One version; all of the name if none is named."""
    place = workspace_in_use()
    if label is not None:
        version = place.assets.get(kind, name, version_of(version, label)).version
    place.assets.archive(kind, name, version, archived=archived)


def version_of(version: str | None, label: str | None) -> str | None:
    """The version that is asked for, None for the latest."""
    if label not in (None, "latest"):
        raise UsageError(f"there is no label {label!r}", "The one label is latest.")
    if label is not None and version is not None:
        raise UsageError("--version and --label can't be given together")
    return version


def tags_of(tags: list[str] | None) -> dict[str, str] | None:
    return None if tags is None else {key: value for key, _, value in (tag.partition("=") for tag in tags)}


def archived_of(*, include: bool, only: bool) -> bool | None:
    """What `--include-archived` and `--archived-only` ask for."""
    return True if only else None if include else False
