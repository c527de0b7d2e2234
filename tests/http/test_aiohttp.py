"""The driver over aiohttp writes its requests itself: what it never writes, and when it knows that nothing was sent."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from countermand.secret import SealedHeaders
from countermand.wire import Call, Fault, Reply

from .raw import RawServer, http

module = pytest.importorskip("countermand.transport.aiohttp")


@asynccontextmanager
async def driver() -> AsyncGenerator[Any]:
    """Open a driver and close it."""
    opened = module.AiohttpDriver()
    yield opened
    await opened.aclose()


def exchanged(call: Call, *, patience: float = 5.0, **headers: str) -> Reply | Fault:
    """Return what became of one call."""

    async def exchange() -> Reply | Fault:
        async with driver() as opened:
            ready = call.ready(SealedHeaders(headers), time.monotonic() + patience)
            found: Reply | Fault = await opened.exchange(ready)
            return found

    return asyncio.run(exchange())


@pytest.mark.parametrize(
    "target", ["", "a", "/a b", "/a\r\nHost: elsewhere", "/a\nb", "/\x00", "/ü", "/\u2028"]
)
def test_a_target_that_is_more_than_a_target(target: str) -> None:
    """It would begin another line of the request, or another request."""
    with RawServer(http({})) as server:
        found = exchanged(Call("GET", f"http://{server.origin}", target))
    assert isinstance(found, Fault)
    assert not found.sent
    assert server.requests == []


@pytest.mark.parametrize("value", ["a\r\nX-More: b", "a\nb", "a\rb", "a\u2028b", "ü"])
def test_a_header_that_is_more_than_a_header(value: str) -> None:
    """A credential is checked when it is configured; this is the last door."""
    with RawServer(http({})) as server:
        found = exchanged(Call("GET", f"http://{server.origin}", "/"), Authorization=value)
    assert isinstance(found, Fault)
    assert not found.sent
    assert server.requests == []


def test_a_deadline_that_is_over() -> None:
    """Nothing leaves."""
    with RawServer(http({})) as server:
        found = exchanged(Call("POST", f"http://{server.origin}", "/", b"{}"), patience=-1.0)
    assert found == Fault(sent=False, detail="no connection in time (ConnectionTimeoutError)")
    assert server.requests == []


def test_interim_responses_are_passed_over() -> None:
    """What comes before the answer is not the answer."""
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    with RawServer(interim + interim + http({"a": 1}), http({"b": 2})) as server:
        found = exchanged(Call("GET", f"http://{server.origin}", "/"))
    assert isinstance(found, Reply)
    assert (found.status, found.body) == (200, b'{"a": 1}')


def test_no_connection_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that waited for one in vain was not sent; the one that had it may have been."""
    monkeypatch.setattr(module, "_CONNECTIONS", 1)

    async def two() -> list[Reply | Fault]:
        asked = asyncio.Event()

        async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            asked.set()
            await reader.read()
            writer.close()

        async with await asyncio.start_server(mute, "127.0.0.1") as server, driver() as opened:
            host, port = server.sockets[0].getsockname()
            call = Call("GET", f"http://{host}:{port}", "/")
            exchange: Callable[[Call], Awaitable[Reply | Fault]] = opened.exchange
            deadline = time.monotonic() + 0.3
            first = asyncio.ensure_future(exchange(call.ready(SealedHeaders(), deadline)))
            await asked.wait()
            second = await exchange(call.ready(SealedHeaders(), time.monotonic() + 0.05))
            return [await first, second]

    first, second = asyncio.run(two())
    assert first == Fault(sent=True, detail="no answer in time (TimeoutError)")
    assert second == Fault(sent=False, detail="no connection in time (TimeoutError)")
