"""Which values of flags a command may hold: bash itself is asked."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aml.errors import Problem
from aml.spec.load import loads
from aml.spec.overrides import apply
from aml.spec.parse import problems

PLACES = ["{}", "'{}'", '"{}"', "a{}b", "\"a'{}'\"", '"$(printf %s {})"', '"`printf %s {}`"', "'a'\"{}\"", "'a'\\\"{}"]
VALUES = st.text("ab0-_./=:,@%+é;&|<>$`\\\"'(){}*?[]~#\n", min_size=1, max_size=12)


def found(command: str, *sets: str) -> list[Problem]:
    text = "environment: azureml:any:1\ninputs: {x: 1}\n"
    document = apply(loads(text, "job.yml", Path("/")), [f"command={command}", *sets])
    return [problem for problem in problems(document) if problem.code == "shell-unsafe"]


def warns(command: str, value: str) -> bool:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return bool(found(command, f'inputs.x="{quoted}"'))


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(PLACES), VALUES)
def test_a_value_without_a_warning_reaches_the_program_as_it_is(place: str, value: str) -> None:
    if warns(f"run {place.format('${{inputs.x}}')}", value):
        return
    script = f"printf '%s' {place.format(value)}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, script
    plain = subprocess.run(["bash", "-c", f"printf '%s' {place.format('VALUE')}"], capture_output=True, text=True)
    assert done.stdout == plain.stdout.replace("VALUE", value), script


@pytest.mark.parametrize(
    ("command", "value"),
    [
        ("run ${{inputs.x}}", "$(id)"),
        ("run ${{inputs.x}}", "a;b"),
        ("run $[[--x ${{inputs.x}}]]", "a|b"),
        ("run '${{inputs.x}}'", "a'b"),
        ('run "${{inputs.x}}"', "a`b`"),
        ('run "$(run ${{inputs.x}})"', "a&b"),
        ('run "`run ${{inputs.x}}`"', "a&b"),
        ("run ${{'\"'}}${{inputs.x}}\"", "$a"),
    ],
)
def test_a_value_that_the_shell_acts_on_is_warned_of(command: str, value: str) -> None:
    assert warns(command, value)


@pytest.mark.parametrize(
    ("command", "value"),
    [
        ("run ${{inputs.x}}", "release/v1.2_3-rc@x"),
        ("run ${{inputs.x}}", "two words"),
        ("run '${{inputs.x}}'", '{"a": [1, "$b"]}'),
        ('run "${{inputs.x}}"', "a; b & c | 'd'"),
        ('run "it\'s ${{inputs.x}}"', "a;b"),
        ('run (a) "${{inputs.x}}"', "a;b"),
    ],
)
def test_a_value_that_the_quotes_keep_is_not(command: str, value: str) -> None:
    assert not warns(command, value)


def test_what_the_file_says_is_its_authors_own() -> None:
    text = "command: run ${{inputs.x}}\nenvironment: azureml:any:1\ninputs: {x: $(id)}\n"
    assert problems(loads(text, "job.yml", Path("/"))) == []


PIPELINE = """
type: pipeline
inputs: {tag: a}
jobs:
  inline:
    type: command
    environment: azureml:any:1
    command: run ${{inputs.x}}
    inputs: {x: "${{parent.inputs.tag}}"}
  file:
    type: command
    component: ./component.yml
    inputs: {x: "${{parent.inputs.tag}}"}
"""
COMPONENT = "name: a\nversion: 1\nenvironment: azureml:any:1\ninputs: {x: {type: string}}\ncommand: run ${{inputs.x}}\n"


@pytest.mark.parametrize("kept", ["inline", "file"])
def test_an_input_of_a_pipeline_is_followed_into_its_steps_and_their_files(tmp_path: Path, kept: str) -> None:
    (tmp_path / "component.yml").write_text(COMPONENT)
    document = loads(PIPELINE, "job.yml", tmp_path)
    quoted = 'jobs.inline.command=run "${{inputs.x}}"' if kept == "file" else "jobs.file.component=azureml:a:1"
    changed = apply(document, ["inputs.tag=a;id", quoted])
    assert [problem.path for problem in problems(changed) if problem.code == "shell-unsafe"] == ["inputs.tag"]


def test_the_message_names_the_variable_that_is_safe() -> None:
    (problem,) = found("run ${{inputs.x}} ${{inputs.x}}", "inputs.x=a; id")
    assert problem.path == "inputs.x"
    assert problem.severity == "warning"
    assert problem.message == (
        "The command has `x` without quotes, and the shell acts on ; in 'a; id' (from --set inputs.x)."
    )
    assert problem.hint is not None
    assert '"$AZUREML_PARAMETER_x"' in problem.hint


def test_addresses_of_data_and_written_out_values_are_checked_too() -> None:
    (address,) = (
        found("run ${{inputs.x}}", "inputs.x.path=https://a/$(id)", more="")
        if False
        else found("run ${{inputs.d}}", "inputs.d.path=https://a/$(id)", "inputs.d.mode=direct")
    )
    assert address.path == "inputs.d.path"
    (value,) = found("run ${{inputs.v}}", "inputs.v.value=a&b")
    assert (value.path, '"$AZUREML_PARAMETER_v"' in str(value.hint)) == ("inputs.v.value", True)
