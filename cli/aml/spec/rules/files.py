"""Spec files that a spec refers to: they are there, of the right kind, and have no faults of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from aml.errors import AmlError, Pointer, Problem, SpecError
from aml.spec import reference
from aml.spec.document import Document
from aml.spec.rules import paths

Severity = Literal["error", "warning"]


def referred(
    document: Document, pointer: Pointer, kinds: tuple[str, ...], severity: Severity = "error"
) -> Iterator[Problem]:
    """What is wrong with the file at `pointer`, which should be a spec of one of the kinds.

    Faults within it have the `severity`.
    """
    path = document.value(*pointer)
    if not isinstance(path, str) or not path.strip():
        return
    missing = list(paths.local(document, pointer, "The file"))
    yield from missing
    if not missing and reference.is_local(path):
        yield from _content(document, pointer, Path(reference.absolute(path, document.folder)), kinds, severity)


def _content(
    document: Document, pointer: Pointer, file: Path, kinds: tuple[str, ...], severity: Severity
) -> Iterator[Problem]:
    from aml.spec.kinds import kind_of
    from aml.spec.load import load

    given = document.value(*pointer)
    try:
        there = load(file)
        kind = kind_of(there)
        errors = _errors(there, kind) if kind in kinds else []  # never of the file that refers to it
    except SpecError as error:
        kind, errors = kinds[0], list(error.problems)
    except AmlError as error:
        yield document.problem("unreadable", error.message, pointer, hint=error.hint)
        return
    if kind not in kinds:
        message, wanted = f"{given} is a spec of the kind {kind}.", f"It should be one of: {', '.join(kinds)}."
        yield document.problem("other-kind", message, pointer, hint=wanted)
    elif errors:
        first = errors[0]
        hint = f"`aml validate {given}` shows all of them." if len(errors) > 1 else first.hint
        message = f"{given} has a fault in line {first.line}: {first.message}"
        yield document.problem("bad-file", message, pointer, hint=hint, severity=severity)


def _errors(document: Document, kind: str) -> list[Problem]:
    """The errors of a document, none where its kind can't be checked."""
    from aml.spec.parse import problems
    from aml.spec.schema.files import has

    found = problems(document, kind) if has(kind) else []
    return [problem for problem in found if problem.severity == "error"]
