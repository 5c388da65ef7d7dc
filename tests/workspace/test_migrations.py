"""A store of an older version opens, and is then as a new one is. `stores/N.sql` is the schema of version N."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from aml.spec.model import AmlCompute
from aml.workspace import open_workspace
from aml.workspace.embedded.database import VERSION, Database
from aml.workspace.records import Status
from conftest import command_job, wait_for

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


@pytest.mark.parametrize("old", STORES, ids=lambda path: f"version {path.stem}")
def test_jobs_that_run_or_wait_while_the_store_is_brought_up_to_date_end_as_they_would(workspace, old):
    running = workspace.submit(command_job("while [ ! -e outputs/go ]; do sleep 0.05; done; exit 3"))
    wait_for(lambda: workspace.job(running.name).status is Status.RUNNING)
    workspace.computes.put(AmlCompute("cpu", max_instances=1))
    blocker = workspace.submit(command_job("sleep 300", compute="cpu"))
    waiting = workspace.submit(command_job("true", compute="cpu"))
    wait_for(lambda: workspace.job(blocker.name).status is Status.RUNNING)
    workspace.stop_engine()
    workspace._database.close()
    make_older(workspace._paths.store, old)
    upgraded = open_workspace()
    upgraded.cancel(blocker.name)
    (running.folder / "artifacts" / "outputs" / "go").touch()
    ended = upgraded.wait(running.name, timeout_s=30)
    assert (ended.status, ended.exit_code) == (Status.FAILED, 3)
    assert upgraded.wait(waiting.name, timeout_s=30).status is Status.COMPLETED


def make_older(store: Path, schema: Path) -> None:
    """Give a store an older schema, and of its rows what that has columns for."""
    older = store.with_suffix(".old")
    connection = sqlite3.connect(older)
    connection.executescript(schema.read_text())
    connection.execute("ATTACH ? AS new", (str(store),))
    for (table,) in connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
        both = [
            {row[1] for row in connection.execute(f"PRAGMA {where}.table_info({table})")} for where in ("main", "new")
        ]
        names = ", ".join(sorted(both[0] & both[1]))
        connection.execute(f"INSERT OR REPLACE INTO main.{table} ({names}) SELECT {names} FROM new.{table}")
    connection.execute(f"PRAGMA user_version = {schema.stem}")
    connection.commit()
    connection.close()
    for suffix in ("-wal", "-shm"):
        store.with_name(store.name + suffix).unlink(missing_ok=True)
    older.replace(store)


def schema(store: Path) -> dict[str, object]:
    """Columns by table, and the text of all else; a migration may leave columns in another order."""
    connection = sqlite3.connect(store)
    found: dict[str, object] = {"version": connection.execute("PRAGMA user_version").fetchone()}
    for kind, name, text in connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall():
        columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
        found[name] = sorted(column[1:] for column in columns) if kind == "table" else " ".join(str(text).split())
    connection.close()
    return found
