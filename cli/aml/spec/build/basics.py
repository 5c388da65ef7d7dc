"""A checked document to the frozen dataclass of its kind: paths absolute, enum values in Azure ML's spelling."""

from __future__ import annotations

from typing import Any

from aml.spec import reference
from aml.spec.build import parts
from aml.spec.document import Document
from aml.spec.model import (
    AmlCompute,
    CommandJob,
    ComputeInstance,
    Data,
    Environment,
    Limits,
    Model,
)

_COMPUTE_IDENTITIES = ("system_assigned", "user_assigned", "none", "system_assigned,user_assigned")
_MODEL_TYPES = ("custom_model", "mlflow_model", "triton_model")
_DATA_TYPES = ("uri_file", "uri_folder", "mltable")
_OS_TYPES = ("linux", "windows")


def command_job(document: Document) -> CommandJob:
    code = parts.text(document, "code")
    return CommandJob(
        command=parts.text(document, "command") or "",
        environment=parts.environment(document),
        code=None if code is None else reference.absolute(code, document.folder),
        environment_variables=parts.variables(document),
        resources=parts.resources(document),
        limits=Limits(parts.whole(document.value("limits", "timeout"))),
        distribution=parts.typed(document, "distribution"),
        queue_settings=parts.lowered(document.mapping("queue_settings")),
        parent_job_name=parts.text(document, "parent_job_name"),
        **parts.of_any_job(document),
    )


def model(document: Document) -> Model:
    return Model(
        name=parts.text(document, "name") or "",
        path=reference.absolute(parts.text(document, "path") or "", document.folder),
        version=parts.text(document, "version"),
        type=parts.choice(document.value("type") or "custom_model", _MODEL_TYPES),
        description=parts.text(document, "description"),
        tags=parts.labels(document, "tags"),
        properties=parts.labels(document, "properties"),
        flavors=document.mapping("flavors"),
        stage=parts.text(document, "stage"),
    )


def data(document: Document) -> Data:
    return Data(
        path=reference.absolute(parts.text(document, "path") or "", document.folder),
        name=parts.text(document, "name"),
        version=parts.text(document, "version"),
        type=parts.choice(document.value("type") or "uri_folder", _DATA_TYPES),
        description=parts.text(document, "description"),
        tags=parts.labels(document, "tags"),
    )


def environment(document: Document) -> Environment:
    located = parts.located(document.mapping(), document)
    return Environment(
        name=parts.text(document, "name") or "",
        version=parts.text(document, "version"),
        image=parts.text(document, "image"),
        conda_file=located.get("conda_file"),
        build=located.get("build"),
        os_type=parts.choice(document.value("os_type") or "linux", _OS_TYPES),
        inference_config=document.value("inference_config"),
        description=parts.text(document, "description"),
        tags=parts.labels(document, "tags"),
    )


def amlcompute(document: Document) -> AmlCompute:
    ssh = {key: value for key, value in document.mapping("ssh_settings").items() if key != "admin_password"}
    counts = ("min_instances", "max_instances", "idle_time_before_scale_down")
    given: dict[str, Any] = {key: parts.whole(document.value(key)) for key in counts if document.value(key) is not None}
    if "tier" in document.data:
        given["tier"] = parts.choice(document.value("tier"), ("dedicated", "low_priority"))
    return AmlCompute(**_of_any_compute(document), **given, ssh_settings=ssh)


def compute_instance(document: Document) -> ComputeInstance:
    mappings = ("schedules", "setup_scripts", "create_on_behalf_of", "ssh_settings")
    switches = ("enable_sso", "enable_root_access", "enable_os_patching", "release_quota_on_stop")
    return ComputeInstance(
        **_of_any_compute(document),
        **dict[str, Any]((key, document.mapping(key)) for key in mappings),
        **dict[str, Any]((key, parts.switch(document.value(key))) for key in switches),
        idle_time_before_shutdown=parts.text(document, "idle_time_before_shutdown"),
        idle_time_before_shutdown_minutes=parts.whole(document.value("idle_time_before_shutdown_minutes")),
        custom_applications=tuple(document.value("custom_applications") or ()),
    )


def _of_any_compute(document: Document) -> dict[str, Any]:
    identity = dict(document.mapping("identity"))
    if "type" in identity:
        identity["type"] = parts.choice(identity["type"], _COMPUTE_IDENTITIES)
    given = {
        "size": parts.text(document, "size"),
        "enable_node_public_ip": parts.switch(document.value("enable_node_public_ip")),
    }
    return {
        "name": parts.text(document, "name"),
        "location": parts.text(document, "location"),
        "description": parts.text(document, "description"),
        "tags": parts.labels(document, "tags"),
        "identity": identity,
        "network_settings": document.mapping("network_settings"),
        "ssh_public_access_enabled": parts.switch(document.value("ssh_public_access_enabled")),
        **{key: value for key, value in given.items() if value is not None},
    }
