"""MLflow's logged-models endpoints."""

from __future__ import annotations

from collections.abc import Sequence

from aml.workspace.embedded.tracking import logged_models
from aml.workspace.embedded.tracking.fields import (
    MAX_PARAM_VALUE,
    MAX_TAG_VALUE,
    entries,
    invalid,
    optional_text,
    page,
    pairs,
    required_text,
    texts,
)
from aml.workspace.embedded.tracking.rest import Answer, Call, Endpoint, Tracking

MAX_MODELS = 50_000  # in one page


def _create(tracking: Tracking, call: Call) -> Answer:
    run_id = optional_text(call.arguments, "source_run_id")
    with tracking.database.transaction() as write:
        model_id = logged_models.create_logged_model(
            write,
            experiment_id=required_text(call.arguments, "experiment_id"),
            run_id=run_id,
            name=optional_text(call.arguments, "name"),
            model_type=optional_text(call.arguments, "model_type") or "",
            params=pairs(call.arguments, "params", MAX_PARAM_VALUE),
            tags=pairs(call.arguments, "tags", MAX_TAG_VALUE),
            run_artifacts=tracking.artifacts.run_folder,
        )
    return _answer(tracking, model_id)


def _get(tracking: Tracking, call: Call) -> Answer:
    return _answer(tracking, _id(call), allow_deleted=call.arguments.get("allow_deleted") == "true")


def _finalize(tracking: Tracking, call: Call) -> Answer:
    with tracking.database.transaction() as write:
        logged_models.finalize(write, _id(call), str(call.arguments.get("status")))
    return _answer(tracking, _id(call))


def _delete(tracking: Tracking, call: Call) -> Answer:
    with tracking.database.transaction() as write:
        logged_models.delete_logged_model(write, _id(call))
    return {}


def _search(tracking: Tracking, call: Call) -> Answer:
    if call.arguments.get("datasets"):
        raise invalid("Logged models can't be searched by dataset here.")
    limit, offset = page(call.arguments, default=100, most=MAX_MODELS)
    return logged_models.search_logged_models(
        tracking.read,
        experiment_ids=texts(call.arguments, "experiment_ids"),
        filter_string=optional_text(call.arguments, "filter"),
        order=entries(call.arguments, "order_by"),
        limit=limit,
        offset=offset,
    )


def _log_params(tracking: Tracking, call: Call) -> Answer:
    params = pairs(call.arguments, "params", MAX_PARAM_VALUE)
    with tracking.database.transaction() as write:
        logged_models.logged_model(write, _id(call))
        logged_models.log_model_params(write, _id(call), params)
    return {}


def _set_tags(tracking: Tracking, call: Call) -> Answer:
    tags = pairs(call.arguments, "tags", MAX_TAG_VALUE)
    with tracking.database.transaction() as write:
        logged_models.logged_model(write, _id(call))
        logged_models.set_model_tags(write, _id(call), tags)
    return _answer(tracking, _id(call))


def _delete_tag(tracking: Tracking, call: Call) -> Answer:
    with tracking.database.transaction() as write:
        logged_models.delete_model_tag(write, _id(call), call.request.variables["key"])
    return {}


def _id(call: Call) -> str:
    return call.request.variables["model_id"]


def _answer(tracking: Tracking, model_id: str, *, allow_deleted: bool = False) -> Answer:
    row = logged_models.logged_model(tracking.read, model_id, allow_deleted=allow_deleted)
    return {"model": logged_models.model_documents(tracking.read, [row])[0]}


ENDPOINTS: Sequence[Endpoint] = (
    ("POST", "logged-models", _create),
    ("POST", "logged-models/search", _search),
    ("GET", "logged-models/{model_id}", _get),
    ("PATCH", "logged-models/{model_id}", _finalize),
    ("DELETE", "logged-models/{model_id}", _delete),
    ("POST", "logged-models/{model_id}/params", _log_params),
    ("PATCH", "logged-models/{model_id}/tags", _set_tags),
    ("DELETE", "logged-models/{model_id}/tags/{key}", _delete_tag),
)
