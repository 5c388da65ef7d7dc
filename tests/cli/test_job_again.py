"""`aml job clone`, `aml job retry` and `aml job diff`."""

from __future__ import annotations

import json
import shutil

import pytest

from aml.spec.model import LiteralInput
from cli.terminal import aml
from conftest import command_job, log_of

QUIET = "--only-show-errors"


@pytest.fixture
def first(workspace, tmp_path):
    code = tmp_path / "src"
    code.mkdir()
    (code / "main.sh").write_text('echo "$1"; exit $2\n')
    spec = command_job(
        "sh main.sh '${{inputs.text}}' ${{inputs.code}}",
        name="first",
        code=str(code),
        inputs={"text": LiteralInput("a  b"), "code": LiteralInput(1), "lr": LiteralInput(1e-05)},
        experiment_name="trials",
        tags={"a": "1"},
        properties={"mine": "yes"},
    )
    return workspace.wait(workspace.submit(spec).name)


def submitted(*arguments: str) -> dict:
    return json.loads(aml("job", *arguments, QUIET, check=True).stdout)


def test_a_clone_is_the_same_job_from_its_stored_code_with_set_over_it(first, workspace, tmp_path):
    shutil.rmtree(tmp_path / "src")
    document = submitted("clone", "-n", "first", "--set", "inputs.code=0", "tags.b=2", "--new-name", "second")
    job = workspace.wait("second")
    assert (job.status, log_of(workspace, "second")) == ("Completed", "a  b\n")
    assert document["inputs"] == {"text": "a  b", "code": 0, "lr": 1e-05}
    assert document["tags"] == {"a": "1", "b": "2"}
    assert (document["experiment_name"], document["display_name"]) == ("trials", "second")
    assert document["properties"] == {"mine": "yes", "aml.cloned_from": "first"}
    assert workspace.files.code("second") == workspace.files.code("first")


def test_a_clone_can_have_other_code(first, workspace, tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "main.sh").write_text("echo other\n")
    name = submitted("clone", "-n", "first", "--set", f"code={tmp_path / 'new'}")["name"]
    workspace.wait(name)
    assert log_of(workspace, name) == "other\n"


def test_a_clone_is_checked_as_a_file_is(first):
    refused = aml("job", "clone", "-n", "first", "--set", "limits.timeout=soon")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "job first:" in refused.stderr
    assert "limits.timeout" in refused.stderr


def test_retries_name_the_first_try_and_the_one_before(first, workspace):
    second = submitted("retry", "-n", "first")["name"]
    assert workspace.wait(second).status == "Failed"
    third = submitted("retry", "-n", second, "--set", "inputs.code=0")
    assert third["properties"] == {"mine": "yes", "aml.first_try": "first", "aml.retry_of": second}
    assert workspace.wait(third["name"]).status == "Completed"
    refused = aml("job", "retry", "-n", third["name"])
    assert refused.returncode == 1
    assert "is Completed: only a Failed or Canceled one can be tried again" in refused.stderr


def test_retry_with_stream_ends_with_the_exit_code_of_the_job(first):
    assert aml("job", "retry", "-n", "first", "--stream").returncode == 1
    assert aml("job", "retry", "-n", "first", "--stream", "--set", "inputs.code=0").returncode == 0


def test_diff_tells_what_differs_in_spec_code_result_and_metrics(first, workspace, tmp_path):
    (tmp_path / "src" / "main.sh").write_text("echo changed\n")
    (tmp_path / "src" / "new.txt").write_text("x")
    again = submitted(
        "clone", "-n", "first", "--new-name", "second", "--set", "inputs.lr=0.1", "code=" + str(tmp_path / "src")
    )
    workspace.wait(again["name"])
    found = json.loads(aml("job", "diff", "-n", "first", "-n", "second", check=True).stdout)
    keyed = {(each["part"], each["key"]): (each["first"], each["second"]) for each in found}
    assert set(keyed) == {
        ("spec", "inputs.lr"),
        ("code", "main.sh"),
        ("code", "new.txt"),
        ("result", "status"),
        ("result", "exit_code"),
    }
    assert keyed["spec", "inputs.lr"] == (1e-05, 0.1)
    assert keyed["code", "new.txt"][0] is None
    assert keyed["result", "status"] == ("Failed", "Completed")
    assert json.loads(aml("job", "diff", "-n", "first", "first", check=True).stdout) == []
    assert aml("job", "diff", "-n", "first").returncode == 2
    assert aml("job", "diff", "-n", "first", "-n", "nobody").returncode == 3
