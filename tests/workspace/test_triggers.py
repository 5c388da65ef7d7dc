"""When triggers go off, and what that makes of a compute instance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aml.workspace.embedded.compute.instances import Past, idle_time, state_now
from aml.workspace.embedded.compute.triggers import last_moment

MADE = datetime(2026, 1, 1, 9, 30, tzinfo=UTC)  # a Thursday


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def cron(expression: str, **more) -> dict:
    return {"type": "cron", "expression": expression, **more}


def every(frequency: str, interval: int = 1, **more) -> dict:
    return {"type": "recurrence", "frequency": frequency, "interval": interval, **more}


@pytest.mark.parametrize(
    ("trigger", "until", "moment"),
    [
        (cron("0 8 * * *"), "2026-01-05 07:59", "2026-01-04 08:00"),
        (cron("0 8 * * *"), "2026-01-05 08:00", "2026-01-05 08:00"),
        (cron("*/15 * * * *"), "2026-01-05 08:44", "2026-01-05 08:30"),
        (cron("0 18 * * 1-5"), "2026-01-05 12:00", "2026-01-02 18:00"),  # Monday noon: Friday evening
        (cron("0 18 * * MON,FRI"), "2026-01-09 20:00", "2026-01-09 18:00"),
        (cron("0 0 1 * 0"), "2026-01-04 12:00", "2026-01-04 00:00"),  # the first of a month, or a Sunday
        (cron("30 10-14/2 * feb *"), "2026-03-01 00:00", "2026-02-28 14:30"),
        (cron("0 0 8 * * *"), "2026-01-05 09:00", "2026-01-05 08:00"),  # with seconds
        (cron("0 8 * * *", time_zone="Pacific Standard Time"), "2026-07-01 23:00", "2026-07-01 15:00"),
        (cron("0 8 * * *", time_zone="W. Europe Standard Time"), "2026-01-05 08:00", "2026-01-05 07:00"),
        (cron("0 8 * * *", time_zone="Asia/Kolkata"), "2026-01-05 08:00", "2026-01-05 02:30"),
        (cron("0 8 * * *", start_time="2026-01-06T00:00:00"), "2026-01-05 09:00", None),
        (cron("0 8 * * *", end_time="2026-01-03T00:00:00"), "2026-01-05 09:00", "2026-01-02 08:00"),
        (cron("0 8 30 2 *"), "2027-01-05 09:00", None),
        (every("minute", 20), "2026-01-01 10:05", "2026-01-01 09:50"),
        (every("hour", 5), "2026-01-02 00:00", "2026-01-01 19:30"),
        (every("day"), "2026-01-05 09:00", "2026-01-04 09:30"),
        (every("day", 2, schedule={"hours": [6, 18], "minutes": 15}), "2026-01-05 12:00", "2026-01-05 06:15"),
        (
            every("week", schedule={"week_days": ["monday", "wednesday"], "hours": 7}),
            "2026-01-06 00:00",
            "2026-01-05 07:30",
        ),
        (every("week", 2, schedule={"week_days": "Thursday"}), "2026-01-10 00:00", "2026-01-01 09:30"),
        (
            every("month", schedule={"month_days": [1, 15], "hours": 0, "minutes": 0}),
            "2026-02-20 00:00",
            "2026-02-15 00:00",
        ),
        (every("month"), "2026-03-15 00:00", "2026-03-01 09:30"),
        (every("day", start_time="2026-01-02 10:00:00+02:00"), "2026-01-04 07:00", "2026-01-03 08:00"),
        (every("minute", start_time="2026-01-02T10:00:30.5Z"), "2026-01-02 10:00:30", "2026-01-02 10:00:30"),
    ],
)
def test_the_last_moment_of_a_trigger(trigger, until, moment):
    found = last_moment(trigger, made_at=MADE, after=MADE - timedelta(days=1), until=at(until))
    assert found == (None if moment is None else at(moment))


def test_a_moment_that_was_heeded_already_does_not_count():
    assert (
        last_moment(cron("0 8 * * *"), made_at=MADE, after=at("2026-01-05 08:00"), until=at("2026-01-05 20:00")) is None
    )


WORKING_HOURS = {
    "compute_start_stop": [
        {"action": "start", "trigger": cron("0 8 * * 1-5")},
        {"action": "stop", "trigger": cron("0 18 * * 1-5")},
        {"action": "start", "state": "disabled", "trigger": cron("0 20 * * *")},
    ]
}


def state(now: str, *, since: str = "2026-01-01 09:30", busy: bool = False, used: str | None = None, **document):
    past = Past(document, MADE, "Running", at(since), busy, None if used is None else at(used))
    found, when = state_now(past, at(now))
    return found, f"{when:%Y-%m-%d %H:%M}"


def test_schedules_start_and_stop_an_instance():
    assert state("2026-01-01 17:00", schedules=WORKING_HOURS) == ("Running", "2026-01-01 09:30")
    assert state("2026-01-01 21:00", schedules=WORKING_HOURS) == ("Stopped", "2026-01-01 18:00")
    assert state("2026-01-05 09:00", schedules=WORKING_HOURS) == ("Running", "2026-01-05 08:00")
    by_hand = state("2026-01-01 21:00", since="2026-01-01 20:00", schedules=WORKING_HOURS)
    assert by_hand == ("Running", "2026-01-01 20:00")


def test_an_idle_instance_stops_and_a_used_one_does_not():
    assert state("2026-01-01 10:10", idle_time_before_shutdown="PT30M") == ("Stopped", "2026-01-01 10:00")
    assert state("2026-01-01 10:10", idle_time_before_shutdown_minutes=60)[0] == "Running"
    assert state("2026-01-01 10:10", idle_time_before_shutdown_minutes=15, busy=True)[0] == "Running"
    assert state("2026-01-01 10:10", idle_time_before_shutdown_minutes=15, used="2026-01-01 10:00")[0] == "Running"
    started = state("2026-01-05 08:10", schedules=WORKING_HOURS, idle_time_before_shutdown_minutes=15)
    assert started == ("Running", "2026-01-05 08:00")


def test_idle_times_are_iso_8601():
    assert idle_time({"idle_time_before_shutdown": "P1DT2H3M4S"}) == timedelta(days=1, hours=2, minutes=3, seconds=4)
    assert idle_time({"idle_time_before_shutdown": "PT"}) is None
    assert idle_time({}) is None
