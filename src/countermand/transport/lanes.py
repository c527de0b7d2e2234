"""The connections of a stock driver: a lane for each call in progress.

A lane is an httpx transport over a pool with one connection. It has one call at a time, and is used again only after a
whole reply: an exception of a signal handler, which can interrupt httpcore at any line, spoils a lane and not a pool.
"""

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from .connecting import KEEPALIVE
from .proxies import Route

#: The maximum number of connections to one origin that an event loop has, and of idle ones that a blocking driver keeps.
#: The overhead of an httpcore pool grows with its connections, hence one for each.
CONNECTIONS = 128


class Lane(Protocol):
    """A transport, and the backend that opens its connection."""

    backend: Any
    transport: Any


L = TypeVar("L", bound=Lane)


class Lanes(Generic[L]):
    """The lanes to one origin: the idle ones, most recently used last, and all of them."""

    def __init__(self, open_lane: Callable[[], L]) -> None:
        self._open_lane = open_lane
        self.idle: list[L] = []
        self._all: set[L] = set()

    def another(self) -> L:
        """Return a new lane."""
        lane = self._open_lane()
        self._all.add(lane)
        return lane

    def drop(self, lane: L) -> None:
        """Close a lane, which is not idle, and forget it."""
        self._all.discard(lane)
        lane.backend.close()

    def close(self) -> None:
        """Close all lanes. Calls in progress end with a fault."""
        for lane in list(self._all):
            lane.backend.close()


def pool_options(route: Route, backend: Any) -> dict[str, Any]:
    """Return the arguments of httpcore's pool for one lane."""
    return {
        "proxy": route.proxy,
        "max_connections": 1,
        "keepalive_expiry": KEEPALIVE,
        "network_backend": backend,
    }
