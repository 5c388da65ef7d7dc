"""The wheel holds all that `aml` needs and nothing else, and works from where it is unpacked."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_schemas_specs_and_trainer_travel_with_the_package(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "aml/__main__.py",
        "aml/py.typed",
        "aml/workspace/embedded/schema.sql",
        "aml/workspace/embedded/tracking/schema.sql",
        "aml/_bundle/schemas/command.schema.json",
        "aml/_bundle/specs/quickstart/job.yml",
        "aml/_bundle/trainer/aml_trainer/__main__.py",
    } <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_the_quickstart_of_an_installed_wheel_is_valid_and_runs(wheel, tmp_path, aml_home):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    spec = tmp_path / "aml" / "_bundle" / "specs" / "quickstart" / "job.yml"

    def aml(*arguments: str) -> str:
        command = [sys.executable, "-m", "aml", *arguments]
        environment = os.environ | {"PYTHONPATH": str(tmp_path)}
        return subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout

    assert aml("validate", str(spec)) == f"{spec}: valid\n"
    show = "command=python -c 'import aml; print(aml.__file__)' && ls && ls > ${{outputs.model}}/listed"
    aml("job", "create", "-f", str(spec), "--set", show, "--name", "listed", "--stream")
    log = aml("job", "stream", "-n", "listed")
    assert f"\n{tmp_path}/aml/__init__.py\n" in log
    assert "\naml_trainer\n" in log
