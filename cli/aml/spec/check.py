"""Any number of files, folders and patterns to one report: a file that can't be read never hides the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import BinaryIO

from aml.errors import AmlError, Problem, SpecError, UsageError
from aml.spec.discover import find, is_azure_ml, looks_like_azure_ml
from aml.spec.document import Document
from aml.spec.kinds import by_schema, by_type, by_version_1, kind_of
from aml.spec.load import load, load_stream
from aml.spec.overrides import apply
from aml.spec.parse import problems
from aml.spec.report import FileReport, Report

STDIN = "-"
_STDIN_NAME = "<stdin>"

Judge = Callable[[Document], Sequence[Problem]]


def check(
    names: Sequence[str],
    sets: Sequence[str] = (),
    *,
    stdin: BinaryIO,
    strict: bool = False,
    judge: Judge = problems,
    skip_others: bool = False,
) -> Report:
    """What `judge` finds in the files that `names` stand for, with `a.b=value` texts put over each.

    `-` is the standard input. With `strict` a warning is an error, with `skip_others` a named file that is not Azure
    ML's is left alone as one of a folder is. Raises `UsageError` for a text of `sets`.
    """
    reports: dict[str, FileReport | None] = {}
    several = len(names) != 1
    for name in names:
        for file, load_it, named in _files(name, stdin):
            if file not in reports:
                reports[file] = _report(file, load_it, sets, judge, named=named and not skip_others)
            several = several or not named
    files = [report for report in reports.values() if report is not None]
    skipped = [file for file, report in reports.items() if report is None]
    return Report(tuple(file.strict() if strict else file for file in files), tuple(skipped), several)


def as_kind(kinds: Sequence[str]) -> Judge:
    """Checks for files of these kinds: one that says that it is of another is refused, one that says nothing is of the
    first.
    """

    def judge(document: Document) -> Sequence[Problem]:
        data = document.data if isinstance(document.data, dict) else {}
        kind = kind_of(document)
        if f"{kind}-component" in kinds and not by_schema(data):
            kind = f"{kind}-component"
        if kind not in kinds and (by_version_1(document) or by_schema(data) or by_type(data)):
            pointer = ("$schema",) if "$schema" in data else ("type",)
            hint = f"It takes {', '.join(kinds)}. `aml validate` takes any."
            message = f"This is a spec of the kind {kind}, which this command does not take."
            return [document.problem("other-kind", message, pointer, hint=hint)]
        return problems(document, kind if kind in kinds else kinds[0])

    return judge


def _files(name: str, stdin: BinaryIO) -> Iterator[tuple[str, Callable[[], Document], bool]]:
    """What each file is called, how to read it, and whether the user named it."""
    if name == STDIN:
        yield _STDIN_NAME, partial(load_stream, stdin, _STDIN_NAME), True
        return
    try:
        for found in find(name):
            yield str(found.path), partial(load, found.path), found.named
    except AmlError as error:
        yield name, partial(_raise, error), True


def _report(
    file: str, load_it: Callable[[], Document], sets: Sequence[str], judge: Judge, *, named: bool
) -> FileReport | None:
    """None for a file of a folder that is not Azure ML's."""
    try:
        document = load_it()
        if not named and not is_azure_ml(document):
            return None
        document = apply(document, sets)
        return FileReport(file, tuple(judge(document)), document.text)
    except SpecError as error:
        return FileReport(file, error.problems, error.text) if named or looks_like_azure_ml(error.text) else None
    except UsageError:
        raise
    except AmlError as error:
        what = error.message.removeprefix(f"{file}: ")
        return FileReport(file, (Problem("unreadable", what[:1].upper() + what[1:], (), 1, 1, error.hint),))


def _raise(error: AmlError) -> Document:
    raise error
