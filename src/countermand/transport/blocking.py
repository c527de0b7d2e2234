"""Blocking drivers: over httpx transports, or over a client of the caller."""

import os
import ssl
import sys
import time
from abc import ABC, abstractmethod
from functools import partial
from typing import Any

import httpcore
import httpx

from ..engine.wire import CLOCK, Call, Fault, Flow, Reply, T
from ..errors import NotSentError
from .connecting import Backend
from .faults import settled
from .foreign import pass_on_stop, without_frames
from .lanes import CONNECTIONS, Lanes, pool_options
from .messages import Watch, client_request, read, stock_request, tls_for
from .private import install_pool, without_lock
from .proxies import Proxies, Route, route_for
from .quiet import hush, ours

hush()


class BlockingDriver(ABC):
    """Runs flows with blocking I/O. A subclass implements `exchange`."""

    clock = CLOCK

    @property
    @abstractmethod
    def closed(self) -> bool:
        """Whether the driver is closed."""

    @abstractmethod
    def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return the result by its deadline.

        Foreign exceptions propagate; `call.sent` then says whether the request may have been sent.
        """

    @abstractmethod
    def close(self) -> None:
        """Close what the driver opened itself."""

    def run(self, flow: Flow[T]) -> T:
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
                            if self.closed:
                                step.sent = False
                                raise NotSentError("the client is closed")
                            ours.set(True)
                            try:
                                answer = self.exchange(step)
                            finally:
                                ours.set(False)
                        else:
                            time.sleep(step.seconds)
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


class StockDriver(BlockingDriver):
    """Over httpx transports, one for each connection.

    `proxies` are the proxies to use; None means none, whatever the environment says.
    """

    def __init__(self, proxies: Proxies | None = None) -> None:
        self._proxies = proxies
        self._lanes: dict[str, Lanes[_Lane]] = {}
        self._pid = os.getpid()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""
        call.sent = False
        lanes: Lanes[_Lane] | None = None
        lane: _Lane | None = None
        try:
            try:
                if self._pid != os.getpid():
                    # A forked process must not use its parent's connections. Dropping them closes only our copies.
                    self._lanes, self._pid = {}, os.getpid()
                lanes = self._lanes.get(call.origin) or self._open(call.origin)
                try:
                    lane = lanes.idle.pop()
                except IndexError:
                    lane = lanes.another()
                request = stock_request(call)
                call.sent = True  # a stream of ours corrects it; with a mock there is none
                response = lane.transport.handle_request(request)
            except Exception as error:
                return settled(error, call)
            reply = read(response, call)
            if len(lanes.idle) < CONNECTIONS:
                lanes.idle.append(lane)
                lane = None
            return reply
        finally:
            if lane is not None and lanes is not None:
                lanes.drop(lane)

    def _open(self, origin: str) -> "Lanes[_Lane]":
        lanes = Lanes(partial(_Lane, tls_for(origin), route_for(origin, self._proxies)))
        return self._lanes.setdefault(origin, lanes)  # if two threads race, keep the first

    def close(self) -> None:
        """Close the connections."""
        self._closed = True
        if self._pid == os.getpid():
            for lanes in list(self._lanes.values()):
                lanes.close()


class _Lane:
    def __init__(self, context: ssl.SSLContext, route: Route) -> None:
        self.backend = Backend(route.socks)
        self.transport = httpx.HTTPTransport(verify=context)
        pool = httpcore.ConnectionPool(context, **pool_options(route, self.backend))
        install_pool(self.transport, without_lock(pool))


class BorrowedDriver(BlockingDriver):
    """Over an httpx or httpx2 `Client` of the caller.

    Its proxies, mounts, event hooks, cookies and default headers apply. Redirects are not followed, and its `auth` is
    not used, because either could send a credential to another host. The client is never closed.

    The deadline is checked whenever bytes of the body arrive. Until then the client's own timeouts apply, which restart
    with every byte of the head, and with every address of a host that does not answer.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `close` was called, or the caller's client is closed."""
        return self._closed or bool(self._client.is_closed)

    def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return the result."""
        call.sent = False
        left = max(call.deadline - CLOCK.monotonic(), 0.001)
        watch, request = Watch(call), None
        try:
            request = client_request(self._client, call, watch, left, left)
            call.sent = True  # the events correct it; with a mock there are none
            response = self._client.send(request, stream=True, auth=None, follow_redirects=False)
        except Exception as error:
            return settled(error, call, request=request, witnessed=watch.witnessed)
        return read(response, call)

    def close(self) -> None:
        """Stop sending. The caller's client stays open."""
        self._closed = True
