"""A driver over aiohttp, for those who go wide: many times the throughput of httpx with many calls in flight.

    from countermand.transport.aiohttp import AiohttpDriver

    async with AsyncCountermand(pattern=..., http_client=AiohttpDriver()) as client: ...

Needs the extra `countermand[aiohttp]`. It takes aiohttp's connections and aiohttp's parser, and puts nothing between
them: a request is one write, because its head is the same for every order of an account but for the target.
"""

import asyncio
import re
import time
from collections.abc import Mapping

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ..wire import Call, Fault, Reply
from .bodies import Body
from .eventloop import GRACE, EventLoopDriver, home
from .faults import fault, flaw
from .requests import KEEPALIVE, standing_headers, tls_for, whole_headers
from .streams import readable

#: Connections at most, as many as httpx's client opens by default.
_CONNECTIONS = 100
#: Time is kept around the whole exchange.
_UNTIMED = aiohttp.ClientTimeout()
_TARGET = re.compile(r"/[\x21-\x7e]*", re.ASCII)


class AiohttpDriver(EventLoopDriver):
    """On asyncio, over aiohttp: its connector and its parser, or a `session` of the caller's own.

    Without a session there are no proxies and no cookies. A session is used as it is and left open; redirects are
    not followed, and the call's deadline takes the place of its timeouts.
    """

    def __init__(self, session: aiohttp.ClientSession | None = None) -> None:
        self._theirs = session
        self._connector: aiohttp.TCPConnector | None = None
        self._initiators: dict[str, aiohttp.ClientRequest] = {}
        self._home: object = None
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called, or the caller's session is closed."""
        return self._closed or (self._theirs is not None and self._theirs.closed)

    async def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""
        if self._theirs is not None:
            return await _exchange_over(self._theirs, call)
        line: aiohttp.connector.Connection | None = None
        status, headers = 0, _NO_HEADERS
        try:
            async with asyncio.timeout(max(call.deadline - time.monotonic(), 0.0) + GRACE):
                request = _bytes_of(call)
                line = await self._connect(call.origin)
                status, headers, content = await _ask(line, request, call.deadline)
                body = await _read(content, call.deadline)
            line.release()
            return body.reply(status, _usable(status, headers))
        except Exception as error:
            if status:
                return Reply(status, headers, b"", flaw(error))
            return fault(error, connected=line is not None)
        finally:
            if line is not None:
                line.close()  # does nothing once it is released

    async def _connect(self, origin: str) -> aiohttp.connector.Connection:
        """Return a connection that is clean: something may have come on an idle one that nobody had asked for."""
        connector = self._connector_here()
        # The connector wants to know for which request, and looks at nothing but where it goes.
        if (initiator := self._initiators.get(origin)) is None:
            initiator = aiohttp.ClientRequest(
                "GET", URL(origin), loop=asyncio.get_running_loop(), ssl=tls_for(origin)
            )
            self._initiators[origin] = initiator
        for _ in range(_CONNECTIONS):
            line = await connector.connect(initiator, [], _UNTIMED)
            clean = False
            try:
                if line.transport is not None and readable(line.transport.get_extra_info("socket")):
                    # What waits in the socket reaches the protocol within two turns of the loop.
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                clean = line.protocol is not None and not line.closed and not line.protocol.should_close
            finally:
                if not clean:
                    line.close()
            if clean:
                return line
        raise aiohttp.ConnectionTimeoutError("no connection is clean")

    def _connector_here(self) -> aiohttp.TCPConnector:
        if self._connector is None or self._home != home():
            self._connector = aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=KEEPALIVE)
            self._initiators = {}
            self._home = home()
        return self._connector

    async def aclose(self) -> None:
        """Close the connections that are ours."""
        self._closed = True
        if self._connector is not None and self._home == home():
            await self._connector.close()


_NO_HEADERS: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())


async def _ask(
    line: aiohttp.connector.Connection, request: bytes, deadline: float
) -> tuple[int, CIMultiDictProxy[str], aiohttp.StreamReader]:
    """Send a request in one write; return the status, the headers and the content of the answer to it."""
    protocol, transport = line.protocol, line.transport
    assert protocol is not None
    assert transport is not None
    protocol.set_response_params(read_until_eof=True, auto_decompress=False)
    if time.monotonic() >= deadline:
        raise aiohttp.ConnectionTimeoutError("the deadline was over before anything was sent")
    transport.write(request)
    while True:
        message, content = await protocol.read()
        if not 100 <= message.code < 200 or message.code == 101:  # what is left out are interim responses
            return message.code, message.headers, content


async def _read(content: aiohttp.StreamReader, deadline: float) -> Body:
    body = Body(deadline)
    while not content.at_eof():
        body.take(await content.readany())
    return body


def _usable(status: int, headers: CIMultiDictProxy[str]) -> Mapping[str, str]:
    """Join headers that are repeated, where that may matter."""
    if status < 300:
        return headers
    return {name.lower(): ", ".join(headers.getall(name)) for name in headers}


def _bytes_of(call: Call) -> bytes:
    """Return a request as it goes over the wire."""
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
    lines = [f"{name}: {value}" for name, value in whole_headers(call).items()]
    if any(len(line.splitlines()) != 1 for line in lines):
        raise ValueError("a header holds a line break")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


async def _exchange_over(session: aiohttp.ClientSession, call: Call) -> Reply | Fault:
    left = max(call.deadline - time.monotonic(), 0.0)
    response: aiohttp.ClientResponse | None = None
    try:
        response = await session.request(
            call.method,
            URL(call.origin + call.target, encoded=True),
            data=call.body,
            headers=standing_headers(call),
            allow_redirects=False,
            auto_decompress=False,
            raise_for_status=False,
            # It is rounded up to whole seconds unless told not to.
            timeout=aiohttp.ClientTimeout(total=left + GRACE, connect=left, ceil_threshold=float("inf")),
        )
        body = await _read(response.content, call.deadline)
        response.release()
        return body.reply(response.status, _usable(response.status, response.headers))
    except Exception as error:
        if response is None:
            return fault(error)
        return Reply(response.status, response.headers, b"", flaw(error))
    finally:
        if response is not None and not response.closed:
            response.close()
