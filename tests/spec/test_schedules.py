from pathlib import Path

import pytest

from aml.spec import cron
from aml.spec.load import loads
from aml.spec.parse import problems

VALID = Path(__file__).parents[1] / "specs" / "valid"


def told(trigger: str) -> list[str]:
    found = problems(loads(f"name: s\ncreate_job: azureml:j\ntrigger: {trigger}", "s.yml", VALID))
    return [f"{problem.severity} {problem.code} {problem.path}" for problem in found]


@pytest.mark.parametrize(
    "expression",
    [
        "* * * * *",
        "0 * * * *",
        "*/15 0-23/2 * * MON-FRI",
        "0,30 8 1 jan 0",
        "59 23 31 12 7",
        "5/10 1,2,3-5 * * sun,sat",
        "  0  8\t* * * ",
        "0 0 8 * * 1",
    ],
)
def test_a_cron_expression_is_taken(expression: str) -> None:
    assert list(cron.faults(expression)) == []


@pytest.mark.parametrize(
    "expression",
    [
        "every hour",
        "",
        "* * * *",
        "* * * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "-1 * * * *",
        "5-1 * * * *",
        "*/0 * * * *",
        "1, * * * *",
        "1-2-3 * * * *",
        "a * * * *",
        "mon * * * *",
        "* * * mon *",
        "@ @ @ @ @",
        "1.5 * * * *",
        "\u0663 * * * *",
        f"{'9' * 5000} * * * *",
    ],
)
def test_what_is_no_cron_expression_is_refused(expression: str) -> None:
    assert len(list(cron.faults(expression))) >= 1


def test_every_wrong_field_is_named() -> None:
    assert [fault.split(" are ")[0] for fault in cron.faults("60 24 32 13 8")] == [
        "the minutes",
        "the hours",
        "the days",
        "the months",
        "the days of the week",
    ]


CRON = "type: cron, expression: 0 8 * * 1"
DAILY = "type: recurrence, frequency: day, interval: 1"
MONTHLY = "type: recurrence, frequency: month, interval: 1"


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        (CRON, []),
        ("type: cron, expression: 0 8 1 * 1", ["warning ignored-value trigger.expression"]),
        ("type: cron", ["error missing-key trigger.expression"]),
        ("type: daily", ["error not-allowed trigger.type"]),
        ("expression: 0 8 * * 1", ["error missing-key trigger.type"]),
        (f"{CRON}, start_time: '2026-02-30T10:00'", ["error bad-format trigger.start_time"]),
        (f"{CRON}, start_time: '2026-02-28'", ["error bad-format trigger.start_time"]),
        (f"{CRON}, end_time: '2026-02-28 10:00:00.5+01:00'", []),
        (f"{CRON}, start_time: '2026-1-2T3:4', end_time: '2026-1-2T3:4'", ["error out-of-range trigger.end_time"]),
        ("type: recurrence, frequency: hour, interval: 4", []),
        ("type: Recurrence, frequency: Day, interval: '1', schedule: {hours: 8, minutes: [0, '30']}", []),
        (f"{DAILY}, schedule: {{hours: 8}}", ["error missing-key trigger.schedule.minutes"]),
        (f"{DAILY}, schedule: {{hours: -1, minutes: 0}}", ["error out-of-range trigger.schedule.hours"]),
        (f"{DAILY}, schedule: {{hours: 1, minutes: [60]}}", ["error out-of-range trigger.schedule.minutes"]),
        (f"{MONTHLY}, schedule: {{hours: 0, minutes: 0, month_days: [1, 31]}}", []),
        (
            f"{MONTHLY}, schedule: {{hours: 0, minutes: 0, month_days: 32}}",
            ["error out-of-range trigger.schedule.month_days"],
        ),
    ],
)
def test_a_trigger_is_judged(trigger: str, expected: list[str]) -> None:
    assert told(f"{{{trigger}}}") == expected
