"""Documents on stdout in az's formats: `--query` first, then `-o json|jsonc|yaml|yamlc|table|tsv|none`.

The text equals that of az's own formatter, knack, byte for byte. Every library is loaded when it is needed: a piped
table or tsv loads none.
"""

from __future__ import annotations

import os
import sys
from collections import OrderedDict
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TextIO

from aml.errors import UsageError
from aml.view import table
from aml.view.color import has_color
from aml.view.streams import put

if TYPE_CHECKING:
    from jmespath.exceptions import JMESPathError
    from jmespath.parser import ParsedResult

Format = Literal["json", "jsonc", "yaml", "yamlc", "table", "tsv", "none"]
Columns = Mapping[str, str]
"""Header -> path of its value in an item, `creation_context.created_at`: the columns of a table without --query."""

_LEFT_OUT = frozenset({"id", "type", "etag"})  # keys that az leaves out of tables


def write(
    document: Any,
    *,
    output: Format | None = None,
    query: str | None = None,
    columns: Columns | None = None,
    stream: TextIO | None = None,
) -> None:
    """Print a document of mappings, lists and scalars; nothing at all for None, as az does.

    `output` None is json. A reader that has gone away is no error.
    """
    stream = stream or sys.stdout
    output = output or "json"
    text = render(document, output=output, query=query, columns=columns)
    if output in ("jsonc", "yamlc") and has_color(stream):
        _print_highlighted(text, output, stream)
    else:
        put(text, stream)


def render(document: Any, *, output: Format = "json", query: str | None = None, columns: Columns | None = None) -> str:
    """The text that `write` prints where there is no colour."""
    value = plain(document)
    if query is not None:
        value = _search(query, value)
    if value is None:
        return ""
    match output:
        case "json" | "jsonc":
            return _json(value)
        case "yaml" | "yamlc":
            return _yaml(value)
        case "table":
            return _table(value, columns=None if query is not None else columns, sort_keys=query is None)
        case "tsv":
            return _tsv(value)
        case "none":
            return ""


def in_order(document: Any) -> str:
    """A document as a YAML file that people go on with: its keys stay where they are."""
    import yaml

    return str(
        yaml.safe_dump(plain(document), sort_keys=False, default_flow_style=False, allow_unicode=True, width=1000)
    )


def plain(value: Any) -> Any:
    """The same document in dicts, lists and scalars: times as ISO 8601, enums by value, paths as text."""
    if value is None or (isinstance(value, (bool, int, float, str)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def compile_query(query: str) -> ParsedResult:
    """A JMESPath expression, checked: call it before the work whose result it is meant for.

    Raises UsageError that names the column.
    """
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.compile(query)
    except JMESPathError as error:
        raise _invalid(query, error) from error


def _invalid(query: str, error: JMESPathError) -> UsageError:
    from jmespath.exceptions import IncompleteExpressionError, LexerError, ParseError

    match error:
        case IncompleteExpressionError():
            what = "it ends too early"
        case LexerError():
            what = error.message
        case ParseError():
            what = f"unexpected {error.token_value!r}"
        case _:
            return UsageError("--query is empty.", "Give a JMESPath expression, or leave --query out.")
    place = error.lex_position
    return UsageError(f"--query is not valid JMESPath: {what} at column {place + 1}.", f"{query}\n{' ' * place}^")


def _search(query: str, value: Any) -> Any:
    expression = compile_query(query)
    from jmespath import Options
    from jmespath.exceptions import JMESPathError

    try:
        # The ordered class tells keys that the query chose, kept in that order, from those of the document.
        return expression.search(value, Options(dict_cls=OrderedDict))
    except JMESPathError as error:
        raise UsageError(f"--query can't be applied: {error}.", query) from error


def _json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, separators=(",", ": ")) + "\n"


def _yaml(value: Any) -> str:
    import yaml

    try:
        text = yaml.safe_dump(value, default_flow_style=False, allow_unicode=True)
    except yaml.representer.RepresenterError:  # the ordered dicts of a query
        text = yaml.safe_dump(_without_order(value), default_flow_style=False, allow_unicode=True)
    return str(text)


def _without_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_order(item) for key, item in value.items()}
    return [_without_order(item) for item in value] if isinstance(value, list) else value


def _table(value: Any, *, columns: Columns | None, sort_keys: bool) -> str:
    items = value if isinstance(value, list) else [value]
    if columns is None:
        rows = [_row(item, sort_keys) for item in items]
    else:
        rows = [{header: _at(item, path) for header, path in columns.items()} for item in items]
    return table.simple(rows) + "\n"


def _row(item: Any, sort_keys: bool) -> dict[str, Any]:
    if isinstance(item, dict):
        keys = sorted(item) if sort_keys else list(item)
        return {
            key[:1].upper() + key[1:]: item[key]
            for key in keys
            if key not in _LEFT_OUT and item[key] is not None and not isinstance(item[key], (list, dict))
        }
    if isinstance(item, list):
        return {f"Column{number}": cell for number, cell in enumerate(item, 1)}
    return {"Result": item}


def _at(item: Any, path: str) -> Any:
    for key in path.split("."):
        item = item.get(key) if isinstance(item, dict) else None
    return item


def _tsv(value: Any) -> str:
    items = value if isinstance(value, list) else [value]
    return "".join(f"{_tsv_line(item)}\n" for item in items)


def _tsv_line(item: Any) -> str:
    if isinstance(item, OrderedDict):
        return "\t".join(map(_tsv_cell, item.values()))
    if isinstance(item, dict):
        return "\t".join(_tsv_cell(item[key]) for key in sorted(item))
    if isinstance(item, list):
        return "\t".join(map(_tsv_cell, item))
    return str(item).lower() if isinstance(item, bool) else _tsv_cell(item)


def _tsv_cell(value: Any) -> str:
    if isinstance(value, list):
        return str(len(value))
    return "" if isinstance(value, dict) else str(value)


def _print_highlighted(text: str, output: Format, stream: TextIO) -> None:
    from rich.console import Console
    from rich.syntax import Syntax

    highlighted = Syntax("", "json" if output == "jsonc" else "yaml", theme="ansi_dark").highlight(text)
    highlighted.rstrip()
    Console(file=stream, force_terminal=True, no_color=False).print(highlighted, soft_wrap=True)
