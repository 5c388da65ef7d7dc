"""What is to be said of a sweep, in a sentence: while it goes on, and when it has ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aml.spec.sweep import SweepJob
from aml.workspace.embedded.engine.sweeps.planner import MAX_FAILED, TrialState
from aml.workspace.records import Reason, Status

MetricNames = Callable[[str], Sequence[str]]
"""Name of a trial -> the metrics that it logged."""


def remark(spec: SweepJob, trials: Sequence[TrialState], metric_names: MetricNames) -> str | None:
    """As long as no trial has logged the primary metric, what the first completed one logged."""
    if any(trial.reports for trial in trials):
        return None
    first = next((trial for trial in trials if trial.status is Status.COMPLETED), None)
    if first is None:
        return None
    metric, logged = spec.objective.primary_metric, metric_names(first.name)
    if not logged:
        return f"{first.name} is Completed and logged no metric; the primary metric is {metric}"
    return f"{first.name} is Completed and did not log the primary metric {metric}; it logged: {', '.join(logged)}"


def ended(spec: SweepJob, trials: Sequence[TrialState], reason: Reason, metric_names: MetricNames) -> str | None:
    """Why a sweep has ended as it did."""
    if reason is Reason.TIMEOUT:
        return f"it ran longer than limits.timeout ({spec.limits.timeout} s) and was canceled with its trials"
    failed = [trial for trial in trials if trial.status is Status.FAILED]
    if reason is Reason.TRIALS_FAILED:
        limit = spec.properties.get(MAX_FAILED)
        return f"{len(failed)} trials have failed, more than {MAX_FAILED}, which is {limit}"
    if reason is not Reason.NO_BEST_TRIAL:
        return None
    if trials and len(failed) == len(trials):
        return (
            f"all of its {len(trials)} trials have failed. `aml job show -n {failed[0].name}` tells why the first did"
        )
    said = remark(spec, trials, metric_names)
    return f"no trial logged a number as {spec.objective.primary_metric}" + (f": {said}" if said else "")
