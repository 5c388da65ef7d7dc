"""A sweep for people: the table of its trials while it runs, its leaderboard, and the card at its end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aml.view.cards import duration, fields_of, short, values
from aml.view.color import Style, paint
from aml.view.table import simple
from aml.workspace.records import MetricPoint, ModelVersion, Reason, Status, Sweep, Trial

_BARS = "▁▂▃▄▅▆▇█"
_SPARK_WIDTH = 12
_STYLES: Mapping[Status, Style] = {Status.RUNNING: "cyan", Status.FAILED: "red", Status.CANCELED: "yellow"}
_WORDS = {Reason.STOPPED_EARLY: "Stopped", Reason.TIMEOUT: "TimedOut"}


def headline(sweep: Sweep, *, color: bool) -> str:
    """`s  Running  5 of 20 trials are over, 2 run; best accuracy 0.97 (s_3); about 2 min left`."""
    over = sum(trial.job.status.is_terminal for trial in sweep.trials)
    running = sum(trial.job.status is Status.RUNNING for trial in sweep.trials)
    told = [f"{over} of {sweep.total} trials are over, {running} run"]
    if sweep.best is not None:
        told.append(f"best {sweep.primary_metric} {number(sweep.best.value)} ({sweep.best.name})")
    left = seconds_left(sweep)
    if left is not None:
        told.append(f"about {duration(left)} left")
    status = "" if sweep.job.status is Status.RUNNING else f"{sweep.job.status}  "
    return f"{paint(sweep.job.name, 'bold', color)}  {status}{'; '.join(told)}"


def seconds_left(sweep: Sweep) -> float | None:
    """By what the trials so far took and how many run at once; None before one is over, and at the end."""
    took = [
        (trial.job.ended_at - trial.job.started_at).total_seconds()
        for trial in sweep.trials
        if trial.job.started_at is not None and trial.job.ended_at is not None
    ]
    remaining = sweep.total - len(took)
    running = sum(trial.job.status is Status.RUNNING for trial in sweep.trials)
    if sweep.job.status.is_terminal or not took or remaining <= 0:
        return None
    return sum(took) / len(took) * remaining / max(running, 1)


def table(sweep: Sweep, trials: Sequence[Trial]) -> str:
    """Trials under headers; the best one has a star."""
    return simple([_row(sweep, trial) for trial in trials])


def line(sweep: Sweep, trial: Trial) -> str:
    """A trial in one line, for a pipe: `s_3  Completed  lr=0.01 depth=3  accuracy 0.9712  best so far`."""
    parts = [trial.name, word(trial), " ".join(f"{name}={number(value)}" for name, value in trial.parameters.items())]
    if trial.value is not None:
        parts.append(f"{sweep.primary_metric} {number(trial.value)}")
    if sweep.best is not None and sweep.best.name == trial.name and trial.job.status.is_terminal:
        parts.append("best so far")
    if trial.job.message and trial.job.status is not Status.COMPLETED:
        parts.append(trial.job.message)
    return "  ".join(part for part in parts if part)


def leaderboard(sweep: Sweep, *, color: bool) -> str:
    """The trials, the best first, and what each parameter matters."""
    lines = [headline(sweep, color=color), "", table(sweep, sweep.ranked)]
    if sweep.importance:
        lines += ["", f"share of the variation of {sweep.primary_metric} that goes with each parameter alone"]
        width = max(map(len, sweep.importance))
        lines += [f"  {name:<{width}}  {share:4.0%}  {_bar(share)}" for name, share in sweep.importance.items()]
    return "\n".join(lines) + "\n"


def card(sweep: Sweep, metrics: Sequence[MetricPoint], models: Sequence[ModelVersion], *, color: bool) -> str:
    """What a sweep came to: the best trial, its metrics and its model."""
    job = sweep.job
    style: Style = "cyan" if job.status is Status.COMPLETED else _STYLES.get(job.status, "bold")
    lines = [f"{paint(job.name, 'bold', color)}  {paint(str(job.status), style, color)}{_took(sweep)}"]
    fields = {"why": job.message} if job.message else {}
    fields["trials"] = _counts(sweep)
    if sweep.best is not None:
        fields["best"] = f"{sweep.best.name}  {_parameters(sweep.best)}"
        fields["metrics"] = values(metrics)
        for model in models:
            fields["model"] = f"{model.name}:{model.version}"
            fields[""] = short(model.path)
        if sweep.best.job.folder is not None:
            fields["files"] = short(sweep.best.job.folder)
    lines += fields_of(fields)
    lines += ["", paint("next", "dim", color), *(f"  {command}" for command in _next(sweep))]
    return "\n".join(lines) + "\n"


def spark(reports: Sequence[float]) -> str:
    """The course of a metric as bars, from its least to its greatest value."""
    finite = [value for value in reports if math.isfinite(value)]
    if len(finite) < 2:
        return ""
    if len(finite) > _SPARK_WIDTH:
        finite = [finite[i * (len(finite) - 1) // (_SPARK_WIDTH - 1)] for i in range(_SPARK_WIDTH)]
    least, span = min(finite), (max(finite) - min(finite)) or 1.0
    return "".join(_BARS[int((value - least) / span * (len(_BARS) - 1))] for value in finite)


def number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def word(trial: Trial) -> str:
    """The status, or what ended it where that says more."""
    reason = trial.job.reason if trial.job.status is Status.CANCELED else None
    return _WORDS.get(reason, str(trial.job.status)) if reason is not None else str(trial.job.status)


def _row(sweep: Sweep, trial: Trial) -> dict[str, str]:
    is_best = sweep.best is not None and sweep.best.name == trial.name
    return {
        "Trial": trial.name,
        "Status": word(trial),
        **{name: number(value) for name, value in trial.parameters.items()},
        sweep.primary_metric: ("" if trial.value is None else number(trial.value)) + (" *" if is_best else ""),
        "Course": spark(trial.reports),
    }


def _bar(share: float) -> str:
    return "█" * round(share * 30)


def _parameters(trial: Trial) -> str:
    return "  ".join(f"{name}={number(value)}" for name, value in trial.parameters.items())


def _counts(sweep: Sweep) -> str:
    words = [word(trial) for trial in sweep.trials]
    each = ", ".join(f"{words.count(name)} {name}" for name in dict.fromkeys(words))
    return f"{len(words)} of {sweep.total}" + (f": {each}" if each else "")


def _took(sweep: Sweep) -> str:
    if sweep.job.started_at is None:
        return ""
    end = sweep.job.ended_at or datetime.now(UTC)
    return f"  {'in' if sweep.job.ended_at else 'for'} {duration((end - sweep.job.started_at).total_seconds())}"


def _next(sweep: Sweep) -> list[str]:
    name = sweep.job.name
    if not sweep.job.status.is_terminal:
        return [f"aml job {verb} -n {name}" for verb in ("stream", "metrics", "cancel")]
    if sweep.best is None:
        return [f"aml job list -p {name}", f"aml job show -n {name} -o yaml"]
    return [f"aml job metrics -n {name}", f"aml job show -n {sweep.best.name}", f"aml job download -n {name} -p ."]
