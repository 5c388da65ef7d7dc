"""`aml workspace` as people and scripts use it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from aml.errors import Conflict
from aml.workspace import create_workspace, delete_workspace, open_workspace
from cli.terminal import Terminal, aml
from conftest import command_job, wait_for


def names() -> list[str]:
    return [workspace["name"] for workspace in json.loads(aml("workspace", "list", check=True).stdout)]


def test_a_workspace_is_made_listed_used_and_deleted(tmp_path):
    assert names() == ["default"]
    made = json.loads(aml("workspace", "create", "-n", "mine", check=True).stdout)
    assert made["name"] == "mine"
    assert names() == ["default", "mine"]
    (tmp_path / "job.yml").write_text("command: 'true'\nenvironment: azureml:local@latest\n")
    aml("job", "create", "-f", str(tmp_path / "job.yml"), "-w", "mine", "--stream", check=True)
    assert len(json.loads(aml("job", "list", "-w", "mine").stdout)) == 1
    assert json.loads(aml("job", "list").stdout) == []
    aml("workspace", "delete", "-n", "mine", "--yes", check=True)
    assert names() == ["default"]
    assert not Path(made["location"]).exists()


def test_a_workspace_that_is_not_there_is_not_made_by_mistake(monkeypatch):
    done = aml("job", "list", "-w", "mien")
    assert done.returncode == 3
    assert "there is no workspace named mien\n  `aml workspace create -n mien` makes it." in done.stderr
    monkeypatch.setenv("AML_WORKSPACE", "mien")
    assert aml("job", "list").returncode == 3
    assert names() == ["default"]


def test_a_name_is_taken_once():
    aml("workspace", "create", "-n", "mine", check=True)
    again = aml("workspace", "create", "-n", "mine")
    assert (again.returncode, again.stderr) == (1, "ERROR: a workspace named mine exists already\n")


def test_a_script_must_say_yes_and_people_are_asked():
    aml("workspace", "create", "-n", "mine", check=True)
    done = aml("workspace", "delete", "-n", "mine")
    assert done.returncode == 1
    assert "Say so with --yes." in done.stderr
    terminal = Terminal.run("workspace", "delete", "-n", "mine")
    terminal.read_until("[y/N]")
    os.write(terminal.master, b"n\n")
    assert terminal.wait() == 1
    assert names() == ["default", "mine"]


def test_a_workspace_with_a_running_job_is_not_deleted():
    workspace = create_workspace("busy")
    job = workspace.submit(command_job("sleep 300"))
    with pytest.raises(Conflict, match="the workspace busy has jobs that are not over: 1"):
        delete_workspace("busy")
    workspace.cancel(job.name)
    workspace.wait(job.name)
    delete_workspace("busy")
    assert "busy" not in names()


def test_garbage_is_what_nothing_refers_to_and_is_not_fresh(workspace, tmp_path, aml_home):
    code = tmp_path / "code"
    code.mkdir()
    (code / "kept.py").write_text("kept")
    job = workspace.submit(command_job("cat kept.py", code=str(code)))
    blobs = aml_home / "workspaces" / "default" / "blobs"
    for name, age_s in (("old", 7200), ("fresh", 0)):
        (blobs / "ff").mkdir(exist_ok=True)
        (blobs / "ff" / name).write_text("x" * 1000)
        os.utime(blobs / "ff" / name, (time.time() - age_s,) * 2)
    assert workspace.collect_garbage() == 1000
    assert not (blobs / "ff" / "old").exists()
    assert (blobs / "ff" / "fresh").exists()
    wait_for(lambda: workspace.job(job.name).exit_code == 0)


def test_du_counts_every_byte_once(workspace, tmp_path):
    (tmp_path / "model.bin").write_bytes(os.urandom(1_000_000))
    from aml.spec.model import Model

    workspace.models.create(Model("m", str(tmp_path / "model.bin")))
    usage = open_workspace().usage()
    assert usage.blobs_bytes + usage.models_bytes < 1_200_000
    assert usage.total_bytes == usage.blobs_bytes + usage.models_bytes + usage.jobs_bytes + usage.other_bytes
    assert json.loads(aml("workspace", "du").stdout)["total_bytes"] > 1_000_000


def test_settings_are_changed_shown_and_put_back():
    shown = json.loads(aml("workspace", "show", check=True).stdout)["settings"]
    assert shown == {"environment_mode": "current", "local_jobs": 2, "redacted_variables": []}
    sets = ("environment_mode=venv", "local_jobs=4", "redacted_variables=MY_ID,MY_URL")
    changed = json.loads(aml("workspace", "update", "--set", *sets, check=True).stdout)["settings"]
    assert changed == {"environment_mode": "venv", "local_jobs": 4, "redacted_variables": ["MY_ID", "MY_URL"]}
    back = json.loads(aml("workspace", "update", "--remove", "local_jobs", check=True).stdout)["settings"]
    assert back == changed | {"local_jobs": 2}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--set", "environment_mode=cloud"), "environment_mode can't be 'cloud'\n  Allowed: current, venv, conda"),
        (("--set", "local_jobs=0"), "local_jobs can't be '0'"),
        (("--set", "local_jobs=2", "redacted_variables=a-b"), "redacted_variables can't be 'a-b'"),
        (("--remove", "nothing"), "a workspace has no setting nothing\n  It has: environment_mode, local_jobs"),
        (("--set", "local_jobs"), "there is no KEY=VALUE in it"),
        ((), "there is nothing to update"),
    ],
)
def test_a_setting_that_can_not_be_is_refused_and_nothing_is_changed(arguments, said):
    done = aml("workspace", "update", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert json.loads(aml("workspace", "show").stdout)["settings"]["local_jobs"] == 2
