"""The rules of deployments: what belongs to which type, and what serves the model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Literal

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.rules import assets, environments, paths
from aml.spec.rules.lacking import lacks
from aml.spec.rules.values import whole
from aml.spec.wording import canonical, short

_ONLY_OF = {
    "kubernetes": ("resources",),
    "managed": ("egress_public_network_access", "private_network_connection"),
}
LONGEST_REQUEST_MS = {"managed": 180_000, "kubernetes": 300_000}
_WITHOUT_CODE = ("mlflow_model", "triton_model")
_FORMS = (
    "${{azureml://connections/NAME/credentials/KEY}}",
    "${{keyvault:https://VAULT.vault.azure.net/secrets/NAME}}",
)
_INJECTED = re.compile(
    r"\$\{\{\s*(azureml://connections/[^/\s]+/(credentials/|metadata/|target)|keyvault:https://)\S*\s*\}\}"
)
_UNITS = {"": 1.0, "m": 1e-3, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18} | {
    f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", 1)
}


def of_type(document: Document) -> Iterator[Problem]:
    """Keys of the other type, and the type itself, which decides."""
    given = _type(document)
    if not given and "type" not in document.data:
        message = "A kubernetes deployment needs the key `type`."
        hint = "Write type: kubernetes. Without it Azure ML takes the file for a managed deployment."
        could_be_managed = "instance_type" in document.data and "resources" not in document.data
        severity: Literal["error", "warning"] = "warning" if could_be_managed else "error"
        yield document.problem("missing-key", message, ("type",), hint=hint, severity=severity)
    for other, keys in _ONLY_OF.items():
        for key in keys:
            if given and given != other and key in document.data:
                message = f"`{key}` is for {other} deployments, and this one is {given}."
                yield document.about_key("not-allowed", message, (key,), f"Remove it, or write type: {other}.")


def machines(document: Document) -> Iterator[Problem]:
    """A managed deployment says of what size its machines are."""
    if _type(document) == "managed" and lacks(document, "online-deployment", "instance_type"):
        message = "A managed deployment needs the key `instance_type`."
        hint = "VM size of an instance, such as Standard_DS3_v2."
        yield document.problem("missing-key", message, ("instance_type",), hint=hint)


def scaling(document: Document) -> Iterator[Problem]:
    settings = document.mapping("scale_settings")
    scales = canonical(str(settings.get("type")), ["target_utilization"]) is not None
    if scales and _type(document) == "managed":
        message = "A managed deployment can't scale by target_utilization."
        hint = "Write type: default; Azure Monitor's autoscale changes instance_count."
        yield document.problem("not-allowed", message, ("scale_settings", "type"), hint=hint)
    least, most = whole(settings.get("min_instances", 1)), whole(settings.get("max_instances", 1))
    if least is not None and most is not None and least > most:
        default = "" if "max_instances" in settings else " when left out"
        message = f"`min_instances` is {least}, more than `max_instances`, which is {most}{default}."
        yield document.problem("out-of-range", message, ("scale_settings", "min_instances"))


def requests(document: Document) -> Iterator[Problem]:
    given = whole(document.value("request_settings", "request_timeout_ms"))
    longest = LONGEST_REQUEST_MS.get(_type(document), 0)
    if given and longest and given > longest:
        message = f"`request_settings.request_timeout_ms` is {given}; it must be at most {longest}."
        hint = f"A request to a {_type(document)} deployment may take {longest // 1000} seconds."
        yield document.problem("out-of-range", message, ("request_settings", "request_timeout_ms"), hint=hint)


def probes(document: Document) -> Iterator[Problem]:
    given = whole(document.value("liveness_probe", "success_threshold"))
    if given and given > 1:
        message = f"`liveness_probe.success_threshold` is {given}; one good answer is enough there."
        pointer = ("liveness_probe", "success_threshold")
        hint = "Write 1. A readiness_probe may ask for more."
        yield document.problem("out-of-range", message, pointer, hint=hint, severity="warning")


def resources(document: Document) -> Iterator[Problem]:
    """What an instance asks for is no more than what it may have."""
    limits = document.mapping("resources", "limits")
    for key, asked in document.mapping("resources", "requests").items():
        least, most = _amount(asked), _amount(limits.get(key))
        if least is not None and most is not None and least > most:
            message = f"`resources.requests.{key}` is {asked}, more than the limit, which is {limits[key]}."
            yield document.problem("out-of-range", message, ("resources", "requests", key))


def serving(document: Document, *, kind: str) -> Iterator[Problem]:
    """Code has a script; a custom model has an environment."""
    code = document.mapping("code_configuration")
    if "code" in code and lacks(document, kind, "code_configuration", "scoring_script"):
        message = "`code_configuration` needs the key `scoring_script`."
        hint = "The file with init() and run(), relative to `code`."
        yield document.problem("missing-key", message, ("code_configuration", "scoring_script"), hint=hint)
    model = document.mapping("model")
    is_custom = "path" in model and canonical(str(model.get("type")), _WITHOUT_CODE) is None
    if is_custom and lacks(document, kind, "environment"):
        message = "A deployment of a custom model needs the key `environment`."
        hint = f"Without one, models of the types {' and '.join(_WITHOUT_CODE)} can be served: write the model's type."
        yield document.problem("missing-key", message, ("environment",), hint=hint)


def model_version(document: Document) -> Iterator[Problem]:
    """As of a model in a file of its own."""
    if document.mapping("model"):
        yield from assets.named_version(document.part("model"))


def secrets(document: Document) -> Iterator[Problem]:
    """References in environment variables to what the endpoint puts there: a connection's parts, a secret."""
    for name, value in document.mapping("environment_variables").items():
        if isinstance(value, str) and "${{" in value and not _INJECTED.search(value):
            message = f"`environment_variables.{name}` has a ${{{{ }}}} that an endpoint does not fill in."
            hint = f"Known: {' or '.join(_FORMS)}."
            yield document.problem(
                "bad-binding", message, ("environment_variables", name), hint=hint, severity="warning"
            )


def placeholder(document: Document) -> Iterator[Problem]:
    name = document.value("endpoint_name")
    if isinstance(name, str) and re.search(r"[<{$]", name):
        message = f"`endpoint_name` is '{short(name)}', which stands for a name."
        hint = "Put the name of the endpoint in its place, or give --endpoint-name."
        yield document.problem("placeholder", message, ("endpoint_name",), hint=hint, severity="warning")


def _type(document: Document) -> str:
    """managed or kubernetes; "" where the file does not say it clearly."""
    given = str(document.data.get("type", "managed")).lower()
    is_doubtful = "type" not in document.data and "kubernetes" in str(document.value("$schema")).lower()
    return given if given in LONGEST_REQUEST_MS and not is_doubtful else ""


def _amount(value: object) -> float | None:
    match = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(value))
    try:
        return float(match[1]) * _UNITS[match[2]] if match else None
    except (KeyError, ValueError):
        return None


RULES = {
    "online-deployment": (
        *(of_type, machines, scaling, requests, probes, resources, secrets, placeholder),
        partial(serving, kind="online-deployment"),
        environments.environment,
        paths.deployment,
        model_version,
    ),
}
