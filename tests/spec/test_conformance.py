"""The conformance corpus, where it stands beside the checkout.

How a file is scored is as the corpus's own scorer does it: any reported error may be at the expected line or path.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aml.errors import Problem, SpecError
from aml.spec.load import load
from aml.spec.parse import problems
from cli.terminal import AML

CORPUS = Path(__file__).parents[3] / "shared" / "conformance"

# What is measured -> the least share of files, of the core kinds and of all.
AT_LEAST = {
    "verdict": (0.995, 0.97),
    "line": (0.97, 0.97),
    "path": (0.95, 0.95),
    "first error": (0.90, 0.90),
}

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not here")

Case = tuple[dict[str, Any], list[Problem]]


def has_verdict(case: dict[str, Any], found: list[Problem]) -> bool:
    return (case["expected"] == "invalid") == bool(found)


def has_line(case: dict[str, Any], found: list[Problem]) -> bool | None:
    """None where no line is expected; a fault in a text may be told at its key."""
    places = [line for line in (case["line"], case.get("key_line")) if line]
    return any(abs(each.line - line) <= 1 for each in found for line in places) if case["line"] else None


def has_path(case: dict[str, Any], found: list[Problem]) -> bool | None:
    wanted = case["field"]
    return wanted in [problem.path for problem in found] if case["expected"] == "invalid" and wanted else None


def is_first(case: dict[str, Any], found: list[Problem]) -> bool | None:
    """Whether the first error is the expected one: at its line, or where none is expected at its path."""
    told = has_line(case, found[:1])
    return told if told is not None else has_path(case, found[:1])


MEASURES: dict[str, Callable[[dict[str, Any], list[Problem]], bool | None]] = {
    "verdict": has_verdict,
    "line": has_line,
    "path": has_path,
    "first error": is_first,
}


def errors(path: Path) -> list[Problem]:
    try:
        found = problems(load(path))
    except SpecError as error:
        found = list(error.problems)
    return [problem for problem in found if problem.severity == "error"]


@pytest.fixture(scope="module")
def judged() -> list[Case]:
    lines = (CORPUS / "expected.jsonl").read_text("utf-8").splitlines()
    return [(case, errors(CORPUS / case["path"])) for case in map(json.loads, lines)]


@pytest.mark.parametrize("scope", ["core", "all"])
@pytest.mark.parametrize("measure", MEASURES)
def test_as_many_files_are_judged_right_as_must_be(judged: list[Case], measure: str, scope: str) -> None:
    counted = [(case, found) for case, found in judged if scope == "all" or case["scope"] == "core"]
    hits = [(case["path"], hit) for case, found in counted if (hit := MEASURES[measure](case, found)) is not None]
    share = sum(hit for _, hit in hits) / len(hits)
    assert share >= AT_LEAST[measure][scope == "all"], [path for path, hit in hits if not hit]


def test_no_original_is_refused(judged: list[Case]) -> None:
    assert [case["path"] for case, found in judged if case["cls"] == "original" and found] == []


def test_the_scorer_of_the_corpus_reads_what_the_command_prints() -> None:
    command = [sys.executable, str(CORPUS / "score.py"), "--cmd", f"{AML} validate --format json {{files}}"]
    done = subprocess.run([*command, "--scope", "all", "--min", "97"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "crashes/hangs    0" in done.stdout
    assert "retried singly 0" in done.stdout
