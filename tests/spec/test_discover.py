"""What a folder or a pattern stands for, and which of the files in it are Azure ML's."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from aml.spec.check import check
from aml.spec.discover import is_azure_ml
from aml.spec.load import loads

SPECS = Path(__file__).parents[1] / "specs"

OTHERS = {
    "conda": "name: env\nchannels: [conda-forge]\ndependencies: [python=3.11]\n",
    "workflow": "name: ci\non: [push]\njobs:\n  test: {runs-on: ubuntu-latest, steps: []}\n",
    "compose": "services:\n  web: {image: nginx}\n",
    "devops": "trigger: [main]\npool: {vmImage: ubuntu-latest}\njobs:\n- job: a\n  steps: []\n",
    "gitlab": "image: python:3.11\nstages: [test]\ntest: {script: [pytest]}\n",
    "kubernetes": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}\n",
    "action": "name: a\ndescription: b\nruns: {using: node20, main: a.js}\n",
    "mkdocs": "site_name: a\nnav: [a.md]\n",
    "list": "- a\n- b\n",
    "text": "hello\n",
}
OURS = {
    "schema": "$schema: https://azuremlschemas.azureedge.net/latest/sweepJob.schema.json\nnosuch: 1\n",
    "type": "type: pipeline\njbos: {}\n",
    "command": "command: echo hi\nenvironment: azureml:a:1\ncmopute: a\n",
    "environment": "name: a\nimage: b\nversion: 1\n",
    "model": "name: a\npath: ./model\ntags: {a: b}\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_another_program_is_left_alone(name: str) -> None:
    assert not is_azure_ml(loads(OTHERS[name], f"{name}.yml", Path("/")))


@pytest.mark.parametrize("name", OURS)
def test_a_file_that_says_what_it_is_or_has_the_keys_of_a_kind_is_checked(name: str) -> None:
    assert is_azure_ml(loads(OURS[name], f"{name}.yml", Path("/")))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder in ("a/.venv", "a/.git", "a/node_modules", "a/env", "b"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "a" / "env" / "pyvenv.cfg").touch()
    for place in ("a/.venv", "a/.git", "a/node_modules", "a/env", "a", "b"):
        (tmp_path / place / "job.yml").write_text("command: echo\nenvironment: azureml:a:1\n")
    (tmp_path / "b" / "conda.yaml").write_text(OTHERS["conda"])
    (tmp_path / "b" / "broken.yml").write_text("type: command\ncommand: [\n")
    (tmp_path / "b" / "template.yml").write_text("{% if a %}\n: [\n")
    (tmp_path / "b" / "notes.txt").write_text("command: echo\n")
    return tmp_path


def names(tree: Path, files: object) -> list[str]:
    return [str(Path(file).relative_to(tree)) for file in files]  # type: ignore[attr-defined]


def test_a_folder_is_walked_without_hidden_folders_packages_and_virtual_environments(tree: Path) -> None:
    report = check([str(tree)], stdin=io.BytesIO())
    assert names(tree, [file.file for file in report.files]) == ["a/job.yml", "b/broken.yml", "b/job.yml"]
    assert names(tree, report.skipped) == ["b/conda.yaml", "b/template.yml"]
    assert report.several
    assert [file.valid for file in report.files] == [True, False, True]


def test_a_pattern_stands_for_the_yaml_files_that_match(tree: Path) -> None:
    report = check([str(tree / "*" / "*")], stdin=io.BytesIO())
    assert names(tree, [file.file for file in report.files]) == ["a/job.yml", "b/broken.yml", "b/job.yml"]


def test_a_file_that_is_named_is_checked_whatever_is_in_it(tree: Path) -> None:
    report = check([str(tree / "b" / "conda.yaml")], stdin=io.BytesIO())
    assert not report.valid
    assert not report.several


def test_a_file_that_is_named_twice_is_checked_once(tree: Path) -> None:
    report = check([str(tree / "a"), str(tree / "a" / "job.yml")], stdin=io.BytesIO())
    assert len(report.files) == 1


@pytest.mark.parametrize("name", ["empty", "*.yaml", "nosuch.yml"])
def test_what_stands_for_no_file_is_told_beside_what_is_found_in_the_others(tree: Path, name: str) -> None:
    (tree / "empty").mkdir()
    report = check([str(tree / "a" / "job.yml"), str(tree / name)], stdin=io.BytesIO())
    assert [(file.valid, [problem.code for problem in file.problems]) for file in report.files] == [
        (True, []),
        (False, ["unreadable"]),
    ]


def test_the_standard_input_is_a_file(tree: Path) -> None:
    report = check(["-"], ["command=echo ${{inputs.x}}"], stdin=io.BytesIO(b"environment: azureml:a:1\n"))
    assert [(file.file, [problem.code for problem in file.problems]) for file in report.files] == [
        ("<stdin>", ["unknown-binding"])
    ]


def test_with_strict_a_warning_is_an_error() -> None:
    name = str(SPECS / "valid" / "unused-input.yml")
    assert check([name], stdin=io.BytesIO()).valid
    assert not check([name], stdin=io.BytesIO(), strict=True).valid
