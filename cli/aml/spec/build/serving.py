"""A checked endpoint or deployment document to its dataclass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aml.spec import reference
from aml.spec.build.basics import model
from aml.spec.build.parts import choice, environment, labels, switch, text, variables, whole
from aml.spec.document import Document
from aml.spec.model import Model
from aml.spec.serving import (
    CodeConfiguration,
    Collection,
    DataCollector,
    OnlineDeployment,
    OnlineEndpoint,
    ProbeSettings,
    RequestSettings,
    ScaleSettings,
)

_ACCESS = ("enabled", "disabled")


def online_endpoint(document: Document) -> OnlineEndpoint:
    return OnlineEndpoint(
        name=text(document, "name") or "",
        auth_mode=choice(document.value("auth_mode") or "key", ("key", "aml_token", "aad_token")),
        traffic=_shares(document, "traffic"),
        mirror_traffic=_shares(document, "mirror_traffic"),
        identity=_identity(document),
        public_network_access=choice(document.value("public_network_access") or "enabled", _ACCESS),
        compute=text(document, "compute"),
        location=text(document, "location"),
        description=text(document, "description"),
        tags=labels(document, "tags"),
        properties=labels(document, "properties"),
    )


def online_deployment(document: Document) -> OnlineDeployment:
    return OnlineDeployment(
        name=text(document, "name") or "",
        endpoint_name=text(document, "endpoint_name") or "",
        type=choice(document.value("type") or "managed", ("managed", "kubernetes")),
        model=_model(document),
        model_mount_path=text(document, "model_mount_path"),
        code_configuration=_code(document),
        environment=environment(document) or None,
        environment_variables=variables(document),
        instance_type=text(document, "instance_type"),
        instance_count=whole(document.value("instance_count")) or 1,
        request_settings=RequestSettings(**_numbers(document, "request_settings")),
        liveness_probe=ProbeSettings(**_numbers(document, "liveness_probe")),
        readiness_probe=ProbeSettings(**_numbers(document, "readiness_probe")),
        scale_settings=_scaling(document),
        data_collector=_data_collector(document),
        resources=_resources(document),
        app_insights_enabled=bool(switch(document.value("app_insights_enabled"))),
        egress_public_network_access=choice(document.value("egress_public_network_access") or "enabled", _ACCESS),
        private_network_connection=switch(document.value("private_network_connection")),
        description=text(document, "description"),
        tags=labels(document, "tags"),
        properties=labels(document, "properties"),
    )


def _shares(document: Document, key: str) -> dict[str, int]:
    return {name: int(share) for name, share in document.mapping(key).items()}


def _identity(document: Document) -> Mapping[str, Any]:
    identity = document.mapping("identity")
    kinds = ("system_assigned", "user_assigned", "none")
    return {**identity, "type": choice(identity["type"], kinds)} if "type" in identity else identity


def _model(document: Document) -> str | Model | None:
    node = document.node(("model",))
    if node is None or not isinstance(node.data, dict):
        return text(document, "model")
    return model(document.part("model"))


def _code(document: Document) -> CodeConfiguration:
    code = text(document, "code_configuration", "code")
    return CodeConfiguration(
        code=None if code is None else reference.absolute(code, document.folder),
        scoring_script=text(document, "code_configuration", "scoring_script"),
    )


def _numbers(document: Document, key: str) -> dict[str, Any]:
    return {name: whole(value) for name, value in document.mapping(key).items()}


def _scaling(document: Document) -> ScaleSettings:
    settings = document.mapping("scale_settings")
    if not settings:
        return ScaleSettings()
    counts = {key: int(value) for key, value in settings.items() if key != "type"}
    return ScaleSettings(type=choice(settings["type"], ("default", "target_utilization")), **counts)


def _data_collector(document: Document) -> DataCollector | None:
    given = document.mapping("data_collector")
    if not given:
        return None
    return DataCollector(
        collections={name: _collection(value) for name, value in given.get("collections", {}).items()},
        rolling_rate=choice(given.get("rolling_rate", "hour"), ("minute", "hour", "day")),
        sampling_rate=float(given.get("sampling_rate", 1)),
        capture_headers=tuple(given.get("request_logging", {}).get("capture_headers", ())),
    )


def _collection(given: Mapping[str, Any]) -> Collection:
    return Collection(
        enabled=given["enabled"].lower() == "true", data=given.get("data"), client_id=given.get("client_id")
    )


def _resources(document: Document) -> dict[str, dict[str, str]]:
    """As given; nvidia.com/gpu is another name of gpu."""
    return {
        part: {("gpu" if key == "nvidia.com/gpu" else key): value for key, value in amounts.items()}
        for part, amounts in document.mapping("resources").items()
    }
