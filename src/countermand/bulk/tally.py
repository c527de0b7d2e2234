"""Counting what a run has told."""

from collections import Counter, deque

from ..data.shapes import tag_of
from .results import BulkResult

#: Results whose times tell the rate of late.
_LATELY = 512


class Tally:
    """What a run has read and told so far."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.read = 0
        self.input_ended = False
        self.done: int = 0
        self.replayed: int = 0
        self.duplicates: int = 0
        self.kinds: Counter[str] = Counter()
        self._times: deque[float] = deque(maxlen=_LATELY)

    def given(self, result: BulkResult, now: float) -> None:
        """Count a result."""
        self.done += 1
        self.replayed += result.replayed
        self.duplicates += result.duplicate_of is not None
        if result.error is not None:
            self.kinds[f"error:{tag_of(type(result.error))}"] += 1
        else:
            self.kinds[tag_of(type(result.outcome))] += 1
        if not result.replayed:
            self._times.append(now)

    def rate(self, now: float) -> float:
        """Return the results a second, lately."""
        if len(self._times) < 2 or now <= self._times[0]:
            return 0.0
        return len(self._times) / (now - self._times[0])
