"""What the embedded workspace can't run, as far as a file alone shows it."""

from __future__ import annotations

from collections.abc import Iterator

from aml.errors import Problem
from aml.spec import reference
from aml.spec.document import Document
from aml.spec.parse import unusable

_DISTRIBUTIONS = ("pytorch", "mpi", "tensorflow")
_NOT_YET = {"pipeline": "A pipeline", "online-endpoint": "An endpoint", "online-deployment": "A deployment"}
_SCHEMES = ("http", "https", "file", "runs")


def check(document: Document, kind: str) -> list[Problem]:
    found = unusable(document, kind)
    if found is not None:
        return [found]
    found_in = [_part(part) for part in _parts(document)]
    return [*_not_yet(document, kind), *(problem for problems in found_in for problem in problems)]


def _not_yet(document: Document, kind: str) -> Iterator[Problem]:
    if kind in _NOT_YET:
        message = f"{_NOT_YET[kind]} can be checked, but not run on this machine yet."
        pointer = ("$schema",) if "$schema" in document.data else ("type",) if "type" in document.data else ()
        yield document.problem("unsupported-kind", message, pointer)


def _part(document: Document) -> list[Problem]:
    return [*_inputs(document), *_distribution(document), *_services(document), *_system(document)]


def _parts(document: Document) -> Iterator[Document]:
    """The document, and what in it is like a job: a trial, steps, components written in them."""
    yield document
    for key in ("trial", "component"):
        if document.mapping(key):
            yield document.part(key)
    for name in document.mapping("jobs"):
        if document.mapping("jobs", name):
            yield from _parts(document.part("jobs", name))


def _inputs(document: Document) -> Iterator[Problem]:
    for name, value in document.mapping("inputs").items():
        path = value.get("path") if isinstance(value, dict) else None
        if isinstance(path, str) and not _is_readable(path) and str(value.get("mode")).lower() != "direct":
            hint = (
                "Give a local path, an https address or an asset of the workspace, or `mode: direct` for the address."
            )
            message = f"'{path}' can't be read from this machine."
            yield document.problem("local-path", message, ("inputs", name, "path"), hint=hint)


def _is_readable(path: str) -> bool:
    if reference.is_local(path) or "${{" in path or reference.scheme(path) in _SCHEMES:
        return True
    asset = path.startswith("azureml:") and not path.startswith("azureml:/")
    return asset or path.startswith(("azureml://jobs/", "azureml://datastores/", "azureml://registries/"))


def _distribution(document: Document) -> Iterator[Problem]:
    kind = document.value("distribution", "type")
    if isinstance(kind, str) and kind.lower() not in _DISTRIBUTIONS:
        hint = f"What can: {', '.join(_DISTRIBUTIONS)}."
        message = f"A distribution of the type {kind} can't be run on this machine."
        yield document.problem("local-distribution", message, ("distribution", "type"), hint=hint)


def _services(document: Document) -> Iterator[Problem]:
    for name in document.mapping("services"):
        message = f"The service `{name}` is not started on this machine."
        yield document.about_key("local-service", message, ("services", str(name)), severity="warning")


def _system(document: Document) -> Iterator[Problem]:
    for pointer in (("os_type",), ("environment", "os_type")):
        if str(document.value(*pointer)).lower() == "windows":
            message = "An environment for Windows can't be run on this machine."
            yield document.problem("local-environment", message, pointer)
