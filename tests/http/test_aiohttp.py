"""The driver over aiohttp writes its requests itself: what it never writes, and when it knows that nothing was sent."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import pytest

from countermand.engine.secret import SealedHeaders
from countermand.engine.wire import Call, Fault, Reply
from tests.support.tables import table
from tests.support.tls import anonymous

from .mute import within
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
            ready = attrs.evolve(call, headers=SealedHeaders(headers), deadline=time.monotonic() + patience)
            found: Reply | Fault = await opened.exchange(ready)
            return found

    return asyncio.run(exchange())


@table("target", ["", "a", "/a b", "/a\r\nHost: elsewhere", "/a\nb", "/\x00", "/ü", "/\u2028"])
def test_a_target_that_is_more_than_a_target(target: str) -> None:
    """It would begin another line of the request, or another request."""
    with RawServer(http({})) as server:
        found = exchanged(Call("GET", f"http://{server.origin}", target))
    assert isinstance(found, Fault)
    assert not found.sent
    assert server.requests == []


@table("value", ["a\r\nX-More: b", "a\nb", "a\rb", "a\r\n", "a\n", "\n", "a\x00", "a\u2028b", "ü"])
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


def test_bytes_that_came_while_nobody_looked() -> None:
    """They wait in the socket when the next call begins, which must not take them for its answer."""
    go, sent = threading.Event(), threading.Event()

    def serve() -> None:
        first, _address = listener.accept()
        with first:
            first.recv(1000)
            first.sendall(http("first"))
            go.wait(60)
            first.sendall(http("stale"))
            sent.set()
            second, _address = listener.accept()
            with second:
                second.recv(1000)
                second.sendall(http("second"))

    async def two(call: Call) -> list[Reply | Fault]:
        async with driver() as opened:
            first = await opened.exchange(within(60, call))
            go.set()
            sent.wait(60)  # the event loop must not turn
            return [first, await opened.exchange(within(60, call))]

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        ended = asyncio.run(two(Call("GET", f"http://127.0.0.1:{listener.getsockname()[1]}", "/")))
    assert [one.body for one in ended if isinstance(one, Reply)] == [b'"first"', b'"second"']
    thread.join(5)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="what is open cannot be counted here")
def test_a_call_over_tls_that_got_no_answer_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS would wait half a minute for the farewell of a server that says nothing any more."""
    monkeypatch.setattr(module, "tls_for", lambda origin: anonymous(ssl.PROTOCOL_TLS_CLIENT))
    accepted: list[socket.socket] = []

    def serve() -> None:
        for _ in range(3):
            plain, _address = listener.accept()
            accepted.append(plain)
            accepted[-1] = anonymous(ssl.PROTOCOL_TLS_SERVER).wrap_socket(plain, server_side=True)
            accepted[-1].recv(1000)

    async def left(call: Call) -> int:
        async with driver() as opened:
            before = sockets()
            ended = await asyncio.gather(*(opened.exchange(within(0.5, call)) for _ in range(3)))
            await asyncio.sleep(0)  # a transport closes its socket in the next turn
            assert [type(one) for one in ended] == [Fault] * 3
            return sockets() - before - len(accepted)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        assert asyncio.run(left(Call("GET", f"https://127.0.0.1:{listener.getsockname()[1]}", "/"))) == 0
        thread.join()
    for connection in accepted:
        connection.close()


def sockets() -> int:
    """Return how many sockets this process has open."""
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # what this very look has opened
            count += str(link.readlink()).startswith("socket:")
    return count
