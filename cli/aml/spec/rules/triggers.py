"""When something happens: cron expressions, times and time zones, hours and days."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from aml.errors import Problem
from aml.spec import cron
from aml.spec.document import Document
from aml.spec.rules.values import whole
from aml.spec.schema.files import definition
from aml.spec.wording import did_you_mean, short

_CRON = "A field is *, a number, a range 1-5, a list 1,2 or steps */2: 0 8 * * 1-5 is 8 o'clock on working days."
_LIMITS: Mapping[str, tuple[int, int]] = {"hours": (0, 23), "minutes": (0, 59), "month_days": (1, 31)}
_FREQUENCIES: Mapping[str, tuple[str, ...]] = {"week_days": ("week", "month"), "month_days": ("month",)}
"""Key of a recurrence pattern -> the frequencies that heed it."""


def trigger(document: Document) -> Iterator[Problem]:
    """All that can be wrong with the trigger that `document` is."""
    yield from _expression(document)
    for key in ("start_time", "end_time"):
        yield from _is_real(document, key)
    yield from _order(document)
    yield from _time_zone(document)
    yield from _pattern(document)


def _expression(document: Document) -> Iterator[Problem]:
    expression = document.mapping().get("expression")
    if not isinstance(expression, str) or not expression.strip():
        return
    found = list(cron.faults(expression))
    if found:
        message = f"'{short(expression)}' is no cron expression: {', '.join(found)}."
        yield document.problem("bad-cron", message, ("expression",), hint=_CRON)
    else:
        yield from _ignored(document, expression)


def _ignored(document: Document, expression: str) -> Iterator[Problem]:
    """Azure ML takes days and months for * whatever they are."""
    given = [f"{field.name} {text}" for field, text in cron.fields_of(expression) if field.name in ("days", "months")]
    given = [text for text in given if not text.endswith(" *")]
    if given:
        message = f"Azure ML takes days and months of a cron expression for *: not {' and '.join(given)}."
        hint = "A recurrence trigger knows days of the month."
        yield document.problem("ignored-value", message, ("expression",), hint=hint, severity="warning")
    if len(cron.fields_of(expression)) > len(cron.FIELDS):
        message = (
            f"'{short(expression)}' has six fields, of which the first is seconds; Azure ML's documents know five."
        )
        yield document.problem("ignored-value", message, ("expression",), severity="warning")


def _is_real(document: Document, key: str) -> Iterator[Problem]:
    """A text of the right form whose month, day or hour there is not."""
    text = document.mapping().get(key)
    if isinstance(text, str) and _has_form(text) and _moment(text) is None:
        message = f"`{key}` is '{text}', and there is no such date or time."
        yield document.problem("bad-format", message, (key,))


def _order(document: Document) -> Iterator[Problem]:
    start, end = (_moment(str(document.mapping().get(key))) for key in ("start_time", "end_time"))
    if start and end and end <= start:
        message = "`end_time` is not after `start_time`: nothing would ever happen."
        yield document.problem("out-of-range", message, ("end_time",))


def _time_zone(document: Document) -> Iterator[Problem]:
    zone = document.mapping().get("time_zone")
    known: list[str] = definition("timeZone")["anyOf"][0]["enum"]
    if isinstance(zone, str) and zone.lower() not in (name.lower() for name in known):
        meant = did_you_mean(zone, known)
        hint = f"Did you mean {meant}?" if meant else "Write a name that Windows has: W. Europe Standard Time."
        message = f"The time zone '{short(zone)}' is not known."
        yield document.problem("unknown-time-zone", message, ("time_zone",), hint=hint, severity="warning")


def _pattern(document: Document) -> Iterator[Problem]:
    frequency = str(document.mapping().get("frequency")).lower()
    for key, value in document.mapping("schedule").items():
        least, most = _LIMITS.get(key, (0, 0))
        for item in value if isinstance(value, list) else [value]:
            number = whole(item)
            if key in _LIMITS and number is not None and not least <= number <= most:
                message = f"`schedule.{key}` has {number}; allowed: {least} to {most}."
                yield document.problem("out-of-range", message, ("schedule", key))
        known = _FREQUENCIES.get(key, (frequency,))
        if frequency in ("minute", "hour", "day", "week") and frequency not in known:
            message = f"`schedule.{key}` has no effect at the frequency {frequency}."
            hint = f"It is for: {', '.join(known)}."
            yield document.about_key("ignored-value", message, ("schedule", key), hint, severity="warning")


def _has_form(text: str) -> bool:
    return re.search(definition("moment")["pattern"], text) is not None


def _moment(text: str) -> datetime | None:
    """The moment, without its zone: both ends of a trigger have the same."""
    numbers: list[Any] = [int(number) for number in re.findall(r"[0-9]{1,4}", text)[:5]]
    if not _has_form(text):
        return None
    try:
        return datetime(*numbers)  # noqa: DTZ001
    except ValueError:
        return None
