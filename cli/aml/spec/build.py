"""A checked document to the frozen dataclass of its kind: paths absolute, enum values in Azure ML's spelling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from aml.spec import reference
from aml.spec.document import Document
from aml.spec.model import (
    AmlCompute,
    CommandJob,
    ComputeInstance,
    Data,
    DataInput,
    Environment,
    Input,
    InputMode,
    InputType,
    Limits,
    LiteralInput,
    Model,
    Output,
    OutputMode,
    Resources,
)
from aml.spec.values import choice as _choice
from aml.spec.values import environment as environment_of
from aml.spec.values import labels as _labels
from aml.spec.values import located, variables
from aml.spec.values import text as _text
from aml.spec.values import whole as _whole

_TYPES = (
    *("pytorch", "mpi", "tensorflow", "ray"),
    *("ssh", "tensor_board", "vs_code", "jupyter_lab", "custom"),
    *("managed", "managed_identity", "aml_token", "user_identity"),
)
_WHOLE_NUMBERS = ("process_count_per_instance", "worker_count", "parameter_server_count", "port", "dashboard_port")
_COMPUTE_IDENTITIES = ("system_assigned", "user_assigned", "none", "system_assigned,user_assigned")
_MODEL_TYPES = ("custom_model", "mlflow_model", "triton_model")
_DATA_TYPES = ("uri_file", "uri_folder", "mltable")
_OS_TYPES = ("linux", "windows")


def command_job(document: Document) -> CommandJob:
    code = _text(document, "code")
    return CommandJob(
        command=_text(document, "command") or "",
        environment=environment_of(document) or "",
        code=None if code is None else reference.absolute(code, document.folder),
        inputs={name: _input(document, name) for name in document.mapping("inputs")},
        outputs={name: _output(document, name) for name in document.mapping("outputs")},
        environment_variables=variables(document),
        resources=_resources(document),
        limits=Limits(_whole(document.value("limits", "timeout"))),
        distribution=_typed(document, "distribution"),
        services={name: _typed(document, "services", name) or {} for name in document.mapping("services")},
        queue_settings=_lowered(document.mapping("queue_settings")),
        identity=_typed(document, "identity"),
        compute=_text(document, "compute"),
        name=_text(document, "name"),
        display_name=_text(document, "display_name"),
        experiment_name=_text(document, "experiment_name"),
        description=_text(document, "description"),
        tags=_labels(document, "tags"),
        properties=_labels(document, "properties"),
        parent_job_name=_text(document, "parent_job_name"),
    )


def model(document: Document) -> Model:
    return Model(
        name=_text(document, "name") or "",
        path=reference.absolute(_text(document, "path") or "", document.folder),
        version=_text(document, "version"),
        type=_choice(document.value("type") or "custom_model", _MODEL_TYPES),
        description=_text(document, "description"),
        tags=_labels(document, "tags"),
        properties=_labels(document, "properties"),
        flavors=document.mapping("flavors"),
        stage=_text(document, "stage"),
    )


def data(document: Document) -> Data:
    return Data(
        path=reference.absolute(_text(document, "path") or "", document.folder),
        name=_text(document, "name"),
        version=_text(document, "version"),
        type=_choice(document.value("type") or "uri_folder", _DATA_TYPES),
        description=_text(document, "description"),
        tags=_labels(document, "tags"),
    )


def environment(document: Document) -> Environment:
    given = located(document.mapping(), document)
    return Environment(
        name=_text(document, "name") or "",
        version=_text(document, "version"),
        image=_text(document, "image"),
        conda_file=given.get("conda_file"),
        build=given.get("build"),
        os_type=_choice(document.value("os_type") or "linux", _OS_TYPES),
        inference_config=document.value("inference_config"),
        description=_text(document, "description"),
        tags=_labels(document, "tags"),
    )


def amlcompute(document: Document) -> AmlCompute:
    ssh = {key: value for key, value in document.mapping("ssh_settings").items() if key != "admin_password"}
    counts = ("min_instances", "max_instances", "idle_time_before_scale_down")
    given: dict[str, Any] = {key: _whole(document.value(key)) for key in counts if document.value(key) is not None}
    if "tier" in document.data:
        given["tier"] = _choice(document.value("tier"), ("dedicated", "low_priority"))
    return AmlCompute(**_of_any_compute(document), **given, ssh_settings=ssh)


def compute_instance(document: Document) -> ComputeInstance:
    mappings = ("schedules", "setup_scripts", "create_on_behalf_of", "ssh_settings")
    switches = ("enable_sso", "enable_root_access", "enable_os_patching", "release_quota_on_stop")
    return ComputeInstance(
        **_of_any_compute(document),
        **dict[str, Any]((key, document.mapping(key)) for key in mappings),
        **dict[str, Any]((key, document.value(key)) for key in switches),
        idle_time_before_shutdown=_text(document, "idle_time_before_shutdown"),
        idle_time_before_shutdown_minutes=_whole(document.value("idle_time_before_shutdown_minutes")),
        custom_applications=tuple(document.value("custom_applications") or ()),
    )


def _of_any_compute(document: Document) -> dict[str, Any]:
    identity = dict(document.mapping("identity"))
    if "type" in identity:
        identity["type"] = _choice(identity["type"], _COMPUTE_IDENTITIES)
    given = {"size": _text(document, "size"), "enable_node_public_ip": document.value("enable_node_public_ip")}
    return {
        "name": _text(document, "name"),
        "location": _text(document, "location"),
        "description": _text(document, "description"),
        "tags": _labels(document, "tags"),
        "identity": identity,
        "network_settings": document.mapping("network_settings"),
        "ssh_public_access_enabled": document.value("ssh_public_access_enabled"),
        **{key: value for key, value in given.items() if value is not None},
    }


def _input(document: Document, name: str) -> Input:
    value = document.value("inputs", name)
    if not isinstance(value, dict):
        return LiteralInput(value)
    if "value" in value:
        return LiteralInput(value["value"])
    return DataInput(
        path=reference.absolute(_text(document, "inputs", name, "path") or "", document.folder),
        type=_choice(value.get("type", "uri_folder"), get_args(InputType)),
        mode=_choice(value.get("mode", "ro_mount"), get_args(InputMode)),
        datastore=_text(document, "inputs", name, "datastore"),
        path_on_compute=_text(document, "inputs", name, "path_on_compute"),
    )


def _output(document: Document, name: str) -> Output:
    value = document.mapping("outputs", name)
    return Output(
        type=_choice(value.get("type", "uri_folder"), get_args(InputType)),
        mode=_choice(value.get("mode", "rw_mount"), get_args(OutputMode)),
        path=_text(document, "outputs", name, "path"),
        name=_text(document, "outputs", name, "name"),
        version=_text(document, "outputs", name, "version"),
    )


def _resources(document: Document) -> Resources:
    data = document.mapping("resources")
    docker_args = data.get("docker_args")
    return Resources(
        instance_count=_whole(data.get("instance_count")) or 1,
        instance_type=_text(document, "resources", "instance_type"),
        shm_size=_text(document, "resources", "shm_size"),
        docker_args=tuple(docker_args) if isinstance(docker_args, list) else docker_args,
        locations=tuple(data.get("locations", ())),
        max_instance_count=_whole(data.get("max_instance_count")),
        properties=data.get("properties", {}),
    )


def _typed(document: Document, *pointer: str) -> dict[str, Any] | None:
    """A mapping with a `type`: that in the spelling of the schema, counts and ports as numbers."""
    data = document.mapping(*pointer)
    if not data:
        return None
    numbers = {key: _whole(data[key]) for key in _WHOLE_NUMBERS if key in data}
    return {**data, **numbers, "type": _choice(data["type"], _TYPES)}


def _lowered(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.lower() if isinstance(value, str) else value for key, value in data.items()}
