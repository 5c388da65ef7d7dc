"""Command lines as az takes them, rewritten to what typer takes; pure.

Abbreviated long options (`--exp`), `-o=tsv`, and several values after one flag (`--set a=1 b=2`). Values of options and
what follows `--` are never touched.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from aml.errors import UsageError


class Takes(Enum):
    NOTHING = auto()
    ONE = auto()
    SEVERAL = auto()  # one or more, up to the next option; the flag may be repeated


@dataclass(frozen=True)
class Flag:
    names: tuple[str, ...]
    takes: Takes


def expand(words: Sequence[str], flags: Sequence[Flag], *, interspersed: bool = True) -> list[str]:
    """One full-length flag before each value. An unknown option is left as it is.

    Without `interspersed` the first word that is no option ends the work: what follows belongs to a subcommand.
    Raises UsageError for an ambiguous abbreviation and for a missing value.
    """
    table = {name: flag for flag in flags for name in flag.names}
    pending, out = deque(words), list[str]()
    while pending:
        word = pending.popleft()
        if word == "--" or not (interspersed or _is_option(word)):
            return [*out, word, *pending]
        if _is_option(word):
            out += _expand_one(word, pending, table)
        else:
            out.append(word)
    return out


def _expand_one(word: str, pending: deque[str], table: Mapping[str, Flag]) -> list[str]:
    name, attached = _split(word, table)
    flag = table.get(name)
    if flag is None:
        return [word]
    if flag.takes is Takes.NOTHING:
        if attached is not None and not word.startswith("--"):
            pending.appendleft(f"-{attached}")  # -sw is -s -w
            return [name]
        return [name if attached is None else f"{name}={attached}"]
    values = [attached] if attached is not None else _take(name, flag, pending, table)
    return [part for value in values for part in (name, value)]


def _is_option(word: str) -> bool:
    return len(word) > 1 and word.startswith("-")


def _split(word: str, table: Mapping[str, Flag]) -> tuple[str, str | None]:
    """The flag in full and the value attached to it, if any."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return _complete(name, table), value if equals else None
    name, rest = word[:2], word[2:]
    flag = table.get(name)
    if not rest or flag is None:
        return word, None
    if flag.takes is Takes.NOTHING:
        return (name, rest) if f"-{rest[0]}" in table else (word, None)
    return name, rest.removeprefix("=")


def _complete(name: str, table: Mapping[str, Flag]) -> str:
    if name in table or len(name) < 3:
        return name
    candidates = [known for known in table if known.startswith(name)]
    if len({table[known] for known in candidates}) > 1:
        raise UsageError(f"{name} is ambiguous: it could be {', '.join(candidates)}.")
    return candidates[0] if candidates else name


def _take(name: str, flag: Flag, pending: deque[str], table: Mapping[str, Flag]) -> list[str]:
    if flag.takes is Takes.ONE:
        # A value may begin with a dash, but not be an option that the command has.
        if not pending or pending[0] == "--" or pending[0].partition("=")[0] in table:
            raise UsageError(f"{name} needs a value.")
        return [pending.popleft()]
    values = []
    while pending and not _is_option(pending[0]):
        values.append(pending.popleft())
    if not values:
        raise UsageError(f"{name} needs at least one value.")
    return values
