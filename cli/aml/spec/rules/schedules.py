"""The rules of schedules: one thing that is done, and when."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aml.errors import AmlError, Pointer, Problem, SpecError
from aml.spec import reference
from aml.spec.document import Document
from aml.spec.rules import paths, triggers
from aml.spec.schema_files import schema_of
from aml.spec.wording import did_you_mean

_ACTIONS = ("create_job", "import_data", "create_monitor")
_JOBS = ("command", "pipeline", "spark", "sweep", "automl")


def trigger(document: Document) -> Iterator[Problem]:
    yield from triggers.trigger(document.part("trigger"))


def action(document: Document) -> Iterator[Problem]:
    """What is done: one of three keys."""
    given = [key for key in _ACTIONS if key in document.data]
    known = schema_of("schedule")["properties"]
    unknown = [str(key) for key in document.data if key not in known]
    if not given and not any(did_you_mean(key, _ACTIONS) for key in unknown):
        hint = "What is made: azureml:NAME or a file; or `import_data`, or `create_monitor`."
        yield document.problem("missing-key", "A schedule needs the key `create_job`.", ("create_job",), hint=hint)
    for key in given[1:]:
        message = f"`{given[0]}` and `{key}` exclude each other."
        yield document.about_key("exclusive-keys", message, (key,), "A schedule does one thing; write two files.")


def job(document: Document) -> Iterator[Problem]:
    """The job that is made, where it is in a file."""
    if isinstance(document.value("create_job"), str):
        yield from _file(document, ("create_job",), _JOBS)
    else:
        yield from _file(document, ("create_job", "job"), _JOBS)
        yield from paths.inputs(document.part("create_job"))


def imported(document: Document) -> Iterator[Problem]:
    yield from _file(document, ("import_data",), ("data-import",))


def _file(document: Document, pointer: Pointer, kinds: tuple[str, ...]) -> Iterator[Problem]:
    """A file that is there, is of one of the kinds, and has no faults of its own."""
    path = document.value(*pointer)
    if not isinstance(path, str) or not path.strip():
        return
    missing = list(paths.local(document, pointer, "The file"))
    yield from missing
    if not missing and reference.is_local(path):
        yield from _content(document, pointer, Path(reference.absolute(path, document.folder)), kinds)


def _content(document: Document, pointer: Pointer, file: Path, kinds: tuple[str, ...]) -> Iterator[Problem]:
    from aml.spec import parse, schema_files
    from aml.spec.kinds import kind_of
    from aml.spec.load import load

    try:
        there = load(file)
        kind = kind_of(there)
        found = parse.problems(there) if schema_files.has(kind) else []
    except SpecError as error:
        kind, found = kinds[0], list(error.problems)
    except AmlError as error:
        yield document.problem("unreadable", f"{error.message}", pointer, hint=error.hint)
        return
    errors = [problem for problem in found if problem.severity == "error"]
    if kind not in kinds:
        message = f"{document.value(*pointer)} is a spec of the kind {kind}."
        yield document.problem("other-kind", message, pointer, hint=f"It should be one of: {', '.join(kinds)}.")
    elif errors:
        first = errors[0]
        message = f"{document.value(*pointer)} has a fault in line {first.line}: {first.message}"
        hint = f"`aml validate {file.name}` shows all of them." if len(errors) > 1 else first.hint
        yield document.problem("bad-file", message, pointer, hint=hint)


RULES = {"schedule": (trigger, action, job, imported)}
