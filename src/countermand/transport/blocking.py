"""Blocking drivers: over httpx transports, or over a client of the caller."""

import os
import ssl
import sys
import time
from abc import ABC, abstractmethod
from typing import Any

import httpcore
import httpx

from ..engine.wire import CLOCK, Call, Fault, Flow, Reply, T
from ..errors import NotSentError
from .connecting import KEEPALIVE, Backend
from .faults import settled
from .foreign import pass_on_stop, without_frames
from .messages import Watch, client_request, read, stock_request, tls_for
from .private import install_pool
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
    """Over one httpx transport for each scheme and each proxy.

    `proxies` are the proxies to use; None means none, whatever the environment says.
    """

    def __init__(self, proxies: Proxies | None = None) -> None:
        self._proxies = proxies
        self._pools: dict[str, _Pool] = {}
        self._by_route: dict[object, _Pool] = {}
        self._pid = os.getpid()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""
        call.sent = False
        pool: _Pool | None = None
        try:
            try:
                if self._pid != os.getpid():
                    # A forked process must not use its parent's connections. Dropping them closes only our copies.
                    self._pools, self._by_route, self._pid = {}, {}, os.getpid()
                pool = self._pools.get(call.origin) or self._open(call.origin)
                pool.calls.add(call)
                request = stock_request(call)
                call.sent = True  # a stream of ours corrects it; with a mock there is none
                response = pool.transport.handle_request(request)
            except Exception as error:
                return settled(error, call)
            return read(response, call)
        except BaseException:
            if pool is not None:
                self._drop(pool)
            raise
        finally:
            if pool is not None:
                pool.calls.discard(call)
                if pool.is_dropped and not pool.calls:
                    pool.backend.close()

    def _open(self, origin: str) -> "_Pool":
        route = route_for(origin, self._proxies)
        pool = self._by_route.get(route)
        if pool is None:
            pool = self._by_route.setdefault(
                route, _Pool(tls_for(origin), route)
            )  # if two threads race, keep the first
        self._pools[origin] = pool
        return pool

    def _drop(self, pool: "_Pool") -> None:
        """Use `pool` no more: httpcore was interrupted at any line, and may have a connection that is never free again."""
        pool.is_dropped = True
        self._pools = {key: each for key, each in list(self._pools.items()) if each is not pool}
        self._by_route = {key: each for key, each in list(self._by_route.items()) if each is not pool}

    def close(self) -> None:
        """Close the connections."""
        self._closed = True
        if self._pid == os.getpid():
            for pool in self._by_route.values():
                pool.transport.close()


class _Pool:
    """A transport with its connections, and the calls in progress. The last call of a dropped pool closes them."""

    def __init__(self, context: ssl.SSLContext, route: Route) -> None:
        self.calls: set[Call] = set()
        self.is_dropped = False
        self.backend = Backend(route.socks)
        self.transport = httpx.HTTPTransport(verify=context)
        install_pool(
            self.transport,
            httpcore.ConnectionPool(
                context,
                proxy=route.proxy,
                max_connections=100,
                keepalive_expiry=KEEPALIVE,
                network_backend=self.backend,
            ),
        )


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
