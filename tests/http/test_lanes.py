"""The connections of the stock drivers: one for each call in progress, used again after a whole reply."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from countermand.engine.wire import CLOCK, Call, Fault, Reply
from countermand.transport import blocking, eventloop, messages
from countermand.transport.blocking import StockDriver
from countermand.transport.eventloop import AsyncStockDriver

from .raw import RawServer, http


def within(seconds: float, origin: str) -> Call:
    """Return a call with so much time."""
    return Call("GET", origin, "/", deadline=CLOCK.monotonic() + seconds)


@asynccontextmanager
async def mute() -> AsyncGenerator[tuple[str, asyncio.Event]]:
    """Serve an origin that never answers; the event is set when it was asked."""
    asked = asyncio.Event()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(served, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


def test_calls_one_after_another_share_a_connection() -> None:
    """Blocking and async."""
    with RawServer(*[http({"n": 1})] * 6) as server:
        driver = StockDriver()
        for _ in range(3):
            assert isinstance(driver.exchange(within(60, f"http://{server.origin}")), Reply)
        driver.close()

        async def three() -> None:
            opened = AsyncStockDriver()
            for _ in range(3):
                assert isinstance(await opened.exchange(within(60, f"http://{server.origin}")), Reply)
            await opened.aclose()

        asyncio.run(three())
        assert server.closed(2)
    assert server.connections == 2


def test_threads_have_a_connection_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many they are; only so many are kept idle."""
    monkeypatch.setattr(blocking, "CONNECTIONS", 2)
    barrier, handle, found = threading.Barrier(5), httpx.HTTPTransport.handle_request, list[Any]()

    def together(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        response = handle(transport, request)
        barrier.wait(60)
        return response

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", together)
    with RawServer(*[http({"n": 1})] * 5) as server:
        driver = StockDriver()
        threads = [
            threading.Thread(
                target=lambda: found.append(driver.exchange(within(60, f"http://{server.origin}")))
            )
            for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert server.closed(3)  # three of the five
        driver.close()
        assert server.closed(2)
    assert [reply.status for reply in found] == [200] * 5
    assert server.connections == 5


def test_tasks_wait_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop opens so many, and answers all calls."""
    monkeypatch.setattr(eventloop, "CONNECTIONS", 2)

    async def five(origin: str) -> list[Reply | Fault]:
        driver = AsyncStockDriver()
        found = await asyncio.gather(*[driver.exchange(within(60, origin)) for _ in range(5)])
        await driver.aclose()
        return found

    with RawServer(*[http({"n": 1})] * 5) as server:
        found = asyncio.run(five(f"http://{server.origin}"))
        assert server.closed(2)
    assert [isinstance(reply, Reply) and reply.status for reply in found] == [200] * 5
    assert server.connections == 2


def test_a_task_that_waited_in_vain_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that had the connection may have been."""
    monkeypatch.setattr(eventloop, "CONNECTIONS", 1)

    async def two() -> list[Reply | Fault]:
        async with mute() as (origin, asked):
            driver = AsyncStockDriver()
            first = asyncio.ensure_future(driver.exchange(within(0.3, origin)))
            await asked.wait()
            second = await driver.exchange(within(0.05, origin))
            found = [await first, second]
            await driver.aclose()
            return found

    first, second = asyncio.run(two())
    assert isinstance(first, Fault)
    assert first.sent
    assert second == Fault(sent=False, detail="no connection in time (TimeoutError)")


def test_a_closed_client_opens_nothing_for_those_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing ends the call under way; the one that waited for its connection was not sent."""
    monkeypatch.setattr(eventloop, "CONNECTIONS", 1)

    async def closed() -> list[Reply | Fault]:
        async with mute() as (origin, asked):
            driver = AsyncStockDriver()
            first = asyncio.ensure_future(driver.exchange(within(60, origin)))
            await asked.wait()
            second = asyncio.ensure_future(driver.exchange(within(60, origin)))
            await asyncio.sleep(0)
            await driver.aclose()
            return [await first, await second]

    first, second = asyncio.run(closed())
    assert isinstance(first, Fault)
    assert first.sent
    assert second == Fault(sent=False, detail="the client was closed")


class StruckError(Exception):
    """Raised where httpcore would not expect it."""


def test_a_lane_that_was_struck_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception of a signal handler leaves httpcore's pool as it may be: its connection is closed."""
    read = messages.aread

    async def interrupted(response: Any, call: Call) -> Reply:
        monkeypatch.setattr(eventloop, "aread", read)
        raise StruckError

    async def two(origin: str) -> Reply | Fault:
        driver = AsyncStockDriver()
        monkeypatch.setattr(eventloop, "aread", interrupted)
        with pytest.raises(StruckError):
            await driver.exchange(within(60, origin))
        reply = await driver.exchange(within(10, origin))
        await driver.aclose()
        return reply

    with RawServer(*[http({"n": 1})] * 2) as server:
        found = asyncio.run(two(f"http://{server.origin}"))
        assert server.closed(2)
    assert isinstance(found, Reply)
    assert server.connections == 2
