"""MLflow's model-versions endpoints, and what MLflow's answers say of a version."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

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
from aml.workspace.embedded.tracking.registry import (
    MODEL_ID,
    RUN_ID,
    RUN_LINK,
    SOURCE,
    canonical_stage,
    flavors_of,
    run_of,
    stage_of,
)
from aml.workspace.embedded.tracking.rest import Answer, Call, Endpoint, Tracking
from aml.workspace.records import ModelVersion

SEARCHABLE = Searchable(
    text=dict.fromkeys(("name", "version", "run_id", "source", "source_path", "current_stage"), ""),
    numbers=dict.fromkeys(("version_number", "creation_timestamp", "last_updated_timestamp"), ""),
    kinds=dict.fromkeys(("tag",), ""),
)


def version_answer(tracking: Tracking, version: ModelVersion) -> Answer:
    return {"model_version": version_document(version, tracking.registry.get(version.name).aliases)}


def version_document(version: ModelVersion, aliases: Mapping[str, str]) -> dict[str, Any]:
    """MLflow's ModelVersion; `aliases` are those of its model."""
    created_ms = int(version.created_at.timestamp() * 1000)
    document = {
        "name": version.name,
        "version": version.version,
        "creation_timestamp": created_ms,
        "last_updated_timestamp": created_ms,
        "user_id": version.created_by,
        "current_stage": stage_of(version),
        "description": version.description or "",
        "source": _source_of(version),
        "run_id": run_of(version),
        "run_link": version.properties.get(RUN_LINK),
        "model_id": version.properties.get(MODEL_ID),
        "status": "READY",
        "tags": [{"key": name, "value": value or ""} for name, value in version.tags.items()],
        "aliases": [alias for alias, named in aliases.items() if named == version.version],
    }
    return {name: value for name, value in document.items() if value is not None}


def _create(tracking: Tracking, call: Call) -> Answer:
    model = tracking.registry.get(required_text(call.arguments, "name"))
    uri = required_text(call.arguments, "source")
    source = _source(tracking, uri)
    flavors = flavors_of(source)
    model_id = optional_text(call.arguments, "model_id")
    properties = {
        SOURCE: uri,
        RUN_ID: optional_text(call.arguments, "run_id") or tracking.artifacts.run_of_model(model_id),
        RUN_LINK: optional_text(call.arguments, "run_link"),
        MODEL_ID: model_id,
    }
    created = tracking.registry.store.create(
        model.name,
        source,
        type="custom_model" if flavors is None else "mlflow_model",
        created_by=call.user,
        run_id=tracking.registry.job_of(properties[RUN_ID]) or _asking_job(call),
        description=optional_text(call.arguments, "description"),
        tags=dict(pairs(call.arguments, "tags", MAX_REGISTRY_TAG_VALUE)),
        properties={name: value for name, value in properties.items() if value is not None},
        flavors=flavors or {},
    )
    return version_answer(tracking, created)


def _get(tracking: Tracking, call: Call) -> Answer:
    return version_answer(tracking, _version(tracking, call))


def _update(tracking: Tracking, call: Call) -> Answer:
    description = optional_text(call.arguments, "description")
    return _changed(tracking, _version(tracking, call), lambda old: replace(old, description=description))


def _delete(tracking: Tracking, call: Call) -> Answer:
    version = _version(tracking, call)
    tracking.registry.delete_version(version.name, version.version)
    return {}


def _transition(tracking: Tracking, call: Call) -> Answer:
    version = _version(tracking, call)
    stage = canonical_stage(required_text(call.arguments, "stage"))
    if call.arguments.get("archive_existing_versions") in (True, "true"):
        for other in tracking.registry.get(version.name).versions:
            if stage_of(other) == stage and other.version != version.version:
                _changed(tracking, other, lambda old: replace(old, stage="Archived"))
    return _changed(tracking, version, lambda old: replace(old, stage=None if stage == "None" else stage))


def _search(tracking: Tracking, call: Call) -> Answer:
    limit, offset = page(call.arguments, default=10_000, most=200_000)
    models = tracking.registry.all()
    aliases = {model.name.lower(): model.aliases for model in models}
    found = arrange(
        [version for model in models for version in reversed(model.versions)],
        SEARCHABLE,
        _value,
        filter_string=optional_text(call.arguments, "filter"),
        order=texts(call.arguments, "order_by"),
    )
    shown = [version_document(version, aliases[version.name.lower()]) for version in found[offset : offset + limit]]
    return {"model_versions": shown, **next_page(len(found) - offset, limit, offset)}


def _download_uri(tracking: Tracking, call: Call) -> Answer:
    version = _version(tracking, call)
    return {"artifact_uri": f"mlflow-artifacts:/registry/{quote(version.name)}/{quote(version.version)}"}


def _set_tag(tracking: Tracking, call: Call) -> Answer:
    name, value = pair(call.arguments, MAX_REGISTRY_TAG_VALUE)
    version = _version(tracking, call)
    tracking.registry.change_tag(version, name, value)
    return {}


def _delete_tag(tracking: Tracking, call: Call) -> Answer:
    tracking.registry.change_tag(_version(tracking, call), key(call.arguments), None)
    return {}


def _version(tracking: Tracking, call: Call) -> ModelVersion:
    return tracking.registry.version(required_text(call.arguments, "name"), required_text(call.arguments, "version"))


def _changed(tracking: Tracking, version: ModelVersion, change: Callable[[ModelVersion], ModelVersion]) -> Answer:
    return version_answer(tracking, tracking.registry.store.update(version.name, version.version, change))


def _asking_job(call: Call) -> str | None:
    return None if call.request.principal is None else call.request.principal.job_name


def _source(tracking: Tracking, uri: str) -> Path:
    name, at, alias = uri.removeprefix("models:/").partition("@")
    if uri.startswith("models:/") and at:
        return tracking.registry.by_alias(name, alias).path
    return tracking.artifacts.source(uri)


def _source_of(version: ModelVersion) -> str:
    return version.properties.get(SOURCE) or f"models:/{version.name}/{version.version}"


def _value(version: ModelVersion, kind: str, name: str) -> str | float | None:
    if kind == "tag":
        return version.tags.get(name)
    match name:
        case "name" | "version":
            return str(getattr(version, name))
        case "run_id":
            return run_of(version) or ""
        case "current_stage":
            return stage_of(version)
        case "source" | "source_path":
            return _source_of(version)
        case "version_number":
            return float(version.version) if version.version.isdecimal() else None
    return version.created_at.timestamp() * 1000


ENDPOINTS: Sequence[Endpoint] = (
    ("POST", "model-versions/create", _create),
    ("GET", "model-versions/get", _get),
    ("PATCH", "model-versions/update", _update),
    ("DELETE", "model-versions/delete", _delete),
    ("POST", "model-versions/transition-stage", _transition),
    ("GET", "model-versions/search", _search),
    ("GET", "model-versions/get-download-uri", _download_uri),
    ("POST", "model-versions/set-tag", _set_tag),
    ("DELETE", "model-versions/delete-tag", _delete_tag),
)
