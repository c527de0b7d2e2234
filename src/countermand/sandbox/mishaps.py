"""Scripted faults between a client and the world: one per request, in the order in which they were scripted.

Logins (Crux's login, Kibo's OAuth) are not affected.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from attrs import Attribute, field, frozen

from countermand.sandbox import checks
from countermand.sandbox.http import SandboxReply, SandboxRequest
from countermand.sandbox.ledger import Marketplace
from countermand.sandbox.received import SIGN_IN, ReceivedRequest, received
from countermand.sandbox.simulator import Simulator
from countermand.sandbox.world import World

Lost = Literal["lost"]


def _retry_after(value: int | str | None) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    if value is None or (isinstance(value, str) and value.isascii() and value.isprintable()):
        return value
    raise ValueError(f"Retry-After is whole seconds, the text of the header, or None, not {value!r}")


def _checked(check: checks.Check) -> Callable[[object, "Attribute[Any]", Any], None]:
    def validate(_: object, field: "Attribute[Any]", value: Any) -> None:
        check(field.name, value)

    return validate


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and [*map(type, value)] == [str, str]  # pyright: ignore[reportUnknownArgumentType]


def _check_reply(_: object, __: object, reply: Any) -> None:
    """Raise ValueError unless `reply` can be sent as it is."""
    if not isinstance(reply, SandboxReply):
        raise ValueError(f"a reply is SandboxReply(status, headers, body), not {reply!r}")
    checks.status_code("the status of a reply", reply.status)
    checks.kind(bytes)("the body of a reply", reply.body)
    pairs: Any = reply.headers
    if not isinstance(pairs, tuple) or not all(map(_is_pair, pairs)):  # pyright: ignore[reportUnknownArgumentType]
        raise ValueError(f"the headers of a reply are pairs of texts, (('a', 'b'),), not {pairs!r}")


@frozen
class RateLimited:
    """A 429.

    `retry_after` is the Retry-After header: seconds, the exact text, or None for no header.

        sandbox.mishap("vtex", RateLimited(30))
    """

    retry_after: str | None = field(default="1", converter=_retry_after)


@frozen
class LoseReply:
    """A lost reply or, with `applied=False`, a lost request.

    The client cannot distinguish the two.

        sandbox.mishap("kibo", LoseReply())
    """

    applied: bool = field(default=True, validator=_checked(checks.flag))


@frozen
class Status:
    """A status and a body in place of the marketplace's reply.

    With `applied`, the marketplace still processes the request.

        sandbox.mishap("crux", Status(502, b"<html>Bad gateway</html>", applied=True))
    """

    code: int = field(validator=_checked(checks.status_code))
    body: bytes = field(default=b"", validator=_checked(checks.kind(bytes)))
    applied: bool = field(default=False, validator=_checked(checks.flag))


@frozen
class Raw:
    """An exact reply in place of the marketplace's own.

    With `applied`, the marketplace still processes the request.

        sandbox.mishap("pattern", Raw(SandboxReply(200, (("content-type", "application/json"),), b"{")))
    """

    reply: SandboxReply = field(validator=_check_reply)
    applied: bool = field(default=False, validator=_checked(checks.flag))


Mishap: TypeAlias = RateLimited | LoseReply | Status | Raw


class UnusedMishapsError(AssertionError):
    """A test scripted mishaps that were never used, so it did not test what it claims.

    The end of a sandbox raises it.

        with Sandbox(allow_unused_mishaps=True) as sandbox:
            sandbox.mishap("vtex", LoseReply())
    """


class Gateway:
    """The entrance to a world: it applies mishaps, and moves the world's time along with a clock, if there is one.

    `clock` returns seconds; before each request, the time moves forward by the elapsed seconds. A lock serializes the
    calls, because the world is single-threaded.
    """

    def __init__(self, world: World, *, clock: Callable[[], float] | None = None) -> None:
        self.world = world
        self.requests: list[ReceivedRequest] = []
        self._clock = clock
        self._last = clock() if clock else 0.0
        self._mishaps: defaultdict[str, deque[Mishap]] = defaultdict(deque)
        self._lock = threading.Lock()

    def mishap(self, marketplace: Marketplace, *mishaps: Mishap) -> None:
        """Script mishaps for the next requests to a marketplace, see `Sandbox.mishap`."""
        checks.marketplace(marketplace)
        if not mishaps:
            raise TypeError(f"no mishap is given for {marketplace}")
        for mishap in mishaps:
            if isinstance(mishap, type) and issubclass(mishap, Mishap):
                raise TypeError(f"{mishap.__name__} is a class: write {mishap.__name__}(…)")
            if not isinstance(mishap, Mishap):
                raise TypeError(f"a mishap is a RateLimited, LoseReply, Status or Raw, not {mishap!r}")
        self._mishaps[marketplace].extend(mishaps)

    def check_mishaps(self) -> None:
        """Raise `UnusedMishapsError` if there are unused mishaps."""
        unused = [
            f"{name}: {', '.join(map(repr, waiting))}" for name, waiting in self._mishaps.items() if waiting
        ]
        if unused:
            raise UnusedMishapsError(
                f"these mishaps were never used: {'; '.join(unused)}"
                " (allow_unused_mishaps=True where that is meant)"
            )

    def advance(self, seconds: float) -> None:
        """Move the world's time forward, in addition to the clock."""
        with self._lock:
            self._follow_clock()
            self.world.advance(seconds)

    def handle(self, request: SandboxRequest) -> SandboxReply | Lost:
        """Answer one request, or lose it."""
        with self._lock:
            self._follow_clock()
            self.requests.append(received(request, self.world.now))
            name = self.requests[-1].marketplace
            if request.path.endswith(SIGN_IN) or not (waiting := self._mishaps[name]):
                return self.world.handle(request)
            return self._applied(waiting.popleft(), request, self.world.simulator(name))

    def _applied(
        self, mishap: Mishap, request: SandboxRequest, simulator: Simulator[Any]
    ) -> SandboxReply | Lost:
        simulator.note(None, "mishap", repr(mishap))
        if not isinstance(mishap, RateLimited) and mishap.applied:
            self.world.handle(request)
        match mishap:
            case RateLimited(retry_after):
                reply = simulator.error(429, "too many requests")
                if retry_after is not None:
                    reply = reply.with_headers(("retry-after", retry_after))
                # The world's date, so that a Retry-After in the form of a date can be told against it.
                return simulator.stamp(reply).with_headers(("date", self.world.http_date()))
            case LoseReply():
                return "lost"
            case Status(code, body):
                return SandboxReply(code, (("content-type", "text/html; charset=utf-8"),), body)
            case Raw(reply):
                return reply

    def _follow_clock(self) -> None:
        if self._clock is not None:
            # The world's time has whole microseconds. The remainder counts next time.
            gained = timedelta(seconds=self._clock() - self._last).total_seconds()
            self._last += gained
            self.world.advance(gained)
