"""MLflow's experiments endpoints."""

from __future__ import annotations

from collections.abc import Sequence

from aml.workspace.embedded.tracking import experiments
from aml.workspace.embedded.tracking.fields import invalid, key, optional_text, page, pair, pairs, required_text, texts
from aml.workspace.embedded.tracking.rest import Answer, Call, Endpoint, Tracking

MAX_TAG = 20_000  # characters, as MLflow's server


def _create(tracking: Tracking, call: Call) -> Answer:
    name = required_text(call.arguments, "name")
    if optional_text(call.arguments, "artifact_location"):
        raise invalid("This workspace keeps the artifacts of every run itself: leave artifact_location out.")
    tags = pairs(call.arguments, "tags", MAX_TAG)
    with tracking.database.transaction() as write:
        return {"experiment_id": str(experiments.create_experiment(write, name, tags))}


def _get(tracking: Tracking, call: Call) -> Answer:
    row = experiments.experiment(tracking.read, _id(call))
    return {"experiment": experiments.experiment_document(tracking.read, row)}


def _get_by_name(tracking: Tracking, call: Call) -> Answer:
    row = experiments.experiment_by_name(tracking.read, required_text(call.arguments, "experiment_name"))
    return {"experiment": experiments.experiment_document(tracking.read, row)}


def _search(tracking: Tracking, call: Call) -> Answer:
    limit, offset = page(call.arguments, default=1000, most=50_000)
    return experiments.search_experiments(
        tracking.read,
        view=optional_text(call.arguments, "view_type") or "ACTIVE_ONLY",
        filter_string=optional_text(call.arguments, "filter"),
        order=texts(call.arguments, "order_by"),
        limit=limit,
        offset=offset,
    )


def _update(tracking: Tracking, call: Call) -> Answer:
    name = required_text(call.arguments, "new_name")
    with tracking.database.transaction() as write:
        experiments.rename_experiment(write, _id(call), name)
    return {}


def _delete(tracking: Tracking, call: Call) -> Answer:
    with tracking.database.transaction() as write:
        experiments.set_experiment_stage(write, _id(call), "deleted")
    return {}


def _restore(tracking: Tracking, call: Call) -> Answer:
    with tracking.database.transaction() as write:
        experiments.set_experiment_stage(write, _id(call), "active")
    return {}


def _set_tag(tracking: Tracking, call: Call) -> Answer:
    name, value = pair(call.arguments, MAX_TAG)
    with tracking.database.transaction() as write:
        row = experiments.active_experiment(write, _id(call))
        experiments.set_experiment_tag(write, row["id"], name, value)
    return {}


def _delete_tag(tracking: Tracking, call: Call) -> Answer:
    with tracking.database.transaction() as write:
        row = experiments.active_experiment(write, _id(call))
        experiments.delete_experiment_tag(write, row["id"], key(call.arguments))
    return {}


def _id(call: Call) -> str:
    return required_text(call.arguments, "experiment_id")


ENDPOINTS: Sequence[Endpoint] = (
    ("POST", "experiments/create", _create),
    ("GET", "experiments/get", _get),
    ("GET", "experiments/get-by-name", _get_by_name),
    ("POST", "experiments/search", _search),
    ("GET", "experiments/search", _search),
    ("POST", "experiments/update", _update),
    ("POST", "experiments/delete", _delete),
    ("POST", "experiments/restore", _restore),
    ("POST", "experiments/set-experiment-tag", _set_tag),
    ("POST", "experiments/delete-experiment-tag", _delete_tag),
)
