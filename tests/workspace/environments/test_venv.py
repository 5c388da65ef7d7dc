"""Jobs in virtual environments that uv builds, from packages on the disk: built once, shared, ended, refused."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from aml.errors import BackendError, Conflict, Misfit
from aml.spec.model import CommandJob
from aml.workspace import create_workspace
from aml.workspace.embedded.engine.executors.mounts import mounting
from aml.workspace.embedded.engine.executors.process import isolation
from aml.workspace.embedded.environments import venv
from aml.workspace.embedded.environments.conda_file import Requirements
from aml.workspace.records import ENVIRONMENT_MODE, Reason, Status
from conftest import engine_pid, is_running, kill, log_of, wait_for
from workspace.environments.packages import slow_package, wheel

pytestmark = pytest.mark.skipif(venv.uv(os.environ["PATH"]) is None, reason="there is no uv")
SHOW = "python -c 'import sys, small; print(small.VERSION, sys.prefix)'"


@pytest.fixture(autouse=True)
def wheels(tmp_path, monkeypatch):
    """What uv may take packages from, and nothing else."""
    wheel(tmp_path / "wheels", "small", "1.5")
    wheel(tmp_path / "wheels", "small", "2.0")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    return tmp_path / "wheels"


def job(command: str, *dependencies: object, mode: str | None = "venv", **fields) -> CommandJob:
    environment = {"image": "ubuntu", "conda_file": {"dependencies": list(dependencies)}}
    properties = {} if mode is None else {ENVIRONMENT_MODE: mode}
    return CommandJob(command=command, environment=environment, properties=properties, **fields)


def run(workspace, command: str, *dependencies: object, **fields):
    return workspace.wait(workspace.submit(job(command, *dependencies, **fields)).name, timeout_s=60)


def logs(workspace, name: str) -> dict[str, str]:
    return {Path(name).name: path.read_text() for name, path in workspace.files.logs(name)}


def test_a_job_runs_in_the_venv_of_its_conda_file_and_the_next_one_finds_it_built(workspace, aml_home):
    first = run(workspace, SHOW, "python>=3.11", {"pip": ["small<2"]})
    assert first.status is Status.COMPLETED, first.message
    told = logs(workspace, first.name)
    version, prefix = told["std_log.txt"].split()
    assert (version, Path(prefix).parent.parent) == ("1.5", aml_home / "environments")
    assert "small==1.5" in told["20_image_build_log.txt"]
    second = run(workspace, SHOW, "python>=3.11", {"pip": ["small<2"]})
    assert logs(workspace, second.name) == {"std_log.txt": told["std_log.txt"]}
    other = run(workspace, SHOW, {"pip": ["small"]})
    assert log_of(workspace, other.name).splitlines()[-1].startswith("2.0 ")


def test_the_submitters_pythonpath_leads_to_another_python_and_stays_behind(workspace, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", f"{os.environ.get('PYTHONPATH', '')}:/elsewhere")
    show = "echo [${PYTHONPATH-none}]"
    assert log_of(workspace, run(workspace, show, {"pip": ["small"]}).name).endswith("[none]\n")
    assert ":/elsewhere]" in log_of(workspace, run(workspace, show, "pyyaml", mode="current").name)


def test_the_index_may_stand_in_the_conda_file(workspace, wheels, monkeypatch):
    monkeypatch.delenv("UV_FIND_LINKS")
    done = run(workspace, SHOW, {"pip": ["--no-index", f"--find-links {wheels}", "small==1.5"]})
    assert log_of(workspace, done.name).splitlines()[-1].startswith("1.5 ")


def test_the_indexes_that_pip_is_told_of_count_too(workspace, wheels, monkeypatch):
    monkeypatch.delenv("UV_FIND_LINKS")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert run(workspace, SHOW, {"pip": ["small"]}).status is Status.COMPLETED


def test_the_plan_tells_where_it_is_and_whether_it_is_built(workspace):
    spec = job(SHOW, {"pip": ["small"]})
    before = workspace.plan(spec).runs_in
    assert (before.mode, before.is_built, before.unmet) == ("venv", False, ())
    workspace.wait(workspace.submit(spec).name)
    after = workspace.plan(spec).runs_in
    assert (after.is_built, after.python) == (True, before.python)
    assert Path(after.python).exists()


def test_the_workspaces_setting_is_for_jobs_that_do_not_say_it(workspace):
    workspace.change_settings({"environment_mode": "venv"})
    done = run(workspace, SHOW, {"pip": ["small"]}, mode=None)
    assert (done.status, done.properties[ENVIRONMENT_MODE]) == (Status.COMPLETED, "venv")
    here = workspace.wait(workspace.submit(job("which python", "pyyaml", mode="current")).name)
    assert log_of(workspace, here.name) == f"{sys.prefix}/bin/python\n"
    local = CommandJob(command="which python", environment="azureml:local@latest")
    assert log_of(workspace, workspace.wait(workspace.submit(local).name).name) == f"{sys.prefix}/bin/python\n"


def test_what_a_job_changes_in_the_venv_it_sees_alone_as_in_an_image(workspace, wheels):
    if mounting(isolation()) is None:
        pytest.skip("nothing can be mounted here")
    wheel(wheels, "extra")
    spoil = "python -c \"import small; open(small.__file__, 'w').write('broken')\""
    add = f"{venv.uv(os.environ['PATH'])} pip install extra && python -c 'import extra'"
    first = run(workspace, f"{spoil}; {add} && cat $VIRTUAL_ENV/lib/*/site-packages/small.py", {"pip": ["small"]})
    assert first.status is Status.COMPLETED, first.message
    assert log_of(workspace, first.name).endswith("broken")
    assert not (first.folder / "exec" / "layers").exists()
    second = run(workspace, f"{SHOW}; python -c 'import extra'", {"pip": ["small"]})
    assert log_of(workspace, second.name).startswith("2.0 ")
    assert "No module named 'extra'" in second.message


def test_a_build_that_fails_fails_the_job_with_its_reason_and_is_not_kept(workspace, wheels):
    wanted = {"pip": ["absent>=1"]}
    failed = run(workspace, "true", wanted)
    assert (failed.status, failed.reason) == (Status.FAILED, Reason.PREPARE_FAILED)
    assert failed.message.startswith("the venv could not be built: ")
    assert "absent" in failed.message
    assert "azureml-logs/20_image_build_log.txt" in failed.message
    wheel(wheels, "absent")
    assert run(workspace, "true", wanted).status is Status.COMPLETED


def test_two_workspaces_build_the_same_environment_once(workspace, tmp_path):
    folder, started, release = slow_package(tmp_path / "slow", "slow")
    spec = job("python -c 'import slow'", {"pip": [str(folder)]})
    other = create_workspace("other")
    first = workspace.submit(spec)
    wait_for(started.exists)
    second = other.submit(spec)
    wait_for(lambda: "waiting: another job builds the same environment" in log_of(other, second.name))
    assert second.status is not Status.FAILED
    release.touch()
    assert workspace.wait(first.name, timeout_s=30).status is Status.COMPLETED
    assert other.wait(second.name, timeout_s=30).status is Status.COMPLETED
    assert "Creating virtual environment" not in log_of(other, second.name)


def test_a_cancel_ends_the_build_and_what_was_built_is_not_used(workspace, tmp_path, aml_home):
    folder, started, release = slow_package(tmp_path / "slow", "slow")
    spec = job("python -c 'import slow'", {"pip": [str(folder)]})
    building = workspace.submit(spec)
    wait_for(started.exists)
    assert workspace.job(building.name).status is Status.PREPARING
    workspace.cancel(building.name)
    ended = workspace.wait(building.name, timeout_s=20)
    assert (ended.status, ended.reason) == (Status.CANCELED, Reason.USER_CANCELED)
    wait_for(lambda: not is_running(int(started.read_text())))
    release.touch()
    assert workspace.wait(workspace.submit(spec).name, timeout_s=30).status is Status.COMPLETED


def test_a_job_that_needs_no_build_does_not_wait_for_one_that_does(workspace, tmp_path):
    folder, started, release = slow_package(tmp_path / "slow", "slow")
    building = workspace.submit(job("python -c 'import slow'", {"pip": [str(folder)]}))
    wait_for(started.exists)
    assert run(workspace, "true", "pyyaml", mode="current").status is Status.COMPLETED
    release.touch()
    assert workspace.wait(building.name, timeout_s=30).status is Status.COMPLETED


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_build_that_an_engine_left_is_not_taken_for_one(workspace, tmp_path, number):
    folder, started, release = slow_package(tmp_path / "slow", "slow")
    building = workspace.submit(job("python -c 'import slow'", {"pip": [str(folder)]}))
    wait_for(started.exists)
    if number is signal.SIGKILL:
        kill(engine_pid(workspace))
    else:
        workspace.stop_engine()
    assert workspace.job(building.name).status is Status.PREPARING
    release.touch()
    assert workspace.wait(building.name, timeout_s=60).status is Status.COMPLETED


def test_what_can_not_be_built_is_refused_at_the_submit(workspace, monkeypatch):
    venv_of = {ENVIRONMENT_MODE: "venv"}
    curated = CommandJob(command="true", environment="azureml:AzureML-sklearn-1.5@latest", properties=venv_of)
    with pytest.raises(Misfit, match="what is in it is not known here"):
        workspace.submit(curated)
    with pytest.raises(Misfit, match="it has no conda_file that says what is in it"):
        workspace.submit(CommandJob(command="true", environment={"image": "ubuntu"}, properties=venv_of))
    with pytest.raises(BackendError, match="which Python packages these conda packages are: my-tool"):
        workspace.submit(job("true", "my-tool=1"))
    with pytest.raises(Conflict, match="clouds is no environment mode"):
        workspace.submit(job("true", mode="clouds"))
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(BackendError, match="built by uv, which is not on PATH"):
        venv.check(Requirements(), "/nowhere")
    assert workspace.jobs() == []


def test_what_a_venv_will_not_have_is_said(workspace):
    (left_out, no_mlflow) = workspace.notes(job("true", "pytorch=2.8", "cudatoolkit=11.3"))
    assert left_out == "a venv is built without what is no Python package: cudatoolkit"
    assert "names no mlflow" in no_mlflow
    assert workspace.notes(job("true", {"pip": ["mlflow-skinny>=3"]})) == []


def test_a_local_package_that_has_changed_is_another_environment(tmp_path):
    path = wheel(tmp_path, "mine")
    wanted = Requirements(packages=(str(path),))
    before = venv.key(wanted, {})
    assert venv.key(wanted, {"HOME": "/elsewhere", "UV_CACHE_DIR": "/elsewhere"}) == before
    assert venv.key(wanted, {"UV_INDEX_URL": "https://elsewhere"}) != before
    path.write_bytes(b"")
    assert venv.key(wanted, {}) != before


def test_environments_that_nobody_uses_are_garbage(workspace, aml_home):
    done = run(workspace, SHOW, {"pip": ["small"]})
    prefix = Path(log_of(workspace, done.name).split()[-1])
    assert workspace.usage().environments_bytes > 10_000
    (aml_home / "environments" / "unfinished" / "env").mkdir(parents=True)
    workspace.collect_garbage()
    assert {path.name for path in (aml_home / "environments").iterdir()} == {prefix.parent.name, "locks"}
    os.utime(prefix.with_name("ready"), (0, 0))
    used = workspace.submit(job("touch began; sleep 300", {"pip": ["small"]}))
    wait_for((used.folder / "exec" / "wd" / "began").exists)
    os.utime(prefix.with_name("ready"), (0, 0))
    workspace.collect_garbage()
    assert prefix.exists()
    workspace.cancel(used.name)
    workspace.wait(used.name)
    assert workspace.collect_garbage() > 10_000
    assert not prefix.exists()
