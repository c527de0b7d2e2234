"""How fast one account is asked: a rate that is known, or one that is learnt from its 429s.

A `Pace` has no clock: its methods take the instants at which requests were sent and answered, and return when the next
request may be sent. It learns as TCP does. At first nothing limits it but the requests in flight, whose number doubles
with every round of answers. A 429 blocks the account: after a pause, single requests probe it until one is accepted.
Then the limit is estimated, from the rate that was refused and from what was accepted since the last block. From then
on requests are spaced evenly, a little below it; the rate climbs back to the limit, stays near it, and climbs ever
faster beyond it as long as nothing is refused (the curve is that of CUBIC, RFC 9438, over answers in place of
seconds).
"""

import math

#: How far below the limit the rate begins after a block.
_CUT = 0.04
#: How fast it climbs beyond the limit: at first, and later.
_LINEAR, _CUBIC = 0.1, 1.0
#: The rate that was refused is above the limit. What was accepted since the last block, its pause included, is below
#: it: the estimate is between them, at this share of the latter, or at a larger one if few answers, of so many seconds,
#: came since that block.
_SHARE, _FEW_ANSWERS, _FEW_SECONDS = 0.4, 10.0, 1.0
#: A pause that a marketplace names is in whole seconds. No more of it counts than so many seconds, or one gap.
_NEEDED = 0.4
#: A pause of so many seconds, and so many gaps: the account counts over a window longer than a second.
_LONG_SECONDS, _LONG_GAPS = 2.0, 3.0
#: A bucket that was full is worth so many seconds of its limit.
_BURST = 0.3
#: Answers after which the rate is back at the limit: so many for each request that the block cost, and as many as come
#: in so many times its length; but no more than come in so many seconds.
_FOR_EACH_REFUSAL, _FOR_EACH_PAUSE, _LONGEST_CYCLE = 140.0, 40.0, 120.0
#: An estimate that differs from the last one by more than this factor is a guess. A guess is tried out quickly, in so
#: many answers or seconds, whichever is more; the cycles after it become longer by no more than so many times.
_GUESS, _GUESS_ANSWERS, _GUESS_SECONDS, _LONGER = 1.25, 20.0, 8.0, 4.0
#: A 429 that names no time: the first pause, the shortest later one, and the longest, in seconds. A pause is no shorter
#: than the gap between two requests, and doubles until something is accepted.
_FIRST_PAUSE, _SHORTEST, _LONGEST = 0.25, 0.1, 60.0
#: Seconds between two probes of a blocked account, at least; and no less than two gaps.
_PROBE = 0.2
#: How late a request may be sent, in seconds, and have those after it catch up. Below so many requests a second nothing
#: is caught up: the bucket of a small limit may hold a single token.
_CATCH_UP, _CATCH_UP_FROM = 0.025, 10.0
#: A known rate is kept with this margin, because requests do not arrive as evenly as they are sent.
_MARGIN = 0.99
#: Requests in flight at first.
_FIRST = 4
#: Before the first 429, what is accepted is counted over the last seconds: up to so many.
_COUNTED = 2.0


class Pace:
    """When requests of one account may be sent. Instants are seconds of any one clock.

    pace = Pace(known=100 / 60)
    if now >= pace.ready_at():
        pace.sent(now)
    """

    def __init__(self, known: float | None = None, learnt: float | None = None) -> None:
        #: The rate that was configured, in requests a second.
        self.known: float | None = known
        self._most = known * _MARGIN if known else math.inf
        #: The rate that is kept now, in requests a second; None as long as no limit has shown.
        self.rate: float | None = self._most if known else learnt * (1 - _CUT) if learnt else None
        #: The estimated limit.
        self._limit: float = self._most if known else learnt or 0.0
        #: Requests that were refused with a 429.
        self.refusals: int = 0
        #: Requests that may be in flight, as long as no limit has shown.
        self.window: float = _FIRST
        self._next_at = -math.inf
        self._opens_at = -math.inf
        self._is_limiting = False
        self._sent_at = -math.inf
        # Since the last block:
        self._cycle = max(_GUESS_ANSWERS, _GUESS_SECONDS * self._limit)
        self._answers = self._cycle if known else 0.0  # to requests that the rate held back
        self._accepted = 0.0
        self._since: float | None = None
        # The block:
        self._blocked_at: float | None = None
        self._refused_at = -math.inf  # the latest refusal of a request that was sent after the one before
        self._cost = 0  # refused requests, those included that were on their way when it began
        self._pause = 0.0
        self._is_told = False

    @property
    def learnt(self) -> float | None:
        """What was learnt of the limit, in requests a second; None where nothing has shown."""
        return self._limit if self.rate is not None and self._most == math.inf else None

    def ready_at(self) -> float:
        """Return the instant from which the next request may be sent."""
        return max(self._next_at, self._opens_at)

    def closed_until(self, now: float) -> float | None:
        """Return the instant until which a 429 forbids sending; None if it no longer does."""
        return self._opens_at if self._opens_at > now else None

    def allows(self, in_flight: int) -> bool:
        """Return whether another request may be sent while so many are in flight."""
        return self.rate is not None or in_flight < self.window

    def sent(self, now: float) -> None:
        """Note that a request is sent."""
        if self._since is None:
            self._since = now
        if self.rate is None and self._blocked_at is None:
            self._forget(now)
        self._sent_at = now
        gap = 1 / self.rate if self.rate else 0.0
        # Only a pace that holds requests back may be raised: otherwise something else is slower than it.
        self._is_limiting = now - self.ready_at() <= max(gap / 2, _CATCH_UP)
        if self._blocked_at is not None:
            self._next_at = now + max(2 * gap, _PROBE)
        else:
            late = _CATCH_UP if gap * _CATCH_UP_FROM <= 1 else 0.0
            self._next_at = max(self._next_at, now - late) + gap

    def spent(self, requests: int) -> None:
        """Note that a call made so many further requests, such as reads: they count against the same limit."""
        if self.rate is not None:
            self._next_at += requests / self.rate

    def accepted(self, now: float, sent_at: float) -> None:
        """Note that a request, sent at `sent_at`, was answered with anything but a 429."""
        self._accepted += 1
        if sent_at > self._refused_at:
            self._pause = 0.0
            if self._blocked_at is not None:
                self._reopened(now, self._blocked_at)
        if self.rate is None:
            self.window += 1
        elif self._is_limiting and self._blocked_at is None:
            self._answers += 1
            self._climb()

    def refused(self, now: float, sent_at: float, retry_after: float | None = None) -> None:
        """Note that a request, sent at `sent_at`, was answered with a 429; `retry_after` is what it asks for."""
        self.refusals += 1
        self._cost += 1
        self._is_told = retry_after is not None
        if retry_after is not None:
            self._opens_at = max(self._opens_at, now + retry_after)
        if sent_at > self._refused_at:  # otherwise it was on its way when another one showed the same
            self._refused_at = now
            if self._blocked_at is None:
                self._blocked_at = now
            if retry_after is None:
                shortest = max(_SHORTEST, 1 / self.rate) if self.rate else _FIRST_PAUSE
                self._pause = min(max(2 * self._pause, shortest), _LONGEST)
                self._opens_at = max(self._opens_at, now + self._pause)
        self._next_at = max(self._next_at, self._opens_at)

    def _reopened(self, now: float, blocked_at: float) -> None:
        """Estimate the limit, now that a probe was accepted."""
        limit = max(self._estimate(now, blocked_at), 1 / _LONGEST)
        is_guess = not 1 / _GUESS < limit / (self._limit or math.inf) < _GUESS
        wanted = max(self._cost * _FOR_EACH_REFUSAL, (now - blocked_at) * limit * _FOR_EACH_PAUSE)
        wanted = min(wanted, _LONGEST_CYCLE * limit, self._cycle * _LONGER)
        quickest = max(_GUESS_ANSWERS, _GUESS_SECONDS * limit)
        self._cycle = quickest if is_guess else max(quickest, wanted)
        self._limit = limit
        self.rate = limit * (1 - _CUT)
        self._next_at = max(now, self._opens_at, self._sent_at + 1 / self.rate)
        self._blocked_at, self._refused_at = None, now
        self._cost, self._answers, self._accepted, self._since = 0, 0.0, 0.0, now

    def _estimate(self, now: float, blocked_at: float) -> float:
        """Return where the limit may be."""
        assert self._since is not None
        accepted = self._accepted + 0.5  # half of the next one: a count is cut off anywhere between two
        # Idle time between the pause and the probe says nothing.
        idle = max(0.0, self._sent_at - self._opens_at)
        took, paused = blocked_at - self._since, now - idle - blocked_at
        if self.rate is None:
            # A pause that the marketplace asked for says nothing about the limit; one that had to be that long does.
            return accepted / max(took + (_BURST if self._is_told else paused), _SHORTEST)
        is_long = paused >= max(_LONG_SECONDS, _LONG_GAPS / self.rate)
        if self._is_told and not is_long:
            paused = min(paused, took, max(_NEEDED, 1 / self.rate))
        shown = accepted / max(took + paused, _SHORTEST)
        shown = min(self.rate, max(shown, self.rate / 2))
        if is_long:
            return shown
        few = max(_FEW_ANSWERS, _FEW_SECONDS * self.rate)
        share = max(_SHARE, few / (few + self._accepted))
        return share * shown + (1 - share) * self.rate

    def _climb(self) -> None:
        x = self._answers / self._cycle - 1
        growth = _CUT * x**3 if x < 0 else _LINEAR * x + _CUBIC * x**3
        self.rate = min(self._limit * (1 + growth), self._most)

    def _forget(self, now: float) -> None:
        """Count only what was accepted recently, so that idle time says nothing about a limit."""
        assert self._since is not None
        if now - self._since > _COUNTED:
            self._accepted /= 2
            self._since = now - _COUNTED / 2
