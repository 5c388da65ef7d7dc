"""Every error that `aml` means to show: a message, a hint, and the exit code that az gives it.

Foreign exceptions are translated where the library is called; only `aml.__main__` prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

Pointer = tuple[str | int, ...]
"""Path to a node of a document: keys and list indexes from the root."""


class AmlError(Exception):
    """What is wrong and where (`message`), and what to do about it (`hint`)."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AmlError):
    """The command line itself is wrong."""

    exit_code = 2


class NotFound(AmlError):
    """The named thing does not exist."""

    exit_code = 3


class Conflict(AmlError):
    """The thing exists, but not in a state that allows the request."""


class Misfit(Conflict):
    """A spec asks for more than there is; `pointer` is the key that asks, as far as it is there."""

    def __init__(self, message: str, hint: str, pointer: Pointer) -> None:
        super().__init__(message, hint)
        self.pointer = pointer


class BackendError(AmlError):
    """The workspace could not do what it should: disk, port, process, network."""


class JobFailed(AmlError):
    """A job that was waited for ended other than Completed."""


@dataclass(frozen=True)
class Problem:
    """One finding in one document."""

    code: str  # stable, kebab-case: "unknown-key"
    message: str  # one sentence, says what was found
    pointer: Pointer  # path of the faulty node; for a missing key the path it should have
    line: int  # 1-based
    column: int  # 1-based
    hint: str | None = None  # what is allowed, or the fix
    severity: Literal["error", "warning"] = "error"

    @property
    def path(self) -> str:
        """The pointer as users write it: `inputs.data.path`, list items by number."""
        return ".".join(str(part) for part in self.pointer)


class SpecError(AmlError):
    """A document that can't be used, with every problem found in it, most specific first."""

    def __init__(self, file: str, problems: Sequence[Problem], text: str = "") -> None:
        self.file = file
        self.problems = tuple(problems)
        self.text = text  # the document's source, for excerpts
        errors = [problem for problem in self.problems if problem.severity == "error"]
        first = errors[0]
        message = f"{file}:{first.line}:{first.column}: {first.message}"
        if len(errors) > 1:
            message += f" (and {len(errors) - 1} more)"
        super().__init__(message, first.hint)
