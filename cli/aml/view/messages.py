"""Words beside the data: on stderr, so that whoever reads stdout gets the data alone."""

from __future__ import annotations

import sys

from aml.errors import Problem
from aml.view.color import has_color, paint
from aml.view.problems import problems_text
from aml.view.streams import put


def say(text: str) -> None:
    """What happened, when there is no document that tells."""
    put(f"{text}\n", sys.stderr)


def note(text: str) -> None:
    """Something good to know that nobody has to act on."""
    put(paint(f"note: {text}", "dim", has_color(sys.stderr)) + "\n", sys.stderr)


def warn(text: str) -> None:
    """Something that may make what was asked for go wrong."""
    put(f"{paint('warning', 'yellow', has_color(sys.stderr))}: {text}\n", sys.stderr)


def say_problems(file: str, problems: tuple[Problem, ...]) -> None:
    """Findings in a file that is used all the same."""
    put(problems_text(file, problems, color=has_color(sys.stderr)) + "\n", sys.stderr)
