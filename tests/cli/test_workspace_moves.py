"""`aml workspace` attach, export and import, and the file that names a project's workspace."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from aml.errors import BackendError
from aml.workspace import create_workspace, open_workspace
from aml.workspace.embedded.transfer import export_workspace, import_workspace
from aml.workspace.records import Reason, Status
from cli.terminal import AML, aml
from conftest import command_job, log_of, wait_for


def run(*arguments: str, cwd: Path | None = None) -> Any:
    return json.loads(aml(*arguments, cwd=cwd, check=True).stdout)


def names() -> list[str]:
    return [workspace["name"] for workspace in run("workspace", "list")]


@pytest.fixture
def filled(tmp_path):
    """A workspace with a job that wrote files, and a model of them."""
    workspace = create_workspace("mine")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("print('hello')")
    job = workspace.submit(
        command_job(
            "python a.py; echo out > outputs/o.txt; ln -s o.txt outputs/l; ln -s /etc/hosts outputs/away",
            code=str(tmp_path / "code"),
            name="first",
        )
    )
    assert workspace.wait(job.name).status is Status.COMPLETED
    run(
        "model",
        "create",
        "-n",
        "m",
        "--path",
        "azureml://jobs/first/outputs/artifacts/paths/outputs/o.txt",
        "-w",
        "mine",
    )
    return workspace


def test_a_workspace_goes_through_one_file_to_a_new_name(filled, tmp_path):
    file = tmp_path / "mine.tar.gz"
    done = aml("workspace", "export", "-n", "mine", "-f", str(file), check=True)
    assert "jobs/first/artifacts/outputs/away" in done.stderr
    assert file.stat().st_mode & 0o077 == 0
    assert run("workspace", "import", "-f", str(file), "-n", "other")["name"] == "other"
    other = open_workspace("other")
    assert other.job("first").status is Status.COMPLETED
    assert "hello" in log_of(other, "first")
    assert [file.path for file in other.files.list("first", "outputs/*")] == [
        "artifacts/outputs/l",
        "artifacts/outputs/o.txt",
    ]
    model = other.models.get("m")
    assert model.path.read_text() == "out\n"
    assert "other" in str(model.path)
    assert list(other.files.code("first")) == ["a.py"]
    again = other.submit(command_job("cat a.py"), code_of="first")
    assert other.wait(again.name).status is Status.COMPLETED


def test_a_workspace_is_exported_while_a_job_runs_which_is_lost_in_the_copy(tmp_path):
    workspace = create_workspace("busy")
    job = workspace.submit(command_job("echo started; sleep 300"))
    queued = [workspace.submit(command_job("sleep 300")).name for _ in range(3)]
    wait_for(lambda: "started" in log_of(workspace, job.name))
    file = tmp_path / "busy.tar"
    export_workspace("busy", file)
    with tarfile.open(file) as tar:
        found = tar.getnames()
    assert not [name for name in found if "environment.json" in name or name.startswith(("secret", "engine"))]
    import_workspace(file, "copy")
    copy = open_workspace("copy")
    for name in (job.name, *queued):
        assert (copy.job(name).status, copy.job(name).reason) == (Status.FAILED, Reason.LOST)
    assert "started" in log_of(copy, job.name)
    assert workspace.job(job.name).status is Status.RUNNING


def test_a_name_that_is_taken_and_a_file_that_is_there_are_refused(filled, tmp_path):
    file = tmp_path / "mine.tar.gz"
    aml("workspace", "export", "-n", "mine", "-f", str(file), check=True)
    assert "exists already" in aml("workspace", "export", "-n", "mine", "-f", str(file)).stderr
    assert "a workspace named mine exists already" in aml("workspace", "import", "-f", str(file)).stderr
    assert "End it with .tar.gz or .tar." in aml("workspace", "export", "-n", "mine", "-f", "x.zip").stderr


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil-aml", "jobs/../../evil"])
def test_a_member_that_leads_out_of_the_folder_stops_the_import(filled, tmp_path, aml_home, name):
    file = tmp_path / "mine.tar"
    export_workspace("mine", file)
    with tarfile.open(file, "a") as tar:
        tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(BackendError, match="leads out of the folder"):
        import_workspace(file, "other")
    assert sorted(path.name for path in (aml_home / "workspaces").iterdir()) == ["mine"]


def test_what_is_no_export_or_of_a_newer_version_is_refused(filled, tmp_path):
    (tmp_path / "text.tar.gz").write_text("no archive")
    assert "is no exported workspace" in aml("workspace", "import", "-f", str(tmp_path / "text.tar.gz")).stderr
    assert aml("workspace", "import", "-f", str(tmp_path / "nothing.tar.gz")).returncode == 1
    about = json.dumps({"format": 1, "store": 10_000, "name": "x", "aml": "99"}).encode()
    with tarfile.open(tmp_path / "newer.tar", "w") as tar:
        info = tarfile.TarInfo("aml-workspace.json")
        info.size = len(about)
        tar.addfile(info, io.BytesIO(about))
    assert "was exported by a newer aml (99)" in aml("workspace", "import", "-f", str(tmp_path / "newer.tar")).stderr


def test_a_workspace_in_another_folder_is_attached_used_and_detached(filled, tmp_path, aml_home):
    filled.stop_engine()
    folder = tmp_path / "elsewhere"
    (aml_home / "workspaces" / "mine").rename(folder)
    made = run("workspace", "attach", "--path", str(folder))
    assert (made["name"], made["location"], made["attached"]) == ("elsewhere", str(folder), True)
    assert run("job", "show", "-n", "first", "-w", "elsewhere")["status"] == "Completed"
    (tmp_path / "job.yml").write_text("command: pwd\nenvironment: azureml:local@latest\n")
    aml("job", "create", "-f", str(tmp_path / "job.yml"), "-w", "elsewhere", "--stream", check=True)
    refused = aml("workspace", "delete", "-n", "elsewhere", "--yes")
    assert (refused.returncode, "aml workspace detach -n elsewhere" in refused.stderr) == (1, True)
    aml("workspace", "detach", "-n", "elsewhere", check=True)
    assert names() == ["default"]
    assert (folder / "store.db").exists()


def test_an_attached_folder_that_is_gone_is_named(tmp_path):
    run("workspace", "create", "-n", "mine")
    folder = tmp_path / "disk"
    folder.mkdir()
    sqlite3.connect(folder / "store.db").close()
    run("workspace", "attach", "--path", str(folder), "-n", "d")
    folder.rename(tmp_path / "moved")
    done = aml("job", "list", "-w", "d")
    assert done.returncode == 3
    assert f"its folder {folder} is not there" in done.stderr
    aml("workspace", "detach", "-n", "d", check=True)
    assert aml("workspace", "attach", "--path", str(tmp_path)).returncode == 3


def config(project: Path, **keys: str) -> Path:
    (project / ".azureml").mkdir(parents=True, exist_ok=True)
    file = project / ".azureml" / "config.json"
    file.write_text(json.dumps(keys))
    return file


def test_the_workspace_is_that_of_the_flag_then_the_variable_then_the_project_then_the_default(tmp_path, monkeypatch):
    for name in ("flag", "variable", "project"):
        run("workspace", "create", "-n", name)
    config(tmp_path, workspace_name="project")
    inner = tmp_path / "src" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert run("workspace", "show")["name"] == "project"
    monkeypatch.setenv("AML_WORKSPACE", "variable")
    assert run("workspace", "show")["name"] == "variable"
    assert run("workspace", "show", "-w", "flag")["name"] == "flag"
    monkeypatch.delenv("AML_WORKSPACE")
    monkeypatch.chdir("/")
    assert run("workspace", "show")["name"] == "default"


def test_a_project_of_azure_uses_the_workspace_of_that_name_here_or_says_that_there_is_none(tmp_path):
    file = config(tmp_path, subscription_id="9c2d", resource_group="rg", workspace_name="prod")
    done = aml("job", "list", cwd=tmp_path)
    assert done.returncode == 3
    assert f"{file} names a workspace of Azure, prod, and there is none of that name on this machine" in done.stderr
    assert aml("job", "list", "-w", "default", cwd=tmp_path, check=True).stdout == "[]\n"
    aml("workspace", "create", "-n", "prod", cwd=tmp_path, check=True)
    assert run("workspace", "show", cwd=tmp_path)["name"] == "prod"


def test_a_config_that_is_no_json_is_named(tmp_path):
    config(tmp_path).write_text("{")
    done = aml("job", "list", cwd=tmp_path)
    assert (done.returncode, f"{tmp_path}/.azureml/config.json can't be read" in done.stderr) == (1, True)


def test_the_folder_that_v1_prepares_leads_to_its_workspace(tmp_path):
    run("workspace", "create", "-n", "mine")
    aml("folder", "attach", "-w", "mine", "-e", "exp", cwd=tmp_path, check=True)
    assert run("workspace", "show", cwd=tmp_path)["name"] == "mine"


def test_a_store_whose_rows_lead_out_of_the_folder_is_not_imported(filled, tmp_path, aml_home):
    with sqlite3.connect(aml_home / "workspaces" / "mine" / "store.db") as connection:
        connection.execute("UPDATE model SET path = '../../../secret'")
    connection.close()
    export_workspace("mine", tmp_path / "mine.tar")
    with pytest.raises(BackendError, match="leads out of the workspace"):
        import_workspace(tmp_path / "mine.tar", "other")
    assert "other" not in names()


def test_pipes_and_sockets_of_a_job_do_not_hold_up_an_export(filled, tmp_path, aml_home):
    artifacts = aml_home / "workspaces" / "mine" / "jobs" / "first" / "artifacts"
    os.mkfifo(artifacts / "pipe")
    left_out = export_workspace("mine", tmp_path / "mine.tar")
    assert "jobs/first/artifacts/pipe" in left_out


def test_a_folder_that_is_gone_has_no_project(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"cd {gone} && rmdir {gone} && {AML} job list"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n")
