"""Drivers for asyncio: over httpx transports, or over a client of the caller."""

import asyncio
import ssl
import sys
from abc import ABC, abstractmethod
from functools import partial
from typing import Any

import httpcore
import httpx

from ..engine.wire import CLOCK, Call, Fault, Flow, Reply, T
from ..errors import NotSentError
from .connecting_async import AsyncBackend
from .faults import flaw, settled
from .foreign import pass_on_stop, without_frames
from .lanes import CONNECTIONS, Lanes, pool_options
from .loops import LoopScope, running_loop
from .messages import AsyncWatch, aread, client_request, plain_headers, stock_request, tls_for
from .private import install_pool
from .proxies import Proxies, Route, route_for
from .quiet import hush, ours

#: The seconds after the deadline at which an exchange is cancelled. Connecting stops at the deadline itself, so that a
#: connection timeout can be distinguished from a missing reply.
GRACE = 0.05

hush()


class EventLoopDriver(ABC):
    """Runs flows on asyncio. A subclass implements `exchange`."""

    clock = CLOCK

    @property
    @abstractmethod
    def closed(self) -> bool:
        """Whether the driver is closed."""

    @abstractmethod
    async def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return the result by its deadline.

        Foreign exceptions propagate; `call.sent` then says whether the request may have been sent.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Close what the driver opened itself."""

    def _check(self, call: Call) -> None:
        """Raise `NotSentError` if nothing can be sent."""
        sent, call.sent = call.sent, False
        if self.closed:
            raise NotSentError("the client is closed")
        running_loop()
        call.sent = sent

    async def run(self, flow: Flow[T]) -> T:
        """Run `flow` to its end and return what it returns, or raise what it raises, without the frames below it."""
        outer, interruption = sys.exception(), None
        generator: Any = flow  # a call to look at its frame would let a signal in, after its end
        try:
            step = next(flow)
            while True:
                try:
                    while True:
                        answer: Reply | Fault | None = None
                        if isinstance(step, Call):
                            self._check(step)
                            ours.set(True)
                            try:
                                answer = await self.exchange(step)
                            finally:
                                ours.set(False)
                        else:
                            await asyncio.sleep(step.seconds)
                        step = flow.send(answer)
                except BaseException as error:
                    if generator.gi_frame is None:  # it has ended, with this
                        raise
                    interruption = without_frames(error, outer)
                    step = flow.throw(interruption)
        except StopIteration as end:
            result: T = end.value
            return result
        except BaseException as error:
            without_frames(error, outer)
            pass_on_stop(error, interruption)
            raise


class AsyncStockDriver(EventLoopDriver):
    """Over httpx transports, one for each connection.

    `proxies` are the proxies to use; None means none, whatever the environment says.
    """

    def __init__(self, proxies: Proxies | None = None) -> None:
        self._proxies = proxies
        self._lanes: dict[str, _Lanes] = {}
        self._scope = LoopScope()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called."""
        return self._closed

    async def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""
        call.sent = False
        response: httpx.Response | None = None
        try:
            if not self._scope.is_current():
                self._lanes = {}
                await self._scope.enter(partial(_close, self._lanes))
            lanes = self._lanes.get(call.origin) or self._open(call.origin)
            left = max(call.deadline - CLOCK.monotonic(), 0.0)
            async with asyncio.timeout(left + GRACE), lanes.turns:
                if self._closed:  # while it waited for its turn
                    return Fault(False, "the client was closed")
                lane = lanes.idle.pop() if lanes.idle else lanes.another()
                try:
                    request = stock_request(call)
                    call.sent = True  # a stream of ours corrects it; with a mock there is none
                    response = await lane.transport.handle_async_request(request)
                    reply = await aread(response, call)
                except BaseException:
                    lanes.drop(lane)
                    raise
                lanes.idle.append(lane)
                return reply
        except Exception as error:
            if response is None:
                return settled(error, call)
            return Reply(response.status_code, plain_headers(response.headers), b"", flaw(error))

    def _open(self, origin: str) -> "_Lanes":
        lanes = self._lanes[origin] = _Lanes(tls_for(origin), route_for(origin, self._proxies))
        return lanes

    async def aclose(self) -> None:
        """Close the connections."""
        self._closed = True
        await self._scope.leave()


async def _close(lanes_by_origin: "dict[str, _Lanes]") -> None:
    for lanes in lanes_by_origin.values():
        lanes.close()
    await asyncio.sleep(0)  # the event loop closes the sockets


class _Lanes(Lanes["_Lane"]):
    def __init__(self, context: ssl.SSLContext, route: Route) -> None:
        super().__init__(partial(_Lane, context, route))
        #: A call waits for its turn while there are as many as there may be connections.
        self.turns = asyncio.Semaphore(CONNECTIONS)


class _Lane:
    def __init__(self, context: ssl.SSLContext, route: Route) -> None:
        self.backend = AsyncBackend(route.socks)
        self.transport = httpx.AsyncHTTPTransport(verify=context)
        install_pool(
            self.transport, httpcore.AsyncConnectionPool(context, **pool_options(route, self.backend))
        )


class AsyncBorrowedDriver(EventLoopDriver):
    """Over an httpx or httpx2 `AsyncClient` of the caller; see `BorrowedDriver`. The deadline is exact."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called, or the caller's client is closed."""
        return self._closed or bool(self._client.is_closed)

    async def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""
        call.sent = False
        left = max(call.deadline - CLOCK.monotonic(), 0.0)
        watch, request, response = AsyncWatch(call), None, None
        try:
            async with asyncio.timeout(left + GRACE):
                request = client_request(
                    self._client, call, watch, left, None
                )  # this driver enforces the deadline
                call.sent = True  # the events correct it; with a mock there are none
                response = await self._client.send(request, stream=True, auth=None, follow_redirects=False)
                return await aread(response, call)
        except Exception as error:
            if response is not None:
                return Reply(response.status_code, plain_headers(response.headers), b"", flaw(error))
            return settled(error, call, request=request, witnessed=watch.witnessed)

    async def aclose(self) -> None:
        """Stop sending. The caller's client stays open."""
        self._closed = True
