"""Errors and the problems of a document as text: what is wrong, where, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aml.errors import AmlError, Problem, SpecError
from aml.view.color import paint

_SECRET_KEYS = ("account_key", "sas_token", "client_secret", "certificate", "credentials", "admin_password")
_ENTRY = re.compile(r"""([A-Za-z_-]{5,30})(["']?\s*:\s+)("[^"]*"?|'[^']*'?|[^\s,}#][^,}]*)""")
_EXCERPT_WIDTH = 100  # characters of a long source line that are shown around the fault


def error_text(error: AmlError, *, color: bool = False, excerpt: bool = False) -> str:
    """`ERROR: message` and the hint below it; of a SpecError every problem, and how many there are."""
    if isinstance(error, SpecError):
        found = problems_text(error.file, error.problems, error.text, color=color, excerpt=excerpt)
        return f"{found}\n{_label('ERROR', color)} {error.file}: {count(error.problems)}."
    return "\n".join([f"{_label('ERROR', color)} {error.message}", *_hint(error.hint)])


def problems_text(
    file: str, problems: tuple[Problem, ...], text: str = "", *, color: bool = False, excerpt: bool = False
) -> str:
    """`file:line:column: message [code]` per problem, with its hint and, if wanted, the source line and a caret."""
    source = text.splitlines() if excerpt else []
    return "\n".join(line for problem in problems for line in _problem(file, problem, source, color))


def count(problems: tuple[Problem, ...]) -> str:
    """`2 errors, 1 warning`; nothing for none."""
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    counted = [(errors, "error"), (warnings, "warning")]
    return ", ".join(f"{number} {word}{'s' if number > 1 else ''}" for number, word in counted if number)


def _problem(file: str, problem: Problem, source: list[str], color: bool) -> Iterator[str]:
    place = paint(f"{file}:{problem.line}:{problem.column}:", "bold", color)
    kind = paint("warning: ", "yellow", color) if problem.severity == "warning" else ""
    yield f"{place} {kind}{problem.message} {paint(f'[{problem.code}]', 'dim', color)}"
    if 0 < problem.line <= len(source):
        yield from _excerpt(source[problem.line - 1], problem, color)
    yield from _hint(problem.hint)


def _excerpt(line: str, problem: Problem, color: bool) -> Iterator[str]:
    start = max(0, problem.column - _EXCERPT_WIDTH // 2) if len(line) > _EXCERPT_WIDTH else 0
    shown = _ENTRY.sub(_masked, line)[start : start + _EXCERPT_WIDTH]
    # A tab stays a tab, so that the caret stands below the fault however wide the terminal makes it.
    blank = "".join("\t" if char == "\t" else " " for char in shown[: problem.column - 1 - start])
    number = str(problem.line)
    yield f"  {paint(f'{number} |', 'dim', color)} {shown}"
    yield f"  {paint(' ' * len(number) + ' |', 'dim', color)} {blank}{paint('^', 'red', color)}"


def _masked(entry: re.Match[str]) -> str:
    """A key and its value, that covered where the key is one of a secret, a misspelled one too."""
    from difflib import get_close_matches

    is_secret = bool(get_close_matches(entry[1].lower().replace("-", "_"), _SECRET_KEYS, 1, 0.75))
    return f"{entry[1]}{entry[2]}{'*' * len(entry[3])}" if is_secret else entry[0]


def _hint(hint: str | None) -> list[str]:
    return [f"  {line}" for line in hint.splitlines()] if hint else []


def _label(label: str, color: bool) -> str:
    return paint(f"{label}:", "red" if label == "ERROR" else "yellow", color)
