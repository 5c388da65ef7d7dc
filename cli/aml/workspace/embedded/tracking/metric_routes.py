"""MLflow's endpoints of metric histories."""

from __future__ import annotations

from collections.abc import Sequence

from aml.workspace.embedded.tracking import metrics, runs
from aml.workspace.embedded.tracking.fields import invalid, optional_integer, page, required_text, texts
from aml.workspace.embedded.tracking.rest import Answer, Call, Endpoint, Tracking

MAX_RUNS = 100  # in one request for several runs
_FIRST, _LAST = -(2**63), 2**63 - 1


def _history(tracking: Tracking, call: Call) -> Answer:
    name = required_text(call.arguments, "metric_key")
    runs.run(tracking.read, call.run_id)
    limit, after = page(call.arguments, default=metrics.MAX_HISTORY, most=metrics.MAX_HISTORY)
    rows = metrics.history_page(tracking.read, call.run_id, name, after=after, limit=limit)
    more = {"next_page_token": str(rows[-1]["id"])} if len(rows) == limit else {}
    return {"metrics": [runs.metric_document(row) for row in rows], **more}


def _history_of_runs(tracking: Tracking, call: Call) -> Answer:
    name, run_ids = required_text(call.arguments, "metric_key"), _run_ids(call, "run_id")
    limit, _ = page(call.arguments, default=metrics.MAX_HISTORY, most=metrics.MAX_HISTORY)
    found = [
        {**runs.metric_document(row), "run_id": run_id}
        for run_id in sorted(run_ids)
        for row in metrics.history_page(tracking.read, run_id, name, after=0, limit=limit)
    ]
    return {"metrics": found[:limit]}


def _sampled_history_of_runs(tracking: Tracking, call: Call) -> Answer:
    name, run_ids = required_text(call.arguments, "metric_key"), _run_ids(call, "run_ids")
    limit, _ = page(call.arguments, default=metrics.MAX_INTERVAL, most=metrics.MAX_INTERVAL)
    first, last = optional_integer(call.arguments, "start_step"), optional_integer(call.arguments, "end_step")
    if (first is None) != (last is None) or (first is not None and last is not None and first > last):
        raise invalid("start_step and end_step are given both, in this order, or not at all.")
    span = {"first_step": _FIRST if first is None else first, "last_step": _LAST if last is None else last}
    return {
        "metrics": [
            {**runs.metric_document(row), "run_id": run_id}
            for run_id in run_ids
            for row in metrics.sampled_history(tracking.read, run_id, name, limit=limit, **span)
        ]
    }


def _run_ids(call: Call, name: str) -> list[str]:
    found = texts(call.arguments, name)
    if not 1 <= len(found) <= MAX_RUNS:
        raise invalid(f"Between 1 and {MAX_RUNS} runs can be asked for, not {len(found)}.")
    return found


ENDPOINTS: Sequence[Endpoint] = (
    ("GET", "metrics/get-history", _history),
    ("GET", "metrics/get-history-bulk", _history_of_runs),
    ("GET", "metrics/get-history-bulk-interval", _sampled_history_of_runs),
)
