"""From the environment that a spec names to what it is made of; at the submit, once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aml.errors import NotFound
from aml.workspace.embedded.catalog.assets import AssetTable
from aml.workspace.embedded.catalog.references import is_registry, registered
from aml.workspace.embedded.environments import conda_file, known
from aml.workspace.embedded.environments.conda_file import Requirements
from aml.workspace.records import Asset, reference_to

LOCAL = "local"
"""The name of the environment that is always there: the Python that aml is installed in."""

_NAMED = re.compile(r"azureml:(?P<name>[^:@/]+)(?::(?P<version>[^:@/]+)|@(?P<label>[^:@/]+))?")
_REGISTRY = re.compile(
    r"azureml://registries/(?P<registry>[^/]+)/environments/(?P<name>[^/]+)"
    r"(?:/versions/(?P<version>[^/]+)|/labels/(?P<label>[^/]+))?"
)
_RESOURCE = re.compile(
    r"(?:azureml:)?/+subscriptions/.+/environments/(?P<name>[^/]+)"
    r"(?:/versions/(?P<version>[^/]+)|/labels/(?P<label>[^/]+))?"
)
_AZURES = re.compile(r"AzureML-(?P<name>.+)", re.IGNORECASE)


@dataclass(frozen=True)
class Resolved:
    """An environment as far as it is known here."""

    title: str  # what messages call it
    pinned: str | Mapping[str, Any]  # what the job's document says, complete in itself
    image: str | None = None
    conda: Mapping[str, Any] | None = None  # the content of the conda file
    build: Path | str | None = None  # the folder of the Dockerfile, or the URL of one
    dockerfile: str = "Dockerfile"
    curated: bool = False  # Azure's own, or a registry's: what is in it is not told here
    is_local: bool = False

    @property
    def requirements(self) -> Requirements:
        """Those of the conda file; without one what the name or the image tells."""
        if self.conda is not None:
            return conda_file.requirements(self.conda)
        return known.of_azures_name(self.title) if self.curated else known.of_image(self.image or "")


def resolve(environment: str | Mapping[str, Any], assets: AssetTable) -> Resolved:
    """Raises `NotFound` for a name that nobody has registered, `AmlError` for files that can't be used."""
    if isinstance(environment, str):
        return _named(environment, assets)
    if "image" not in environment and "build" not in environment:  # a name alone refers to a registered one
        version = f":{environment['version']}" if "version" in environment else "@latest"
        return _named(f"azureml:{environment['name']}{version}", assets)
    return _inline(environment)


def _named(reference: str, assets: AssetTable) -> Resolved:
    if match := _REGISTRY.fullmatch(reference):
        return _of_registry(reference, match)
    match = _NAMED.fullmatch(reference) or _RESOURCE.fullmatch(reference)
    if match is None:
        return Resolved(reference, reference, curated=True)
    name, version = match["name"], match["version"]
    try:
        return _registered(name, version, assets)
    except NotFound as error:
        if name.lower() == LOCAL:
            return Resolved(reference, reference, is_local=True)
        if _AZURES.match(name):
            return _azures(reference, name, version)
        raise NotFound(error.message, _WAYS_OUT) from None


_WAYS_OUT = (
    "`aml environment list` shows what there is, `aml environment create` registers one."
    f" azureml:{LOCAL}@latest is the Python that aml is installed in."
)


def _registered(name: str, version: str | None, assets: AssetTable) -> Resolved:
    return _of_asset(assets.get("environment", name, version))


def _of_registry(reference: str, match: re.Match[str]) -> Resolved:
    registry, name, version = match["registry"], match["name"], match["version"]
    if is_registry(registry):
        asset = registered(registry, "environments", name, version)
        assert isinstance(asset, Asset)
        return _of_asset(asset)
    if registry.lower() == "azureml":
        return _azures(reference, name, version)
    return Resolved(reference, reference, curated=True)


def _of_asset(asset: Asset) -> Resolved:
    pinned = reference_to(asset)
    build = asset.document.get("build")
    return Resolved(
        title=pinned,
        pinned=pinned,
        image=asset.document.get("image"),
        conda=asset.document.get("conda_file"),
        build=None if build is None else asset.path or build["path"],
        dockerfile="Dockerfile" if build is None else build["dockerfile_path"],
    )


def _azures(reference: str, name: str, version: str | None) -> Resolved:
    """Azure publishes the images of its own environments under their names."""
    match = _AZURES.fullmatch(name)
    image = f"mcr.microsoft.com/azureml/curated/{(match['name'] if match else name).lower()}:{version or 'latest'}"
    return Resolved(reference, reference, image=image, curated=True)


def _inline(environment: Mapping[str, Any]) -> Resolved:
    pinned, conda, build = dict(environment), environment.get("conda_file"), environment.get("build")
    if conda is not None:
        conda = pinned["conda_file"] = conda_file.content(conda)
    image = environment.get("image")
    return Resolved(
        title="the environment" if image is None else f"the image {image}",
        pinned=pinned,
        image=image,
        conda=conda,
        build=None if build is None else build["path"] if "://" in build["path"] else Path(build["path"]),
        dockerfile="Dockerfile" if build is None else build.get("dockerfile_path", "Dockerfile"),
    )
