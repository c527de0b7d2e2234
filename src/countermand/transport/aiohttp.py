"""A driver over aiohttp, for many calls in flight: many times the throughput of httpx.

    from countermand.transport.aiohttp import AiohttpDriver

    async with AsyncCountermand(pattern=..., http_client=AiohttpDriver()) as client: ...

It needs the extra `countermand[aiohttp]`. It uses aiohttp's connector and parser directly: a request is one write, and
its head is the same for all orders of an account, except for the target.
"""

import asyncio
import re
from collections.abc import Mapping
from functools import partial
from weakref import WeakSet

from ..engine.wire import CLOCK, Call, Fault, Reply
from . import private
from .connecting import KEEPALIVE
from .eventloop import GRACE, EventLoopDriver
from .extras import needs
from .faults import flaw, settled
from .loops import LoopScope
from .messages import Body, tls_for, whole_headers
from .streams import readable

with needs("aiohttp", "aiohttp", "multidict", "yarl"):
    import aiohttp
    from multidict import CIMultiDict, CIMultiDictProxy
    from yarl import URL

#: The maximum number of connections, the default of httpx's client.
_CONNECTIONS = 100
#: The driver enforces the deadline for the whole exchange.
_UNTIMED = aiohttp.ClientTimeout()
_NO_HEADERS: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())
_TARGET = re.compile(r"/[\x21-\x7e]*", re.ASCII)


class AiohttpDriver(EventLoopDriver):
    """A driver over aiohttp's connector and parser, without proxies, cookies and redirects.

    It does not use `aiohttp.ClientSession`, so whatever hooks into sessions does not see its requests: the mocks
    aioresponses and vcrpy, `aiohttp.TraceConfig`, opentelemetry-instrumentation-aiohttp-client, and the aiohttp
    integrations of Sentry and New Relic. Test with `countermand.sandbox` or a server on loopback, and observe requests
    with the client's `hooks`.

    Pass a `connector` of your own for a resolver, a proxy or TLS settings; it is never closed.

        client = AsyncCountermand(Pattern(token="…"), http_client=AiohttpDriver())
    """

    def __init__(self, connector: aiohttp.BaseConnector | None = None) -> None:
        self._theirs = connector
        self._ours: aiohttp.TCPConnector | None = None
        self._initiators: dict[str, aiohttp.ClientRequest] = {}
        self._asked: WeakSet[object] = WeakSet()
        self._scope = LoopScope()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called, or the caller's connector is closed."""
        return self._closed or (self._theirs is not None and self._theirs.closed)

    async def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""
        call.sent = False
        line: aiohttp.connector.Connection | None = None
        status, headers = 0, _NO_HEADERS
        try:
            async with asyncio.timeout(max(call.deadline - CLOCK.monotonic(), 0.0) + GRACE):
                request = _bytes_of(call)
                line = await self._connect(call.origin)
                status, headers, content = await _ask(line, request, call)
                body = await _read(content, call.deadline)
            line.release()
            return body.reply(status, _usable(status, headers))
        except Exception as error:
            if status:
                return Reply(status, _usable(status, headers), b"", flaw(error))
            return settled(error, call, witnessed=True)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self.closed or task is None or task.cancelling():
                raise
            # Closing a connector cancels the tasks that wait for a connection.
            return Fault(sent=call.sent, detail="the client was closed")
        finally:
            _drop(line)

    async def _connect(self, origin: str) -> aiohttp.connector.Connection:
        """Return a connection without unsolicited data, which would be taken for the reply."""
        connector = await self._connector()
        # The connector needs a request object, but uses only its origin.
        if (initiator := self._initiators.get(origin)) is None:
            tls = tls_for(origin) if self._theirs is None else True
            initiator = private.client_request(aiohttp, URL(origin), asyncio.get_running_loop(), tls)
            self._initiators[origin] = initiator
        for _ in range(_CONNECTIONS):
            line: aiohttp.connector.Connection | None = None
            try:
                line = await connector.connect(initiator, [], _UNTIMED)
                if self._is_clean(line):
                    found, line = line, None
                    return found
            finally:
                _drop(line)
        raise aiohttp.ConnectionTimeoutError("no connection is clean")

    def _is_clean(self, line: aiohttp.connector.Connection) -> bool:
        """Whether a connection is usable: open and without unsolicited data."""
        protocol, transport = line.protocol, line.transport
        if protocol is None or transport is None or line.closed or protocol.should_close:
            return False
        if protocol in self._asked and readable(transport.get_extra_info("socket")):
            return False  # a new one may have TLS session tickets
        self._asked.add(protocol)
        return not private.has_begun(protocol)

    async def _connector(self) -> aiohttp.BaseConnector:
        if not self._scope.is_current():
            if self._ours is not None:
                private.forget_connections(self._ours)
            self._ours, self._initiators = None, {}
            if self._theirs is None:
                self._ours = aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=KEEPALIVE)
            await self._scope.enter(partial(_close, self._ours))
        connector = self._ours if self._theirs is None else self._theirs
        assert connector is not None
        return connector

    async def aclose(self) -> None:
        """Close the connections that are ours."""
        self._closed = True
        await self._scope.leave()


async def _close(ours: aiohttp.TCPConnector | None) -> None:
    if ours is not None:
        await ours.close()


def _drop(line: aiohttp.connector.Connection | None) -> None:
    """Abort a connection, unless it is None or was released."""
    if line is not None:
        if line.transport is not None:
            line.transport.abort()  # TLS would wait half a minute for the peer's close_notify
        line.close()


async def _ask(
    line: aiohttp.connector.Connection, request: bytes, call: Call
) -> tuple[int, CIMultiDictProxy[str], aiohttp.StreamReader]:
    """Send a request in one write; return the status, the headers and the content of the reply."""
    protocol, transport = line.protocol, line.transport
    assert protocol is not None
    assert transport is not None
    protocol.set_response_params(read_until_eof=True, auto_decompress=False)
    if CLOCK.monotonic() >= call.deadline:
        raise aiohttp.ConnectionTimeoutError("the deadline was over before anything was sent")
    call.sent = True
    transport.write(request)
    while True:
        message, content = await protocol.read()
        if not 100 <= message.code < 200 or message.code == 101:  # skips interim responses
            return message.code, message.headers, content


async def _read(content: aiohttp.StreamReader, deadline: float) -> Body:
    body = Body(deadline)
    while not content.at_eof():
        body.take(await content.readany())
    return body


def _usable(status: int, headers: CIMultiDictProxy[str]) -> Mapping[str, str]:
    """Join repeated headers, if there are any."""
    if status < 300:
        return headers
    return {name.lower(): ", ".join(headers.getall(name)) for name in headers}


def _bytes_of(call: Call) -> bytes:
    """Return the bytes of a request."""
    if not _TARGET.fullmatch(call.target):
        raise aiohttp.InvalidURL(call.target)
    prepared = call.headers.prepared
    key = "aiohttp", call.origin, call.method, call.body is None
    head: bytes = prepared.get(key) or prepared.setdefault(key, _head(call))
    first = f"{call.method} {call.target} HTTP/1.1\r\n".encode()
    if call.body is None:
        return b"%b%b\r\n" % (first, head)
    return b"%b%bContent-Length: %d\r\n\r\n%b" % (first, head, len(call.body), call.body)


def _head(call: Call) -> bytes:
    lines = [f"{name}: {value}" for name, value in whole_headers(call, "aiohttp").items()]
    if not all(line.isprintable() for line in lines):
        raise ValueError("a header holds a line break, or another character that does not belong there")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")
