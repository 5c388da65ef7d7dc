"""`aml experiment`."""

from __future__ import annotations

import json

from cli.terminal import aml
from conftest import command_job


def listed(*flags: str) -> list[dict]:
    return json.loads(aml("experiment", "list", *flags, check=True).stdout)


def test_an_experiment_is_made_before_its_first_job_or_by_it(workspace):
    made = json.loads(aml("experiment", "create", "-n", "trials", check=True).stdout)
    assert (made["name"], made["jobs"]) == ("trials", 0)
    workspace.submit(command_job("true", name="one", experiment_name="other"))
    workspace.submit(command_job("true", name="two", experiment_name="other"))
    found = listed()
    assert [(each["name"], each["jobs"], each["last_job"]) for each in found] == [
        ("other", 2, "two"),
        ("trials", 0, None),
    ]
    assert [each["name"] for each in listed("-r", "1")] == ["other"]


def test_a_taken_and_an_empty_name_are_refused():
    aml("experiment", "create", "-n", "trials", check=True)
    taken = aml("experiment", "create", "-n", "trials")
    assert (taken.returncode, taken.stdout) == (1, "")
    assert "an experiment named trials exists already" in taken.stderr
    assert aml("experiment", "create", "-n", " ").returncode == 1
    assert aml("experiment", "create", "-n", "x" * 1000).returncode == 1
    assert [each["name"] for each in listed()] == ["trials"]


def test_an_empty_workspace_lists_nothing():
    assert listed() == []
