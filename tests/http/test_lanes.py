"""The connections of the stock drivers: one for each call in progress, used again after a whole reply."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from countermand.engine.wire import Call, Fault, Reply
from countermand.transport import blocking, eventloop, messages
from countermand.transport.blocking import StockDriver
from countermand.transport.eventloop import AsyncStockDriver

from .mute import mute, within
from .raw import RawServer, http


def a_call(server: RawServer) -> Call:
    """Return a call of a server's, with much time."""
    return within(60, Call("GET", f"http://{server.origin}", "/"))


@pytest.fixture(params=["stock", "aiohttp"])
def driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Make drivers of one connection each, of both kinds that await and have connections of their own."""
    if request.param == "stock":
        monkeypatch.setattr(eventloop, "CONNECTIONS", 1)
        return AsyncStockDriver
    module = pytest.importorskip("countermand.transport.aiohttp")
    monkeypatch.setattr(module, "_CONNECTIONS", 1)
    kind: Callable[[], Any] = module.AiohttpDriver
    return kind


@asynccontextmanager
async def opened_by(driver: Callable[[], Any]) -> AsyncGenerator[Any]:
    """Open a driver and close it."""
    opened = driver()
    yield opened
    await opened.aclose()


def test_calls_one_after_another_share_a_connection() -> None:
    """Blocking and async."""
    with RawServer(*[http({"n": 1})] * 6) as server:
        driver = StockDriver()
        for _ in range(3):
            assert isinstance(driver.exchange(a_call(server)), Reply)
        driver.close()

        async def three() -> None:
            opened = AsyncStockDriver()
            for _ in range(3):
                assert isinstance(await opened.exchange(a_call(server)), Reply)
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
            threading.Thread(target=lambda: found.append(driver.exchange(a_call(server)))) for _ in range(5)
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

    async def five(call: Call) -> list[Reply | Fault]:
        driver = AsyncStockDriver()
        found = await asyncio.gather(*[driver.exchange(call) for _ in range(5)])
        await driver.aclose()
        return found

    with RawServer(*[http({"n": 1})] * 5) as server:
        found = asyncio.run(five(a_call(server)))
        assert server.closed(2)
    assert [isinstance(reply, Reply) and reply.status for reply in found] == [200] * 5
    assert server.connections == 2


def test_no_connection_is_free(driver: Callable[[], Any]) -> None:
    """A call that waited for one in vain was not sent; the one that had it may have been."""

    async def two() -> list[Reply | Fault]:
        async with mute() as (call, asked), opened_by(driver) as opened:
            exchange: Callable[[Call], Awaitable[Reply | Fault]] = opened.exchange
            first = asyncio.ensure_future(exchange(within(0.3, call)))
            await asked.wait()
            second = await exchange(within(0.05, call))
            return [await first, second]

    first, second = asyncio.run(two())
    assert first == Fault(sent=True, detail="no answer in time (TimeoutError)")
    assert second == Fault(sent=False, detail="no connection in time (TimeoutError)")


def test_closing_ends_the_calls_under_way(driver: Callable[[], Any]) -> None:
    """Each says whether it was sent, also the one that waited for a connection; nobody is told that he was cancelled."""

    async def closed() -> list[Reply | Fault]:
        async with mute() as (call, asked), opened_by(driver) as opened, asyncio.TaskGroup() as group:
            tasks = [group.create_task(opened.exchange(within(60, call)))]
            await asked.wait()
            tasks.append(group.create_task(opened.exchange(within(60, call))))
            await asyncio.sleep(0)
            await opened.aclose()
            late = await opened.exchange(within(60, call))
        return [*[task.result() for task in tasks], late]

    sent, waiting, late = asyncio.run(closed())
    assert [isinstance(one, Fault) and one.sent for one in (sent, waiting, late)] == [True, False, False]
    assert waiting == Fault(sent=False, detail="the client was closed")


def test_a_task_that_is_cancelled_while_it_waits_is_cancelled(driver: Callable[[], Any]) -> None:
    """Closing comes too late to make anything else of it."""

    async def cancelled() -> bool:
        async with mute() as (call, asked), opened_by(driver) as opened:
            first = asyncio.ensure_future(opened.exchange(within(0.2, call)))
            await asked.wait()
            second = asyncio.ensure_future(opened.exchange(within(60, call)))
            await asyncio.sleep(0)
            second.cancel()
            await opened.aclose()
            await asyncio.gather(first, second, return_exceptions=True)
            return bool(second.cancelled())

    assert asyncio.run(cancelled())


class StruckError(Exception):
    """Raised where httpcore would not expect it."""


def test_a_lane_that_was_struck_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception of a signal handler leaves httpcore's pool as it may be: its connection is closed."""
    read = messages.aread

    async def interrupted(response: Any, call: Call) -> Reply:
        monkeypatch.setattr(eventloop, "aread", read)
        raise StruckError

    async def two(call: Call) -> Reply | Fault:
        driver = AsyncStockDriver()
        monkeypatch.setattr(eventloop, "aread", interrupted)
        with pytest.raises(StruckError):
            await driver.exchange(call)
        reply = await driver.exchange(within(10, call))
        await driver.aclose()
        return reply

    with RawServer(*[http({"n": 1})] * 2) as server:
        found = asyncio.run(two(a_call(server)))
        assert server.closed(2)
    assert isinstance(found, Reply)
    assert server.connections == 2
