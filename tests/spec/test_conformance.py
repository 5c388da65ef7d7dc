"""The conformance corpus, where it stands beside the checkout."""

import json
from pathlib import Path
from typing import Any

import pytest

from aml.errors import SpecError
from aml.spec.load import load
from aml.spec.parse import problems

CORPUS = Path(__file__).parents[3] / "shared" / "conformance"
KINDS = (
    *("command", "component", "sweep", "pipeline", "spark", "automl"),
    *("model", "data", "environment", "compute", "datastore"),
    *("online_endpoint", "online_deployment", "schedule", "batch_endpoint", "batch_deployment"),
)

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not here")


def errors(path: Path) -> list[Any]:
    try:
        found = problems(load(path))
    except SpecError as error:
        found = list(error.problems)
    return [problem for problem in found if problem.severity == "error"]


@pytest.fixture(scope="module")
def judged() -> list[tuple[dict[str, Any], list[Any]]]:
    lines = (CORPUS / "expected.jsonl").read_text("utf-8").splitlines()
    cases = [case for line in lines if (case := json.loads(line))["kind"] in KINDS]
    return [(case, errors(CORPUS / case["path"])) for case in cases]


def share(hits: list[bool]) -> float:
    return sum(hits) / len(hits)


def test_verdicts_are_right(judged: list[tuple[dict[str, Any], list[Any]]]) -> None:
    assert share([(case["expected"] == "invalid") == bool(found) for case, found in judged]) >= 0.995


def test_no_original_is_refused(judged: list[tuple[dict[str, Any], list[Any]]]) -> None:
    assert [case["path"] for case, found in judged if case["cls"] == "original" and found] == []


def test_the_first_error_is_at_the_expected_line(judged: list[tuple[dict[str, Any], list[Any]]]) -> None:
    hits = [bool(found) and abs(found[0].line - case["line"]) <= 1 for case, found in judged if case["line"]]
    assert share(hits) >= 0.97


def test_the_expected_path_is_reported(judged: list[tuple[dict[str, Any], list[Any]]]) -> None:
    hits = [case["field"] in [problem.path for problem in found] for case, found in judged if case["field"]]
    assert share(hits) >= 0.95
