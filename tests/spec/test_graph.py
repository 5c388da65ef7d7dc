"""Cycles among the steps of a pipeline."""

from hypothesis import given
from hypothesis import strategies as st

from aml.errors import Problem
from aml.spec.rules.graph import Edge, cycles


def told(code: str, message: str, hint: str) -> Problem:
    return Problem(code, message, (), 1, 1, hint)


def found(pairs: list[tuple[int, int]]) -> list[str]:
    edges = [Edge(str(consumer), str(producer), told) for consumer, producer in pairs]
    steps = sorted({step for pair in pairs for step in pair})
    return [problem.message for problem in cycles(edges, {str(step): step for step in steps})]


def has_cycle(pairs: list[tuple[int, int]]) -> bool:
    """By taking away steps that need nothing, until none or only those of cycles are left."""
    left = {step for pair in pairs for step in pair}
    while free := {step for step in left if not any(one == step and other in left for one, other in pairs)}:
        left -= free
    return bool(left)


def test_a_cycle_is_told_once_where_a_step_needs_a_later_one() -> None:
    assert found([(1, 3), (2, 1), (3, 2)]) == ["The steps need each other: 1 needs 3 needs 2 needs 1."]
    assert found([(2, 1), (3, 2)]) == []


def test_a_step_may_need_a_later_one() -> None:
    assert found([(1, 3), (3, 2), (1, 2)]) == []


def test_a_long_cycle_is_told_in_short() -> None:
    message, *_ = found([(0, 99), *((i, i - 1) for i in range(1, 100))])
    assert message == "The steps need each other: 0 needs 99 needs 98 needs 97 needs 96 needs 95 needs ... needs 0."


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda pair: pair[0] != pair[1])))
def test_there_are_problems_where_there_are_cycles(pairs: list[tuple[int, int]]) -> None:
    assert bool(found(pairs)) == has_cycle(pairs)
