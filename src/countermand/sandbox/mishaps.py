"""Scripted mishaps between a client and the world: one request, one mishap, in the order they were scripted.

A request that signs in (Crux's login, Kibo's OAuth) is left alone.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from attrs import frozen

from countermand.sandbox.http import SandboxReply, SandboxRequest
from countermand.sandbox.ledger import Marketplace
from countermand.sandbox.simulator import Simulator
from countermand.sandbox.world import World

Lost = Literal["lost"]

SIGN_IN = ("/organizations/user-login/", "/authtickets/oauth")


@frozen
class RateLimited:
    """429, with this text as Retry-After, or none."""

    retry_after: str | None = "1"


@frozen
class LoseReply:
    """The reply is lost on the way; with `applied=False`, the request is lost before it arrives."""

    applied: bool = True


@frozen
class Status:
    """Any status and body in place of the reply; with `applied`, the marketplace did what it was asked."""

    code: int
    body: bytes = b""
    applied: bool = False


@frozen
class Raw:
    """Exactly this reply in place of the marketplace's own."""

    reply: SandboxReply
    applied: bool = False


Mishap: TypeAlias = RateLimited | LoseReply | Status | Raw


class Gateway:
    """The way into a world: mishaps strike here, and here the world's time follows a clock, if there is one.

    `clock` returns seconds, and time moves on by what it has gained since the last request. One lock keeps
    the world single-threaded, whoever calls.
    """

    def __init__(self, world: World, *, clock: Callable[[], float] | None = None) -> None:
        self.world = world
        self._clock = clock
        self._last = clock() if clock else 0.0
        self._mishaps: defaultdict[str, deque[Mishap]] = defaultdict(deque)
        self._lock = threading.Lock()

    def mishap(self, marketplace: Marketplace, *mishaps: Mishap) -> None:
        """Let these strike the next requests to a marketplace, one each."""
        self._mishaps[marketplace].extend(mishaps)

    def advance(self, seconds: float) -> None:
        """Move the world's time on, beyond what the clock says."""
        with self._lock:
            self._follow_clock()
            self.world.advance(seconds)

    def handle(self, request: SandboxRequest) -> SandboxReply | Lost:
        """Answer one request, or lose it."""
        with self._lock:
            self._follow_clock()
            name = request.path.removeprefix("/").partition("/")[0]
            if request.path.endswith(SIGN_IN) or not (waiting := self._mishaps[name]):
                return self.world.handle(request)
            return self._strike(waiting.popleft(), request, self.world.simulator(name))

    def _strike(
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
            now = self._clock()
            self.world.advance(now - self._last)
            self._last = now
