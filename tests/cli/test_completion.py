"""Completion in a real bash: commands, options, and values that options allow."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from aml.workspace import create_workspace, open_workspace
from cli.terminal import AML, aml
from conftest import command_job

ASK = """
eval "$(aml completion bash)"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_aml_completion aml
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(*words: str) -> list[str]:
    """What a Tab behind the last word offers."""
    path = {"PATH": f"{Path(AML).parent}:/usr/bin:/bin"}

    done = subprocess.run(["bash", "-c", ASK, "ask", *words], env=os.environ | path, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_nouns_verbs_and_options_are_completed():
    assert {"job", "model", "workspace", "validate"} <= set(complete("aml", ""))
    assert complete("aml", "job", "sh") == ["show", "show-services"]
    assert complete("aml", "job", "create", "--exp") == ["--experiment-name"]
    assert "--query" in complete("aml", "model", "list", "--")


@pytest.fixture
def filled(tmp_path):
    """A store with one of each."""
    from aml.spec.model import AmlCompute, Data, Model

    workspace = open_workspace()
    (tmp_path / "f").write_text("x")
    for name in ("first", "second", "other"):
        workspace.submit(command_job("true", name=name, experiment_name="exp"))
    for _ in range(2):
        workspace.models.create(Model("net", str(tmp_path / "f")))
    workspace.assets.create(Data(str(tmp_path / "f"), "table"))
    workspace.computes.put(AmlCompute("gpu"))
    create_workspace("mine")
    aml("model", "create", "-n", "m", "--path", str(tmp_path / "f"), "--registry-name", "shared", check=True)


def test_names_of_what_is_in_the_store_are_completed(filled):
    assert complete("aml", "job", "show", "-n", "") == ["other", "second", "first"]
    assert complete("aml", "job", "stream", "--name", "fi") == ["first"]
    assert complete("aml", "job", "cancel", "-n", "FI") == ["first"]
    assert complete("aml", "model", "show", "-n", "") == ["net"]
    assert complete("aml", "model", "show", "-n", "net", "--version", "") == ["2", "1"]
    assert complete("aml", "data", "show", "--name", "t") == ["table"]
    assert complete("aml", "compute", "show", "-n", "") == ["local", "gpu"]
    assert complete("aml", "job", "list", "--compute", "g") == ["gpu"]
    assert complete("aml", "datastore", "show", "-n", "workspaceb") == ["workspaceblobstore"]
    assert complete("aml", "job", "list", "--experiment-name", "e") == ["exp"]
    assert complete("aml", "job", "list", "-w", "") == ["default", "mine"]
    assert complete("aml", "workspace", "show", "-n", "m") == ["mine"]
    assert complete("aml", "model", "list", "--registry-name", "") == ["shared"]
    assert complete("aml", "job", "show", "-w", "mine", "-n", "") == []


def test_the_name_of_something_new_is_not_completed(filled):
    assert complete("aml", "job", "create", "-n", "") == []


def test_names_are_completed_without_a_store_with_a_broken_one_and_while_it_is_written(aml_home):
    assert complete("aml", "job", "show", "-n", "") == []
    assert complete("aml", "job", "show", "-w", "nobody", "-n", "") == []
    store = aml_home / "workspaces" / "default" / "store.db"
    assert not store.exists()
    open_workspace().submit(command_job("true", name="a"))
    with sqlite3.connect(store) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert complete("aml", "job", "show", "-n", "") == ["a"]
    connection.close()
    create_workspace("broken")
    (aml_home / "workspaces" / "broken" / "store.db").write_text("no database")
    assert complete("aml", "job", "show", "-w", "broken", "-n", "") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_get_the_names_as_well(filled, shell):
    asked = {
        "_AML_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": "aml job show -n fi",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    done = subprocess.run([AML], env=os.environ | asked, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "first" in done.stdout


def test_a_wrong_word_in_the_line_is_no_error():
    assert "job" in complete("aml", "jbo", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_asks_aml(shell):
    assert "_AML_COMPLETE" in aml("completion", shell, check=True).stdout


def test_an_unknown_shell_is_a_usage_error():
    assert aml("completion", "tcsh").returncode == 2
