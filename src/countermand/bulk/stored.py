"""Looking into a journal: what a run has done so far, for reports; and having some of its rows asked about again."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import quote

import attrs

from ..errors import CountermandError, JournalError
from ..marketplaces.stored import error_from_dict, outcome_from_dict
from ..outcomes import Outcome
from .journal import SCHEMA, SELECT
from .locking import Lock


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
    #: The request, as `request.to_dict()` wrote it.
    request: Mapping[str, Any]
    #: What it came to, such as "cancelled" or "error:order_not_found"; None without an answer.
    kind: str | None
    outcome: Outcome[Any] | None
    error: CountermandError | None
    #: When it was about to be sent, and when it was answered.
    asked: datetime | None
    answered: datetime | None
    #: The row of the same order that was asked about in its place.
    duplicate_of: int | None


class Session(NamedTuple):
    """One process that worked on the run; `ended` is None if it was killed, or still works."""

    began: datetime
    ended: datetime | None


class StoredRun:
    """A journal, opened to be read; a run may write it meanwhile. A context manager.

        with StoredRun("run.db") as run:
            print(run.counts())

    Raises `JournalError` for what is no journal, or a newer one.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        if not self._path.is_file():
            raise JournalError(f"the journal {path}: there is no such file")
        self._connection = sqlite3.connect(f"file:{quote(str(self._path))}?mode=ro", uri=True)
        try:
            meta = dict(self._connection.execute("SELECT name, value FROM meta"))
            schema, known = int(meta["schema"]), json.loads(meta["accounts"]).items()
            #: Label → marketplace and base URL.
            self.accounts: Mapping[str, tuple[str, str]] = {
                label: (name, url) for label, (name, url) in known
            }
            for table in ("row", "session", "pace"):
                self._connection.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608
        except (sqlite3.Error, KeyError, ValueError, TypeError, AttributeError) as error:
            self.close()
            raise JournalError(f"the journal {path}: it is no journal, or it is damaged ({error})") from None
        if schema > SCHEMA:
            self.close()
            raise JournalError(f"the journal {path}: its schema {schema} is newer than this version's")

    def counts(self) -> Mapping[str, int]:
        """Return how many rows came to what; "unanswered" are those without an answer, duplicates count as well."""
        found = self._connection.execute(
            "SELECT coalesce(said.kind, 'unanswered'), count(*) FROM row AS own"
            " JOIN row AS said ON said.row = coalesce(own.first, own.row) GROUP BY 1 ORDER BY 2 DESC"
        )
        return dict(found)

    def counts_by_account(self) -> Mapping[tuple[str | None, str], int]:
        """Return the same by account."""
        found = self._connection.execute(
            "SELECT own.account, coalesce(said.kind, 'unanswered'), count(*) FROM row AS own"
            " JOIN row AS said ON said.row = coalesce(own.first, own.row) GROUP BY 1, 2"
        )
        return {(account, kind): number for account, kind, number in found}

    def rows(self, *kinds: str) -> Iterator[StoredRow]:
        """Yield the rows in the order of the input; only those of these kinds, if any are named."""
        chosen = f"WHERE said.kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
        for row in self._connection.execute(f"{SELECT} {chosen} ORDER BY own.row", kinds):
            number, account, request, asked, kind, answer, first, answered = row
            said = json.loads(answer or "{}")
            yield StoredRow(
                number,
                account,
                json.loads(request),
                kind,
                outcome_from_dict(said["outcome"]) if "outcome" in said else None,
                error_from_dict(said["error"]) if "error" in said else None,
                _time(asked),
                _time(answered),
                first,
            )

    def timeline(self, seconds: float = 60.0) -> list[tuple[datetime, int]]:
        """Return how many rows were answered in each stretch of so many seconds that has any, by its beginning."""
        found = self._connection.execute(
            "SELECT cast(answered / ? AS INTEGER), count(*) FROM row WHERE answered IS NOT NULL GROUP BY 1",
            (seconds,),
        )
        return [(datetime.fromtimestamp(number * seconds, UTC), many) for number, many in found]

    def sessions(self) -> list[Session]:
        """Return the processes that worked on the run, in their order."""
        found = self._connection.execute("SELECT began, ended FROM session ORDER BY rowid")
        return [Session(datetime.fromtimestamp(began, UTC), _time(ended)) for began, ended in found]

    def rates(self) -> Mapping[str, float]:
        """Return what was learnt: label → requests a second."""
        return dict(self._connection.execute("SELECT account, rate FROM pace"))

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
    """Have the next run with this journal ask again about rows that failed, or are `Unknown`; return how many.

    A failed row left its order untouched, and is sent again. An `Unknown` one is looked at first, and sent again only
    where that is harmless. Raises `JournalError` while a run writes the journal.

        reopen("run.db", "failed")
    """
    StoredRun(path).close()
    lock = Lock(Path(path))
    try:
        lock.acquire()
    except CountermandError as error:
        raise JournalError(f"the journal {path}: {error.message}") from None
    if what == "failed":
        change = "asked = NULL WHERE kind LIKE 'error:%' AND key IS NOT NULL"
    else:
        change = "asked = coalesce(asked, answered) WHERE kind = 'unknown'"
    connection = sqlite3.connect(path)
    try:
        with connection:
            changed = connection.execute(
                f"UPDATE row SET answer = NULL, kind = NULL, answered = NULL, {change}"  # noqa: S608
            )
            return changed.rowcount
    except sqlite3.Error as error:
        raise JournalError(f"the journal {path}: it cannot be written ({error})") from None
    finally:
        connection.close()
        lock.release()


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
