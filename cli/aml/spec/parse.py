"""A document to a spec: every check, then the frozen dataclass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from aml.errors import Pointer, Problem, SpecError
from aml.spec import rules
from aml.spec.document import Document
from aml.spec.kinds import V1, kind_of
from aml.spec.schema import check as schema
from aml.spec.schema import files as schema_files

if TYPE_CHECKING:
    from aml.spec.model import Spec

_BUILDERS: Mapping[str, tuple[str, str]] = {
    "command": ("build.basics", "command_job"),
    "command-component": ("build.components", "command_component"),
    "sweep": ("build.sweeps", "sweep_job"),
    "pipeline": ("build.pipelines", "pipeline_job"),
    "pipeline-component": ("build.pipelines", "pipeline_component"),
    "parallel-component": ("build.pipelines", "parallel_component"),
    "model": ("build.basics", "model"),
    "data": ("build.basics", "data"),
    "environment": ("build.basics", "environment"),
    "amlcompute": ("build.basics", "amlcompute"),
    "computeinstance": ("build.basics", "compute_instance"),
    "azure_blob": ("build.datastores", "datastore"),
    "azure_file": ("build.datastores", "datastore"),
    "azure_data_lake_gen1": ("build.datastores", "datastore"),
    "azure_data_lake_gen2": ("build.datastores", "datastore"),
    "one_lake": ("build.datastores", "datastore"),
    "online-endpoint": ("build.serving", "online_endpoint"),
    "online-deployment": ("build.serving", "online_deployment"),
}
"""Kind -> the module beside this one, and its function; who only checks a file does not load it."""

_CONSEQUENCES = frozenset(
    {"missing-key", "unknown-binding", "bad-binding", "unknown-step", "unknown-output", "missing-input", "input-type"}
)
"""What a misspelled or misplaced key elsewhere may bring about: it is told after its likely cause."""


def parse(document: Document, kind: str | None = None) -> Spec:
    """The spec in `document`, of the kind that the file says or that the caller knows.

    Raises SpecError with every problem, warnings too.
    """
    found = problems(document, kind)
    if any(problem.severity == "error" for problem in found):
        raise SpecError(document.file, found, document.text)
    kind = kind or kind_of(document)
    if no_use := unusable(document, kind):
        raise SpecError(document.file, [no_use], document.text)
    module, function = _BUILDERS[kind]
    builder: Callable[[Document], Spec] = getattr(import_module(f"aml.spec.{module}"), function)
    return builder(document)


def problems(document: Document, kind: str | None = None) -> list[Problem]:
    """Everything that is wrong or doubtful: errors first, causes before consequences, else by line."""
    kind = kind or kind_of(document)
    if not isinstance(document.data, dict):
        return [_not_a_mapping(document)]
    if kind in V1:
        from aml.spec.convert import check

        return in_order(check(document, kind))
    if not schema_files.has(kind):
        return [_unsupported(document, kind)]
    found = [*document.findings, *schema.check(document, kind), *rules.check(document, kind)]
    if any(problem.severity == "error" for problem in found):
        # An input may be unused because of the fault: a misspelled binding was meant for it.
        found = [problem for problem in found if problem.code != "unused"]
    return in_order(found)


def unusable(document: Document, kind: str) -> Problem | None:
    """That a kind can be checked and nothing more, if it is one of those."""
    if kind in _BUILDERS:
        return None
    if kind in V1:
        message, hint = "A file of Azure ML v1 can't be used as it is.", "`aml convert` prints what it means in v2."
        return document.problem("unsupported-kind", message, (), hint=hint)
    message = f"A spec of the kind {kind} can be checked, but not used here yet."
    hint = f"Used so far: {', '.join(_BUILDERS)}."
    return document.problem("unsupported-kind", message, _says_kind(document), hint=hint)


def in_order(found: Iterable[Problem]) -> list[Problem]:
    """In the order to tell them."""
    return sorted(found, key=_rank)


def _rank(problem: Problem) -> tuple[bool, bool, int, int]:
    return problem.severity != "error", problem.code in _CONSEQUENCES, problem.line, problem.column


def _not_a_mapping(document: Document) -> Problem:
    what = "a list" if isinstance(document.data, list) else "empty" if document.data is None else "a text"
    hint = "Remove the dashes: a file holds one spec." if isinstance(document.data, list) else None
    code = "empty-file" if document.data is None else "wrong-type"
    return document.problem(code, f"The file should be a mapping of keys and values; it is {what}.", (), hint=hint)


def _unsupported(document: Document, kind: str) -> Problem:
    message = f"A spec of the kind {kind} can't be checked here yet."
    hint = "`aml schema list` shows the kinds that can."
    return document.problem("unsupported-kind", message, _says_kind(document), hint=hint)


def _says_kind(document: Document) -> Pointer:
    return ("$schema",) if "$schema" in document.data else ("type",)
