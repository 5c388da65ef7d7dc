"""Registries: assets that every workspace of this machine can use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cli.terminal import aml

SPECS = Path(__file__).parents[1] / "specs"
SHARED = ("--registry-name", "shared")


def run(*arguments: str) -> Any:
    return json.loads(aml(*arguments, check=True).stdout)


def made_model(tmp_path: Path) -> Any:
    (tmp_path / "model.txt").write_text("weights")
    return run("model", "create", "-n", "m", "--path", str(tmp_path / "model.txt"), "--stage", "Production", *SHARED)


def test_the_first_asset_makes_the_registry_and_is_shown_there_alone(tmp_path):
    assert made_model(tmp_path)["id"] == "azureml://registries/shared/models/m/versions/1"
    assert [each["name"] for each in run("model", "list", *SHARED)] == ["m"]
    assert run("model", "list") == []
    assert run("model", "list", *SHARED, "--stage", "staging") == []
    assert run("model", "show", "-n", "m", "--label", "latest", *SHARED)["stage"] == "Production"
    assert run("model", "update", "-n", "m", "--set", "tags.a=1", *SHARED)["tags"] == {"a": "1"}
    aml("model", "download", "-n", "m", "-v", "1", "-p", str(tmp_path / "out"), *SHARED, check=True)
    assert (tmp_path / "out" / "m" / "model.txt").read_text() == "weights"


def test_data_and_environments_live_in_registries_too():
    data = run("data", "create", "-f", str(SPECS / "valid" / "data.yml"), *SHARED)
    assert data["id"] == "azureml://registries/shared/data/iris/versions/1.10"
    environment = run("environment", "create", "-n", "e", "-i", "python:3.11", *SHARED)
    assert environment["id"] == "azureml://registries/shared/environments/e/versions/1"
    aml("environment", "archive", "-n", "e", *SHARED, check=True)
    assert run("environment", "list", *SHARED) == []


def test_a_registry_or_an_asset_that_is_not_there_is_not_found(tmp_path):
    nobody = aml("model", "show", "-n", "m", "--registry-name", "nobody")
    assert nobody.returncode == 3
    assert "there is no registry named nobody on this machine" in nobody.stderr
    made_model(tmp_path)
    missing = aml("model", "show", "-n", "x", *SHARED)
    assert missing.returncode == 3
    assert (
        "there is no model named x in the registry shared\n  `aml model list --registry-name shared`" in missing.stderr
    )


def test_a_version_is_shared_from_the_workspace_to_a_registry(tmp_path):
    (tmp_path / "model.txt").write_text("weights")
    run("model", "create", "-n", "m", "--path", str(tmp_path / "model.txt"))
    new = ("--share-with-name", "mm", "--share-with-version", "7")
    shared = run("model", "share", "-n", "m", "-v", "1", *SHARED, *new)
    assert Path(shared["path"]).read_text() == "weights"
    assert run("model", "show", "-n", "mm", *SHARED)["version"] == "7"
    again = aml("model", "share", "-n", "m", "-v", "1", *SHARED, *new)
    assert again.returncode == 1
    run("data", "create", "-f", str(SPECS / "valid" / "data.yml"))
    assert run("data", "share", "-n", "iris", "-v", "1.10", *SHARED, *new)["name"] == "mm"


def test_a_job_reads_from_a_registry_by_version_and_by_label(tmp_path):
    made_model(tmp_path)
    run("data", "create", "-f", str(SPECS / "valid" / "data.yml"), *SHARED)
    (tmp_path / "job.yml").write_text(
        "command: cat ${{inputs.model}} ${{inputs.data}}\n"
        "environment: azureml:local@latest\n"
        "inputs:\n"
        "  model: {type: custom_model, path: azureml://registries/shared/models/m/labels/latest}\n"
        "  data: {type: uri_file, path: azureml://registries/shared/data/iris/versions/1.10}\n"
    )
    job = run("job", "create", "-f", str(tmp_path / "job.yml"), "--name", "reader")
    assert job["inputs"]["model"]["path"] == "azureml://registries/shared/models/m/versions/1"
    log = aml("job", "stream", "-n", "reader", check=True).stdout
    assert "weights" in log
    assert (SPECS / "data" / "iris.csv").read_text().splitlines()[0] in log


def test_the_output_of_a_job_goes_through_the_workspace():
    path = "azureml://jobs/j/outputs/artifacts/paths/outputs"
    refused = aml("model", "create", "-n", "m", "--path", path, *SHARED)
    assert refused.returncode == 1
    assert "Register it in the workspace, then copy it with `aml model share`." in refused.stderr


def test_a_job_runs_in_an_environment_of_a_registry(tmp_path):
    run("environment", "create", "-n", "e", "-i", "python:3.11", *SHARED)
    (tmp_path / "job.yml").write_text(
        "command: 'true'\nenvironment: azureml://registries/shared/environments/e/labels/latest\n"
    )
    job = run("job", "create", "-f", str(tmp_path / "job.yml"))
    assert job["environment"] == "azureml://registries/shared/environments/e/versions/1"
    text = "command: 'true'\nenvironment: azureml://registries/shared/environments/x/versions/1\n"
    (tmp_path / "job.yml").write_text(text)
    assert aml("job", "create", "-f", str(tmp_path / "job.yml")).returncode == 3


def test_a_registry_is_made_listed_shown_and_deleted(tmp_path):
    made = run("registry", "create", "-n", "mine")
    assert run("registry", "show", "-n", "mine") == made
    assert aml("registry", "create", "-n", "mine").returncode == 1
    (tmp_path / "registry.yml").write_text(
        "name: of-file\nlocation: eastus\nreplication_locations: [{location: eastus}]\n"
    )
    run("registry", "create", "-f", str(tmp_path / "registry.yml"))
    assert [each["name"] for each in run("registry", "list")] == ["mine", "of-file"]
    assert aml("registry", "delete", "-n", "mine").returncode == 1
    aml("registry", "delete", "-n", "mine", "--yes", check=True)
    assert not Path(made["location"]).exists()
    assert aml("registry", "show", "-n", "mine").returncode == 3
