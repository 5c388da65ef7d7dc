"""A workspace's settings: texts in the store, typed where they are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from aml.errors import UsageError
from aml.workspace.embedded.database import Database
from aml.workspace.records import EnvironmentMode, Settings


def read(database: Database) -> Settings:
    """What is set, and the defaults of the rest."""
    rows = database.connection.execute("SELECT name, value FROM setting")
    return Settings(**{row["name"]: _READ[row["name"]](row["value"]) for row in rows if row["name"] in _READ})


def change(database: Database, changes: Mapping[str, str | None]) -> Settings:
    """Set what is given as text; None is: back to the default. Raises `UsageError` for what can't be set."""
    for name, value in changes.items():
        _check(name, value)
    with database.transaction() as write:
        for name, value in changes.items():
            if value is None:
                write.execute("DELETE FROM setting WHERE name = ?", (name,))
            else:
                write.execute("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", (name, value))
        return read(database)


def _check(name: str, value: str | None) -> None:
    if name not in _READ:
        raise UsageError(f"a workspace has no setting {name}", f"It has: {', '.join(_READ)}.")
    if value is None:
        return
    try:
        _READ[name](value)
    except ValueError:
        raise UsageError(f"{name} can't be {value!r}", _ALLOWED[name]) from None


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _names(text: str) -> tuple[str, ...]:
    found = tuple(text.replace(",", " ").split())
    if not all(re.fullmatch(r"\w+", name) for name in found):
        raise ValueError(text)
    return found


_READ: Mapping[str, Callable[[str], Any]] = {
    "environment_mode": EnvironmentMode,
    "local_jobs": _count,
    "redacted_variables": _names,
}
_ALLOWED = {
    "environment_mode": f"Allowed: {', '.join(EnvironmentMode)}.",
    "local_jobs": "It is a number of jobs, 1 at least.",
    "redacted_variables": "It is a list of names, with commas between them.",
}
