"""From the ways to name an environment to what it is."""

from __future__ import annotations

import pytest

from aml.errors import NotFound
from aml.spec.model import Environment
from aml.workspace.embedded.catalog.assets import AssetTable
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.environments.resolve import resolve
from aml.workspace.embedded.paths import workspace_paths

ARM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/environments"


@pytest.fixture
def assets(workspace):
    paths = workspace_paths("default")
    for image in ("ubuntu:22.04", "ubuntu:24.04"):
        workspace.assets.create(Environment("mine", image=image))
    workspace.assets.create(Environment("AzureML-ours", image="ours"))
    return AssetTable(Database(paths.store), paths)


@pytest.mark.parametrize(
    ("reference", "pinned", "image"),
    [
        ("azureml:mine:1", "azureml:mine:1", "ubuntu:22.04"),
        ("azureml:mine@latest", "azureml:mine:2", "ubuntu:24.04"),
        (f"azureml:{ARM}/mine/versions/1", "azureml:mine:1", "ubuntu:22.04"),
        (f"{ARM}/mine/labels/latest", "azureml:mine:2", "ubuntu:24.04"),
        ({"name": "mine"}, "azureml:mine:2", "ubuntu:24.04"),
        ({"name": "mine", "version": "1"}, "azureml:mine:1", "ubuntu:22.04"),
        ("azureml:AzureML-ours@latest", "azureml:AzureML-ours:1", "ours"),
    ],
)
def test_a_registered_environment_is_found_by_each_of_its_names(assets, reference, pinned, image):
    found = resolve(reference, assets)
    assert (found.pinned, found.image, found.curated) == (pinned, image, False)


@pytest.mark.parametrize(
    ("reference", "image"),
    [
        ("azureml:AzureML-sklearn-1.5@latest", "mcr.microsoft.com/azureml/curated/sklearn-1.5:latest"),
        ("azureml:AzureML-sklearn-1.5:12", "mcr.microsoft.com/azureml/curated/sklearn-1.5:12"),
        (
            "azureml://registries/azureml/environments/acpt-pytorch-2.8-cuda12.6/versions/3",
            "mcr.microsoft.com/azureml/curated/acpt-pytorch-2.8-cuda12.6:3",
        ),
        ("azureml://registries/theirs/environments/x/labels/latest", None),
        ("azureml://locations/westus/workspaces/w/environments/x", None),
    ],
)
def test_what_is_not_of_this_machine_is_taken_for_azures_own(assets, reference, image):
    found = resolve(reference, assets)
    assert (found.pinned, found.image, found.curated) == (reference, image, True)


@pytest.mark.parametrize("reference", ["azureml:other:1", "azureml:mine:3", f"azureml:{ARM}/other/versions/1"])
def test_another_name_or_version_is_not_found(assets, reference):
    with pytest.raises(NotFound, match="environment"):
        resolve(reference, assets)


def test_an_inline_environment_is_complete_in_itself(assets, tmp_path):
    (tmp_path / "conda.yml").write_text("dependencies: [{pip: [-r more.txt]}]")
    (tmp_path / "more.txt").write_text("numpy\n")
    found = resolve({"image": "ubuntu", "conda_file": str(tmp_path / "conda.yml")}, assets)
    assert found.pinned == {"image": "ubuntu", "conda_file": {"dependencies": [{"pip": ["numpy"]}]}}
    assert found.requirements.packages == ("numpy",)


def test_the_local_environment_is_the_current_one(assets):
    assert resolve("azureml:local@latest", assets).is_local
