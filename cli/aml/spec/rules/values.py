"""Which values fit the types of a component's inputs, as Azure ML reads them."""

from __future__ import annotations

import re
from typing import Any

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
