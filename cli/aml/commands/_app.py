"""The frame of every command: nouns loaded on demand, az's global arguments in any place, az's command-line grammar.

A noun is a module of this package with `app = typer.Typer(help=...)` and a function per verb; the frame does the rest.
A verb reads the global arguments with `globals_()` and returns its exit code or None. An option that is a list takes
several values after one flag.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from inspect import getdoc
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command_from_info
from typer.models import CommandInfo

from aml.commands import COMPLETE_VARIABLE, _azure_only
from aml.commands._argv import Flag, Takes, expand
from aml.commands._globals import (
    declared_options,
    globals_,
    is_global,
    note,
    reset,
    set_log_level,
    take_globals,
    with_globals,
)
from aml.commands._names import complete_names
from aml.errors import AmlError, UsageError
from aml.version import __version__
from aml.view.streams import put

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter, Parameter

__all__ = ["COMMANDS", "NOUNS", "globals_", "note", "run"]

NOUNS: Mapping[str, str] = {
    "job": "Submit jobs and follow them.",
    "experiment": "Make experiments and list them.",
    "model": "Register models and fetch them.",
    "data": "Register data and look it up.",
    "environment": "Register environments and look them up.",
    "component": "Register components, the steps of pipelines.",
    "datastore": "Name the places that data is kept in.",
    "workspace": "Make, look at and delete workspaces.",
    "registry": "Make, list and delete registries, which workspaces share.",
    "folder": "Prepare a folder as Azure ML v1 does.",
    "run": "Submit scripts with run configurations of Azure ML v1.",
    "compute": "Say where jobs run, and how many at once.",
    "schema": "Show the JSON Schemas of the specs, and export them for editors.",
    "engine": "Look at the engine that runs the jobs, and stop it.",
}
"""Noun -> its help; the module of the same name is loaded when the noun is asked for."""

COMMANDS: Mapping[str, str] = {
    "validate": "Check YAML files without running them.",
    "explain": "Tell what a code of `aml validate` means.",
    "convert": "Print what a file of Azure ML v1 means in v2.",
    "completion": "Print what a shell loads to complete commands and names.",
}
"""Commands that are no noun; the module has one function."""


_ABOUT = "Run Azure ML's YAML files on this machine: the same files, verbs and output as `az ml`, and no account."


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code.

    Raises AmlError for what the command or typer found wrong; KeyboardInterrupt also for Ctrl-C at a prompt.
    """
    reset()
    try:
        with _root().make_context("aml", list(arguments) or ["--help"]) as context:
            result = context.command.invoke(context)
    except typer.Exit as exit_:
        return exit_.exit_code
    except typer.Abort as abort:
        raise KeyboardInterrupt from abort
    except typer.TyperException as error:
        raise _translated(error) from error
    return result if isinstance(result, int) else 0


def complete(instruction: str) -> int:
    """Answer a shell that asks what could come next; it says what it wants in variables of the environment."""
    from typer._completion_classes import completion_init
    from typer.completion import shell_complete

    completion_init()
    try:
        return shell_complete(_root(), {}, "aml", COMPLETE_VARIABLE, instruction)
    except AmlError:  # the line is not finished: what is wrong with it is told when it is run
        return 0


def _translated(error: typer.TyperException) -> AmlError:
    if error.exit_code != UsageError.exit_code:
        return AmlError(error.format_message())
    close = getattr(error, "possibilities", None)
    message = error.message if close else error.format_message()
    advice = [f"Did you mean {close[0]}?"] if close else []
    if context := getattr(error, "ctx", None):
        advice.append(_see_help(context))
    return UsageError(message, " ".join(advice))


def _see_help(context: Context) -> str:
    return f"'{context.command_path} --help' shows what it takes."


class Verb(TyperCommand):
    """A command that also takes the global arguments, and those of az's that mean nothing here."""

    path = ""  # noun and verb

    def get_params(self, ctx: Context) -> list[Parameter]:
        params = with_globals([*super().get_params(ctx), *_azure_only.options(self.path)])
        if ctx.resilient_parsing:
            complete_names(self.path, params)
        return params

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, _expanded(ctx, args))
        take_globals(ctx)
        _azure_only.take(self.path, ctx)
        set_log_level()
        return rest

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        _write_options(self.get_params(ctx), ctx, formatter)


@dataclass(frozen=True)
class Entry:
    """A subcommand: its line in the group's help, and how to make it when it is asked for."""

    help: str
    make: Callable[[], Command]


class Group(TyperGroup):
    """Subcommands that are made when they are asked for, and the global arguments in front of them."""

    def __init__(self, name: str, about: str, entries: Mapping[str, Entry], **settings: Any) -> None:
        super().__init__(name=name, help=about, rich_markup_mode=None, **settings)
        self.entries = entries

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002
        return list(self.entries)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:  # noqa: ARG002
        entry = self.entries.get(cmd_name)
        return entry.make() if entry else None

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        name, *rest = args
        command = self.get_command(ctx, name)
        if command is None and not ctx.resilient_parsing:
            if reason := _azure_only.refusal(self.name or "", name):
                raise AmlError(f"'{ctx.command_path} {name}' can't be done here", f"{reason[0].upper()}{reason[1:]}.")
            raise UsageError(f"'{name}' is not a command of '{ctx.command_path}'.", self._advice(ctx, name))
        return name, command, rest

    def _advice(self, ctx: Context, name: str) -> str:
        from difflib import get_close_matches

        close = get_close_matches(name, self.entries, n=1)
        return f"Did you mean '{ctx.command_path} {close[0]}'?" if close else _see_help(ctx)

    def get_params(self, ctx: Context) -> list[Parameter]:
        return with_globals(super().get_params(ctx))

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            raise UsageError(f"'{ctx.command_path}' needs a command: {', '.join(self.entries)}.", _see_help(ctx))
        rest = super().parse_args(ctx, _expanded(ctx, args))
        take_globals(ctx)
        return rest

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.entries.items()])
        _write_options(self.get_params(ctx), ctx, formatter)


def _root() -> Group:
    nouns = {name: Entry(about, partial(_noun, name)) for name, about in NOUNS.items()}
    commands = {name: Entry(about, partial(_command, name)) for name, about in COMMANDS.items()}
    settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    return Group("aml", _ABOUT, nouns | commands, params=declared_options(_root_options), context_settings=settings)


def _noun(name: str) -> Group:
    app = _app_of(name)
    verbs = {
        _name(info): Entry(_summary(info), partial(_verb, info, f"{name} {_name(info)}"))
        for info in app.registered_commands
    }
    return Group(name, NOUNS[name], verbs)


def _command(name: str) -> Command:
    (info,) = _app_of(name).registered_commands
    return _verb(info, name)


def _app_of(name: str) -> typer.Typer:
    app = import_module(f"aml.commands.{name.replace('-', '_')}").app
    assert isinstance(app, typer.Typer)
    return app


def _verb(info: CommandInfo, path: str) -> Command:
    info.cls = Verb
    made = get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode=None)
    assert isinstance(made, Verb)
    made.path = path
    return made


def _name(info: CommandInfo) -> str:
    assert info.callback is not None
    return info.name or info.callback.__name__.rstrip("_").replace("_", "-")


def _summary(info: CommandInfo) -> str:
    text = info.help or getdoc(info.callback) or ""
    return text.partition("\n")[0]


def _print_version(asked: bool) -> None:
    if asked:
        put(f"aml {__version__}\n", sys.stdout)
        raise typer.Exit


def _root_options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print it.")
    ] = False,
) -> None:
    """The options that only `aml` itself has."""


def _expanded(ctx: Context, args: list[str]) -> list[str]:
    if ctx.resilient_parsing:  # a line that a shell asks about is not finished
        return args
    options = [param for param in ctx.command.get_params(ctx) if isinstance(param, TyperOption)]
    flags = [Flag((*option.opts, *option.secondary_opts), _takes(option)) for option in options]
    try:
        return expand(args, flags, interspersed=ctx.allow_interspersed_args)
    except UsageError as error:
        raise UsageError(error.message, _see_help(ctx)) from error


def _takes(option: TyperOption) -> Takes:
    if option.is_flag or option.count:
        return Takes.NOTHING
    return Takes.SEVERAL if option.multiple else Takes.ONE


def _write_options(params: list[Parameter], ctx: Context, formatter: HelpFormatter) -> None:
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], "Global Arguments": []}
    for param in params:
        heading = "Options" if isinstance(param, TyperOption) else "Arguments"
        if record := param.get_help_record(ctx):
            sections["Global Arguments" if is_global(param) else heading].append(record)
    for heading, records in sections.items():
        if records:
            with formatter.section(heading):
                formatter.write_dl(records)
