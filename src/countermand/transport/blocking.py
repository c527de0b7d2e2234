"""Blocking drivers: over httpx's stock transport, or over a caller's own client."""

import os
import sys
import time
from abc import ABC, abstractmethod
from typing import Any

import httpcore
import httpx

from ..engine.wire import Call, Fault, Flow, Reply, T
from ..errors import NotSentError
from .bodies import read
from .faults import fault, without_frames
from .quiet import hush, ours
from .requests import CLOCK, KEEPALIVE, client_request, stock_request, tls_for
from .streams import Backend, Deadline

hush()


class BlockingDriver(ABC):
    """Runs flows on blocking I/O; a subclass exchanges one call for what came of it."""

    clock = CLOCK

    @property
    @abstractmethod
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""

    @abstractmethod
    def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""

    @abstractmethod
    def close(self) -> None:
        """Close what the driver opened itself."""

    def run(self, flow: Flow[T]) -> T:
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
                            answer = self.exchange(step)
                        finally:
                            ours.set(False)
                    else:
                        time.sleep(step.seconds)
                except BaseException as interruption:
                    step = flow.throw(without_frames(interruption, outer))
                else:
                    step = flow.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result


class StockDriver(BlockingDriver):
    """Over one stock transport for each scheme."""

    def __init__(self) -> None:
        self._transports: dict[bool, httpx.HTTPTransport] = {}
        self._pid = os.getpid()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""
        request = stock_request(call, Deadline.ending(call.deadline))
        try:
            response = self._transport(call.origin).handle_request(request)
        except Exception as error:
            return fault(error)
        return read(response, call.deadline)

    def _transport(self, origin: str) -> httpx.HTTPTransport:
        if self._pid != os.getpid():
            # A forked process must not write to its parent's connections; dropping them closes only our copies.
            self._transports, self._pid = {}, os.getpid()
        https = origin.startswith("https:")
        transport = self._transports.get(https)
        if transport is None:
            context = tls_for(origin)
            transport = httpx.HTTPTransport(verify=context)
            # httpx has no argument for a network backend; a test holds this name.
            transport._pool = httpcore.ConnectionPool(  # pyright: ignore[reportPrivateUsage]
                context, max_connections=100, keepalive_expiry=KEEPALIVE, network_backend=Backend()
            )
            transport = self._transports.setdefault(https, transport)
        return transport

    def close(self) -> None:
        """Close the connections."""
        self._closed = True
        for transport in self._transports.values():
            transport.close()


class BorrowedDriver(BlockingDriver):
    """Over a caller's own `Client`: httpx's, or that of its successor httpx2, which has the same interface.

    The caller's proxies, mounts, event hooks, cookies and default headers stay in force. Redirects are not followed
    and the client's own `auth` is not applied, because either could carry a credential elsewhere. The client is left
    open, unless it is `owned`.

    The deadline is looked at whenever bytes of the body arrive; until then the client's own timeouts count, and they
    start anew with every byte.
    """

    def __init__(self, client: Any, *, owned: bool = False) -> None:
        self._client = client
        self._owned = owned
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `close` was called, or the caller's client is closed."""
        return self._closed or bool(self._client.is_closed)

    def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it."""
        left = max(call.deadline - time.monotonic(), 0.001)
        try:
            request = client_request(self._client, call, left, left)
            response = self._client.send(request, stream=True, auth=None, follow_redirects=False)
        except Exception as error:
            return fault(error)
        return read(response, call.deadline)

    def close(self) -> None:
        """Send nothing more; close the client if it is ours."""
        self._closed = True
        if self._owned:
            self._client.close()
