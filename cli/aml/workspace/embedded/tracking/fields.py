"""Typed reads of what a client sent, a JSON object or a query, with MLflow's errors and its limits."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from aml.workspace.embedded.server.refusal import RequestError

MAX_KEY = 250
MAX_PARAM_VALUE = 6000
MAX_TAG_VALUE = 8000
MAX_REGISTRY_TAG_VALUE = 100_000

Arguments = Mapping[str, Any]
Pairs = Sequence[tuple[str, str]]

_KEY = re.compile(r"[/\w.\- :]+")


def invalid(message: str) -> RequestError:
    return RequestError("INVALID_PARAMETER_VALUE", message)


def missing(message: str) -> RequestError:
    return RequestError("RESOURCE_DOES_NOT_EXIST", message)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def optional_text(arguments: Arguments, *names: str) -> str | None:
    """The first of `names` that has a value; a name may have an older alias."""
    for name in names:
        value = arguments.get(name)
        if value is not None and value != "":
            if not isinstance(value, str):
                raise invalid(f"Invalid value {value!r} for parameter '{name}': a string is needed.")
            return value
    return None


def required_text(arguments: Arguments, *names: str) -> str:
    value = optional_text(arguments, *names)
    if value is None:
        raise invalid(f"Missing value for required parameter '{names[0]}'.")
    return value


def integer(arguments: Arguments, name: str, default: int | None = None) -> int:
    value = arguments.get(name, default)
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
        raise invalid(f"Invalid value {value!r} for parameter '{name}': an integer is needed.")
    return value


def optional_integer(arguments: Arguments, name: str) -> int | None:
    return None if arguments.get(name) is None else integer(arguments, name)


def number(arguments: Arguments, name: str) -> float:
    """A float as protobuf writes it in JSON: NaN and the infinities are strings."""
    value = arguments.get(name, 0.0)
    try:
        return float(value if isinstance(value, int | float) and not isinstance(value, bool) else str(value))
    except (ValueError, OverflowError):
        raise invalid(f"Invalid value {value!r} for parameter '{name}': a number is needed.") from None


def json_number(value: float | None) -> float | str:
    """The inverse of `number`; None is how the store keeps NaN."""
    if value is None:
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def texts(arguments: Arguments, name: str) -> list[str]:
    value = arguments.get(name) or []
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise invalid(f"Invalid value for parameter '{name}': a list of strings is needed.")
    return items


def entries(arguments: Arguments, name: str) -> list[Arguments]:
    items = arguments.get(name) or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise invalid(f"Invalid value for parameter '{name}': a list of objects is needed.")
    return items


def key(arguments: Arguments, name: str = "key") -> str:
    """The name of a metric, param or tag."""
    value = required_text(arguments, name)
    if len(value) > MAX_KEY:
        raise invalid(f"'{value[:50]}...' is {len(value)} characters long; a name has at most {MAX_KEY}.")
    if not _KEY.fullmatch(value) or ".." in value or value.startswith("/"):
        raise invalid(
            f"Invalid name '{value}': names are made of letters, digits, underscores (_), dashes (-), periods (.), "
            "spaces ( ), colons (:) and slashes (/), and read as a relative path."
        )
    return value


def pair(arguments: Arguments, limit: int) -> tuple[str, str]:
    """A key and its value, which may be empty."""
    name, value = key(arguments), optional_text(arguments, "value") or ""
    if len(value) > limit:
        raise invalid(f"The value of '{name}' is {len(value)} characters long; at most {limit} are allowed.")
    return name, value


def pairs(arguments: Arguments, name: str, limit: int) -> Pairs:
    return [pair(item, limit) for item in entries(arguments, name)]


def page(arguments: Arguments, *, default: int, most: int) -> tuple[int, int]:
    """How many results, from which on."""
    limit = integer(arguments, "max_results", default)
    if not 1 <= limit <= most:
        raise invalid(f"Invalid value {limit} for parameter 'max_results': between 1 and {most} is possible.")
    token = optional_text(arguments, "page_token") or "0"
    if not (token.isascii() and token.isdigit()):
        raise invalid("Invalid page token.")
    return limit, int(token)


def next_page(found: int, limit: int, offset: int) -> dict[str, str]:
    """The token of the next page if more than `limit` were found."""
    return {"next_page_token": str(offset + limit)} if found > limit else {}


def key_values(rows: Sequence[Any]) -> list[dict[str, str]]:
    return [{"key": row["key"], "value": row["value"]} for row in rows]
