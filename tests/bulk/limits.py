"""Rate limiters of every usual kind, and one account behind them in virtual time."""

import heapq
import math
import random
from collections import deque
from typing import Protocol

import attrs

from countermand.bulk.pace import Pace


class Limiter(Protocol):
    """Lets requests pass, or refuses them."""

    def limit(self, rate: float) -> None:
        """Allow so many requests a second from now on."""
        ...

    def wait(self, now: float) -> float | None:
        """Return None and let a request pass, or return the seconds until one may."""
        ...


class TokenBucket:
    """So many tokens a second, and a burst of a fifth of that."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.tokens = self.burst
        self.at = 0.0

    @property
    def burst(self) -> float:
        """The most tokens there can be."""
        return max(1.0, self.rate / 5)

    def limit(self, rate: float) -> None:
        """See `Limiter.limit`."""
        self.rate = rate

    def wait(self, now: float) -> float | None:
        """See `Limiter.wait`."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return (1 - self.tokens) / self.rate
        self.tokens -= 1
        return None


class FixedWindow:
    """So many requests in every window of so many seconds."""

    def __init__(self, rate: float, seconds: float = 1.0) -> None:
        self.rate, self.seconds = rate, seconds
        self.number, self.passed = -1, 0

    def limit(self, rate: float) -> None:
        """See `Limiter.limit`."""
        self.rate = rate

    def wait(self, now: float) -> float | None:
        """See `Limiter.wait`."""
        number = int(now // self.seconds)
        if number != self.number:
            self.number, self.passed = number, 0
        if self.passed >= round(self.rate * self.seconds):
            return (number + 1) * self.seconds - now
        self.passed += 1
        return None


class SlidingWindow:
    """So many requests in the last so many seconds."""

    def __init__(self, rate: float, seconds: float = 1.0) -> None:
        self.rate, self.seconds = rate, seconds
        self.passed: deque[float] = deque()

    def limit(self, rate: float) -> None:
        """See `Limiter.limit`."""
        self.rate = rate

    def wait(self, now: float) -> float | None:
        """See `Limiter.wait`."""
        while self.passed and self.passed[0] <= now - self.seconds:
            self.passed.popleft()
        if len(self.passed) >= round(self.rate * self.seconds):
            return self.passed[0] + self.seconds - now
        self.passed.append(now)
        return None


@attrs.frozen
class Played:
    """What came of a run: its time over the least possible, and the share of its requests that were refused."""

    over_least: float
    refused: float


def play(
    limiter: Limiter,
    rate: float,
    *,
    factor: float = 1.0,
    seconds: float = 600.0,
    concurrency: int = 16,
    latency: float = 0.05,
    retry_after: bool = False,
    seed: int = 1,
    pace: Pace | None = None,
) -> Played:
    """Send the orders of `seconds` at the limit through a pace; at half time the limit changes by `factor`."""
    dice = random.Random(seed)
    pace = pace or Pace()
    half = seconds / 2
    orders = left = int(rate * half + rate * factor * half)
    now, in_flight, sent, refused, changed = 0.0, 0, 0, 0, False
    events: list[
        tuple[float, float, float | None]
    ] = []  # when it comes back, when it was sent, the 429's wait
    while left or in_flight:
        if not changed and now >= half:
            limiter.limit(rate * factor)
            changed = True
        has_room = left and in_flight < concurrency and pace.allows(in_flight)
        ready = pace.ready_at() if has_room else math.inf
        if ready <= now:
            pace.sent(now)
            wait = limiter.wait(now)
            heapq.heappush(events, (now + latency * dice.uniform(0.6, 1.8), now, wait))
            left, in_flight, sent = left - 1, in_flight + 1, sent + 1
            continue
        now = max(now, min(ready, events[0][0] if events else math.inf))
        while events and events[0][0] <= now:
            _, at, wait = heapq.heappop(events)
            in_flight -= 1
            if wait is None:
                pace.accepted(now, at)
            else:
                left, refused = left + 1, refused + 1
                pace.refused(now, at, float(int(wait) + 1) if retry_after else None)
    least = min(orders / rate, half) + max(0.0, orders - rate * half) / (rate * factor)
    return Played(now / least, refused / sent)
