"""Which values fit the types of a component's inputs, as Azure ML reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aml.spec.wording import found

_COUNT = re.compile(r"-?[0-9]{1,18}")
_WHOLE = re.compile(r"\s*[+-]?\d+\s*")


def fits(value: Any, kind: str) -> bool:
    """Whether a scalar is a value of `kind`; texts are read as the component would: '1e-3' is a number."""
    match kind:
        case "integer":
            whole = isinstance(value, str) and _WHOLE.fullmatch(value) is not None
            return whole or (number_of(value) is not None and not isinstance(value, str) and value == int(value))
        case "number":
            return number_of(value) is not None
        case "boolean":
            return isinstance(value, bool) or (isinstance(value, str) and value.strip().lower() in ("true", "false"))
        case "string":
            return True
        case _:
            return isinstance(value, str)  # data: a path or a reference


def number_of(value: Any) -> float | None:
    """The number that a scalar is, also where YAML took it for text; None for any other, inf and nan too."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


def whole(value: Any) -> int | None:
    """The whole number that a scalar is, in quotes too; None for any other, and for one too long to be meant."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    return int(value) if _COUNT.fullmatch(str(value)) else None


_DATA = frozenset({"uri_file", "uri_folder", "mltable", "custom_model", "mlflow_model", "triton_model", "path"})
_READ_AS = {"number": ("number", "integer"), "integer": ("integer",), "boolean": ("boolean",)}


def takes(kind: str, given: object) -> bool:
    """Whether an input of `kind` can be bound to something of the type `given`: data is a path for a string."""
    if not isinstance(given, str):
        return True
    given = given.lower()
    if kind in _DATA:
        return given in _DATA or given == "string"
    return given in _READ_AS.get(kind, (given,)) or given not in {*_DATA, *_READ_AS, "string"}


def fault_of(value: Any, kind: str, about: Mapping[str, Any]) -> str | None:
    """What is wrong with a value for a parameter, in words that follow its name; None where nothing is."""
    if not fits(value, kind):
        return f"is of the type {kind}, not {found(value)}."
    number, least, most = number_of(value), number_of(about.get("min")), number_of(about.get("max"))
    if kind in ("integer", "number") and number is not None:
        if least is not None and number < least:
            return f"is {number:g}; the component wants at least {least:g}."
        if most is not None and number > most:
            return f"is {number:g}; the component wants at most {most:g}."
    allowed = about.get("enum")
    if kind == "string" and isinstance(allowed, list) and str(value) not in [str(item) for item in allowed]:
        return f"can't be '{value}'; the component allows {', '.join(str(item) for item in allowed)}."
    return None
