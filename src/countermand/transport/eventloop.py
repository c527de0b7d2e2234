"""Drivers on asyncio: over several small stock transports of httpx, or over a caller's own client."""

import asyncio
import os
import ssl
import sys
from abc import ABC, abstractmethod
from typing import Any

import httpcore
import httpx

from ..engine.wire import CLOCK, Call, Fault, Flow, Reply, T
from ..errors import NotSentError
from .connecting import AsyncBackend
from .faults import flaw, settled
from .foreign import without_frames
from .messages import AsyncWatch, aread, client_request, plain_headers, stock_request, tls_for
from .private import install_pool
from .proxies import Proxies, Route, route_for
from .quiet import hush, ours

#: How far past a call's deadline an exchange is cut, in seconds. Waiting for a connection keeps to the deadline itself,
#: so that a connection that never came is told apart from an answer that never came.
GRACE = 0.05
#: An idle connection is dropped after this many seconds; see `blocking.KEEPALIVE`.
KEEPALIVE = 4.0
#: Connections to one origin at most, each in a pool of its own: the time that a pool of httpcore's takes for a request
#: grows with its connections, and it may give one connection to two tasks, of which one has to look again.
_CONNECTIONS = 128

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
        """Send `call` and return what came of it by its deadline.

        Raises what is not the HTTP library's; `call.sent` then says whether the request may have left.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Close what the driver opened itself."""

    async def run(self, flow: Flow[T]) -> T:
        """Run `flow` to its end and return what it returns, or raise what it raises, without the frames below it."""
        if self.closed:
            raise NotSentError("the client is closed")
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise NotSentError("the async client needs asyncio, and no event loop of it is running") from None
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
        except BaseException as error:
            without_frames(error, outer)
            raise


def home() -> tuple[object, int]:
    """Return what a connection belongs to: the event loop and the process that opened it."""
    return asyncio.get_running_loop(), os.getpid()


class AsyncStockDriver(EventLoopDriver):
    """Over small stock transports of httpx's, one for each connection.

    `proxies` says which origins are reached through which proxy; None means none, whatever the environment says.
    """

    def __init__(self, proxies: Proxies | None = None) -> None:
        self._proxies = proxies
        self._lanes: dict[str, _Lanes] = {}
        self._home: object = None
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called."""
        return self._closed

    async def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""
        outer = sys.exception()
        call.sent = False
        lane: _Lane | None = None
        response: httpx.Response | None = None
        try:
            async with asyncio.timeout(max(call.deadline - CLOCK.monotonic(), 0.0) + GRACE):
                if (here := home()) != self._home:
                    self._lanes, self._home = {}, here
                lanes = self._lanes.get(call.origin) or self._open(call.origin)
                lane = lanes.idle.pop() if lanes.idle else lanes.another()
                lane.busy += 1
                request = stock_request(call)
                call.sent = True  # until a stream of ours says otherwise: where a mock is, there is none
                response = await lane.transport.handle_async_request(request)
                return await aread(response, call, outer)
        except Exception as error:
            if response is None:
                return settled(error, call, outer)
            return Reply(response.status_code, plain_headers(response.headers), b"", flaw(error, outer))
        finally:
            if lane is not None:
                lane.busy -= 1
                if not lane.busy:
                    lane.idle.append(lane)

    def _open(self, origin: str) -> "_Lanes":
        lanes = self._lanes[origin] = _Lanes(tls_for(origin), route_for(origin, self._proxies))
        return lanes

    async def aclose(self) -> None:
        """Close the connections."""
        self._closed = True
        if self._home == home():
            for lane in [lane for lanes in self._lanes.values() for lane in lanes.all]:
                await lane.transport.aclose()


class _Lanes:
    """The transports to one origin: those that are idle, the latest used last, and all of them."""

    def __init__(self, context: ssl.SSLContext, route: Route) -> None:
        self._context = context
        self._route = route
        self.idle: list[_Lane] = []
        self.all: list[_Lane] = []

    def another(self) -> "_Lane":
        """Return a new transport; when there are too many, the one that fewest calls wait for."""
        if len(self.all) >= _CONNECTIONS:
            return min(self.all, key=lambda lane: lane.busy)
        self.all.append(_Lane(self._context, self._route, self.idle))
        return self.all[-1]


class _Lane:
    """A transport with one connection, how many calls are on it, and where it belongs when there are none."""

    def __init__(self, context: ssl.SSLContext, route: Route, idle: "list[_Lane]") -> None:
        self.busy = 0
        self.idle = idle
        self.transport = httpx.AsyncHTTPTransport(verify=context)
        install_pool(
            self.transport,
            httpcore.AsyncConnectionPool(
                context,
                proxy=route.proxy,
                max_connections=1,
                keepalive_expiry=KEEPALIVE,
                network_backend=AsyncBackend(route.socks),
            ),
        )


class AsyncBorrowedDriver(EventLoopDriver):
    """Over a caller's own `AsyncClient`, httpx's or httpx2's; see `BorrowedDriver`. The deadline is kept exactly."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called, or the caller's client is closed."""
        return self._closed or bool(self._client.is_closed)

    async def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""
        outer = sys.exception()
        left = max(call.deadline - CLOCK.monotonic(), 0.0)
        watch, request, response = AsyncWatch(call, outer), None, None
        try:
            async with asyncio.timeout(left + GRACE):
                request = client_request(self._client, call, watch, left, None)  # what follows is timed here
                response = await self._client.send(request, stream=True, auth=None, follow_redirects=False)
                return await aread(response, call, outer)
        except Exception as error:
            if response is not None:
                return Reply(response.status_code, plain_headers(response.headers), b"", flaw(error, outer))
            if request is None:
                call.sent = False
            return settled(error, call, outer, request=request, witnessed=watch.witnessed)

    async def aclose(self) -> None:
        """Send nothing more; the client stays open."""
        self._closed = True
