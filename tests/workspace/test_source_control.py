"""What a job's properties tell of the git repository that its code is in."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

import pytest

from aml.workspace import again, source_control
from aml.workspace.source_control import git_properties
from conftest import command_job

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

URL = "https://example.org/team/project.git"


@pytest.fixture
def git(tmp_path, monkeypatch):
    for name, value in {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> str:
        person = ("-c", "user.name=me", "-c", "user.email=me@example.org")
        command = ["git", "-C", str(tmp_path / "repo"), *person, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    return run


@pytest.fixture
def code(tmp_path, git):
    folder = tmp_path / "repo" / "src"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text("print(1)\n")
    git("init", "-q", "-b", "trunk")
    git("add", ".")
    git("commit", "-qm", "first")
    git("remote", "add", "origin", URL)
    return folder


def test_repository_branch_commit_and_dirty_are_told_under_both_names(code, git):
    told = git_properties(code, os.environ)
    commit = git("rev-parse", "HEAD")
    assert told == {
        "mlflow.source.git.repoURL": URL,
        "mlflow.source.git.branch": "trunk",
        "mlflow.source.git.commit": commit,
        "azureml.git.repository_uri": URL,
        "azureml.git.branch": "trunk",
        "azureml.git.commit": commit,
        "azureml.git.dirty": "False",
    }


def test_a_change_below_the_code_is_dirty_and_one_beside_it_is_not(code):
    (code.parent / "notes.txt").touch()
    assert git_properties(code, os.environ)["azureml.git.dirty"] == "False"
    (code / "new.py").touch()
    assert git_properties(code, os.environ)["azureml.git.dirty"] == "True"


def test_a_token_in_the_address_is_not_told(code, git):
    git("remote", "set-url", "origin", "https://me:ghp_secret@example.org/team/project.git")
    assert git_properties(code, os.environ)["mlflow.source.git.repoURL"] == URL


def test_what_git_does_not_know_is_left_out(code, git):
    git("checkout", "-q", "--detach")
    git("remote", "remove", "origin")
    assert git_properties(code, os.environ).keys() == {
        "mlflow.source.git.commit",
        "azureml.git.commit",
        "azureml.git.dirty",
    }


def test_variables_override_git_and_speak_without_it(code, tmp_path):
    variables = {"AZUREML_GIT_BRANCH": "main", "AZUREML_GIT_DIRTY": "1", "AZUREML_GIT_BUILD_ID": "42"}
    told = git_properties(code, os.environ | variables)
    assert (told["mlflow.source.git.branch"], told["azureml.git.dirty"]) == ("main", "True")
    assert told["mlflow.source.git.repoURL"] == URL
    assert git_properties(tmp_path, variables) == {
        "azureml.git.branch": "main",
        "mlflow.source.git.branch": "main",
        "azureml.git.dirty": "True",
        "azureml.git.build_id": "42",
    }


def test_a_repository_that_a_hook_names_is_not_taken_for_the_codes(code, tmp_path):
    told = git_properties(code, os.environ | {"GIT_DIR": str(tmp_path / "elsewhere")})
    assert told["mlflow.source.git.branch"] == "trunk"


def test_without_git_or_a_repository_nothing_is_told_and_nothing_is_started(code, tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", None)
    assert git_properties(code, {"PATH": str(tmp_path)}) == {}
    assert git_properties(tmp_path, os.environ) == {}


def test_a_git_that_does_not_answer_is_not_waited_for(code, tmp_path, monkeypatch):
    monkeypatch.setattr(source_control, "TIMEOUT_S", 0.2)
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 30\n")
    slow.chmod(0o755)
    began = time.monotonic()
    assert git_properties(code, os.environ | {"PATH": f"{slow.parent}:{os.environ['PATH']}"}) == {}
    assert time.monotonic() - began < 5


def test_a_job_has_them_the_specs_own_win_and_a_clone_keeps_them(code, workspace):
    own = {"azureml.git.branch": "mine"}
    job = workspace.wait(workspace.submit(command_job("true", code=str(code), properties=own)).name)
    assert job.properties["azureml.git.branch"] == "mine"
    assert job.properties["mlflow.source.git.repoURL"] == URL
    shutil.rmtree(code.parent)
    new = again.clone(job)
    clone = workspace.submit(new.spec, code_of=new.code_of)
    assert clone.properties == {**job.properties, "aml.cloned_from": job.name}
