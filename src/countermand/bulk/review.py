"""Reading a journal: for a report, while a run writes it or later; and taking answers back, to ask again."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from ..errors import CountermandError
from .journal import SCHEMA, SELECT, JournalError
from .locking import Lock, refuse_network
from .records import Row

#: Which answers are taken back: errors, which left the order as it was, or `Unknown`, which is looked at first.
Retried: TypeAlias = Literal["failed", "unknown"]

_WHICH: Mapping[str, str] = {
    "failed": "kind LIKE 'error:%' AND account IS NOT NULL",
    "unknown": "kind = 'unknown'",
}


class Session(NamedTuple):
    """One run that wrote the journal, in seconds since 1970; `ended` is None while it runs, and if it was killed."""

    began: float
    ended: float | None


class Review:
    """A journal that is read. Nothing is written, so a run may go on meanwhile.

    with closing(Review(Path("run.db"))) as review:
        for row in review.rows(): ...

    Raises `JournalError` for a file that is no journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.is_file():
            raise JournalError(f"the journal {path}: there is no such file")
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)
        try:
            meta = dict(self._connection.execute("SELECT name, value FROM meta"))
            schema = int(meta["schema"])
            #: Label → marketplace and base URL.
            self.accounts: dict[str, tuple[str, str]] = {
                label: (known[0], known[1]) for label, known in json.loads(meta["accounts"]).items()
            }
        except (sqlite3.Error, KeyError, ValueError):
            self.close()
            raise JournalError(f"the journal {path}: it is no journal, or it is damaged") from None
        if schema > SCHEMA:
            self.close()
            raise JournalError(f"the journal {path}: its schema {schema} is newer than this version reads")

    def sessions(self) -> list[Session]:
        """Return the runs that wrote it, the first one first."""
        found = self._connection.execute("SELECT began, ended FROM session ORDER BY rowid")
        return [Session(*row) for row in found]

    def rates(self) -> dict[str, float]:
        """Return what was learnt: label → requests a second."""
        return dict(self._connection.execute("SELECT account, rate FROM pace"))

    def answered(self) -> tuple[int, int]:
        """Return how many rows it has, and how many of them have an answer."""
        counted = "SELECT count(*), count(said.answer) FROM row AS own JOIN row AS said"
        found = self._connection.execute(f"{counted} ON said.row = coalesce(own.first, own.row)").fetchone()
        return found[0], found[1]

    def count(self, which: Retried) -> int:
        """Return how many answers there are to take back."""
        found = self._connection.execute(f"SELECT count(*) FROM row WHERE {_WHICH[which]}")  # noqa: S608
        number: int = found.fetchone()[0]
        return number

    def rows(self) -> Iterator[Row]:
        """Return all rows in their order, each with the answer of the first row of its order."""
        for found in self._connection.execute(f"{SELECT} ORDER BY own.row"):
            yield Row(*found)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def take_back(path: Path, which: Retried) -> int:
    """Take the errors, or the `Unknown` answers, out of a journal, so that the next run asks again; return how many.

    An order whose answer was an error is untouched, and is sent. One that is unknown counts as interrupted: it is read
    first, and asked for again only where that is harmless.
    """
    lock = Lock(path)
    try:
        refuse_network(path)
        lock.acquire()
        withdrawn = ", asked = NULL" if which == "failed" else ""
        blank = f"SET kind = NULL, answer = NULL, answered = NULL{withdrawn}"
        with closing(sqlite3.connect(path, timeout=5.0)) as connection, connection:
            return connection.execute(f"UPDATE row {blank} WHERE {_WHICH[which]}").rowcount
    except sqlite3.Error as error:
        raise JournalError(f"the journal {path}: it cannot be written ({error})") from None
    except CountermandError as error:
        raise JournalError(f"the journal {path}: {error.message}") from None
    finally:
        lock.release()
