"""A driver over aiohttp, for those who go wide: several times the throughput of httpx with many calls in flight.

    from countermand.transport.aiohttp import AiohttpDriver

    async with AsyncCountermand(pattern=..., http_client=AiohttpDriver()) as client: ...

Needs the extra `countermand[aiohttp]`.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from ..wire import Call, Fault, Reply
from .bodies import Body
from .eventloop import GRACE, EventLoopDriver, home
from .faults import fault, flaw
from .requests import KEEPALIVE, standing_headers, tls_for
from .streams import readable

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Connections at most, as many as httpx's client opens by default.
_CONNECTIONS = 100


class AiohttpDriver(EventLoopDriver):
    """On asyncio, over aiohttp. A `session` of the caller's own is left open; it must not follow redirects for us.

    The session that it opens itself knows no proxies and keeps no cookies.
    """

    def __init__(self, session: aiohttp.ClientSession | None = None) -> None:
        self._theirs = session
        self._session: aiohttp.ClientSession | None = None
        self._home: object = None
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called, or the caller's session is closed."""
        return self._closed or (self._theirs is not None and self._theirs.closed)

    async def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""
        session = self._open()
        left = max(call.deadline - time.monotonic(), 0.0)
        response: aiohttp.ClientResponse | None = None
        try:
            response = await session.request(
                call.method,
                URL(call.origin + call.target, encoded=True),
                data=call.body,
                headers=_headers(call),
                allow_redirects=False,
                ssl=tls_for(call.origin) if self._theirs is None else True,
                # aiohttp's own timer costs less than asyncio's; it is rounded up to whole seconds unless told not to.
                timeout=aiohttp.ClientTimeout(total=left + GRACE, connect=left, ceil_threshold=float("inf")),
            )
            return await _read(response, call.deadline)
        except Exception as error:
            if response is None:
                return fault(error)
            return Reply(response.status, response.headers, b"", flaw(error))
        finally:
            if response is not None and not response.closed:
                response.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._theirs is not None:
            return self._theirs
        if self._session is None or self._home != home():
            self._session = aiohttp.ClientSession(
                connector=_Connector(limit=_CONNECTIONS, keepalive_timeout=KEEPALIVE),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
            self._home = home()
        return self._session

    async def aclose(self) -> None:
        """Close the session if it is ours."""
        self._closed = True
        if self._session is not None and self._home == home():
            await self._session.close()


class _Connector(aiohttp.TCPConnector):
    """Passes over an idle connection on which something came that nobody had asked for."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        """Return a connection that is clean."""
        for _ in range(_CONNECTIONS):
            connection = await super().connect(req, traces, timeout)
            if connection.transport is not None and readable(connection.transport.get_extra_info("socket")):
                # What waits in the socket reaches the protocol within two turns of the loop.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            if connection.protocol is not None and not connection.protocol.should_close:
                return connection
            connection.close()
        raise aiohttp.ConnectionTimeoutError("no connection is clean")


async def _read(response: aiohttp.ClientResponse, deadline: float) -> Reply:
    body = Body(deadline)
    content = response.content
    while not content.at_eof():
        body.take(await content.readany())
    response.release()
    headers: Mapping[str, str] = response.headers
    if response.status >= 300:  # where a repeated header may matter
        headers = {name.lower(): ", ".join(response.headers.getall(name)) for name in response.headers}
    return body.reply(response.status, headers)


def _headers(call: Call) -> CIMultiDict[str]:
    prepared = call.headers.prepared
    key = "aiohttp", call.body is None
    if key not in prepared:
        prepared[key] = CIMultiDict(standing_headers(call))
    headers: CIMultiDict[str] = prepared[key]
    return headers
