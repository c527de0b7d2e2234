"""Rows that wait in the journal only, so that thousands of rows of one account take no memory.

A slow account, or one under a 429, must not keep the rest of the input from the other accounts. Its rows are read and
stored, its lane keeps only as many as it needs for a while, and the others are loaded later.
"""

from collections.abc import Iterable

import attrs

from .lane import Lane
from .records import Load, Row

#: Requests that a lane keeps. More are loaded when fewer than half of these are left.
KEPT = 1024


@attrs.define
class _Waiting:
    """The rows of one lane that are in the journal only. None comes before `row`."""

    row: int
    count: int = 0
    is_loading: bool = False


class Backlog:
    """The rows of all lanes that wait in the journal; `len` is their number."""

    def __init__(self) -> None:
        self._by_label: dict[str, _Waiting] = {}

    def __len__(self) -> int:
        return sum(waiting.count for waiting in self._by_label.values())

    def of(self, lane: Lane) -> int:
        """Return how many rows wait for a lane."""
        waiting = self._by_label.get(lane.label)
        return waiting.count if waiting is not None else 0

    def takes(self, lane: Lane, row: int) -> bool:
        """Return whether a stored row stays in the journal for now, and count it if so."""
        waiting = self._by_label.get(lane.label)
        if waiting is None:
            if len(lane.queue) < max(KEPT, 2 * lane.concurrency):
                return False
            waiting = self._by_label[lane.label] = _Waiting(row)
        waiting.count += 1
        return True

    def loads(self, lanes: Iterable[Lane]) -> Iterable[Load]:
        """Yield what has to be loaded now."""
        for lane in lanes:
            waiting = self._by_label.get(lane.label)
            if waiting is None or waiting.is_loading:
                continue
            if len(lane.queue) < max(KEPT // 2, lane.concurrency):
                waiting.is_loading = True
                yield Load(waiting.row, only_pending=True, account=lane.label)

    def loaded(self, label: str, rows: list[Row]) -> None:
        """Note that these no longer wait."""
        waiting = self._by_label[label]
        waiting.is_loading = False
        waiting.count -= len(rows)
        if waiting.count:
            waiting.row = rows[-1].row + 1
        else:
            del self._by_label[label]
