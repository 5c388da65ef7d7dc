"""Problems as text, one line each and a line for the hint; colour is not decided here."""

from __future__ import annotations

from collections.abc import Iterable

from aml.errors import Problem


def text(problems: Iterable[Problem], file: str, source: str = "") -> str:
    """`file:line:column: error: message [code]`; with the source, the line and a caret under the column."""
    return "".join(_entry(problem, file, source) for problem in problems)


def excerpt(problem: Problem, source: str) -> str:
    """The line of the problem and a caret below its column; "" where there is none to show."""
    lines = source.splitlines()
    if not 0 < problem.line <= len(lines):
        return ""
    line = lines[problem.line - 1]
    blank = "".join("\t" if character == "\t" else " " for character in line[: problem.column - 1])
    return f"  {line}\n  {blank}^\n"


def _entry(problem: Problem, file: str, source: str) -> str:
    place = f"{file}:{problem.line}:{problem.column}"
    hint = f"  hint: {problem.hint}\n" if problem.hint else ""
    return f"{place}: {problem.severity}: {problem.message} [{problem.code}]\n{excerpt(problem, source)}{hint}"
