"""Syntax errors of YAML in plain sentences."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from aml.errors import Problem
from aml.spec.document import Place

_QUOTED_VALUE = re.compile(r"""[\s-]*[\w$.-]+:\s+(["'])""")
_CLOSE_IT = "Close it, or use a block: `key: |` with the text indented below."


class _Sentence(NamedTuple):
    part: str  # of libyaml's message, and of PyYAML's
    message: str
    hint: str
    at_context: bool = False  # the fault is where the construct opens, not where the parser gave up


_SENTENCES = (
    _Sentence(
        "mapping values are not allowed",
        "A second `key:` on this line, or a line that is indented further than the one above it.",
        "Put a value that contains ': ' in quotes; give keys of one mapping the same indent.",
    ),
    _Sentence(
        "found unexpected end of stream",
        "The quote that opens here is never closed.",
        _CLOSE_IT,
        at_context=True,
    ),
    _Sentence(
        "expected ',' or ']'",
        "The [ that opens here is never closed, or a comma is missing.",
        "Put a text that starts with [ in quotes.",
        at_context=True,
    ),
    _Sentence(
        "expected ',' or '}'",
        "The { that opens here is never closed, or a comma is missing.",
        "Put a text that starts with { in quotes.",
        at_context=True,
    ),
    _Sentence(
        "could not find expected ':'",
        "This line is no `key: value`.",
        "Add the colon, or indent the line if it belongs to the value above.",
        at_context=True,
    ),
    _Sentence(
        "did not find expected key",
        "A key was expected here.",
        "Look for text after a closing quote, and for an indent that differs from the lines above.",
    ),
    _Sentence(
        "did not find expected '-' indicator",
        "A list item was expected here.",
        "Start the line with '- ', or indent it differently if it does not belong to the list.",
    ),
    _Sentence(
        "did not find expected node content",
        "A value was expected here.",
        "Look for a comma too many, or a bracket that is never closed.",
    ),
)


def problem_of(error: Any, text: str) -> Problem:
    """The problem that a yaml.MarkedYAMLError is."""
    message = str(error.problem or error.context)
    place = _place(error.problem_mark or error.context_mark)
    if "cannot start any token" in message or "tab character" in message:
        return _bad_start(text, place)
    if "did not find expected key" in message and (opening := _open_quote(text, place)):
        return Problem("yaml-syntax", "The quote that opens here is not closed on its line.", (), *opening, _CLOSE_IT)
    for sentence in _SENTENCES:
        if sentence.part in message:
            if sentence.at_context and error.context_mark:
                place = _place(error.context_mark)
            return Problem("yaml-syntax", sentence.message, (), *place, sentence.hint)
    return Problem("yaml-syntax", f"The YAML can't be read: {message}.", (), *place)


def _open_quote(text: str, place: Place) -> Place | None:
    """The nearest value above `place` whose quote swallows the lines down to it."""
    lines = text.splitlines()
    for number in range(place.line - 1, 0, -1):
        match = _QUOTED_VALUE.match(lines[number - 1])
        if match:
            return Place(number, match.start(1) + 1) if lines[number - 1].count(match[1]) % 2 else None
    return None


def _bad_start(text: str, place: Place) -> Problem:
    line = text.splitlines()[place.line - 1]
    character = line[place.column - 1 : place.column]
    if "\t" in (character, line[:1]):
        return Problem("tab-indent", "A tab is used for indentation.", (), *place, "YAML allows only spaces there.")
    return Problem("yaml-syntax", f"A text can't start with {character}.", (), *place, "Put it in quotes.")


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)
