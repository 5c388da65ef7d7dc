"""`aml job update`, `archive` and `restore`."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from aml.errors import Conflict
from aml.spec.updates import Update
from cli.terminal import aml
from conftest import command_job


@pytest.fixture
def done(workspace):
    spec = command_job("true", name="done", tags={"a": "1"}, display_name="first", experiment_name="old")
    return workspace.wait(workspace.submit(spec).name)


def shown(name: str) -> dict:
    return json.loads(aml("job", "show", "-n", name, check=True).stdout)


def test_update_takes_azs_generic_arguments_and_prints_the_job(done):
    update = ("job", "update", "-n", "done", "--set", "tags.b=2", "display_name=a b", "experiment_name=new")
    printed = json.loads(aml(*update, "--add", "tags", "c=3", "--remove", "tags.a", check=True).stdout)
    assert printed["tags"] == {"b": "2", "c": "3"}
    assert (printed["display_name"], printed["experiment_name"]) == ("a b", "new")
    assert shown("done") == printed


def test_the_description_is_set_and_removed(done):
    aml("job", "update", "-n", "done", "--set", "description=what it is", check=True)
    assert shown("done")["description"] == "what it is"
    aml("job", "update", "-n", "done", "--remove", "description", "display_name", check=True)
    assert "description" not in shown("done")
    assert shown("done")["display_name"] == "done"


def test_the_mlflow_run_gets_the_new_name_and_experiment(done, workspace):
    workspace.update_job("done", Update(sets=["display_name=renamed", "experiment_name=elsewhere"]))
    import sqlite3

    store = sqlite3.connect(done.folder.parent.parent / "store.db")
    query = "SELECT run.name, experiment.name FROM run JOIN experiment ON experiment.id = experiment_id"
    assert store.execute(f"{query} WHERE run_id = 'done'").fetchone() == ("renamed", "elsewhere")


def test_two_updates_at_once_both_count(done, workspace):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: workspace.update_job("done", Update(sets=[f"tags.k{i}=x"])), range(20)))
    assert len(workspace.job("done").tags) == 21


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--set", "compute=gpu"), 1, "compute can't be changed"),
        ((), 2, "there is nothing to update"),
        (("--set", "tags"), 2, "no key=value"),
    ],
)
def test_what_can_not_change_is_refused_and_nothing_changes(done, arguments, code, said):
    before = shown("done")
    refused = aml("job", "update", "-n", "done", *arguments)
    assert (refused.returncode, refused.stdout) == (code, "")
    assert said in refused.stderr
    assert shown("done") == before


def test_an_archived_job_is_listed_when_asked_for_and_still_shown(done):
    def names(*flags: str) -> list[str]:
        return [job["name"] for job in json.loads(aml("job", "list", *flags).stdout)]

    archived = aml("job", "archive", "-n", "done", check=True)
    assert archived.stdout == ""
    assert names() == []
    assert names("--include-archived") == names("--archived-only") == ["done"]
    assert shown("done")["name"] == "done"
    aml("job", "restore", "-n", "done", check=True)
    assert names() == ["done"]
    assert names("--archived-only") == []


def test_a_job_that_is_not_over_can_not_be_archived(workspace):
    name = workspace.submit(command_job("sleep 300")).name
    with pytest.raises(Conflict, match="only a job that is over can be archived"):
        workspace.archive_job(name)
    refused = aml("job", "archive", "-n", name)
    assert refused.returncode == 1
    assert "aml job wait" in refused.stderr


def test_verbs_on_a_job_that_does_not_exist_are_exit_code_3():
    for arguments in (("update", "--set", "tags.a=1"), ("archive",), ("restore",)):
        assert aml("job", *arguments, "-n", "nobody").returncode == 3


def test_list_takes_filters(done, workspace):
    failed = command_job("false", name="failed", experiment_name="new", tags={"a": "2", "b": "x"})
    workspace.wait(workspace.submit(failed).name)

    def names(*flags: str) -> list[str]:
        return [job["name"] for job in json.loads(aml("job", "list", *flags, check=True).stdout)]

    assert names("--status", "failed") == ["failed"]
    assert names("--experiment-name", "old") == ["done"]
    assert names("--compute", "local") == ["failed", "done"]
    assert names("--tag", "a") == ["failed", "done"]
    assert names("--tag", "a=2", "b") == names("--tag", "a=2", "--tag", "b=x") == ["failed"]
    assert names("--tag", "a", "--status", "Completed") == ["done"]
    wrong = aml("job", "list", "--status", "Done")
    assert wrong.returncode == 2
    assert "completed" in wrong.stderr
