"""Parts of a document as values: texts as written, numbers, paths absolute, enum values in Azure ML's spelling.

For documents that have been checked: nothing here looks for faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from aml.spec import reference
from aml.spec.binding import literal_text
from aml.spec.document import Document
from aml.spec.model import DataInput, Input, InputMode, InputType, LiteralInput, Output, OutputMode, Resources
from aml.spec.wording import canonical

_TYPES = (
    *("pytorch", "mpi", "tensorflow", "ray"),
    *("ssh", "tensor_board", "vs_code", "jupyter_lab", "custom"),
    *("managed", "managed_identity", "aml_token", "user_identity"),
)
_WHOLE_NUMBERS = ("process_count_per_instance", "worker_count", "parameter_server_count", "port", "dashboard_port")


def of_any_job(document: Document) -> dict[str, Any]:
    """The fields that jobs of all types have."""
    return {
        "inputs": {name: read_input(document, name) for name in document.mapping("inputs")},
        "outputs": {name: read_output(document, name) for name in document.mapping("outputs")},
        "services": {name: typed(document, "services", name) or {} for name in document.mapping("services")},
        "identity": typed(document, "identity"),
        "compute": text(document, "compute"),
        "name": text(document, "name"),
        "display_name": text(document, "display_name"),
        "experiment_name": text(document, "experiment_name"),
        "description": text(document, "description"),
        "tags": labels(document, "tags"),
        "properties": labels(document, "properties"),
    }


def read_input(document: Document, name: str) -> Input:
    value = document.value("inputs", name)
    if not isinstance(value, dict):
        return LiteralInput(value)
    if "value" in value:
        return LiteralInput(value["value"])
    path = text(document, "inputs", name, "path")
    return DataInput(
        path=reference.absolute(path, document.folder) if path else "",
        type=choice(value.get("type", "uri_folder"), get_args(InputType)),
        mode=choice(value.get("mode", "ro_mount"), get_args(InputMode)),
        datastore=text(document, "inputs", name, "datastore"),
        path_on_compute=text(document, "inputs", name, "path_on_compute"),
    )


def read_output(document: Document, name: str) -> Output:
    value = document.mapping("outputs", name)
    return Output(
        type=choice(value.get("type", "uri_folder"), get_args(InputType)),
        mode=choice(value.get("mode", "rw_mount"), get_args(OutputMode)),
        path=text(document, "outputs", name, "path"),
        name=text(document, "outputs", name, "name"),
        version=text(document, "outputs", name, "version"),
    )


def environment(document: Document) -> str | Mapping[str, Any]:
    inline = document.mapping("environment")
    return located(inline, document) if inline else text(document, "environment") or ""


def located(environment: Mapping[str, Any], document: Document) -> dict[str, Any]:
    """The keys of an environment, with its local paths absolute."""
    located = dict(environment)
    if isinstance(located.get("conda_file"), str):
        located["conda_file"] = reference.absolute(located["conda_file"], document.folder)
    if "build" in located:
        located["build"] = {**located["build"], "path": reference.absolute(located["build"]["path"], document.folder)}
    return located


def resources(document: Document) -> Resources:
    data = document.mapping("resources")
    docker_args = data.get("docker_args")
    return Resources(
        instance_count=whole(data.get("instance_count")) or 1,
        instance_type=text(document, "resources", "instance_type"),
        shm_size=text(document, "resources", "shm_size"),
        docker_args=tuple(docker_args) if isinstance(docker_args, list) else docker_args,
        locations=tuple(data.get("locations", ())),
        max_instance_count=whole(data.get("max_instance_count")),
        properties=data.get("properties", {}),
    )


def typed(document: Document, *pointer: str) -> dict[str, Any] | None:
    """A mapping with a `type`: that in the spelling of the schema, counts and ports as numbers."""
    data = document.mapping(*pointer)
    if not data:
        return None
    numbers = {key: whole(data[key]) for key in _WHOLE_NUMBERS if key in data}
    return {**data, **numbers, "type": choice(data["type"], _TYPES)}


def variables(document: Document) -> dict[str, str]:
    """Values as Azure ML makes text of them; what a flag gave stays as it was typed."""
    node = document.node(("environment_variables",))
    return {
        name: (value.origin and value.raw) or literal_text(value.data)
        for name, (_, value) in (node.children.items() if node else ())
    }


def labels(document: Document, key: str) -> dict[str, str | None]:
    return {name: text(document, key, name) for name in document.mapping(key)}


def lowered(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.lower() if isinstance(value, str) else value for key, value in data.items()}


def choice(value: str, values: tuple[str, ...]) -> Any:
    """The member that the check has found `value` to be; Any, since a Literal can't be built from a tuple."""
    return canonical(value, values)


def text(document: Document, *pointer: str) -> str | None:
    """A text, or a number where a text belongs, as it was written: the version 1.10 is not 1.1."""
    node = document.node(pointer)
    if node is None or node.data is None:
        return None
    return literal_text(node.data) if node.raw is None else node.raw


def switch(value: str | bool | None) -> bool | None:
    """true and false, also in quotes."""
    return value.lower() == "true" if isinstance(value, str) else value


def whole(value: str | float | None) -> int | None:
    return None if value is None else int(value)
