"""How errors and problems are put into words and shown in their source."""

from __future__ import annotations

from aml.errors import AmlError, Problem, SpecError
from aml.view.problems import error_text, problems_text


def a_problem(line: int, column: int) -> Problem:
    return Problem("wrong-value", "That is wrong.", ("key",), line, column, "Write it right.")


def test_an_error_without_a_hint_is_one_line() -> None:
    assert error_text(AmlError("It broke.")) == "ERROR: It broke."


def test_a_problem_is_shown_under_its_place_in_the_source() -> None:
    assert problems_text("job.yml", (a_problem(12, 6),), "\n" * 11 + "key: bad\n", excerpt=True) == (
        "job.yml:12:6: That is wrong. [wrong-value]\n  12 | key: bad\n     |      ^\n  Write it right."
    )


def test_of_a_long_line_the_part_around_the_fault_is_shown() -> None:
    line = "key: " + "x" * 400 + "FAULT" + "y" * 400
    _, source, caret, _ = problems_text("f", (a_problem(1, 406),), line, excerpt=True).splitlines()
    assert len(source) < 120
    assert source[caret.index("^") :].startswith("FAULT")


def test_a_place_outside_the_source_has_no_excerpt() -> None:
    for line in (0, 2, 99):
        assert len(problems_text("f", (a_problem(line, 1),), "key: x", excerpt=True).splitlines()) == 2


def test_several_errors_are_counted_once_below_them() -> None:
    error = SpecError("job.yml", [a_problem(1, 1), a_problem(2, 1)])
    assert error_text(error).splitlines()[-1] == "ERROR: job.yml: 2 errors."
