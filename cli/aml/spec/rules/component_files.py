"""The files that steps name as their components: read once, and checked like any other."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from aml.errors import AmlError, Pointer, Problem, SpecError
from aml.spec import reference
from aml.spec.document import Document
from aml.spec.kinds import component_kind_of, kind_of
from aml.spec.load import load
from aml.spec.rules import check
from aml.spec.schema import check as schema

MAX_NESTED = 20
_NAMES = (("name",), ("version",))  # a step does not need them
_open: ContextVar[tuple[str, ...]] = ContextVar("open", default=())


@dataclass(frozen=True)
class ComponentFile:
    document: Document | None  # None: it can't be read
    kind: str
    errors: tuple[Problem, ...]


def forget() -> None:
    """Check files again, since what they name may have changed; not while one of them is being checked."""
    if not _open.get():
        _read.cache_clear()


def read(path: str) -> ComponentFile:
    """The component in a file, checked once for all steps that name it."""
    state = Path(path).stat()
    return _read(path, state.st_mtime_ns, state.st_size)


def problems(document: Document, pointer: Pointer) -> Iterator[Problem]:
    """What is wrong with the local file at `pointer`, which is there; told in one line."""
    value = document.value(*pointer)
    path = reference.absolute(value, document.folder)
    if path in _open.get():
        yield document.problem("cycle", f"The component '{value}' contains itself.", pointer)
    elif len(_open.get()) >= MAX_NESTED:
        message = f"The component '{value}' is nested deeper than {MAX_NESTED} files."
        yield document.problem("too-deep", message, pointer)
    elif errors := read(path).errors:
        first = errors[0]
        more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
        message = f"The component '{value}' is not valid: line {first.line}: {first.message}{more}"
        hint = "Run `aml validate` on that file to see all of it."
        yield document.problem("component-file", message, pointer, hint=hint)


def found(document: Document, pointer: Pointer) -> ComponentFile | None:
    """The component that the local path at `pointer` leads to, None where it leads to none or into itself."""
    value = document.value(*pointer)
    if not isinstance(value, str) or not reference.is_local(value) or not reference.exists(value, document.folder):
        return None
    path = reference.absolute(value, document.folder)
    return None if path in _open.get() or len(_open.get()) >= MAX_NESTED else read(path)


@lru_cache(maxsize=256)
def _read(path: str, modified: int, size: int) -> ComponentFile:
    token = _open.set((*_open.get(), path))
    try:
        document = _loaded(path, modified, size)
        if not isinstance(document.data, dict):
            wrong = document.problem("wrong-type", "The file should be a mapping of keys and values.", ())
            return ComponentFile(None, "", (wrong,))
        kind = kind_of(document)
        kind = kind if kind.endswith("-component") else component_kind_of(document)
        return ComponentFile(document, kind, tuple(_errors(document, kind)))
    except SpecError as error:
        return ComponentFile(None, "", error.problems)
    except AmlError as error:
        return ComponentFile(None, "", (Problem("unreadable", error.message, (), 1, 1, error.hint),))
    finally:
        _open.reset(token)


@lru_cache(maxsize=256)
def _loaded(path: str, _modified: int, _size: int) -> Document:
    if not Path(path).is_file() and not Path(path).is_dir():  # a pipe would be waited for
        raise AmlError(f"{path} is no file.")
    return load(Path(path))


def _errors(document: Document, kind: str) -> list[Problem]:
    found = [*document.findings, *schema.check(document, kind), *check(document, kind)]
    errors = [problem for problem in found if problem.severity == "error" and problem.pointer not in _NAMES]
    return sorted(errors, key=lambda problem: (problem.line, problem.column))
