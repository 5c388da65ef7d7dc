"""A command's result on stdout: a card or a table on a terminal, a document as asked for or JSON everywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from aml.commands._app import globals_
from aml.errors import AmlError
from aml.view import documents
from aml.view.color import has_color
from aml.view.documents import Columns
from aml.view.messages import say
from aml.view.streams import put


def emit(document: Any, *, card: Callable[[bool], str]) -> None:
    """`card` is given whether colour may be used."""
    if is_for_people():
        put(card(has_color(sys.stdout)), sys.stdout)
    else:
        _write(document, None)


def emit_list(items: Sequence[Any], columns: Columns, *, none: str) -> None:
    """`none` is what people are told of an empty list."""
    if is_for_people() and not items:
        say(none)
    elif is_for_people():
        documents.write(items, output="table", columns=columns)
    else:
        _write(items, columns)


def confirm(question: str, *, yes: bool) -> None:
    """Go on if people say so, or `--yes` has said so before; a script has to say it. Otherwise 1, as az."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise AmlError(f"{question} Nobody is here to answer.", "Say so with --yes.")
    if not typer.confirm(question, err=True):
        raise typer.Exit(1)


def is_for_people() -> bool:
    """Nobody asked for a format or a part, and stdout is a terminal."""
    given = globals_()
    return given.output is None and given.query is None and sys.stdout.isatty()


def _write(document: Any, columns: Columns | None) -> None:
    given = globals_()
    documents.write(document, output=given.output, query=given.query, columns=columns)
