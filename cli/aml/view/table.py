"""Rows under headers in plain text, laid out as az lays out `-o table`.

The layout is that of tabulate's `simple` format with number parsing off: left-aligned, two spaces between columns, two
spare dashes under each header, no trailing blanks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_SPARE = 2  # a column is at least this much wider than its header
_GAP = "  "


def simple(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table without its last newline, columns in order of first appearance; "" when there is no column.

    None and a missing key are blank. A cell of several lines makes its row as many lines high.
    """
    headers = list(dict.fromkeys(str(key) for row in rows for key in row))
    columns = [[_text(row.get(header)) for row in rows] for header in headers]
    if not headers:
        return ""
    if any(_breaks(cell) for cells in (headers, *columns) for cell in cells):
        return "\n".join(_tall(headers, columns))
    return "\n".join(_flat(headers, columns))


def _text(value: Any) -> str:
    return "" if value is None else f"{value}"


def _breaks(cell: str) -> bool:
    return "\n" in cell or "\r" in cell


def _flat(headers: list[str], columns: list[list[str]]) -> list[str]:
    stripped = [[cell.strip() for cell in column] for column in columns]
    widths = [max(len(header) + _SPARE, *map(len, column)) for header, column in zip(headers, stripped, strict=True)]
    lines = [headers, ["-" * width for width in widths], *map(list, zip(*stripped, strict=True))]
    return [_join(cells, widths) for cells in lines]


def _tall(headers: list[str], columns: list[list[str]]) -> list[str]:
    stripped = [[cell.strip() for cell in column] for column in columns]
    widths = [
        max(_width(header) + _SPARE, *map(_width, column)) for header, column in zip(headers, stripped, strict=True)
    ]
    head = [
        "\n".join(line.ljust(width) for line in re.split("[\r\n]", header)).splitlines()
        for header, width in zip(headers, widths, strict=True)
    ]
    body = zip(*([cell.splitlines() for cell in column] for column in stripped), strict=True)
    dashes = ["-" * width for width in widths]
    return [*_stack(head, widths), _join(dashes, widths), *(line for row in body for line in _stack(row, widths))]


def _width(cell: str) -> int:
    return max(map(len, re.split("[\r\n]", cell)))


def _stack(row: Sequence[list[str]], widths: list[int]) -> list[str]:
    height = max(map(len, row))
    return [_join([lines[i] if i < len(lines) else "" for lines in row], widths) for i in range(height)]


def _join(cells: Sequence[str], widths: list[int]) -> str:
    return _GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
