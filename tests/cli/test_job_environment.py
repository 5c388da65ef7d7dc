"""What `aml job create` and `plan` say of the environment of a job, and what a job runs in."""

from __future__ import annotations

import json
import sys

import pytest

from cli.terminal import aml

IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest"


@pytest.fixture
def spec(tmp_path):
    """A job with a conda file that asks for what is not there."""
    (tmp_path / "conda.yml").write_text("dependencies: [python>=3.11, pyyaml, {pip: [-r more.txt]}]\n")
    (tmp_path / "more.txt").write_text("psutil>=9999\nno-such-package\n")
    (tmp_path / "job.yml").write_text(
        f"command: which python\nenvironment:\n  image: {IMAGE}\n  conda_file: conda.yml\n"
    )
    return tmp_path / "job.yml"


def plan(spec, *arguments: str) -> dict[str, object]:
    return json.loads(aml("job", "plan", "-f", str(spec), *arguments, check=True).stdout)["environment"]


def create(spec, reference: str):
    return aml("job", "create", "-f", str(spec), "--set", f"environment={reference}", "command=true")


def test_what_the_conda_file_asks_for_and_is_not_there_is_a_warning(spec):
    done = aml("job", "create", "-f", str(spec), "--stream", "--query", "status", "-o", "tsv")
    assert (done.returncode, done.stdout) == (0, "Completed\n")
    warning = next(line for line in done.stderr.splitlines() if line.startswith("warning: "))
    assert "psutil>=9999 (there is " in warning
    assert "; no-such-package. `--environment-mode venv` builds one that has it" in warning
    assert f"{sys.prefix}/bin/python" in done.stderr
    assert "not in the image" in done.stderr
    quiet = aml("job", "create", "-f", str(spec), "--only-show-errors")
    assert (quiet.returncode, quiet.stderr) == (0, "")


def test_strict_refuses_it_at_its_line_and_stores_no_job(spec):
    done = aml("job", "create", "-f", str(spec), "--strict")
    assert done.returncode == 1
    assert f"{spec}:2:" in done.stderr
    assert "no-such-package" in done.stderr
    assert json.loads(aml("job", "list").stdout) == []


def test_a_plan_tells_what_it_lacks(spec):
    told = plan(spec)
    assert (told["name"], told["mode"], told["python"]) == (f"the image {IMAGE}", "current", f"{sys.prefix}/bin/python")
    assert [each.split()[0] for each in told["unmet"]] == ["psutil>=9999", "no-such-package"]
    assert plan(spec, "--set", "environment.conda_file={dependencies: [pyyaml]}")["unmet"] == []


def test_the_job_keeps_the_content_of_the_conda_file(spec):
    job = json.loads(aml("job", "create", "-f", str(spec), check=True).stdout)
    assert job["environment"]["image"] == IMAGE
    pip = job["environment"]["conda_file"]["dependencies"][-1]["pip"]
    assert pip == ["psutil>=9999", "no-such-package"]


def test_a_registered_environment_is_checked_and_pinned(spec):
    conda = str(spec.with_name("conda.yml"))
    aml("environment", "create", "--name", "mine", "--image", "ubuntu", "--conda-file", conda, check=True)
    for reference in ("azureml:mine@latest", "azureml:mine:1"):
        done = create(spec, reference)
        assert json.loads(done.stdout)["environment"] == "azureml:mine:1"
        assert "no-such-package" in done.stderr
    assert plan(spec, "--set", "environment=azureml:mine@latest")["name"] == "azureml:mine:1"


def test_an_environment_that_nobody_registered_is_not_found_and_the_ways_out_are_said(spec):
    for reference in ("azureml:nothing:1", "azureml:nothing@latest"):
        for done in (create(spec, reference), aml("job", "plan", "-f", str(spec), "--set", f"environment={reference}")):
            assert (done.returncode, done.stdout) == (3, "")
            assert "the environment nothing" in done.stderr or "environment named nothing" in done.stderr
            assert "`aml environment list` shows what there is" in done.stderr
            assert "azureml:local@latest is the Python that aml is installed in" in done.stderr


@pytest.mark.parametrize(
    ("reference", "lacks"),
    [
        ("azureml:AzureML-lightgbm-3.3@latest", "lightgbm 3.3"),
        ("azureml://registries/azureml/environments/lightgbm-3.3/labels/latest", "lightgbm 3.3"),
        ("azureml:AzureML-something@latest", None),
    ],
)
def test_an_environment_of_azures_is_the_current_one_with_a_note(spec, reference, lacks):
    done = create(spec, reference)
    assert done.returncode == 0
    assert done.stderr.count(f"note: {reference} is not of this workspace") == 1
    assert ("warning: " in done.stderr) == (lacks is not None)
    assert lacks is None or lacks in done.stderr


def test_an_environment_of_a_registry_of_this_machine_is_used(spec):
    flags = ("--name", "mine", "--image", "ubuntu", "--conda-file", str(spec.with_name("conda.yml")))
    aml("environment", "create", "--registry-name", "ours", *flags, check=True)
    done = create(spec, "azureml://registries/ours/environments/mine/labels/latest")
    assert json.loads(done.stdout)["environment"] == "azureml://registries/ours/environments/mine/versions/1"
    assert "no-such-package" in done.stderr
    assert create(spec, "azureml://registries/ours/environments/other/labels/latest").returncode == 3


def test_the_local_environment_needs_no_note(spec):
    assert create(spec, "azureml:local@latest").stderr == ""


def test_a_mode_that_there_is_not_is_refused_wherever_it_is_said(spec):
    assert aml("job", "create", "-f", str(spec), "--environment-mode", "cloud").returncode == 2
    told = aml("job", "create", "-f", str(spec), "--set", r"properties.aml\.environment_mode=cloud")
    assert told.returncode == 1
    assert "Cloud is no environment mode" in told.stderr
    assert "Allowed: current, venv" in told.stderr
