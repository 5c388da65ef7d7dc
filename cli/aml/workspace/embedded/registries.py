"""Registries of this machine: assets that every workspace can use, each registry with a store of its own."""

from __future__ import annotations

from collections.abc import Sequence

from aml.workspace.embedded import names
from aml.workspace.embedded.assets import AssetTable, NewAsset
from aml.workspace.embedded.blobs import explained
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.models import ModelTable
from aml.workspace.embedded.nouns import Assets, Models
from aml.workspace.embedded.paths import home, make_private, registry_paths
from aml.workspace.embedded.references import References
from aml.workspace.embedded.store import Jobs
from aml.workspace.records import Asset, ModelVersion


class EmbeddedRegistry:
    """See `aml.workspace.Registry`."""

    def __init__(self, name: str) -> None:
        names.check_asset_name(name, "a registry")
        paths = registry_paths(name)
        with explained(paths.folder):
            make_private(paths.folder)
        self._database = Database(paths.store)
        self._models = ModelTable(self._database, paths, name)
        self._assets = AssetTable(self._database, paths, name)
        self._references = References(paths, self._models, self._assets)

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


def registries() -> Sequence[str]:
    """The names of all that there are."""
    folder = home() / "registries"
    return sorted(path.name for path in folder.iterdir() if (path / "store.db").exists()) if folder.is_dir() else []


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
