"""The verbs that the nouns of assets share: a noun's own file has how one is made, and what is its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import typer

from aml.commands._options import (
    Adds,
    ArchivedOnly,
    ChangeSets,
    ForceString,
    IncludeArchived,
    Label,
    MaxResults,
    Name,
    OptionalName,
    OptionalVersion,
    RegistryName,
    Removes,
    SharedName,
    SharedVersion,
    ToRegistry,
    Version,
)
from aml.commands._output import emit, emit_list
from aml.commands._workspace import place_in_use, workspace_in_use
from aml.errors import UsageError
from aml.spec.updates import Update, updated
from aml.view import cards, entities
from aml.workspace.records import Asset, ModelVersion

_DESCRIBED = ("description", "tags", "properties")


@dataclass(frozen=True)
class Kind:
    """One kind of asset, as its noun names it and shows it."""

    name: str
    one: str
    many: str
    document: Callable[[Any], dict[str, Any]] = entities.asset
    card: Callable[..., str] = cards.asset
    described: tuple[str, ...] = _DESCRIBED  # what may change


DATA = Kind("data", "data", "data")
ENVIRONMENT = Kind("environment", "an environment", "environments")
COMPONENT = Kind("component", "a component", "components")
MODEL = Kind("model", "a model", "models", entities.model, cards.model, (*_DESCRIBED, "stage"))


def add_verbs(app: typer.Typer, kind: Kind, *, without: Collection[str] = ()) -> None:
    """Give a noun the verbs that every kind of asset has, but for those that it has in a way of its own."""
    for name, (help_, make) in _VERBS.items():
        if name not in without:
            app.command(name, help=help_.format(one=kind.one, many=kind.many))(make(kind))


def emit_asset(kind: Kind, record: Asset | ModelVersion) -> None:
    emit(kind.document(record), card=lambda color: kind.card(record, color=color))


def emit_assets(kind: Kind, records: Collection[Asset | ModelVersion]) -> None:
    columns = entities.ASSET_COLUMNS[kind.name]
    emit_list([kind.document(record) for record in records], columns, none=f"No {kind.many}.")


def change(
    kind: Kind,
    which: tuple[str, str | None, str | None],
    registry_name: str | None,
    changes: Update,
    over: Mapping[str, str] | None = None,
) -> None:
    """Update the version of (name, version, label) and show it; `over` are values of flags of their own."""

    def changed(record: Any) -> Any:
        described = {key: getattr(record, key) for key in kind.described}
        return replace(record, **updated({**described, **(over or {})}, changes))

    name, version, label = which
    emit_asset(kind, call(kind, registry_name, "update")(name, version_of(version, label), changed))


def call(kind: Kind, registry_name: str | None, verb: str) -> Callable[..., Any]:
    """The function of the workspace, or of a registry, that does this with one kind of asset."""
    place = place_in_use(registry_name)
    return getattr(place.models, verb) if kind is MODEL else partial(getattr(place.assets, verb), kind.name)


def version_of(version: str | None, label: str | None) -> str | None:
    """The version that is asked for, None for the latest."""
    if label not in (None, "latest"):
        raise UsageError(f"there is no label {label!r}", "The one label is latest.")
    if label is not None and version is not None:
        raise UsageError("--version and --label can't be given together")
    return version


def archived_of(*, include: bool, only: bool) -> bool | None:
    """What `--include-archived` and `--archived-only` ask for."""
    return True if only else None if include else False


def _show(kind: Kind) -> Callable[..., None]:
    def show(
        name: Name, version: OptionalVersion = None, label: Label = None, registry_name: RegistryName = None
    ) -> None:
        emit_asset(kind, call(kind, registry_name, "get")(name, version_of(version, label)))

    return show


def _list(kind: Kind) -> Callable[..., None]:
    def list_(
        name: OptionalName = None,
        max_results: MaxResults = None,
        include_archived: IncludeArchived = False,
        archived_only: ArchivedOnly = False,
        registry_name: RegistryName = None,
    ) -> None:
        archived = archived_of(include=include_archived, only=archived_only)
        emit_assets(kind, call(kind, registry_name, "list")(name, limit=max_results, archived=archived))

    return list_


def _update(kind: Kind) -> Callable[..., None]:
    def update(
        name: Name,
        version: OptionalVersion = None,
        label: Label = None,
        set_: ChangeSets = None,
        add: Adds = None,
        remove: Removes = None,
        force_string: ForceString = False,
        registry_name: RegistryName = None,
    ) -> None:
        changes = Update(set_ or [], add or [], remove or [], force_string)
        change(kind, (name, version, label), registry_name, changes)

    return update


def _set_archived(kind: Kind, *, archived: bool) -> Callable[..., None]:
    def archive(
        name: Name, version: OptionalVersion = None, label: Label = None, registry_name: RegistryName = None
    ) -> None:
        which = version_of(version, label)
        if label is not None:
            which = call(kind, registry_name, "get")(name, None).version
        call(kind, registry_name, "archive")(name, which, archived=archived)

    return archive


def _share(kind: Kind) -> Callable[..., None]:
    def share(
        name: Name,
        version: Version,
        registry_name: ToRegistry,
        share_with_name: SharedName,
        share_with_version: SharedVersion,
    ) -> None:
        from aml.workspace import open_registry

        workspace = workspace_in_use()
        get = workspace.models.get if kind is MODEL else partial(workspace.assets.get, kind.name)
        registry = open_registry(registry_name, create=True)
        emit_asset(kind, registry.share(get(name, version), name=share_with_name, version=share_with_version))

    return share


_VERBS: Mapping[str, tuple[str, Callable[[Kind], Callable[..., None]]]] = {
    "list": ("List {many}, newest first.", _list),
    "show": ("Show a version of {one}, the latest if none is named.", _show),
    "update": ("Change description, tags and properties of a version, the latest if none is named.", _update),
    "archive": (
        "Hide a version, or all of the name, from lists; it can still be used.",
        partial(_set_archived, archived=True),
    ),
    "restore": ("Show a version, or all of the name, in lists again.", partial(_set_archived, archived=False)),
    "share": ("Copy a version from the workspace to a registry.", _share),
}
