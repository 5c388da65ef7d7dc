"""The files of tests/specs: what is told about each, to the letter.

A case is a file; beside it `<name>.txt` holds what a user sees. A valid file without one is told nothing about.
"""

from pathlib import Path

import pytest

from aml.errors import Problem, SpecError
from aml.spec.kinds import kind_of
from aml.spec.load import load
from aml.spec.parse import parse, problems, unusable
from aml.view.problems import problems_text

SPECS = Path(__file__).parents[1] / "specs"


def files(folder: str) -> list[Path]:
    return sorted(path for path in (SPECS / folder).iterdir() if path.suffix in (".yml", ".json"))


def found(path: Path) -> tuple[Problem, ...]:
    try:
        return tuple(problems(load(path)))
    except SpecError as error:
        return error.problems


def text(path: Path) -> str:
    """What `aml validate` prints of the findings, in a pipe."""
    findings = found(path)
    return problems_text(path.name, findings) + "\n" if findings else ""


def told(path: Path) -> str:
    expected = path.with_suffix(".txt")
    return expected.read_text("utf-8") if expected.exists() else ""


@pytest.mark.parametrize("path", files("valid"), ids=lambda path: path.name)
def test_a_valid_file_becomes_a_spec_with_no_more_than_the_expected_warnings(path: Path) -> None:
    assert text(path) == told(path)
    document = load(path)
    if unusable(document, kind_of(document)) is None:
        parse(document)


@pytest.mark.parametrize("path", files("invalid"), ids=lambda path: path.name)
def test_an_invalid_file_is_refused_in_the_expected_words(path: Path) -> None:
    assert text(path) == told(path)
    with pytest.raises(SpecError):
        parse(load(path))


def test_every_expected_text_belongs_to_a_file() -> None:
    names = {path.stem for folder in ("valid", "invalid") for path in files(folder)}
    assert {path.stem for path in SPECS.glob("*/*.txt")} <= names
