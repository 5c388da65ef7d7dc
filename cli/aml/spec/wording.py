"""How messages name things, and what a misspelled word was meant to be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import PurePath
from typing import Any

from aml.errors import Pointer

_COMPARED = 500  # names that a word is compared with: more cost time, and help nobody


def canonical(value: str, allowed: Iterable[str]) -> str | None:
    """The member of `allowed` that Azure ML takes `value` for: UriFolder and URI_FOLDER are uri_folder."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", value).lower()
    return next((member for member in allowed if member.lower() in (value.lower(), snake)), None)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The one of `known` that `word` was meant to be, if there is one."""
    lowered = {name.lower(): name for name in reversed([*islice(known, _COMPARED)])}
    close = closest(word.lower(), lowered, 0.65)
    if close is None and len(word) > 1:
        close = next((name for name in lowered if name.startswith(word.lower())), None)
    return lowered[close] if close else None


def closest(word: str, known: Iterable[str], cutoff: float) -> str | None:
    """The one of `known` that is most like `word`, if any is like it by `cutoff` of 1."""
    from difflib import get_close_matches  # only files with faults need it

    return next(iter(get_close_matches(word, [*islice(known, _COMPARED)], 1, cutoff)), None)


def close_files(name: str, names: Iterable[str], most: int = 1) -> list[str]:
    """File names that `name` may have meant: what stands before the ending tells them apart."""
    from difflib import get_close_matches

    stems: dict[str, list[str]] = {}
    for each in islice(names, _COMPARED):
        stems.setdefault(PurePath(each).stem, []).append(each)
    close = get_close_matches(PurePath(name).stem, list(stems), most, 0.6)
    return [each for stem in close for each in stems[stem]][:most]


def allowed(values: Sequence[str]) -> str:
    return f"Allowed: {', '.join(values)}."


def name_of(at: Pointer) -> str:
    return f"`{'.'.join(str(step) for step in at)}`" if at else "The file"


def found(value: Any, *, shown: bool = True) -> str:
    """What a value is; of a secret only its type is `shown`."""
    if not shown and isinstance(value, (str, int, float)):
        return "text" if isinstance(value, str) else "a number"
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return f"the text '{short(value)}'"
        case int() | float():
            return f"the number {value}"
        case _:
            return f"the date {value}"


def short(value: str) -> str:
    line = " ".join(value.split())
    return line if len(line) <= 60 else f"{line[:57]}..."


def article(noun: str) -> str:
    """`a pytorch distribution`; a title in the plural goes without."""
    if noun.split(maxsplit=1)[0][1:].islower():  # SAS and GPU stay
        noun = noun[0].lower() + noun[1:]
    if noun.endswith("s"):
        return noun
    return f"{'an' if noun[0].lower() in 'aeio' else 'a'} {noun}"


def alternatives(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
