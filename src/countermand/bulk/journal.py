"""The journal of a bulk run: one SQLite file, written and checkpointed by one connection in a thread of its own.

SQLite before 3.51.3 can corrupt a write-ahead log that two connections write and checkpoint; a lock on a file next to
the journal keeps a second writer out. Operations submitted during a commit go into the next one.
"""

import json
import queue
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import CountermandError, JournalError
from .background import Background
from .locking import Lock, refuse_network
from .records import (
    Answer,
    Broken,
    Closed,
    Committed,
    Declare,
    Event,
    Insert,
    Learn,
    Load,
    Loaded,
    Op,
    Opened,
    Row,
    Withdraw,
    Write,
)

#: The version of the tables. A newer one is refused.
SCHEMA = 1
#: Rows in one read.
PAGE = 256

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE session (began REAL NOT NULL, ended REAL);
CREATE TABLE pace (account TEXT PRIMARY KEY, rate REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE row (
    row INTEGER PRIMARY KEY,
    account TEXT,
    key TEXT,
    first INTEGER,
    request TEXT NOT NULL,
    asked REAL,
    answered REAL,
    kind TEXT,
    answer TEXT
);
CREATE UNIQUE INDEX first_of_its_order ON row (account, key) WHERE first IS NULL AND key IS NOT NULL;
"""
#: A row with the answer of the first row of its order.
SELECT = """
SELECT own.row, own.account, own.request, own.asked, said.kind, said.answer, own.first, said.answered
FROM row AS own JOIN row AS said ON said.row = coalesce(own.first, own.row)
"""


class Journal:
    """Writes a journal. `tell` is called in the journal's thread with an event for each thing that was submitted."""

    def __init__(
        self, path: Path, accounts: Mapping[str, tuple[str, str]], tell: Callable[[Event], None]
    ) -> None:
        self._path = path.absolute()  # so that `:memory:` is a file name as well
        self._accounts = accounts
        self._tell = tell
        self._identity: tuple[int, int] | None = None
        self._queue: queue.SimpleQueue[list[Op] | None] = queue.SimpleQueue()
        self._thread = Background("countermand-journal", self._run)

    def open(self) -> None:
        """Open or create the file; an `Opened` or a `Broken` event follows."""
        self._thread.start()

    def submit(self, ops: list[Op]) -> None:
        """Submit operations."""
        self._queue.put(ops)

    def finish(self) -> None:
        """Write what was submitted and make it one file again; a `Closed` event follows."""
        self._queue.put(None)
        if self._thread.call_off():
            self._tell(Closed())

    def join(self) -> None:
        """Wait for the thread to end, which it does soon after `Closed`."""
        self._thread.join()

    # In the thread.

    def _run(self) -> None:
        lock = Lock(self._path)
        connection: sqlite3.Connection | None = None
        try:
            refuse_network(self._path)
            lock.acquire()
            connection = _connect(self._path)
            stored = _check(connection, self._accounts)
            opened = _prepare(connection, stored, self._accounts)
            self._identity = _identity(self._path)
        except Exception as error:  # noqa: BLE001 - the run waits for an event; a foreign file may contain anything
            if connection is not None:
                connection.close()
            lock.release()
            self._tell(Broken(as_ours(error, self._path)))
            self._tell(Closed())
            return
        self._tell(opened)
        try:
            self._serve(connection)
        finally:
            _finish(connection)
            lock.release()
            self._tell(Closed())

    def _serve(self, connection: sqlite3.Connection) -> None:
        is_open = True
        while is_open:
            batches = [self._queue.get()]
            while True:
                try:
                    batches.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            is_open = None not in batches
            ops = [op for batch in batches if batch is not None for op in batch]
            writes = [op for op in ops if not isinstance(op, Load)]
            try:
                if writes:
                    if _identity(self._path) != self._identity:
                        raise JournalError("it was removed or replaced while it was written")
                    duplicates = write(connection, writes)
                    self._tell(Committed(writes, duplicates))
                for op in ops:
                    if isinstance(op, Load):
                        self._tell(Loaded(op, load(connection, op)))
            except Exception as error:  # noqa: BLE001 - the run waits for an event
                self._tell(Broken(as_ours(error, self._path)))
                return


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=5.0)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what distinguishes a file from another one of the same name; None if there is no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _check(
    connection: sqlite3.Connection, accounts: Mapping[str, tuple[str, str]]
) -> dict[str, list[str]] | None:
    """Return the accounts of the file, or None if it is new. A file that is refused is left unchanged."""
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not names:
        return None
    if not names.issuperset(("meta", "session", "pace", "row")):
        raise JournalError("it is no journal: it is a database of another kind, and not a journal of a run")
    meta = dict(connection.execute("SELECT name, value FROM meta"))
    if int(meta["schema"]) > SCHEMA:
        raise JournalError(
            f"its schema {meta['schema']} is newer than this version writes, which is {SCHEMA}"
        )
    stored: dict[str, list[str]] = json.loads(meta["accounts"])
    _compare(stored, accounts)
    return stored


def _prepare(
    connection: sqlite3.Connection,
    stored: Mapping[str, list[str]] | None,
    accounts: Mapping[str, tuple[str, str]],
) -> Opened:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -1024")  # KiB: memory stays flat
    connection.execute("BEGIN IMMEDIATE")
    if stored is None:
        for statement in TABLES.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES ('schema', ?)", (str(SCHEMA),))
    # An account that the client has only now may have rows from now on.
    known = json.dumps({**(stored or {}), **accounts})
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('accounts', ?)", (known,))
    connection.execute("INSERT INTO session (began) VALUES (?)", (time.time(),))
    connection.execute("COMMIT")
    rows: int = connection.execute("SELECT coalesce(max(row) + 1, 0) FROM row").fetchone()[0]
    return Opened(rows, dict(connection.execute("SELECT account, rate FROM pace")))


def _compare(stored: Mapping[str, Iterable[str]], accounts: Mapping[str, tuple[str, str]]) -> None:
    for label, known in stored.items():
        if label not in accounts:
            raise JournalError(f"it was written with an account {label!r}, which this client does not have")
        if tuple(known) != accounts[label]:
            was, now = " at ".join(known), " at ".join(accounts[label])
            raise JournalError(f"its account {label!r} was {was}, and is now {now}")


def write(connection: sqlite3.Connection, ops: Iterable[Write]) -> dict[int, Row]:
    """Write all of these in one transaction; return the first row of the order of each duplicate that was inserted."""
    duplicates: dict[int, Row] = {}
    connection.execute("BEGIN IMMEDIATE")
    try:
        for op in ops:
            match op:
                case Insert(row, account, key, request):
                    first = _first(connection, account, key)
                    if first is not None:
                        duplicates[row] = first
                    inserted = (row, account, key, first.row if first else None, request)
                    connection.execute(
                        "INSERT INTO row (row, account, key, first, request) VALUES (?, ?, ?, ?, ?)", inserted
                    )
                case Declare(row, at):
                    connection.execute("UPDATE row SET asked = ? WHERE row = ?", (at, row))
                case Withdraw(row):
                    connection.execute("UPDATE row SET asked = NULL WHERE row = ?", (row,))
                case Answer(row, kind, text, at):
                    answered = (kind, text, at, row)
                    connection.execute(
                        "UPDATE row SET kind = ?, answer = ?, answered = ? WHERE row = ?", answered
                    )
                case Learn(account, rate):
                    connection.execute("INSERT OR REPLACE INTO pace VALUES (?, ?)", (account, rate))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return duplicates


def _first(connection: sqlite3.Connection, account: str | None, key: str | None) -> Row | None:
    where = "WHERE own.account = ? AND own.key = ? AND own.first IS NULL AND own.key IS NOT NULL"
    found: Any = connection.execute(SELECT + where, (account, key)).fetchone()
    return Row(*found) if found else None


def load(connection: sqlite3.Connection, op: Load) -> list[Row]:
    """Return the next rows."""
    only = "AND own.first IS NULL AND own.answer IS NULL" if op.only_pending else ""
    given: list[int | str] = [op.row]
    if op.account is not None:
        only += " AND own.account = ?"
        given.append(op.account)
    where = f"WHERE own.row >= ? {only} ORDER BY own.row LIMIT {PAGE}"
    return [Row(*found) for found in connection.execute(SELECT + where, given)]


def _finish(connection: sqlite3.Connection) -> None:
    """Record the end of the session, and leave one file."""
    try:
        connection.execute(
            "UPDATE session SET ended = ? WHERE rowid = (SELECT max(rowid) FROM session)", (time.time(),)
        )
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error:
        pass  # a reader has it open, or the disk is full: the next run cleans up
    finally:
        connection.close()


def as_ours(error: BaseException, path: str | Path) -> JournalError:
    """Return the error that says why a journal cannot be used."""
    if isinstance(error, CountermandError):
        problem = error.message
    elif isinstance(error, sqlite3.OperationalError | OSError) and "no such" not in str(error):
        hint = ": something reads it, such as a StoredRun" if "locked" in str(error) else ""
        problem = f"it cannot be written ({error}{hint}); nothing more was sent"
    else:
        problem = f"it is no journal, or it is damaged ({error})"
    return JournalError(f"the journal {path}: {problem}")
