"""Components in files that steps name: they are followed, and checked as they are now."""

import os
from pathlib import Path

import pytest

from aml.errors import Problem
from aml.spec.load import load
from aml.spec.parse import problems
from aml.spec.rules.component_files import MAX_NESTED

COMPONENT = """\
name: train
code: ./src
command: ls ${{inputs.rows}}
environment: azureml:a:1
inputs: {rows: {type: uri_file}}
"""


def errors(path: Path) -> list[Problem]:
    return [problem for problem in problems(load(path)) if problem.severity == "error"]


def pipeline_component(path: Path, inner: str) -> Path:
    path.write_text(
        f"type: pipeline\nname: outer\nversion: 1\njobs: {{step: {{type: pipeline, component: {inner}}}}}\n"
    )
    return path


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "train.yml").write_text(COMPONENT)
    path = tmp_path / "pipeline.yml"
    path.write_text("type: pipeline\njobs:\n  fit:\n    component: ./train.yml\n    inputs: {rows: azureml:rows:1}\n")
    return path


def test_a_file_is_checked_as_it_is_now(pipeline: Path) -> None:
    assert errors(pipeline) == []
    (pipeline.parent / "train.yml").write_text(COMPONENT.replace("rows}}", "row}}"))
    found = errors(pipeline)
    assert [problem.path for problem in found] == ["jobs.fit.component"]
    assert "line 3: ${{inputs.row}} refers to an input that is not declared." in found[0].message


def test_what_a_file_names_is_looked_for_again(pipeline: Path) -> None:
    (pipeline.parent / "src").rmdir()
    assert [problem.code for problem in errors(pipeline)] == ["component-file"]
    (pipeline.parent / "src").mkdir()
    assert errors(pipeline) == []


def test_a_component_in_a_file_needs_no_right_name(pipeline: Path) -> None:
    (pipeline.parent / "train.yml").write_text(COMPONENT.replace("name: train", "name: Train-it"))
    assert errors(pipeline) == []


def test_a_component_that_contains_itself_is_a_cycle(tmp_path: Path) -> None:
    one = pipeline_component(tmp_path / "one.yml", "./two.yml")
    pipeline_component(tmp_path / "two.yml", "./one.yml")
    found = errors(one)
    assert [problem.code for problem in found] == ["component-file"]
    assert "contains itself" in found[0].message


def test_components_are_followed_to_a_depth(tmp_path: Path) -> None:
    for depth in range(MAX_NESTED + 5):
        pipeline_component(tmp_path / f"{depth}.yml", f"./{depth + 1}.yml")
    assert [problem.path for problem in errors(tmp_path / "0.yml")] == ["jobs.step.component"]


def test_a_file_that_is_no_component_says_so(pipeline: Path) -> None:
    (pipeline.parent / "train.yml").write_text("- a\n- b\n")
    assert ["should be a mapping" in problem.message for problem in errors(pipeline)] == [True]
    (pipeline.parent / "train.yml").write_text("a: [\n")
    assert [problem.code for problem in errors(pipeline)] == ["component-file"]
    (pipeline.parent / "train.yml").unlink()
    (pipeline.parent / "train.yml").mkdir()
    assert ["is a folder" in problem.message for problem in errors(pipeline)] == [True]


def test_a_pipe_is_not_waited_for(pipeline: Path) -> None:
    (pipeline.parent / "train.yml").unlink()
    os.mkfifo(pipeline.parent / "train.yml")
    assert ["is no file" in problem.message for problem in errors(pipeline)] == [True]
