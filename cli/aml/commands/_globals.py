"""The arguments that every command takes, as az's global arguments, in any place of the command line."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.main import get_command_from_info
from typer.models import CommandInfo

from aml.commands._values import convert_plainly
from aml.view import messages
from aml.view.documents import Format

if TYPE_CHECKING:
    from typer._click import Context, Parameter

_PREFIX = "global_"  # leads the names of these parameters, so that a verb's own can't collide


def _checked_query(query: str | None) -> str | None:
    if query is not None:
        from aml.view.documents import compile_query

        compile_query(query)  # before the command does anything
    return query


@dataclass(frozen=True)
class Globals:
    """Each field is the option that its annotation declares."""

    output: Annotated[
        Format | None,
        typer.Option(
            "--output",
            "-o",
            case_sensitive=False,
            metavar="FORMAT",
            help="json, jsonc, yaml, yamlc, table, tsv or none.",
        ),
    ] = None
    query: Annotated[
        str | None,
        typer.Option("--query", metavar="JMESPATH", callback=_checked_query, help="What to print of the result."),
    ] = None
    workspace_name: Annotated[
        str | None,
        typer.Option("--workspace-name", "-w", metavar="NAME", help="Workspace."),
    ] = None
    resource_group: Annotated[
        str | None,
        typer.Option("--resource-group", "-g", metavar="NAME", help="Azure resource group."),
    ] = None
    subscription: Annotated[
        str | None,
        typer.Option("--subscription", metavar="ID", help="Azure subscription."),
    ] = None
    only_show_errors: Annotated[bool, typer.Option("--only-show-errors", help="No warnings.")] = False
    verbose: Annotated[bool, typer.Option("--verbose", help="Log more to stderr.")] = False
    acquire_policy_token: Annotated[bool, typer.Option("--acquire-policy-token", hidden=True)] = False  # Azure's
    change_reference: Annotated[str | None, typer.Option("--change-reference", hidden=True)] = None  # Azure's
    debug: Annotated[bool, typer.Option("--debug", help="Log everything to stderr, tracebacks too.")] = False


_NONE_GIVEN = Globals()
_current: ContextVar[Globals] = ContextVar("globals", default=_NONE_GIVEN)


def globals_() -> Globals:
    """The global arguments of the command that runs."""
    return _current.get()


def reset() -> None:
    """Forget the arguments of the command line before."""
    _current.set(_NONE_GIVEN)


def note(text: str) -> None:
    """Something good to know on stderr, unless --only-show-errors."""
    if not globals_().only_show_errors:
        messages.note(text)


def warn(text: str) -> None:
    """Something that may go wrong, on stderr, unless --only-show-errors."""
    if not globals_().only_show_errors:
        messages.warn(text)


def declared_options(declaration: Callable[..., Any]) -> list[Parameter]:
    """The options that a function's signature, or a dataclass, declares in typer's way."""
    info = CommandInfo(name="options", callback=declaration)
    return get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode=None).params


def with_globals(params: list[Parameter]) -> list[Parameter]:
    """A command that declares the name of a global argument itself has its own in place of the global one."""
    own = {name for param in params for name in param.opts}
    params = params + [option for option in _options() if own.isdisjoint(option.opts)]
    convert_plainly(params)
    return params


def is_global(param: Parameter) -> bool:
    return param.name.startswith(_PREFIX)


def take_globals(ctx: Context) -> None:
    """Move what was given from the parameters of a group or verb to `globals_()`; the innermost wins."""
    given = {field.name: ctx.params.pop(_PREFIX + field.name, None) for field in fields(Globals)}
    _current.set(replace(globals_(), **{name: value for name, value in given.items() if value not in (None, False)}))


def set_log_level() -> None:
    """Let the log of all libraries reach stderr as far as it was asked for."""
    given = globals_()
    if not (given.debug or given.verbose or given.only_show_errors):
        return
    import logging

    if given.only_show_errors:
        logging.disable(logging.WARNING)
    else:
        level = logging.DEBUG if given.debug else logging.INFO
        logging.basicConfig(level=level, format="%(levelname)s: %(name)s: %(message)s")


@cache
def _options() -> list[Parameter]:
    options = declared_options(Globals)
    for option in options:
        option.name = _PREFIX + option.name
    return options
