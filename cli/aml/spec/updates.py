"""az's generic update arguments: `--set`, `--add` and `--remove`, applied to what a workspace holds, not to a file.

Applied in that order. Only keys that may change are taken; what they make is checked, and texts stay as typed. A key
that has a mapping takes `key.name=text`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aml.errors import AmlError, UsageError
from aml.spec.overrides import steps

MUTABLE = ("tags", "properties", "display_name", "experiment_name", "description")
"""What of a job may change after its submit."""

SWEEP_LIMITS: Mapping[str, int | None] = {
    "max_total_trials": 1000,
    "max_concurrent_trials": 1000,
    "timeout": None,
    "trial_timeout": None,
}
"""What of a sweep's limits may change, also when it is over and resumed, and the greatest value."""

_REQUIRED = ("display_name", "experiment_name")  # never empty


@dataclass(frozen=True)
class Update:
    """The arguments as they were typed."""

    sets: Sequence[str] = ()  # path=value
    adds: Sequence[str] = ()  # a path, then key=value for that path, several times
    removes: Sequence[str] = ()  # paths
    force_string: bool = False  # a value that looks like JSON is a text all the same


def changed_limits(limits: Mapping[str, Any], update: Update) -> tuple[dict[str, Any], Update]:
    """Limits of a sweep after those of the sets that are about them, and the update without these."""
    changed, others = dict(limits), []
    for text in update.sets:
        path, value = _pair(text, "--set")
        if not path.startswith("limits."):
            others.append(text)
            continue
        name = path.removeprefix("limits.")
        if name not in SWEEP_LIMITS:
            known = ", ".join(f"limits.{each}" for each in SWEEP_LIMITS)
            raise AmlError(f"--set {path}: a sweep has no such limit.", f"What can be changed: {known}.")
        most = SWEEP_LIMITS[name]
        if not value.isdecimal() or not 1 <= int(value) <= (most or int(value)):
            upto = "" if most is None else f" to {most}"
            raise UsageError(f"--set {path}: {value} is no whole number from 1{upto}.")
        changed[name] = int(value)
    if changed.get("max_concurrent_trials", 0) > changed["max_total_trials"]:
        raise UsageError("--set limits: max_concurrent_trials can't be more than max_total_trials.")
    return changed, Update(others, update.adds, update.removes, update.force_string)


def updated(document: Mapping[str, Any], update: Update) -> dict[str, Any]:
    """The document, which holds what may change alone, after the update: mappings and texts, None for what was removed.

    Raises `UsageError` for what can't be read, `AmlError` for what must not change.
    """
    changed = {key: dict(value) if isinstance(value, Mapping) else value for key, value in document.items()}
    for text in update.sets:
        path, value = _pair(text, "--set")
        _put(changed, path, _value(value, update.force_string), f"--set {path}")
    for path, text in _additions(update.adds):
        key, value = _pair(text, f"--add {path}")
        _check_path(changed, [path], f"--add {path}")
        if not isinstance(changed[path], dict):
            raise UsageError(f"--add {path}: {path} is a text, nothing can be added to it.", f"Use --set {path}=...")
        changed[path][key] = _label(_value(value, update.force_string), f"--add {path} {key}")
    for path in update.removes:
        _remove(changed, path)
    return changed


def _put(document: dict[str, Any], path: str, value: Any, flag: str) -> None:
    key, *rest = _checked(document, path, flag)
    if rest:
        document[key][rest[0]] = _label(value, flag)
    elif isinstance(document[key], dict):
        if not isinstance(value, dict):
            raise UsageError(f"{flag}: {key} is a mapping.", f"Use --set {key}.KEY=VALUE.")
        document[key] = {name: _label(item, flag) for name, item in value.items()}
    else:
        text = _label(value, flag)
        if not text and key in _REQUIRED:
            raise UsageError(f"{flag}: it can't be empty.")
        document[key] = text


def _remove(document: dict[str, Any], path: str) -> None:
    head, _, name = path.partition(".")
    if isinstance(document.get(head), dict) and name in document[head]:  # also one with a dot in it
        del document[head][name]
        return
    key, *rest = _checked(document, path, f"--remove {path}")
    if key == "experiment_name":
        raise AmlError("--remove experiment_name: every job belongs to an experiment.", "--set can name another one.")
    if not rest:
        document[key] = {} if isinstance(document[key], dict) else None
    else:
        has = ", ".join(document[key]) or "none"
        raise AmlError(f"--remove {path}: there is no {rest[0]} in {key}.", f"There is: {has}.")


def _checked(document: Mapping[str, Any], path: str, flag: str) -> list[str]:
    found = [str(step) for step in steps(path, flag)]
    _check_path(document, found, flag)
    return found


def _check_path(document: Mapping[str, Any], path: Sequence[str], flag: str) -> None:
    if path[0] not in document:
        raise AmlError(f"{flag}: {path[0]} can't be changed.", f"What can: {', '.join(document)}.")
    if len(path) > (2 if isinstance(document[path[0]], dict) else 1):
        raise UsageError(f"{flag}: {'.'.join(path[:-1])} is a text.", r"A dot that belongs to a key is written \.")


def _additions(words: Sequence[str]) -> list[tuple[str, str]]:
    """(path, key=value) for `tags a=1 b=2 properties c=3`, and for `tags.a=1` alone."""
    found: list[tuple[str, str]] = []
    path = None
    for word in words:
        if "=" not in word:
            path = word
        elif path is None and "." in word.partition("=")[0]:
            head, _, rest = word.partition(".")
            found.append((head, rest))
        elif path is None:
            raise UsageError(f"--add {word}: it does not say to what.", "Write it as --add tags key=value.")
        else:
            found.append((path, word))
    if words and "=" not in words[-1]:
        raise UsageError(f"--add {words[-1]}: there is no key=value after it.", "Write it as --add tags key=value.")
    return found


def _pair(text: str, flag: str) -> tuple[str, str]:
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise UsageError(f"{flag} {text}: there is no key=value in it.", "Write it as key=value.")
    return path.strip(), value


def _value(text: str, force_string: bool) -> Any:
    """JSON where it is a list, a mapping, a quoted text or null; any other text as it was typed: 1.10 is not 1.1."""
    if not force_string and (text.startswith(("{", "[", '"')) or text == "null"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _label(value: Any, flag: str) -> str | None:
    if isinstance(value, (list, dict)):
        raise UsageError(f"{flag}: a text belongs here, not {value!r}.", "--force-string takes it as a text.")
    return value if value is None or isinstance(value, str) else json.dumps(value)
