"""Every code is explained, and its examples are what they say."""

from __future__ import annotations

import ast
import io
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aml.commands._targets import judge_for
from aml.errors import NotFound, Problem
from aml.spec.check import check
from aml.spec.explanations import Example, codes, explain, summary_of
from aml.spec.parse import problems

ROOT = Path(__file__).parents[2]
SOURCES = [path for room in ("spec", "commands") for path in (ROOT / "cli" / "aml" / room).rglob("*.py")]
_REPORTS = re.compile(r"problem|about|refused|Problem", re.IGNORECASE)
_CODE = re.compile(r"(?!x-code)[a-z0-9]+(-[a-z0-9]+)+|unused|unreadable")


def used_codes() -> Iterator[str]:
    """What is given as the code of a problem in the source, and as `x-code` in the schemas."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _REPORTS.search(ast.unparse(node.func)):
                for argument in node.args[:2]:
                    yield from constants(argument)
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("code", "_CODE"):
                yield from constants(node.value)
    for path in (ROOT / "schemas").glob("*.json"):
        yield from re.findall(r'"x-code": "([^"]+)"', path.read_text())


def constants(node: ast.AST) -> Iterator[str]:
    for found in ast.walk(node):
        if isinstance(found, ast.Constant) and isinstance(found.value, str) and _CODE.fullmatch(found.value):
            yield found.value


def test_every_code_that_is_used_is_explained() -> None:
    assert {"unknown-key", "tab-indent", "bad-name", "unused", "duplicate-key"} <= set(used_codes())
    assert sorted(set(used_codes()) - set(codes())) == []


def test_every_code_that_a_user_sees_in_the_examples_is_explained() -> None:
    texts = [path.read_text() for path in (ROOT / "tests" / "specs").glob("*/*.txt")]
    assert {code for text in texts for code in re.findall(r" \[([a-z0-9-]+)\]$", text, re.MULTILINE)} <= set(codes())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with what the examples refer to."""
    for folder in ("src", "data", "docker", "model", "table"):
        (tmp_path / folder).mkdir()
    for file in ("src/train.py", "data.csv", "docker/Dockerfile", "table/MLTable"):
        (tmp_path / file).touch()
    (tmp_path / "conda.yml").write_text("dependencies: [python]\n")
    component = {
        "name": "train",
        "type": "command",
        "command": "echo ${{inputs.lr}}",
        "environment": "azureml:sklearn:1",
        "inputs": {"lr": {"type": "number"}},
    }
    (tmp_path / "train.yml").write_text(json.dumps(component))
    return tmp_path


def judged(example: Example, project: Path) -> tuple[Problem, ...]:
    """What is found in an example, with the arguments of the command in its first line, if there is one."""
    file = project / "job.yml"
    if example.language == "bash":
        subprocess.run(["bash", "-c", example.text], cwd=project, check=True)
    else:
        file.write_text(example.text)
    first = example.text.partition("\n")[0]
    words = shlex.split(first.removeprefix("# aml validate job.yml")) if first.startswith("# aml validate") else []
    sets = [word for word in words if "=" in word]
    judge = judge_for(words[words.index("--target") + 1]) if "--target" in words else problems  # type: ignore[arg-type]
    return check([str(file)], sets, stdin=io.BytesIO(), judge=judge).files[0].problems


def test_only_what_needs_a_workspace_has_an_example_that_can_not_be_checked_here() -> None:
    assert [code for code in codes() if explain(code).bad.language == "text"] == ["too-much"]


@pytest.mark.parametrize("code", [code for code in codes() if explain(code).bad.language != "text"])
def test_the_bad_example_has_the_problem_and_the_good_one_has_none(code: str, project: Path) -> None:
    found = explain(code)
    bad = [problem.code for problem in judged(found.bad, project)]
    if bad == ["unsupported-kind"] != [code]:
        pytest.skip("a kind without a schema yet")
    assert code in bad
    (project / "job.yml").unlink()
    assert judged(found.good, project) == ()
    assert found.summary.endswith(".")


def test_an_unknown_code_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(NotFound) as caught:
        explain("unknown-kye")
    assert caught.value.hint == "Did you mean unknown-key?"
    assert summary_of("nosuch") == "nosuch"
