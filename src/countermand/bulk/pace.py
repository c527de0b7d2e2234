"""How fast one account is asked: a rate that is known, or one that is learnt from its 429s.

A `Pace` has no clock of its own: it is told when something was sent and what came back, and says when the next
request may be sent. It learns as TCP does. At first nothing limits it but the requests in flight, whose number doubles
with every round of answers. The first 429 shows the limit: what was accepted in the last second. From then on requests
are spaced evenly, a little below that; the rate climbs back to the limit, stays near it, and climbs ever faster
beyond it as long as nothing is refused (the curve is that of CUBIC, RFC 9438, over answers in place of seconds).
"""

from array import array

#: How far below the limit a 429 takes the rate.
_CUT = 0.06
#: How far below it a 429 does that comes soon after another one: the limit is lower than it was thought to be.
_DEEP_CUT = 0.3
#: After that one the limit is a guess, and the rate climbs in this share of the answers.
_GUESSED = 0.3
#: Soon: within a second, or so many answers.
_SOON = 6.0
#: Answers after which the rate is back at the limit: so many for each request that the last 429 cost, and as many as
#: come in so many times the pause that it cost; but no more than come in so many seconds.
_FOR_EACH_REFUSAL, _FOR_EACH_PAUSE, _LONGEST_CYCLE = 75.0, 32.0, 60.0
#: What was accepted is counted over so many seconds, or so many requests where these take longer.
_SPAN, _COUNTED = 1.0, 12.0
#: Where no pause was within two seconds, what was accepted is counted over up to so many seconds as well: a second's
#: count is off by one or two.
_STEADY = 6.0
#: A lane that sent less than this share of its rate was not held back by it.
_BUSY = 0.3
#: A 429 that names no time: the shortest and the longest pause, in seconds. It doubles until something is accepted.
_SHORTEST, _LONGEST = 0.1, 60.0
#: A pause of so many seconds means that the account counts over a window longer than a second.
_LONG_WINDOW = 2.0
#: How late a request may be sent, in seconds, and have those after it catch up.
_CATCH_UP = 0.025
#: A known rate is kept with this margin, because requests do not arrive as evenly as they are sent.
_MARGIN = 0.99
#: Requests in flight at first.
_FIRST = 4
#: Instants that are kept of what was sent, and of what was accepted.
_KEPT = 4096


class Pace:
    """When requests of one account may be sent. Instants are seconds of any one clock.

    pace = Pace(known=100 / 60)
    if now >= pace.ready_at():
        pace.sent(now)
    """

    def __init__(self, known: float | None = None, learnt: float | None = None) -> None:
        self._known = known
        #: The rate that is kept now, in requests a second; None as long as no limit has shown.
        self.rate: float | None = known * _MARGIN if known else learnt * (1 - _CUT) if learnt else None
        #: Where the limit is thought to be.
        self._limit: float = known * _MARGIN if known else learnt or 0.0
        #: Requests that were refused with a 429.
        self.refusals: int = 0
        #: Requests that may be in flight, as long as no limit has shown.
        self.window: float = _FIRST
        self._next_at = float("-inf")
        self._opens_at = float("-inf")
        self._answers = 0.0  # since the last cut
        self._cycle = _FOR_EACH_REFUSAL
        if known:
            self._answers = self._cycle  # there is nothing to climb to
        self._is_guess = False  # the limit, after a deep cut
        self._cost = 0.0  # requests that the last 429 cost, those on their way with it included
        self._accepted = _Times()
        self._offered = _Times()
        self._cut_at = float("-inf")
        self._began: float | None = None
        self._cycle_began = 0.0
        self._cycle_accepted = 0
        self._open_since = float("-inf")  # when something was accepted after the last pause
        self._blocked_since: float | None = None
        self._paused = 0.0
        self._is_limiting = False

    @property
    def learnt(self) -> float | None:
        """What was learnt of the limit, in requests a second; None where nothing has shown."""
        return self._limit if self.rate is not None and self._known is None else None

    def ready_at(self) -> float:
        """Return the instant from which the next request may be sent."""
        return max(self._next_at, self._opens_at)

    def closed_until(self, now: float) -> float | None:
        """Return the instant until which a 429 forbids to send; None if it no longer does."""
        return self._opens_at if self._opens_at > now else None

    def allows(self, in_flight: int) -> bool:
        """Whether another request may be in flight beside so many."""
        return self.rate is not None or in_flight < self.window

    def sent(self, now: float) -> None:
        """Note that a request is sent."""
        if self._began is None:
            self._began = self._cycle_began = now
        self._offered.append(now)
        if self.rate is None:
            return
        gap = 1.0 / self.rate
        # Only a pace that holds requests back may be raised: otherwise something else is slower than it.
        self._is_limiting = now - self.ready_at() <= max(gap / 2, _CATCH_UP)
        due = now if self._next_at == float("-inf") else max(self._next_at, now - _CATCH_UP)
        self._next_at = due + gap

    def spent(self, requests: int) -> None:
        """Note that a call made so many further requests, such as reads: they count against the same limit."""
        if self.rate is not None:
            self._next_at += requests / self.rate

    def accepted(self, now: float, sent_at: float) -> None:
        """Note that a request, sent at `sent_at`, was answered with anything but a 429."""
        self._accepted.append(now)
        self._cycle_accepted += 1
        if sent_at > self._cut_at:
            self._paused = 0.0
            if self._blocked_since is not None:
                self._reopened(now)
        if self.rate is None:
            self.window += 1
        elif self._is_limiting:
            self._answers += 1
            self._climb()

    def refused(self, now: float, sent_at: float, retry_after: float | None = None) -> None:
        """Note that a request, sent at `sent_at`, was answered with a 429; `retry_after` is what it asks for."""
        self.refusals += 1
        if retry_after is not None:
            self._opens_at = max(self._opens_at, now + retry_after)
        self._cost += 1
        if sent_at <= self._cut_at:
            return  # it was on its way when another one showed the same
        if self._blocked_since is None:
            self._blocked_since = now
            self._cut(now)
        self._cut_at = now
        if retry_after is None:
            gap = 1.0 / self.rate if self.rate else _SHORTEST
            self._paused = min(max(2 * self._paused, _SHORTEST, gap), _LONGEST)
            self._opens_at = max(self._opens_at, now + self._paused)

    def _cut(self, now: float) -> None:
        shown = self._lately(self._accepted, now)
        if self.rate is None:
            limit = shown
        elif self._lately(self._offered, now, self._open_since) < _BUSY * self.rate:
            limit = self.rate  # little was accepted because little was sent
        elif self._answers < max(_SOON, self.rate / 2):
            # What was accepted lately may be little because of a pause.
            limit = min(self.rate * (1 - _DEEP_CUT), max(shown, self.rate / 2))
            self._is_guess = True
        else:
            limit = min(self.rate, shown, self._steadily(now))
        self._keep(limit)
        self._next_at = now

    def _keep(self, limit: float) -> None:
        self._limit = max(limit, 1 / _LONGEST)
        self.rate = self._limit * (1 - _CUT)
        self._answers = 0.0

    def _climb(self) -> None:
        x = self._answers / self._cycle - 1
        rate = self._limit * (1 + (_CUT * x**3 if x < 0 else 0.1 * x + 0.5 * x**3))
        self.rate = rate if self._known is None else min(rate, self._known * _MARGIN)

    def _reopened(self, now: float) -> None:
        """Take the whole time since the last long pause into account, if this one was long."""
        assert self._blocked_since is not None
        blocked, self._blocked_since, self._open_since = now - self._blocked_since, None, now
        assert self.rate is not None
        if blocked >= _LONG_WINDOW:
            shown = self._cycle_accepted / (now - self._cycle_began)
            self._keep(min(self.rate, max(shown, self.rate / 2)))
            self._cycle_began, self._cycle_accepted = now, 0
        cost, self._cost = self._cost, 0.0
        wanted = max(cost * _FOR_EACH_REFUSAL, blocked * self.rate * _FOR_EACH_PAUSE)
        wanted = max(wanted, self._cycle * 0.8) * (_GUESSED if self._is_guess else 1.0)
        self._cycle = max(10.0, min(wanted, self.rate * _LONGEST_CYCLE))
        self._is_guess = False

    def _steadily(self, now: float) -> float:
        """Return how many were accepted a second since the last pause, over a longer time; infinite after a recent one."""
        span = min(_STEADY, now - self._open_since - 0.5)
        return self._accepted.after(now - span) / span if span >= 2.0 else float("inf")

    def _lately(self, times: "_Times", now: float, since: float = float("-inf")) -> float:
        """Return how many of these there were a second, a pause before `since` left out."""
        began = now if self._began is None else max(self._began, since)
        wanted = max(_SPAN, _COUNTED / self.rate) if self.rate else _SPAN
        span = min(wanted, max(now - began, 0.05))
        return times.after(now - span) / span


class _Times:
    """The latest instants of something, in a ring: as objects they would take four times the memory."""

    def __init__(self) -> None:
        self._ring = array("d")
        self._added = 0

    def append(self, at: float) -> None:
        """Add an instant, which is not before the others."""
        if len(self._ring) < _KEPT:
            self._ring.append(at)
        else:
            self._ring[self._added % _KEPT] = at
        self._added += 1

    def after(self, instant: float) -> float:
        """Return how many of these are after an instant, where half of the next gap counts too."""
        count = 0
        while count < len(self._ring) and self._ring[(self._added - 1 - count) % _KEPT] > instant:
            count += 1
        return count + 0.5
