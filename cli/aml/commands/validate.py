"""`aml validate`: check YAML files without running them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from aml.commands._app import globals_, note
from aml.commands._options import Sets, Strict
from aml.spec.check import Judge, check
from aml.spec.parse import problems
from aml.spec.report import Report, Target
from aml.view import reports
from aml.view.color import has_color
from aml.view.documents import write
from aml.view.streams import put

app = typer.Typer()

ReportFormat = Literal["text", "json", "github", "sarif", "junit"]
TargetOption = Annotated[
    Target | None,
    typer.Option(
        "--target",
        metavar="azure|local",
        case_sensitive=False,
        help="Also say what Azure's service would refuse, or what can't be run on this machine.",
    ),
]


@app.command()
def validate(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files, folders, patterns, or - for stdin.")],
    format_: Annotated[
        ReportFormat,
        typer.Option(
            "--format", metavar="FORMAT", case_sensitive=False, help="text, json, github (annotations), sarif or junit."
        ),
    ] = "text",
    set_: Sets = None,
    strict: Strict = False,
    target: TargetOption = None,
    skip_others: Annotated[
        bool, typer.Option("--skip-others", help="Leave files that are not Azure ML's alone, named ones too.")
    ] = False,
) -> int:
    """Check YAML files without running them: exit code 0 if all are valid, else 1.

    Of a folder, and of a pattern in quotes ('specs/**/*.yml'), the YAML files that are Azure ML's are checked: those
    with its $schema or a type that it knows, and those whose keys are those of one kind. `aml explain CODE` tells more
    of a message.
    """
    return check_files(files, set_ or [], format_=format_, strict=strict, target=target, skip_others=skip_others)


def check_files(
    files: Sequence[str],
    sets: Sequence[str] = (),
    *,
    format_: ReportFormat = "text",
    strict: bool = False,
    target: Target | None = None,
    skip_others: bool = False,
    judge: Judge = problems,
) -> int:
    """Say of each file, with `--set` over it, what is wrong; the exit code."""
    if target is not None:
        from aml.commands._targets import judge_for

        judge = judge_for(target)
    report = check(files, sets, stdin=sys.stdin.buffer, strict=strict, judge=judge, skip_others=skip_others)
    _show(report, format_)
    if told := reports.skipped(report):
        note(told)
    return 0 if report.valid else 1


def _show(report: Report, format_: ReportFormat) -> None:
    if format_ == "json" or globals_().output is not None:
        write(reports.documents(report), output=globals_().output, query=globals_().query)
    elif format_ == "text":
        put(reports.text(report, color=has_color(sys.stdout), excerpt=sys.stdout.isatty()), sys.stdout)
    else:
        put(_for_ci(report, format_), sys.stdout)


def _for_ci(report: Report, format_: ReportFormat) -> str:
    match format_:
        case "sarif":
            from aml.spec.explanations import summary_of
            from aml.version import __version__
            from aml.view.sarif import sarif

            return sarif(report, version=__version__, summary_of=summary_of)
        case "junit":
            from aml.view.junit import junit

            return junit(report)
        case _:
            return reports.github(report)
