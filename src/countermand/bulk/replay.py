"""Resuming a run: the input is compared with the journal row by row, then rows without an answer are processed."""

from collections import deque
from typing import Any

from ..errors import InvalidRequestError
from .records import Load, Loaded, Row, request_text, result_of
from .results import BulkResult


def check_row(row: int, stored_row: int, stored_request: str, item: object) -> None:
    """Raise `InvalidRequestError` if a row of the input is not the one that the journal has."""
    if stored_row != row or stored_request != request_text(item):
        differs = f"row {row} of the input (the first is 0) is not the one that the journal has"
        raise InvalidRequestError(f"{differs}: nothing new was sent")


def ended_early(read: int, rows: int) -> InvalidRequestError:
    """Return the error of an input that ends before the journal does."""
    has = f"the input ends after {read} rows, and the journal has {rows}"
    return InvalidRequestError(f"{has}: it is of another input; nothing new was sent")


class Replay:
    """The part of a journal that a resumed run has not processed yet."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        #: Whether rows of the input are still compared. Nothing new is sent meanwhile.
        self.comparing: bool = rows > 0
        #: From which row on those without an answer are read; None once all are.
        self.pending_from: int | None = 0 if rows > 0 else None
        self._stored: deque[Row] = deque()
        self._followers: dict[int, list[tuple[int, Any]]] = {}
        self._loading = False

    @property
    def over(self) -> bool:
        """Whether the journal has nothing more for this run."""
        return not self.comparing and self.pending_from is None

    @property
    def can_compare(self) -> bool:
        """Whether a row is there to be compared with the next one of the input."""
        return bool(self._stored)

    def next_load(self, compared: int, *, has_room: bool) -> Load | None:
        """Return what is to be read from the journal now, once so many rows are compared."""
        if self._loading or self.over:
            return None
        if self.comparing:
            if self._stored:
                return None
            self._loading = True
            return Load(compared)
        if not has_room:
            return None
        assert self.pending_from is not None
        self._loading = True
        return Load(self.pending_from, only_pending=True)

    def loaded(self, event: Loaded) -> list[Row]:
        """Take rows of the journal; return those that have no answer and have to be processed."""
        self._loading = False
        if self.comparing:
            self._stored.extend(event.rows)
            return []
        self.pending_from = event.rows[-1].row + 1 if event.rows else None
        return event.rows

    def compare(self, row: int, item: Any) -> BulkResult | None:
        """Compare a row of the input; return its result, if the journal has one.

        Raises `InvalidRequestError` if it differs.
        """
        stored = self._stored.popleft()
        check_row(row, stored.row, stored.request, item)
        self.comparing = row + 1 < self._rows
        if stored.answer is not None:
            first = stored if stored.first is None else stored._replace(row=stored.first)
            return result_of(first, item, replayed=True, number=row)
        if stored.first is not None:
            self._followers.setdefault(stored.first, []).append((row, item))
        return None

    def input_ended(self, read: int) -> InvalidRequestError | None:
        """Return the error if the input may not end here."""
        return ended_early(read, self._rows) if self.comparing else None

    def followers(self, row: int) -> list[tuple[int, Any]]:
        """Return the rows of the same order that wait for the answer of this one."""
        return self._followers.pop(row, [])
