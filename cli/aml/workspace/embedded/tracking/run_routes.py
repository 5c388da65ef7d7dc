"""MLflow's runs endpoints."""

from __future__ import annotations

from collections.abc import Sequence

from aml.workspace.embedded.tracking import artifacts, inputs, metrics, runs
from aml.workspace.embedded.tracking.fields import (
    MAX_PARAM_VALUE,
    MAX_TAG_VALUE,
    entries,
    integer,
    invalid,
    key,
    now_ms,
    optional_integer,
    optional_text,
    page,
    pair,
    pairs,
    texts,
)
from aml.workspace.embedded.tracking.rest import Answer, Call, Endpoint, Tracking, active_run_id

MAX_METRICS = 1000  # in one batch, as MLflow's server
MAX_PARAMS = 100
MAX_TAGS = 100
MAX_RUNS = 50_000  # in one page


def _create(tracking: Tracking, call: Call) -> Answer:
    with tracking.database.transaction() as write:
        run_id = runs.create_run(
            write,
            experiment_id=optional_text(call.arguments, "experiment_id") or "0",
            name=optional_text(call.arguments, "run_name"),
            user=optional_text(call.arguments, "user_id") or call.user,
            start_ms=integer(call.arguments, "start_time", now_ms()),
            tags=pairs(call.arguments, "tags", MAX_TAG_VALUE),
        )
    return _answer(tracking, run_id)


def _get(tracking: Tracking, call: Call) -> Answer:
    return _answer(tracking, call.run_id)


def _update(tracking: Tracking, call: Call) -> Answer:
    with tracking.database.transaction() as write:
        runs.update_run(
            write,
            call.run_id,
            status=optional_text(call.arguments, "status"),
            end_ms=optional_integer(call.arguments, "end_time"),
            name=optional_text(call.arguments, "run_name"),
        )
    return {"run_info": runs.info_document(runs.run(tracking.read, call.run_id))}


def _delete(tracking: Tracking, call: Call) -> Answer:
    with tracking.database.transaction() as write:
        runs.set_run_stage(write, call.run_id, "deleted")
    return {}


def _restore(tracking: Tracking, call: Call) -> Answer:
    with tracking.database.transaction() as write:
        runs.set_run_stage(write, call.run_id, "active")
    return {}


def _search(tracking: Tracking, call: Call) -> Answer:
    limit, offset = page(call.arguments, default=1000, most=MAX_RUNS)
    return runs.search_runs(
        tracking.read,
        experiment_ids=texts(call.arguments, "experiment_ids"),
        view=optional_text(call.arguments, "run_view_type") or "ACTIVE_ONLY",
        filter_string=optional_text(call.arguments, "filter"),
        order=texts(call.arguments, "order_by"),
        limit=limit,
        offset=offset,
    )


def _log_metric(tracking: Tracking, call: Call) -> Answer:
    metric = metrics.logged_metric(call.arguments)
    with tracking.database.transaction() as write:
        metrics.log_metrics(write, active_run_id(write, call), [metric])
    return {}


def _log_param(tracking: Tracking, call: Call) -> Answer:
    param = pair(call.arguments, MAX_PARAM_VALUE)
    with tracking.database.transaction() as write:
        runs.log_params(write, active_run_id(write, call), [param])
    return {}


def _log_batch(tracking: Tracking, call: Call) -> Answer:
    logged = [metrics.logged_metric(item) for item in entries(call.arguments, "metrics")]
    params = pairs(call.arguments, "params", MAX_PARAM_VALUE)
    tags = pairs(call.arguments, "tags", MAX_TAG_VALUE)
    _check_count("metrics", len(logged), MAX_METRICS)
    _check_count("params", len(params), MAX_PARAMS)
    _check_count("tags", len(tags), MAX_TAGS)
    with tracking.database.transaction() as write:
        run_id = active_run_id(write, call)
        runs.log_params(write, run_id, params)
        metrics.log_metrics(write, run_id, logged)
        runs.set_tags(write, run_id, tags)
    return {}


def _set_tag(tracking: Tracking, call: Call) -> Answer:
    tag = pair(call.arguments, MAX_TAG_VALUE)
    with tracking.database.transaction() as write:
        runs.set_tags(write, active_run_id(write, call), [tag])
    return {}


def _delete_tag(tracking: Tracking, call: Call) -> Answer:
    with tracking.database.transaction() as write:
        runs.delete_tag(write, call.run_id, key(call.arguments))
    return {}


def _log_inputs(tracking: Tracking, call: Call) -> Answer:
    with tracking.database.transaction() as write:
        row = runs.active_run(write, call.run_id)
        inputs.log_datasets(write, row, entries(call.arguments, "datasets"))
        inputs.log_models(write, row["run_id"], "input", entries(call.arguments, "models"))
    return {}


def _log_outputs(tracking: Tracking, call: Call) -> Answer:
    with tracking.database.transaction() as write:
        inputs.log_models(write, active_run_id(write, call), "output", entries(call.arguments, "models"))
    return {}


def _list_artifacts(tracking: Tracking, call: Call) -> Answer:
    path = optional_text(call.arguments, "path")
    address = f"runs/{call.run_id}" if path is None else f"runs/{call.run_id}/{path}"
    files = artifacts.list_address(tracking.artifacts, address)
    if path is not None:
        files = [{**file, "path": f"{path.strip('/')}/{file['path']}"} for file in files]
    return {"root_uri": f"mlflow-artifacts:/runs/{call.run_id}", "files": files}


def _answer(tracking: Tracking, run_id: str) -> Answer:
    return {"run": runs.run_documents(tracking.read, [runs.run(tracking.read, run_id)])[0]}


def _check_count(name: str, found: int, most: int) -> None:
    if found > most:
        raise invalid(f"A batch logging request can contain at most {most} {name}. Got {found} {name}.")


ENDPOINTS: Sequence[Endpoint] = (
    ("POST", "runs/create", _create),
    ("GET", "runs/get", _get),
    ("POST", "runs/update", _update),
    ("POST", "runs/delete", _delete),
    ("POST", "runs/restore", _restore),
    ("POST", "runs/search", _search),
    ("POST", "runs/log-metric", _log_metric),
    ("POST", "runs/log-parameter", _log_param),
    ("POST", "runs/log-batch", _log_batch),
    ("POST", "runs/set-tag", _set_tag),
    ("POST", "runs/delete-tag", _delete_tag),
    ("POST", "runs/log-inputs", _log_inputs),
    ("POST", "runs/outputs", _log_outputs),
    ("GET", "artifacts/list", _list_artifacts),
)
