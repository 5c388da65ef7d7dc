"""What the embedded workspace can't run, as far as a file alone shows it."""

from __future__ import annotations

from collections.abc import Iterator

from aml.errors import Pointer, Problem
from aml.spec import reference
from aml.spec.document import Document
from aml.spec.parse import unusable
from aml.spec.targets.texts import texts

_DISTRIBUTIONS = ("pytorch", "mpi", "tensorflow")
_SCHEMES = ("http", "https", "file", "runs")


def check(document: Document, kind: str) -> list[Problem]:
    found = unusable(document, kind)
    if found is not None:
        return [found]
    return [problem for pointer, text in texts(document) for problem in _of_text(document, pointer, text)]


def _of_text(document: Document, pointer: Pointer, text: str) -> Iterator[Problem]:
    """What a text tells, wherever it stands: in the job, in a trial or in a step."""
    match pointer:
        case [*_, "inputs", _, "path"] if not _is_readable(text):
            mode = document.value(*pointer[:-1], "mode")
            if str(mode).lower() != "direct":
                hint = "Give a local path, an https address or an asset, or `mode: direct` for the address itself."
                yield document.problem("local-path", f"'{text}' can't be read from this machine.", pointer, hint=hint)
        case [*_, "distribution", "type"] if text.lower() not in _DISTRIBUTIONS:
            hint = f"What can: {', '.join(_DISTRIBUTIONS)}."
            message = f"A distribution of the type {text} can't be run on this machine."
            yield document.problem("local-distribution", message, pointer, hint=hint)
        case [*_, "services", name, "type"]:
            message = f"The service `{name}` is not started on this machine."
            yield document.about_key("local-service", message, pointer[:-1], severity="warning")
        case [*_, "os_type"] if text.lower() == "windows":
            message = "An environment for Windows can't be run on this machine."
            yield document.problem("local-environment", message, pointer)


def _is_readable(path: str) -> bool:
    if reference.is_local(path) or "${{" in path or reference.scheme(path) in _SCHEMES:
        return True
    asset = path.startswith("azureml:") and not path.startswith("azureml:/")
    return asset or path.startswith(("azureml://jobs/", "azureml://datastores/"))
