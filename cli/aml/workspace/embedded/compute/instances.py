"""Compute instances that start and stop by themselves: by their schedules, and when they have been idle. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

RUNNING = "Running"
STOPPED = "Stopped"

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE)


@dataclass(frozen=True)
class Past:
    """What is known of an instance."""

    document: Mapping[str, Any]
    made_at: datetime
    state: str  # as it was set last
    since: datetime
    busy: bool  # a job is on it, or waits for it
    used_until: datetime | None  # when the last job ended


def state_now(past: Past, now: datetime) -> tuple[str, datetime]:
    """Running or Stopped, and since when: what was set last, unless a schedule or the idle time came after it."""
    state, since = max([(past.since, past.state), *_scheduled(past, now)], key=lambda change: change[0])[::-1]
    idle = idle_time(past.document)
    if state == RUNNING and idle is not None and not past.busy:
        stops_at = max(since, past.used_until or since) + idle
        if stops_at <= now:
            return STOPPED, stops_at
    return state, since


def idle_time(document: Mapping[str, Any]) -> timedelta | None:
    """Time without work after which it stops."""
    minutes = document.get("idle_time_before_shutdown_minutes")
    if minutes is not None:
        return timedelta(minutes=int(minutes))
    match = _DURATION.fullmatch(str(document.get("idle_time_before_shutdown") or ""))
    if match is None or not any(match.groups()):
        return None
    days, hours, mins, seconds = (int(number or 0) for number in match.groups())
    return timedelta(days=days, hours=hours, minutes=mins, seconds=seconds)


def _scheduled(past: Past, now: datetime) -> Iterator[tuple[datetime, str]]:
    from aml.workspace.embedded.compute.triggers import last_moment

    for schedule in (past.document.get("schedules") or {}).get("compute_start_stop") or ():
        trigger = schedule.get("trigger")
        if trigger is None or str(schedule.get("state") or "enabled").lower() != "enabled":
            continue
        moment = last_moment(trigger, made_at=past.made_at, after=past.since, until=now)
        if moment is not None:
            yield moment, RUNNING if str(schedule["action"]).lower() == "start" else STOPPED
