"""MLflow's search grammar: the same answers from SQL and from values."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from aml.workspace.embedded.server.refusal import RequestError
from aml.workspace.embedded.tracking.filters import Searchable, arrange, order_by, where

PEOPLE: dict[str, tuple[int | None, dict[str, str]]] = {
    "Ada": (36, {"field": "mathematics", "note": "100% first"}),
    "ada": (20, {"field": "dance"}),
    "Grace": (85, {"field": "Navy", "the note": "a*b?c[d]"}),
    "Kurt": (None, {}),
}

SEARCHABLE = Searchable(
    text={"name": "person.name"},
    numbers={"age": "person.age"},
    kinds={"tag": "FROM tag WHERE tag.name = person.name AND tag.key = ?"},
)


@pytest.fixture(scope="module")
def people() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE person (name TEXT, age INTEGER)")
    connection.execute("CREATE TABLE tag (name TEXT, key TEXT, value TEXT)")
    for name, (age, tags) in PEOPLE.items():
        connection.execute("INSERT INTO person VALUES (?, ?)", (name, age))
        connection.executemany("INSERT INTO tag VALUES (?, ?, ?)", [(name, key, tags[key]) for key in tags])
    yield connection
    connection.close()


def by_sql(people: sqlite3.Connection, text: str | None, order: tuple[str, ...]) -> list[str]:
    condition, values = where(text, SEARCHABLE)
    terms, more = order_by(order, SEARCHABLE, "person.rowid")
    rows = people.execute(f"SELECT name FROM person WHERE {condition} ORDER BY {terms}", (*values, *more))
    return [name for (name,) in rows]


def by_value(text: str | None, order: tuple[str, ...]) -> list[str]:
    def value_of(name: str, kind: str, key: str) -> str | float | None:
        age, tags = PEOPLE[name]
        return tags.get(key) if kind == "tag" else name if key == "name" else age

    return arrange(list(PEOPLE), SEARCHABLE, value_of, filter_string=text, order=order)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, ["Ada", "ada", "Grace", "Kurt"]),
        ("  ", ["Ada", "ada", "Grace", "Kurt"]),
        ("name = 'Ada'", ["Ada"]),
        ('attributes.name = "Ada"', ["Ada"]),
        ("attr.name != 'Ada'", ["ada", "Grace", "Kurt"]),
        ("name LIKE '%a'", ["Ada", "ada"]),
        ("name LIKE 'A%'", ["Ada"]),
        ("name ILIKE 'A_a'", ["Ada", "ada"]),
        ("name IN ('Ada', 'Kurt')", ["Ada", "Kurt"]),
        ("name not in ('Ada')", ["ada", "Grace", "Kurt"]),
        ("age > 20 AND age <= 85", ["Ada", "Grace"]),
        ("age >= 2e1 and age < +36.5", ["Ada", "ada"]),
        ("age != 20", ["Ada", "Grace"]),
        ("tags.field = 'Navy'", ["Grace"]),
        ("tag.field != 'Navy'", ["Ada", "ada"]),
        ("tags.`the note` LIKE 'a*b?c[d]'", ["Grace"]),
        ("tags.\"the note\" LIKE 'a_b%'", ["Grace"]),
        ("tags.note LIKE '%\\%%'", []),
        ("tags.note = '100% first'", ["Ada"]),
        ("tags.field IS NULL", ["Kurt"]),
        ("tags.field IS NOT NULL AND name = 'ada'", ["ada"]),
        ("name = 'nobody'' OR 1=1 --'", None),
        ("name = 'nobody'", []),
    ],
)
def test_a_filter_finds(people: sqlite3.Connection, text: str | None, found: list[str] | None) -> None:
    if found is None:
        with pytest.raises(RequestError):
            by_sql(people, text, ())
        return
    assert by_sql(people, text, ()) == found
    assert by_value(text, ()) == found


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (("age DESC",), ["Grace", "Ada", "ada", "Kurt"]),
        (("age",), ["ada", "Ada", "Grace", "Kurt"]),
        (("attributes.age asc", "name"), ["ada", "Ada", "Grace", "Kurt"]),
        (("tags.field DESC", "name"), ["Ada", "ada", "Grace", "Kurt"]),
        (("tags.`the note`", "name DESC"), ["Grace", "ada", "Kurt", "Ada"]),
    ],
)
def test_an_order_puts_what_has_no_value_last(
    people: sqlite3.Connection, order: tuple[str, ...], found: list[str]
) -> None:
    assert by_sql(people, None, order) == found
    assert by_value(None, order) == found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name = 'a' OR name = 'b'", "'OR' stands where AND"),
        ("name = 'a' AND", "'AND' stands where"),
        ("name", "no comparison follows name"),
        ("name 'a'", "no comparison follows name"),
        ("name = ", "a quoted text is needed"),
        ("name = 5", "a quoted text is needed"),
        ("name = b", "a quoted text is needed"),
        ("age = '5'", "a number is needed"),
        ("age LIKE 5", "can't be compared with 'LIKE'"),
        ("name > 'a'", "can't be compared with '>'"),
        ("name IS NULL", "can't be compared with 'IS NULL'"),
        ("name IN 'a'", "a list"),
        ("name IN ('a',)", "a list"),
        ("name IN ()", "a list"),
        ("params.x = '1'", "can't be searched here; possible are tags.NAME, age, name"),
        ("size = 3", "can't be searched here"),
        ("tags.a = 'b'; DROP TABLE person", "can't read '; DROP"),
        ("= 'a'", "stands where a name should"),
    ],
)
def test_a_filter_that_is_none_is_refused_with_the_place(text: str, reason: str) -> None:
    with pytest.raises(RequestError) as caught:
        where(text, SEARCHABLE)
    assert caught.value.code == "INVALID_PARAMETER_VALUE"
    assert reason in caught.value.message


@pytest.mark.parametrize("item", ["", "age DOWN", "age DESC, name", "5", "size"])
def test_an_order_that_is_none_is_refused(item: str) -> None:
    with pytest.raises(RequestError):
        order_by([item], SEARCHABLE, "1")
