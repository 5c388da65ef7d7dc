"""Registries of this machine: assets that every workspace can use, each registry with a store of its own."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from aml.errors import Conflict
from aml.workspace.embedded import names
from aml.workspace.embedded.catalog.assets import AssetTable, NewAsset
from aml.workspace.embedded.catalog.models import ModelTable
from aml.workspace.embedded.catalog.references import References, existing_registry, is_registry
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.files.blobs import explained
from aml.workspace.embedded.files.filesystems import refuse_network
from aml.workspace.embedded.nouns import Assets, Models
from aml.workspace.embedded.paths import home, make_private, registry_paths
from aml.workspace.embedded.store import Jobs
from aml.workspace.records import Asset, ModelVersion, RegistryInfo


class EmbeddedRegistry:
    """See `aml.workspace.Registry`."""

    def __init__(self, name: str) -> None:
        names.check_asset_name(name, "a registry")
        self._name = name
        self._paths = paths = registry_paths(name)
        refuse_network(paths.folder)
        with explained(paths.folder):
            make_private(paths.folder)
        self._database = Database(paths.store)
        self._models = ModelTable(self._database, paths, name)
        self._assets = AssetTable(self._database, paths, name)
        self._references = References(paths, self._models, self._assets)

    @property
    def info(self) -> RegistryInfo:
        return RegistryInfo(self._name, str(self._paths.folder))

    @property
    def models(self) -> Models:
        return Models(self._models, self._references, Jobs(self._database))

    @property
    def assets(self) -> Assets:
        return Assets(self._assets, Jobs(self._database))

    def share(self, record: ModelVersion | Asset, *, name: str, version: str) -> ModelVersion | Asset:
        who = names.user_name()
        if isinstance(record, Asset):
            return self._assets.create(_copied(record, name, version, who))
        return self._models.create(
            name,
            record.path,
            type=record.type,
            created_by=who,
            version=version,
            description=record.description,
            tags=record.tags,
            properties=record.properties,
            flavors=record.flavors,
        )


def create_registry(name: str) -> EmbeddedRegistry:
    names.check_asset_name(name, "a registry")
    if is_registry(name):
        raise Conflict(f"a registry named {name} exists already")
    return EmbeddedRegistry(name)


def delete_registry(name: str) -> None:
    folder = existing_registry(name).folder
    with explained(folder):
        shutil.rmtree(folder)


def registries() -> Sequence[RegistryInfo]:
    """All that there are, by name."""
    folder = home() / "registries"
    found = sorted(path.name for path in folder.iterdir() if is_registry(path.name)) if folder.is_dir() else []
    return [RegistryInfo(name, str(registry_paths(name).folder)) for name in found]


def _copied(record: Asset, name: str, version: str, who: str) -> NewAsset:
    return NewAsset(
        kind=record.kind,
        name=name,
        document=record.document,
        created_by=who,
        version=version,
        files=record.path,
        description=record.description,
        tags=record.tags,
        properties=record.properties,
    )
