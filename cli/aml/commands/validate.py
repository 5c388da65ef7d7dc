"""`aml validate`: check YAML files without running them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from aml.commands._app import globals_
from aml.errors import AmlError, Problem, SpecError, UsageError
from aml.spec.load import load
from aml.spec.overrides import apply
from aml.spec.parse import problems
from aml.view.color import has_color
from aml.view.documents import write
from aml.view.problems import problems_text
from aml.view.streams import put

app = typer.Typer()


@app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...")],
    format_: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text or json.")] = "text",
) -> int:
    """Check YAML files without running them: exit code 0 if all are valid, else 1."""
    return check_files(files, format_=format_)


def check_files(files: Sequence[Path], sets: Sequence[str] = (), *, format_: str = "text") -> int:
    """Say of each file, with `--set` over it, what is wrong; the exit code."""
    results = [(str(file), *_check(file, sets)) for file in files]
    if format_ == "json" or globals_().output is not None:
        documents = [_document(name, found) for name, found, _ in results]
        write(documents[0] if len(documents) == 1 else documents, output=globals_().output, query=globals_().query)
    else:
        for name, found, text in results:
            _show(name, found, text)
    return 0 if all(_is_valid(found) for _, found, _ in results) else 1


def _check(file: Path, sets: Sequence[str]) -> tuple[tuple[Problem, ...], str]:
    """What is wrong with a file, and its text; a file that can't be read is one more finding."""
    try:
        document = apply(load(file), sets)
    except SpecError as error:
        return error.problems, error.text
    except UsageError:
        raise
    except AmlError as error:
        return (Problem("unreadable", error.message, (), 1, 1, error.hint),), ""
    return tuple(problems(document)), document.text


def _show(name: str, found: tuple[Problem, ...], text: str) -> None:
    if found:
        lines = problems_text(name, found, text, color=has_color(sys.stdout), excerpt=sys.stdout.isatty())
        put(f"{lines}\n", sys.stdout)
    if _is_valid(found):
        put(f"{name}: valid\n", sys.stdout)


def _is_valid(found: tuple[Problem, ...]) -> bool:
    return not any(problem.severity == "error" for problem in found)


def _document(name: str, found: tuple[Problem, ...]) -> dict[str, Any]:
    listed: dict[str, list[dict[str, Any]]] = {"errors": [], "warnings": []}
    for problem in found:
        entry = {
            "path": problem.path,
            "line": problem.line,
            "column": problem.column,
            "message": problem.message,
            "code": problem.code,
            "hint": problem.hint,
        }
        listed["errors" if problem.severity == "error" else "warnings"].append(entry)
    return {"file": name, "valid": _is_valid(found), **listed}
