"""The rules of command jobs."""

from __future__ import annotations

from collections.abc import Iterator

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.rules import bindings, environments, paths, ports


def services(document: Document) -> Iterator[Problem]:
    for name, service in document.mapping("services").items():
        if isinstance(service, dict) and str(service.get("type")).lower() == "ssh" and "ssh_public_keys" not in service:
            message = f"The ssh service `{name}` has no `ssh_public_keys`: nobody can log in."
            yield document.about_key("service-without-key", message, ("services", name), None, severity="warning")


RULES = {
    "command": (
        bindings.bindings,
        bindings.unused,
        bindings.output_paths,
        ports.names,
        ports.modes,
        environments.environment,
        services,
        paths.code,
        paths.inputs,
        paths.environment,
    ),
}
