"""Reading a journal: what a run has done so far, for reports; and marking rows for the next run to send again."""

import json
import sqlite3
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import quote

import attrs

from ..engine.rules import AnyRequest
from ..errors import CountermandError, JournalError
from ..marketplaces.stored import error_from_dict, outcome_from_dict
from ..outcomes import Outcome
from .journal import SCHEMA, SELECT, TABLES, as_ours
from .locking import Lock
from .records import instant
from .replay import check_row, ended_early


@attrs.frozen
class StoredRow:
    """One row of a journal.

        with StoredRun("run.db") as run:
            for row in run.rows("unknown"):
                print(row.row, row.account, row.request)

    It can be read while the run goes on.
    """

    #: Its place in the input; the first is 0.
    row: int
    #: The label of the account; None for a row that names none of the client's.
    account: str | None
    #: The request, as `request.to_dict()` returned it.
    request: Mapping[str, Any]
    #: The kind of its answer, such as "cancelled" or "error:order_not_found"; None without an answer.
    kind: str | None
    #: What `outcome.to_dict()` or `error.to_dict()` returned; None without an answer.
    answer: Mapping[str, Any] | None
    #: When its intent was stored, and when it was answered.
    asked: datetime | None
    answered: datetime | None
    #: The earlier row of the same order, whose answer this row has.
    duplicate_of: int | None

    @property
    def outcome(self) -> Outcome[Any] | None:
        """The outcome, if the answer is one."""
        return outcome_from_dict(self.answer) if self.answer and "outcome" in self.answer else None

    @property
    def error(self) -> CountermandError | None:
        """The error, if the answer is one."""
        return error_from_dict(self.answer) if self.answer and "error" in self.answer else None


class Session(NamedTuple):
    """One process that worked on the run; `ended` is None if it was killed or is still running."""

    began: datetime
    ended: datetime | None


class StoredRun:
    """A journal, opened for reading; a run may write it at the same time. A context manager.

        with StoredRun("run.db") as run:
            print(run.counts())

    Raises `JournalError` if the file is not a journal, or was written by a newer version.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        if not self._path.is_file():
            what = "it is no file" if self._path.exists() else "there is no such file"
            raise JournalError(f"the journal {path}: {what}")
        #: Label → marketplace and base URL.
        self.accounts: Mapping[str, tuple[str, str]] = {}
        self._connection = sqlite3.connect(f"file:{quote(str(self._path.absolute()))}?mode=ro", uri=True)
        try:
            with self._reading():
                self._open()
        except JournalError:
            self.close()
            raise

    def _open(self) -> None:
        if not self._all("SELECT 1 FROM sqlite_master"):  # a run was killed while it made the file
            self.close()
            self._connection = sqlite3.connect(":memory:")
            self._connection.executescript(TABLES)
            return
        meta = dict(self._all("SELECT name, value FROM meta"))
        if int(meta["schema"]) > SCHEMA:
            raise JournalError(
                f"the journal {self._path}: its schema {meta['schema']} is newer than this version's"
            )
        known = json.loads(meta["accounts"]).items()
        self.accounts = {label: (name, url) for label, (name, url) in known}
        for table in ("row", "session", "pace"):
            self._all(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608

    @contextmanager
    def _reading(self) -> Generator[None]:
        try:
            yield
        except (sqlite3.Error, KeyError, ValueError, TypeError, AttributeError) as error:
            if isinstance(error, JournalError):
                raise
            why = "it cannot be read: it is no journal, it is damaged, or another program has locked it"
            raise JournalError(f"the journal {self._path}: {why} ({error})") from None

    def _all(self, query: str, *values: float) -> list[Any]:
        with self._reading():
            return self._connection.execute(query, values).fetchall()

    def counts(self) -> Mapping[str, int]:
        """Return the number of rows of each kind, duplicates included; "unanswered" are those without an answer."""
        found: Counter[str] = Counter()
        for (_, kind), number in self.counts_by_account().items():
            found[kind] += number
        return dict(found.most_common())

    def counts_by_account(self) -> Mapping[tuple[str | None, str], int]:
        """Return the number of rows by account and kind."""
        found = self._all(
            "SELECT own.account, coalesce(said.kind, 'unanswered'), count(*) FROM row AS own"
            " JOIN row AS said ON said.row = coalesce(own.first, own.row) GROUP BY 1, 2"
        )
        return {(account, kind): number for account, kind, number in found}

    def rows(self, *kinds: str) -> Iterator[StoredRow]:
        """Yield the rows in the order of the input: all, or those of the given kinds."""
        chosen = f"WHERE said.kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
        with self._reading():
            for found in self._connection.execute(f"{SELECT} {chosen} ORDER BY own.row", kinds):
                number, account, request, asked, kind, answer, first, answered = found
                said = None if answer is None else next(iter(json.loads(answer).values()))
                times = instant(asked), instant(answered)
                yield StoredRow(number, account, json.loads(request), kind, said, *times, first)

    def compare(self, requests: Iterable[AnyRequest]) -> None:
        """Raise `InvalidRequestError` at the first request that is not the one the journal has in its place.

            with StoredRun("run.db") as run:
                run.compare(requests)
            reopen("run.db", "failed")

        A run compares its input by itself; this is for a program that changes the journal before. There may be more
        requests than the journal has rows.
        """
        given = enumerate(requests)
        for stored_row, stored_request in self._requests():
            row, request = next(given, (None, None))
            if row is None:
                raise ended_early(stored_row, sum(self.counts().values()))
            check_row(row, stored_row, stored_request, request)

    def _requests(self) -> Iterator[tuple[int, str]]:
        with self._reading():
            yield from self._connection.execute("SELECT row, request FROM row ORDER BY row")

    def timeline(self, seconds: float = 60.0) -> list[tuple[datetime, int]]:
        """Return how many rows were answered in each interval of so many seconds that has any, by its start."""
        found = self._all(
            "SELECT cast(answered / ? AS INTEGER), count(*) FROM row WHERE answered IS NOT NULL GROUP BY 1",
            seconds,
        )
        return [(datetime.fromtimestamp(number * seconds, UTC), many) for number, many in found]

    def sessions(self) -> list[Session]:
        """Return the processes that worked on the run, in order."""
        found = self._all("SELECT began, ended FROM session ORDER BY rowid")
        return [Session(datetime.fromtimestamp(began, UTC), instant(ended)) for began, ended in found]

    def rates(self) -> Mapping[str, float]:
        """Return the learnt rates: label → requests a second."""
        return dict(self._all("SELECT account, rate FROM pace"))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def reopen(path: str | Path, what: Literal["failed", "unknown"]) -> int:
    """Let the next run with this journal send the rows again that failed, or are `Unknown`; return their number.

    A failed row left its order untouched, and is sent again. The order of an `Unknown` one is read first, and it is
    sent again only where that is harmless. Raises `JournalError` while a run writes the journal, `ValueError` for
    another value of `what`.

        reopen("run.db", "failed")
    """
    if what not in ("failed", "unknown"):
        raise ValueError(f'what must be "failed" or "unknown", not {what!r}')
    StoredRun(path).close()
    file = Path(path).absolute()
    lock = Lock(file)
    if what == "failed":
        change = "asked = NULL WHERE kind LIKE 'error:%' AND key IS NOT NULL"
    else:
        change = "asked = coalesce(asked, answered) WHERE kind = 'unknown'"
    try:
        lock.acquire()
        with closing(sqlite3.connect(file)) as connection, connection:
            return connection.execute(
                f"UPDATE row SET answer = NULL, kind = NULL, answered = NULL, {change}"  # noqa: S608
            ).rowcount
    except (sqlite3.Error, OSError, CountermandError) as error:
        raise as_ours(error, path) from None
    finally:
        lock.release()
