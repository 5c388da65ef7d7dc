"""MLflow's registered-models endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aml.workspace.embedded.server.refusal import RequestError
from aml.workspace.embedded.tracking.fields import (
    MAX_REGISTRY_TAG_VALUE,
    key,
    next_page,
    optional_text,
    page,
    pair,
    pairs,
    required_text,
    texts,
)
from aml.workspace.embedded.tracking.filters import Searchable, arrange
from aml.workspace.embedded.tracking.model_version_routes import version_answer, version_document
from aml.workspace.embedded.tracking.registry import RegisteredModel, canonical_stage
from aml.workspace.embedded.tracking.rest import Answer, Call, Endpoint, Tracking

SEARCHABLE = Searchable(
    text=dict.fromkeys(("name",), ""),
    numbers=dict.fromkeys(("timestamp", "last_updated_timestamp", "creation_timestamp"), ""),
    kinds=dict.fromkeys(("tag",), ""),
)

# The client asks for models whose tag is not 'true' when it does not ask for prompts; models do not have it.
_PROMPT_TAG = "mlflow.prompt.is_prompt"


def _create(tracking: Tracking, call: Call) -> Answer:
    tags = pairs(call.arguments, "tags", MAX_REGISTRY_TAG_VALUE)
    return _answer(tracking.registry.create(_name(call), optional_text(call.arguments, "description"), tags))


def _get(tracking: Tracking, call: Call) -> Answer:
    return _answer(tracking.registry.get(_name(call)))


def _update(tracking: Tracking, call: Call) -> Answer:
    return _answer(tracking.registry.describe(_name(call), optional_text(call.arguments, "description")))


def _rename(_tracking: Tracking, _call: Call) -> Answer:
    raise RequestError("NOT_IMPLEMENTED", "A registered model can't be renamed here; register it under the new name.")


def _delete(tracking: Tracking, call: Call) -> Answer:
    tracking.registry.delete(_name(call))
    return {}


def _search(tracking: Tracking, call: Call) -> Answer:
    limit, offset = page(call.arguments, default=100, most=1000)
    found = arrange(
        tracking.registry.all(),
        SEARCHABLE,
        _value,
        filter_string=optional_text(call.arguments, "filter"),
        order=texts(call.arguments, "order_by"),
    )
    shown = [_document(model) for model in found[offset : offset + limit]]
    return {"registered_models": shown, **next_page(len(found) - offset, limit, offset)}


def _latest_versions(tracking: Tracking, call: Call) -> Answer:
    model = tracking.registry.get(_name(call))
    stages = {canonical_stage(stage) for stage in texts(call.arguments, "stages")}
    versions = [version for stage, version in model.latest.items() if not stages or stage in stages]
    return {"model_versions": [version_document(version, model.aliases) for version in versions]}


def _set_tag(tracking: Tracking, call: Call) -> Answer:
    tracking.registry.set_tag(_name(call), *pair(call.arguments, MAX_REGISTRY_TAG_VALUE))
    return {}


def _delete_tag(tracking: Tracking, call: Call) -> Answer:
    tracking.registry.delete_tag(_name(call), key(call.arguments))
    return {}


def _set_alias(tracking: Tracking, call: Call) -> Answer:
    tracking.registry.set_alias(_name(call), _alias(call), required_text(call.arguments, "version"))
    return {}


def _get_alias(tracking: Tracking, call: Call) -> Answer:
    return version_answer(tracking, tracking.registry.by_alias(_name(call), _alias(call)))


def _delete_alias(tracking: Tracking, call: Call) -> Answer:
    tracking.registry.delete_alias(_name(call), _alias(call))
    return {}


def _name(call: Call) -> str:
    return required_text(call.arguments, "name")


def _alias(call: Call) -> str:
    return required_text(call.arguments, "alias")


def _answer(model: RegisteredModel) -> Answer:
    return {"registered_model": _document(model)}


def _document(model: RegisteredModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "creation_timestamp": model.created_ms,
        "last_updated_timestamp": model.updated_ms,
        "description": model.description or "",
        "latest_versions": [version_document(version, model.aliases) for version in model.latest.values()],
        "tags": [{"key": name, "value": value} for name, value in model.tags.items()],
        "aliases": [{"alias": alias, "version": version} for alias, version in model.aliases.items()],
    }


def _value(model: RegisteredModel, kind: str, name: str) -> str | float | None:
    if kind == "tag":
        return model.tags.get(name, "false" if name == _PROMPT_TAG else None)
    if name == "name":
        return model.name
    return float(model.created_ms if name == "creation_timestamp" else model.updated_ms)


ENDPOINTS: Sequence[Endpoint] = (
    ("POST", "registered-models/create", _create),
    ("GET", "registered-models/get", _get),
    ("PATCH", "registered-models/update", _update),
    ("POST", "registered-models/rename", _rename),
    ("DELETE", "registered-models/delete", _delete),
    ("GET", "registered-models/search", _search),
    ("POST", "registered-models/get-latest-versions", _latest_versions),
    ("GET", "registered-models/get-latest-versions", _latest_versions),
    ("POST", "registered-models/set-tag", _set_tag),
    ("DELETE", "registered-models/delete-tag", _delete_tag),
    ("POST", "registered-models/alias", _set_alias),
    ("GET", "registered-models/alias", _get_alias),
    ("DELETE", "registered-models/alias", _delete_alias),
)
