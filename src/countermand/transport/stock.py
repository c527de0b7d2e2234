"""The stock drivers: httpx's own transports, without the client around them."""

import asyncio
import os
import ssl
import time
from functools import cache

import httpcore
import httpx

from ..wire import Call, Fault, Reply
from .bodies import aread, read
from .faults import fault, flaw
from .running import GRACE, AsyncioDriver, BlockingDriver, standing_headers
from .streams import AsyncBackend, Backend, Deadline

#: An idle connection is dropped after this many seconds, before most servers drop it: a request sent into a
#: connection that the server is closing is one whose fate is unclear.
_KEEPALIVE = 4.0
#: Connections of one async pool. httpx's pool takes time that grows with the square of this number.
_POOL_SIZE = 8
_POOLS = 16


@cache
def tls() -> ssl.SSLContext:
    """Return the one TLS context of all marketplaces, both doors and all clients."""
    return httpx.create_ssl_context()


@cache
def _no_tls() -> ssl.SSLContext:
    # For http to this machine: loading the certificate authorities costs more than a hundred calls.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _context(origin: str) -> ssl.SSLContext:
    return tls() if origin.startswith("https:") else _no_tls()


def request(call: Call, timeout: float) -> httpx.Request:
    """Return `call` as httpx's request. What does not change from call to call is built once."""
    prepared = call.headers.prepared
    key = call.origin, call.method, call.body is None
    headers: httpx.Headers = prepared.get(key) or prepared.setdefault(key, _headers(call))
    built = httpx.Request(
        call.method,
        call.origin + call.target,
        headers=headers,
        stream=httpx.ByteStream(call.body or b""),
        extensions={"timeout": {"connect": timeout, "read": timeout, "write": timeout, "pool": timeout}},
    )
    if call.body is not None:
        built.headers["Content-Length"] = str(len(call.body))
    return built


def _headers(call: Call) -> httpx.Headers:
    headers = {"Host": call.origin.partition("://")[2], **standing_headers(call)}
    if call.body is None and call.method != "GET":
        headers["Content-Length"] = "0"
    return httpx.Headers(headers)


class StockDriver(BlockingDriver):
    """Blocking, over one stock transport for each scheme."""

    def __init__(self) -> None:
        self._transports: dict[bool, httpx.HTTPTransport] = {}
        self._pid = os.getpid()
        self._closed = False

    def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""
        if self._closed:
            return Fault(sent=False, detail="the client is closed")
        deadline = Deadline.ending(call.deadline)
        try:
            response = self._transport(call.origin).handle_request(request(call, deadline))
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
            context = _context(origin)
            transport = httpx.HTTPTransport(verify=context)
            # httpx has no argument for a network backend; a test holds this name.
            transport._pool = httpcore.ConnectionPool(  # pyright: ignore[reportPrivateUsage]
                context, max_connections=100, keepalive_expiry=_KEEPALIVE, network_backend=Backend()
            )
            transport = self._transports.setdefault(https, transport)
        return transport

    def close(self) -> None:
        """Close the connections."""
        self._closed = True
        for transport in self._transports.values():
            transport.close()


class AsyncStockDriver(AsyncioDriver):
    """On asyncio, over several small stock transports, of which the least busy takes the next call."""

    def __init__(self) -> None:
        self._lanes: dict[bool, list[_Lane]] = {}
        self._home: object = None
        self._closed = False

    async def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""
        if self._closed:
            return Fault(sent=False, detail="the client is closed")
        left = call.deadline - time.monotonic()
        lane = self._lane(call.origin)
        lane.busy += 1
        response: httpx.Response | None = None
        try:
            async with asyncio.timeout(max(left, 0.0) + GRACE):
                response = await lane.transport.handle_async_request(request(call, max(left, 0.0)))
                return await aread(response, call.deadline)
        except Exception as error:
            if response is None:
                return fault(error)
            return Reply(response.status_code, response.headers, b"", flaw(error))
        finally:
            lane.busy -= 1

    def _lane(self, origin: str) -> "_Lane":
        home = (asyncio.get_running_loop(), os.getpid())
        if home != self._home:
            # A connection belongs to the event loop and to the process that opened it.
            self._lanes, self._home = {}, home
        lanes = self._lanes.setdefault(origin.startswith("https:"), [])
        best: _Lane | None = None
        for lane in lanes:
            if lane.busy < _POOL_SIZE:
                return lane
            if best is None or lane.busy < best.busy:
                best = lane
        if best is None or len(lanes) < _POOLS:
            best = _Lane(_context(origin))
            lanes.append(best)
        return best

    async def aclose(self) -> None:
        """Close the connections."""
        self._closed = True
        for lanes in self._lanes.values():
            for lane in lanes:
                await lane.transport.aclose()


class _Lane:
    """One small transport, and how many calls are on it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.busy = 0
        self.transport = httpx.AsyncHTTPTransport(verify=context)
        self.transport._pool = httpcore.AsyncConnectionPool(  # pyright: ignore[reportPrivateUsage]
            context, max_connections=_POOL_SIZE, keepalive_expiry=_KEEPALIVE, network_backend=AsyncBackend()
        )
