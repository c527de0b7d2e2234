"""Drivers on asyncio: over several small stock transports of httpx, or over a caller's own client."""

import asyncio
import os
import sys
import time
from abc import ABC, abstractmethod
from typing import Any

import httpcore
import httpx

from ..engine.wire import Call, Fault, Flow, Reply, T
from ..errors import NotSentError
from .bodies import aread
from .faults import fault, flaw, without_frames
from .quiet import hush, ours
from .requests import CLOCK, KEEPALIVE, client_request, stock_request, tls_for
from .streams import AsyncBackend, Deadline

#: How far past a call's deadline an exchange is cut, in seconds. Connecting keeps to the deadline itself, so that a
#: connection that never came is told apart from an answer that never came.
GRACE = 0.05
#: Connections of one pool. httpx's pool takes time that grows with the square of this number.
_POOL_SIZE = 8
_POOLS = 16

hush()


class EventLoopDriver(ABC):
    """Runs flows on asyncio; a subclass exchanges one call for what came of it."""

    clock = CLOCK

    @property
    @abstractmethod
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""

    @abstractmethod
    async def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close what the driver opened itself."""

    async def run(self, flow: Flow[T]) -> T:
        """Run `flow` to its end and return what it returns, or raise what it raises."""
        if self.closed:
            raise NotSentError("the client is closed")
        outer = sys.exception()
        try:
            step = next(flow)
            while True:
                try:
                    answer: Reply | Fault | None = None
                    if isinstance(step, Call):
                        ours.set(True)
                        try:
                            answer = await self.exchange(step)
                        finally:
                            ours.set(False)
                    else:
                        await asyncio.sleep(step.seconds)
                except BaseException as interruption:
                    step = flow.throw(without_frames(interruption, outer))
                else:
                    step = flow.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result


def home() -> tuple[object, int]:
    """Return what a connection belongs to: the event loop and the process that opened it."""
    return asyncio.get_running_loop(), os.getpid()


class AsyncStockDriver(EventLoopDriver):
    """Over several small stock transports: the first that is not full takes the next call."""

    def __init__(self) -> None:
        self._lanes: dict[bool, list[_Lane]] = {}
        self._home: object = None
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called."""
        return self._closed

    async def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""
        deadline = Deadline.ending(call.deadline)
        lane = self._lane(call.origin)
        lane.busy += 1
        response: httpx.Response | None = None
        try:
            async with asyncio.timeout(deadline + GRACE):
                response = await lane.transport.handle_async_request(stock_request(call, deadline))
                return await aread(response, call.deadline)
        except Exception as error:
            if response is None:
                return fault(error)
            return Reply(response.status_code, response.headers, b"", flaw(error))
        finally:
            lane.busy -= 1

    def _lane(self, origin: str) -> "_Lane":
        if (here := home()) != self._home:
            self._lanes, self._home = {}, here
        lanes = self._lanes.setdefault(origin.startswith("https:"), [])
        for lane in lanes:
            if lane.busy < _POOL_SIZE:
                return lane
        if len(lanes) < _POOLS:
            lanes.append(_Lane(origin))
            return lanes[-1]
        return min(lanes, key=lambda lane: lane.busy)

    async def aclose(self) -> None:
        """Close the connections."""
        self._closed = True
        if self._home == home():
            for lane in [lane for lanes in self._lanes.values() for lane in lanes]:
                await lane.transport.aclose()


class _Lane:
    """One small transport, and how many calls are on it."""

    def __init__(self, origin: str) -> None:
        self.busy = 0
        context = tls_for(origin)
        self.transport = httpx.AsyncHTTPTransport(verify=context)
        # httpx has no argument for a network backend; a test holds this name.
        self.transport._pool = httpcore.AsyncConnectionPool(  # pyright: ignore[reportPrivateUsage]
            context, max_connections=_POOL_SIZE, keepalive_expiry=KEEPALIVE, network_backend=AsyncBackend()
        )


class AsyncBorrowedDriver(EventLoopDriver):
    """Over a caller's own `AsyncClient`, httpx's or httpx2's; see `BorrowedDriver`. The deadline is kept exactly."""

    def __init__(self, client: Any, *, owned: bool = False) -> None:
        self._client = client
        self._owned = owned
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called, or the caller's client is closed."""
        return self._closed or bool(self._client.is_closed)

    async def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""
        left = max(call.deadline - time.monotonic(), 0.0)
        response: Any = None
        try:
            async with asyncio.timeout(left + GRACE):
                request = client_request(self._client, call, left, None)  # what follows is timed here
                response = await self._client.send(request, stream=True, auth=None, follow_redirects=False)
                return await aread(response, call.deadline)
        except Exception as error:
            if response is None:
                return fault(error)
            return Reply(response.status_code, response.headers, b"", flaw(error))

    async def aclose(self) -> None:
        """Send nothing more; close the client if it is ours."""
        self._closed = True
        if self._owned:
            await self._client.aclose()
