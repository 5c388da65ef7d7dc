"""When a trigger goes off: Azure's cron and recurrence triggers, in their time zones. Pure; the caller has the clock.

Time zones are those of Windows, as Azure takes them, or of IANA; one that this machine does not know counts as UTC.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aml.spec import cron

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_EVERY = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}
_LONGEST = timedelta(days=5 * 366)
_MOMENT = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2})(?::(?P<second>\d{1,2})(?:[.,]\d+)?)?"
    r"(?P<offset>Z|[+-]\d{2}(?::?\d{2})?)?$"
)


def last_moment(trigger: Mapping[str, Any], *, made_at: datetime, after: datetime, until: datetime) -> datetime | None:
    """The last time after `after` and up to `until` that a trigger, made at `made_at`, goes off; None if there is none.

    The trigger is as the YAML has it, and has been checked.
    """
    zone = _zone(trigger.get("time_zone"))
    start = _moment(trigger.get("start_time"), zone) or made_at
    end = _moment(trigger.get("end_time"), zone) or until
    first, last = max(after, start - timedelta(microseconds=1)), min(until, end)
    if last <= first:
        return None
    if trigger["type"].lower() == "cron":
        is_day, times = _cron(str(trigger["expression"]))
    else:
        frequency, interval = str(trigger["frequency"]).lower(), int(trigger.get("interval") or 1)
        if frequency in _EVERY:
            step = _EVERY[frequency] * interval
            found = start + (last - start) // step * step
            return found if found > first else None
        is_day, times = _recurrence(frequency, interval, trigger.get("schedule") or {}, start.astimezone(zone))
    return _latest(is_day, times, zone, first, last)


def _latest(
    is_day: Callable[[date], bool], times: Sequence[time], zone: tzinfo, first: datetime, last: datetime
) -> datetime | None:
    first = max(first, last - _LONGEST)
    day, earliest = last.astimezone(zone).date(), first.astimezone(zone).date()
    while day >= earliest:
        if is_day(day):
            moments = (datetime.combine(day, each, zone).astimezone(UTC) for each in times)
            found = [moment for moment in moments if first < moment <= last]
            if found:
                return max(found)
        day -= timedelta(days=1)
    return None


def _cron(expression: str) -> tuple[Callable[[date], bool], Sequence[time]]:
    """Five fields, or six with seconds first, which do not count."""
    minutes, hours, days, months, week = cron.numbers(expression)
    *_, days_text, _, week_text = expression.split()
    either = not days_text.startswith("*") and not week_text.startswith("*")  # as cron has it when both are given

    def is_day(day: date) -> bool:
        of_month, of_week = day.day in days, not week.isdisjoint({day.isoweekday(), day.isoweekday() % 7})
        return day.month in months and ((of_month or of_week) if either else (of_month and of_week))

    return is_day, _times(hours, minutes)


def _recurrence(
    frequency: str, interval: int, pattern: Mapping[str, Any], start: datetime
) -> tuple[Callable[[date], bool], Sequence[time]]:
    times = _times(_numbers(pattern.get("hours"), start.hour), _numbers(pattern.get("minutes"), start.minute))
    week_days = {_DAYS.index(str(day).lower()) for day in _listed(pattern.get("week_days"))}
    month_days = {int(day) for day in _listed(pattern.get("month_days"))}
    monday = start.date() - timedelta(days=start.weekday())

    def is_day(day: date) -> bool:
        match frequency:
            case "day":
                return (day - start.date()).days % interval == 0
            case "week":
                due = ((day - monday).days // 7) % interval == 0
                return due and day.weekday() in (week_days or {start.weekday()})
            case _:
                due = ((day.year - start.year) * 12 + day.month - start.month) % interval == 0
                chosen = day.weekday() in week_days or day.day in month_days
                return due and (chosen if week_days or month_days else day.day == start.day)

    return is_day, times


def _times(hours: Collection[int], minutes: Collection[int]) -> list[time]:
    return [time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)]


def _numbers(given: Any, default: int) -> set[int]:
    return {int(each) for each in _listed(given)} or {default}


def _listed(given: Any) -> list[Any]:
    if given is None:
        return []
    return given if isinstance(given, list) else [given]


def _moment(text: str | None, zone: tzinfo) -> datetime | None:
    """A date and time as the schema takes it: in the trigger's zone if it has none."""
    if text is None:
        return None
    match = _MOMENT.match(text)
    assert match is not None
    year, month, day, hour, minute = (int(number) for number in match.groups()[:5])
    second, offset = int(match["second"] or 0), match["offset"]
    if offset is not None:
        zone = UTC if offset == "Z" else _offset(offset)
    return datetime(year, month, day, hour, minute, second, tzinfo=zone)


def _offset(text: str) -> tzinfo:
    digits = text[1:].replace(":", "").ljust(4, "0")
    east = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-east if text[0] == "-" else east)


def _zone(name: str | None) -> tzinfo:
    if name is None:
        return UTC
    try:
        return ZoneInfo(_windows_zones().get(name.lower(), name))
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


@cache
def _windows_zones() -> Mapping[str, str]:
    """IANA's names of Windows' zones, which are in lower case. Source: Unicode's CLDR."""
    with Path(__file__).with_name("time_zones.csv").open(encoding="utf-8", newline="") as file:
        return {row["windows"].lower(): row["iana"] for row in csv.DictReader(file)}
