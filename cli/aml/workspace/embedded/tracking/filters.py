"""MLflow's search grammar: comparisons joined by AND, read once, then made into SQL or tested on values.

metrics.loss < 0.1 AND params.`batch size` = '32' AND tags.note LIKE '%best%' AND attributes.status IN ('FINISHED')
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from aml.workspace.embedded.tracking.fields import invalid

Value = str | float | tuple[str, ...] | None
Record = TypeVar("Record")

_KINDS = {
    "metric": "metric",
    "metrics": "metric",
    "param": "param",
    "params": "param",
    "parameter": "param",
    "parameters": "param",
    "tag": "tag",
    "tags": "tag",
    "attr": "attribute",
    "attribute": "attribute",
    "attributes": "attribute",
    "run": "attribute",
}
_NUMERIC = frozenset({"=", "!=", "<", "<=", ">", ">="})
_TEXTUAL = frozenset({"=", "!=", "LIKE", "ILIKE", "IN", "NOT IN"})
_NULLITY = frozenset({"IS NULL", "IS NOT NULL"})

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'[^']*'|"[^"]*")
    | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
    | (?P<operator><=|>=|!=|=|<|>)
    | (?P<mark>[(),])
    | (?P<name>[A-Za-z_]\w*(?:\.(?:`[^`]+`|"[^"]+"|[\w./\-]+))?)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Comparison:
    kind: str  # metric, param, tag, attribute
    key: str
    operator: str
    value: Value


@dataclass(frozen=True)
class Searchable:
    """What of an entity can be searched, as SQL.

    `kinds` has the end of a sub-select for each keyed kind, from its FROM to `key = ?`, whose rows have a `value`.
    `text` and `numbers` are the attributes' expressions.
    """

    text: Mapping[str, str]
    numbers: Mapping[str, str]
    kinds: Mapping[str, str] = field(default_factory=dict)


def parse(text: str | None, searchable: Searchable) -> Sequence[Comparison]:
    """The comparisons of `text`, each checked against what can be searched."""
    tokens = _tokens(text or "")
    comparisons = []
    while tokens:
        comparisons.append(_comparison(tokens, searchable))
        if tokens:
            kind, joint = tokens.pop(0)
            if kind != "name" or joint.upper() != "AND" or not tokens:
                raise invalid(f"Invalid filter: '{joint}' stands where AND and another comparison should.")
    return comparisons


def where(text: str | None, searchable: Searchable) -> tuple[str, list[object]]:
    """A condition for SQL and its values."""
    conditions, values = ["1"], list[object]()
    for comparison in parse(text, searchable):
        condition, more = _condition(comparison, searchable)
        conditions.append(condition)
        values += more
    return " AND ".join(conditions), values


def order_by(items: Sequence[str], searchable: Searchable, default: str) -> tuple[str, list[object]]:
    """The terms of ORDER BY and their values; what has no value comes last."""
    terms, values = list[str](), list[object]()
    for kind, key, descending in _ordering(items, searchable):
        if kind == "attribute":
            expression = searchable.numbers.get(key) or searchable.text[key]
        else:
            expression = f"(SELECT value {searchable.kinds[kind]})"
            values.append(key)
        terms.append(f"{expression} {'DESC' if descending else 'ASC'} NULLS LAST")
    return ", ".join([*terms, default]), values


def arrange(
    records: Sequence[Record],
    searchable: Searchable,
    value_of: Callable[[Record, str, str], str | float | None],
    *,
    filter_string: str | None,
    order: Sequence[str],
) -> list[Record]:
    """What `where` and `order_by` do, for records that are not in our tables; `value_of` takes a kind and a key."""
    comparisons = parse(filter_string, searchable)
    found = [record for record in records if all(_holds(c, value_of(record, c.kind, c.key)) for c in comparisons)]
    for kind, key, descending in reversed(_ordering(order, searchable)):
        valued = [(value, record) for record in found if (value := value_of(record, kind, key)) is not None]
        valued.sort(key=lambda item: item[0], reverse=descending)
        found = [record for _, record in valued] + [r for r in found if value_of(r, kind, key) is None]
    return found


def _ordering(items: Sequence[str], searchable: Searchable) -> list[tuple[str, str, bool]]:
    ordering = []
    for item in items:
        match = re.fullmatch(r"\s*(.+?)(?:\s+(asc|desc))?\s*", item, re.IGNORECASE | re.DOTALL)
        tokens = _tokens(match[1]) if match else []
        if match is None or len(tokens) != 1 or tokens[0][0] != "name":
            raise invalid(f"Invalid order_by clause '{item}'.")
        kind, key = _identifier(tokens[0][1], searchable)
        ordering.append((kind, key, (match[2] or "").lower() == "desc"))
    return ordering


def _holds(comparison: Comparison, actual: str | float | None) -> bool:
    """Whether `actual` passes the comparison."""
    value, operator = comparison.value, comparison.operator
    if operator in _NULLITY:
        return (actual is None) == (operator == "IS NULL")
    if actual is None:
        return False
    if isinstance(value, tuple):
        return (actual in value) == (operator == "IN")
    if operator in ("LIKE", "ILIKE"):
        pattern = "".join({"%": ".*", "_": "."}.get(char, re.escape(char)) for char in str(value))
        flags = re.DOTALL | (re.IGNORECASE if operator == "ILIKE" else 0)
        return re.fullmatch(pattern, str(actual), flags) is not None
    if operator in ("=", "!="):
        return (actual == value) == (operator == "=")
    if isinstance(actual, str) or not isinstance(value, float):
        return False
    return {"<": actual < value, "<=": actual <= value, ">": actual > value, ">=": actual >= value}[operator]


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, position = [], 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise invalid(f"Invalid filter: can't read '{text[position : position + 40].strip()}'.")
        tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        position = match.end()
    return tokens


def _comparison(tokens: list[tuple[str, str]], searchable: Searchable) -> Comparison:
    what, name = tokens.pop(0)
    if what != "name":
        raise invalid(f"Invalid filter: '{name}' stands where a name should, such as metrics.loss or params.lr.")
    kind, key = _identifier(name, searchable)
    operator = _operator(tokens, name)
    numeric = kind == "metric" or (kind == "attribute" and key in searchable.numbers)
    allowed = _NUMERIC if numeric else _TEXTUAL | (_NULLITY if kind in ("tag", "param") else frozenset())
    if operator not in allowed:
        raise invalid(f"Invalid filter: {name} can't be compared with '{operator}', only with {sorted(allowed)}.")
    return Comparison(kind, key, operator, _value(tokens, name, operator, numeric))


def _identifier(name: str, searchable: Searchable) -> tuple[str, str]:
    prefix, dot, key = name.partition(".")
    kind = _KINDS.get(prefix) if dot else "attribute"
    key = key.strip('`"') if dot else prefix
    attributes = {*searchable.text, *searchable.numbers}
    if kind is None or not (key in attributes if kind == "attribute" else kind in searchable.kinds):
        kinds = [f"{kind}s.NAME" for kind in searchable.kinds]
        raise invalid(
            f"Invalid filter: '{name}' can't be searched here; possible are {', '.join([*kinds, *sorted(attributes)])}."
        )
    return kind, key


def _operator(tokens: list[tuple[str, str]], name: str) -> str:
    words = list[str]()
    while tokens and tokens[0][0] in ("operator", "name") and len(words) < 3:
        words.append(tokens.pop(0)[1].upper())
        if words[-1] not in ("NOT", "IS"):
            break
    if not words:
        raise invalid(f"Invalid filter: no comparison follows {name}.")
    return " ".join(words)


def _value(tokens: list[tuple[str, str]], name: str, operator: str, numeric: bool) -> Value:
    if operator in _NULLITY:
        return None
    if operator in ("IN", "NOT IN"):
        return _list(tokens, name)
    kind, text = tokens.pop(0) if tokens else ("", "")
    if kind != ("number" if numeric else "text"):
        needed = "a number" if numeric else "a quoted text"
        raise invalid(f"Invalid filter: {name} is compared with {text or 'nothing'}, but {needed} is needed.")
    return float(text) if numeric else text[1:-1]


def _list(tokens: list[tuple[str, str]], name: str) -> tuple[str, ...]:
    values = list[str]()
    expected = [("mark", "(")]
    while tokens and (tokens[0] in expected or (not expected and tokens[0][0] == "text")):
        kind, text = tokens.pop(0)
        if text == ")" and kind == "mark":
            return tuple(values)
        if kind == "text":
            values.append(text[1:-1])
        expected = [("mark", ","), ("mark", ")")] if kind == "text" else []
    raise invalid(f"Invalid filter: {name} is compared with a list that is not like ('a', 'b').")


def _condition(comparison: Comparison, searchable: Searchable) -> tuple[str, list[object]]:
    kind, key, operator, value = comparison.kind, comparison.key, comparison.operator, comparison.value
    if operator in _NULLITY:
        negation = "NOT " if operator == "IS NULL" else ""
        return f"{negation}EXISTS (SELECT 1 {searchable.kinds[kind]})", [key]
    if kind == "attribute":
        return _test(operator, value, searchable.numbers.get(key) or searchable.text[key])
    test, values = _test(operator, value, "value")
    return f"EXISTS (SELECT 1 {searchable.kinds[kind]} AND {test})", [key, *values]


def _test(operator: str, value: Value, expression: str) -> tuple[str, list[object]]:
    if isinstance(value, tuple):
        return f"{expression} {operator} ({', '.join('?' for _ in value)})", list(value)
    if operator == "LIKE":  # SQLite's LIKE folds case, its GLOB does not
        glob = "".join({"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}.get(char, char) for char in str(value))
        return f"{expression} GLOB ?", [glob]
    return f"{expression} {'LIKE' if operator == 'ILIKE' else operator} ?", [value]
