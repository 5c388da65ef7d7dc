"""The workspace's one SQLite file: connections, transactions, the schema's version.

Every thread has its own connection. A write happens inside `transaction()`, which takes the write lock at its
start, so that a guard read inside it holds until the commit. sqlite3's errors leave as `StoreError`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aml.errors import BackendError

SCHEMAS = ("schema.sql", "tracking/schema.sql")
VERSION = 2
"""Of the two schemas. A change of them raises it, adds `migrations/VERSION.sql`, which makes a store of this version
from one of the version before, and leaves the schema that was in `tests/workspace/stores/`."""
_MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_S = 30


class StoreError(BackendError):
    """The store could not be read or written; worth another try when the disk has space again."""


class Database:
    """A handle that may be shared by threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        with translated(self.path):
            self._migrate()

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, for reads. Rows are `sqlite3.Row`."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with translated(self.path):
                connection = self._connect()
            self._local.connection = connection
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: committed at the end, rolled back when the block raises."""
        connection = self.connection
        with translated(self.path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:  # a full disk has already rolled it back
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Reads that see the store as it is at one moment, whatever is written meanwhile."""
        connection = self.connection
        with translated(self.path):
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("COMMIT")

    def close(self) -> None:
        """Close this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        connection.row_factory = sqlite3.Row
        # WAL with NORMAL loses nothing when a process is killed; only a power cut can take the last commits.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _migrate(self) -> None:
        connection = self.connection
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == VERSION:
            return
        if version > VERSION:
            raise StoreError(
                f"{self.path} was written by a newer aml (store version {version}, this one knows {VERSION})",
                "Update aml, or point AML_HOME to another folder.",
            )
        connection.execute("PRAGMA journal_mode = WAL")
        with self.transaction() as write:
            (version,) = write.execute("PRAGMA user_version").fetchone()
            for script in _scripts(version):
                _run_script(write, script.read_text())
            write.execute(f"PRAGMA user_version = {VERSION}")


def _scripts(version: int) -> list[Path]:
    """What makes a store of today from one of that version; 0 is an empty file."""
    if version == 0:
        return [Path(__file__).parent / name for name in SCHEMAS]
    return [_MIGRATIONS / f"{number}.sql" for number in range(version + 1, VERSION + 1)]


def _run_script(connection: sqlite3.Connection, script: str) -> None:
    # executescript() would commit the transaction that it runs in.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn sqlite3's errors into `StoreError` with the file and the way out."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path}: {error}", _hint(error)) from error


def _hint(error: sqlite3.DatabaseError) -> str:
    text = str(error)
    if "full" in text:
        return "Free some disk space; nothing that was recorded is lost."
    if "locked" in text:
        return f"Another process has held the store for {BUSY_TIMEOUT_S} s; see `aml engine status`."
    if "malformed" in text or "not a database" in text:
        return "The store is damaged: restore the file from a backup, or move it away to start an empty workspace."
    return "Check that the folder exists, is writable and is not on a network file system."
