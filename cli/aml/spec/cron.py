"""Cron expressions, checked field by field.

Five fields: minutes, hours, days, months, days of the week. NCRONTAB, which Azure's services use, may have seconds
before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from aml.spec.wording import short

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEK_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(?P<range>\*|(?P<first>\w+)(-(?P<last>\w+))?)(/(?P<step>\w+))?", re.ASCII)


class Field(NamedTuple):
    """What may stand in one field."""

    name: str
    least: int
    most: int
    words: Sequence[str] = ()  # the first one is `least`


SECONDS = Field("seconds", 0, 59)
FIELDS = (
    Field("minutes", 0, 59),
    Field("hours", 0, 23),
    Field("days", 1, 31),
    Field("months", 1, 12, _MONTHS),
    Field("days of the week", 0, 7, _WEEK_DAYS),
)


def fields_of(expression: str) -> list[tuple[Field, str]]:
    """The fields with their texts; none if there are not as many as an expression has."""
    texts = expression.split()
    known = {5: FIELDS, 6: (SECONDS, *FIELDS)}.get(len(texts), ())
    return list(zip(known, texts, strict=False))


def faults(expression: str) -> Iterator[str]:
    """What is wrong with each field, in words: `the hours are '25' (0 to 23)`."""
    given = fields_of(expression)
    if not given:
        yield f"it has {len(expression.split())} fields, not five: minutes, hours, days, months, days of the week"
    for field, text in given:
        for part in text.split(","):
            if not _is_part(field, part):
                words = f", {field.words[0]} to {field.words[-1]}" if field.words else ""
                yield f"the {field.name} are '{short(text)}' ({field.least} to {field.most}{words})"
                break


def numbers(expression: str) -> list[set[int]]:
    """What each of the five fields allows, in their order; the expression has been checked, seconds do not count."""
    return [_numbers(field, text) for field, text in fields_of(expression)[-len(FIELDS) :]]


def _numbers(field: Field, text: str) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        begin = field.least if span == "*" else _number(field, first)
        end = field.most if span == "*" or (step and not last) else _number(field, last or first)
        found.update(range(begin, end + 1, int(step or 1)))
    return found


def _is_part(field: Field, text: str) -> bool:
    part = _PART.fullmatch(text)
    if part is None:
        return False
    ends = [_number(field, end) for end in (part["first"], part["last"]) if end is not None]
    step = part["step"]
    is_step = step is None or (step.isdecimal() and len(step) < 4 and 1 <= int(step) <= field.most)
    return is_step and all(field.least <= end <= field.most for end in ends) and ends == sorted(ends)


def _number(field: Field, text: str) -> int:
    """The number that a text is or names; -1 for another text."""
    if text.lower() in field.words:
        return field.words.index(text.lower()) + field.least
    return int(text) if text.isdecimal() and len(text) < 4 else -1
