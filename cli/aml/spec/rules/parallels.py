"""The rules of what runs on mini-batches: parallel components, and parallel steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aml.errors import Problem
from aml.spec import reference
from aml.spec.document import Document
from aml.spec.rules import bindings, environments, paths
from aml.spec.rules.bindings import Scope

_TEXTS = (("task", "program_arguments"), ("task", "append_row_to"), ("input_data",))


def run(document: Document, scope: Scope) -> Iterator[Problem]:
    """The task, and what its texts refer to."""
    yield from bindings.in_texts(document, scope, _TEXTS)
    yield from bindings.unused_in(document, document, _TEXTS)
    if document.mapping("task"):
        task = document.part("task")
        for rule in (environments.environment, paths.code, paths.environment, _entry_script):
            yield from rule(task)


def component(document: Document) -> Iterator[Problem]:
    yield from run(document, Scope(document, "component"))


def _entry_script(task: Document) -> Iterator[Problem]:
    code, script = task.value("code"), task.value("entry_script")
    if not isinstance(code, str) or not isinstance(script, str) or not reference.is_local(code):
        return
    folder = Path(reference.absolute(code, task.folder))
    if folder.is_dir() and not reference.exists(script, folder):
        message = f"There is no '{script}' in the code folder '{code}'."
        yield task.problem("missing-path", message, ("entry_script",), severity="warning")
