from aml.errors import Problem
from aml.spec.report import excerpt, text

PROBLEM = Problem("unknown-key", "`tpye` is not a key.", ("tpye",), 2, 2, "Did you mean `type`?")


def test_a_problem_is_one_line_and_its_hint_another() -> None:
    expected = "job.yml:2:2: error: `tpye` is not a key. [unknown-key]\n  hint: Did you mean `type`?\n"
    assert text([PROBLEM], "job.yml") == expected


def test_with_the_source_the_line_is_shown_with_a_caret() -> None:
    assert excerpt(PROBLEM, "a: 1\n tpye: x\n") == "   tpye: x\n   ^\n"
    assert excerpt(PROBLEM, "a: 1\n\ttpye: x\n") == "  \ttpye: x\n  \t^\n"


def test_a_line_that_is_not_there_shows_nothing() -> None:
    assert excerpt(PROBLEM, "a: 1\n") == ""
