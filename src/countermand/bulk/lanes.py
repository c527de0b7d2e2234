"""The lanes of a run, one for each account that its input has shown."""

from collections.abc import Iterator
from typing import Any

from .lane import Lane
from .pace import Learnt, Pace
from .records import Learn
from .results import Accounts

#: Seconds between two notes of what was learnt.
_NEWS_EVERY = 5.0


class Lanes:
    """Makes lanes when they are first needed, and knows what earlier runs have learnt of their accounts."""

    def __init__(self, accounts: Accounts, concurrency: int, look_ahead: int, now: float) -> None:
        self.by_label: dict[str, Lane] = {}
        #: What is in the journal: label → requests a second.
        self.learnt: dict[str, float] = {}
        self._accounts = accounts
        self._concurrency = concurrency
        self._look_ahead = look_ahead
        self._told_at = now

    def of(self, client: Any) -> Lane:
        """Return the lane of a sub-client's account."""
        label: str = client.account
        lane = self.by_label.get(label)
        if lane is None:
            learnt = self.learnt.get(label)
            pace = Pace(self._accounts.rates.get(label), Learnt(learnt) if learnt else None)
            name: str = client.rules.name
            lane = self.by_label[label] = Lane(label, name, self._concurrency, pace, client.rules.throttle)
        return lane

    def have_room(self, held: int, inserting: int) -> bool:
        """Return whether another row may be read beside those without an answer, some of which are being inserted."""
        lanes, known = self.by_label.values(), len(self._accounts.known)
        if held - sum(len(lane.in_flight) for lane in lanes) >= self._look_ahead:
            return False
        if inserting >= self._concurrency * max(known, 1):
            return False
        # An account that the input has not shown yet may be further down. Where all have stopped, no row waits for one.
        running = [lane for lane in lanes if lane.stopped is None]
        return (
            len(lanes) < known or not running or any(len(lane.queue) < lane.concurrency for lane in running)
        )

    def news(self, now: float, *, is_over: bool) -> Iterator[Learn]:
        """Yield, now and then, what has been learnt and is not in the journal; it counts as written then."""
        if now - self._told_at < _NEWS_EVERY and not is_over:
            return
        self._told_at = now
        for label, lane in self.by_label.items():
            learnt = lane.pace.learnt
            if learnt is not None and learnt.rate != self.learnt.get(label):
                self.learnt[label] = learnt.rate
                yield Learn(label, learnt.rate)
