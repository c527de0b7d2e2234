"""When to retry: how often, after which pause, and not before the marketplace allows it.

Pauses and limits are tenacity's `wait` and `stop` objects. All calls of one account share a `Throttle`: after a 429
they all wait, and its retry budget prevents retry storms.
"""

import re
from collections.abc import Mapping
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import attrs

from ..data import Shown

if TYPE_CHECKING:
    from tenacity.stop import stop_base
    from tenacity.wait import wait_base

#: The longest time, in seconds, for which one reply can close an account's gate: a malformed Retry-After must not
#: block an account for years. The error still reports the full time.
LONGEST_CLOSURE = 3600.0
_FOREVER = 10 * 365 * 86400.0
#: What separates the values of a list: a comma, but not that behind the day's name of a date.
_COMMA = r",(?!\s*\d{1,2}[ -][A-Za-z])"
_NUMBER = r"[0-9]+(\.[0-9]*)?|\.[0-9]+"


def _is_count(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{field.name} must be a whole number, 1 or more")


def _is_pause(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    if value is None and field.default is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
        raise ValueError(f"{field.name} must be a number of seconds, zero or more")


def _is_strategy(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    if value is not None and (isinstance(value, type) or not callable(value)):
        raise ValueError(f"{field.name} must be a {field.name} object of tenacity, or None")


@attrs.frozen(repr=False, eq=False)
class RetryPolicy(Shown):
    """How often one call retries, and how long it pauses between attempts.

    A failure is a request without a usable reply: a 429, a 5xx, a lost connection. A call never waits beyond its
    timeout. `stop` and `wait` take tenacity objects in place of the numbers.
    Raises ValueError for an invalid value.

        client = Countermand(Pattern(token="…"), retry=RetryPolicy(attempts=6, longest_pause=20))
    """

    #: The number of failed requests, including reads, after which a call gives up. At least 1.
    attempts: int = attrs.field(default=4, validator=_is_count)
    #: The upper limit of the first pause, in seconds. It doubles with every failure (full jitter).
    first_pause: float = attrs.field(default=0.5, validator=_is_pause)
    #: The upper limit of any pause, in seconds.
    longest_pause: float = attrs.field(default=8.0, validator=_is_pause)
    #: Seconds to wait after a 429 without Retry-After; None for what the marketplace recommends.
    rate_limit_pause: float | None = attrs.field(default=None, validator=_is_pause)
    #: A tenacity stop condition that replaces `attempts`. It sees the number of failures and the times.
    stop: "stop_base | None" = attrs.field(default=None, validator=_is_strategy)
    #: A tenacity wait strategy that replaces the two pauses. It sees the number of failures and the times.
    wait: "wait_base | None" = attrs.field(default=None, validator=_is_strategy)

    @classmethod
    def never(cls) -> "RetryPolicy":
        """Return a policy without retries. After an unclear request, the order is still read once.

        It makes a call fail fast.

            client.pattern.cancel_order("114-3941689-8772232", retry=RetryPolicy.never())
        """
        return cls(attempts=1)

    def pause(self, failures: int, started: float, now: float, deadline: float) -> float | None:
        """Return the seconds to wait after the given number of failures, or None to give up."""
        from tenacity import RetryCallState, stop_before_delay

        stop, wait = _engine(self)
        state = RetryCallState(retry_object=_NO_RETRYING, fn=None, args=(), kwargs={})
        state.set_result(None)
        state.attempt_number, state.start_time, state.outcome_timestamp = failures, started, now
        state.upcoming_sleep = wait(state)
        if stop(state) or stop_before_delay(deadline - started)(state):
            return None
        return state.upcoming_sleep


#: The default policy of a client.
DEFAULT_RETRY = RetryPolicy()

_NO_RETRYING: Any = None


@lru_cache(maxsize=64)
def _engine(policy: RetryPolicy) -> "tuple[stop_base, wait_base]":
    from tenacity import stop_after_attempt, wait_random_exponential

    return (
        policy.stop or stop_after_attempt(policy.attempts),
        policy.wait or wait_random_exponential(multiplier=policy.first_pause, max=policy.longest_pause),
    )


class Throttle:
    """Limits all calls of one account: a gate that a 429 closes, and a retry budget.

    The budget is a token bucket, as in botocore's standard mode and gRPC's retry throttling. In an outage it runs
    out, and calls stop retrying.
    """

    CAPACITY: float = 50.0

    def __init__(self) -> None:
        #: The instant of the monotonic clock at which the gate opens.
        self.opens_at: float = float("-inf")
        #: Whether that instant comes from a Retry-After header.
        self.told: bool = False
        #: Tokens left in the budget.
        self.tokens: float = self.CAPACITY

    def close(self, now: float, seconds: float, *, told: bool = False) -> None:
        """Close the gate for `seconds` from `now`, unless it is already closed for longer."""
        opens_at = now + min(seconds, LONGEST_CLOSURE)
        if opens_at >= self.opens_at:
            self.opens_at, self.told = opens_at, told

    def closed_for(self, now: float) -> float:
        """Return the seconds until the gate opens; 0 if it is open."""
        return max(0.0, self.opens_at - now)

    def spend(self) -> bool:
        """Take a token for one retry; return False if none is left."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def succeed(self) -> None:
        """Return a token after a call that got its answer."""
        self.tokens = min(self.CAPACITY, self.tokens + 1)


def retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """Return the seconds that a Retry-After header asks for, or None if it is absent or malformed.

    RFC 9110, section 10.2.3: a number of seconds, or a date. A date is compared with the reply's own Date, so that
    the clocks need not agree; without a Date, with `wall` (seconds since 1970). Of several values, as a gateway and the
    marketplace behind it may send them, the longest counts, and a fraction is rounded up, because asking too early is
    the worse error. Zero, a past date, a sign and any other text count as absent, also as one value of several.
    """
    text = headers.get("retry-after") or ""
    if not text or len(text) > 10_000:
        return None
    since = timestamp(headers.get("date") or "")
    longest = 0.0
    for value in map(str.strip, re.split(_COMMA, text)):
        if re.fullmatch(_NUMBER, value):
            longest = max(longest, _seconds(value))
        elif (until := timestamp(value)) is not None:
            longest = max(longest, min(until - (wall if since is None else since), _FOREVER))
        else:
            return None
    return longest or None


def _seconds(number: str) -> float:
    whole, _, fraction = number.partition(".")
    whole = whole.lstrip("0")
    return _FOREVER if len(whole) > 9 else float(whole or 0) + bool(fraction.strip("0"))


def timestamp(text: str) -> float | None:
    """Return the time in a Date header, in seconds since 1970, or None."""
    from email.utils import parsedate_to_datetime  # rarely needed, and slow to import

    try:
        if not text[:3].isalpha():
            return None
        moment = parsedate_to_datetime(text)
        # The asctime form of RFC 9110 has no time zone: it is UTC.
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
