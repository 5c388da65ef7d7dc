"""A store of an older version opens, and is then as a new one is. `stores/N.sql` is the schema of version N."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from aml.workspace.embedded.database import VERSION, Database

STORES = sorted((Path(__file__).parent / "stores").glob("*.sql"))


def test_every_version_that_was_is_kept():
    assert [int(path.stem) for path in STORES] == list(range(1, len(STORES) + 1))
    assert len(STORES) >= VERSION - 1


@pytest.mark.parametrize("old", STORES, ids=lambda path: f"version {path.stem}")
def test_a_store_of_an_older_version_is_brought_up_to_date(old, tmp_path):
    with sqlite3.connect(tmp_path / "old.db") as connection:
        connection.executescript(old.read_text())
        connection.execute(f"PRAGMA user_version = {old.stem}")
    connection.close()
    Database(tmp_path / "old.db").close()
    Database(tmp_path / "new.db").close()
    assert schema(tmp_path / "old.db") == schema(tmp_path / "new.db")


def schema(store: Path) -> dict[str, object]:
    """Columns by table, and the text of all else; a migration may leave columns in another order."""
    connection = sqlite3.connect(store)
    found: dict[str, object] = {"version": connection.execute("PRAGMA user_version").fetchone()}
    for kind, name, text in connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall():
        columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
        found[name] = sorted(column[1:] for column in columns) if kind == "table" else " ".join(str(text).split())
    connection.close()
    return found
