"""The streams of the stock drivers, and what a reply leaves behind on a connection: plain and TLS, every driver."""

import asyncio
import select
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpcore
import httpx
import httpx2
import pytest

from countermand.engine.wire import CLOCK, Call, Fault, Reply
from countermand.transport import blocking, eventloop
from countermand.transport.protocol import AsyncStream
from countermand.transport.streams import RECEIVED_AT_ONCE, Deadline, Recorder, Stream
from tests.support.tables import table
from tests.support.tls import anonymous

from .kinds import KINDS, every_driver
from .raw import RawServer, http

kind = every_driver


class Caller:
    """A driver, and the event loop that it needs."""

    def __init__(self, kind: str, tls: bool) -> None:
        self.kind, self.tls = kind, tls
        self._runner = asyncio.Runner() if kind.startswith(("async", "aiohttp")) else None
        self._client: Any = None
        library: Any = httpx2 if kind.endswith("httpx2") else httpx
        context = anonymous(ssl.PROTOCOL_TLS_CLIENT)
        match kind:
            case "stock":
                self.driver: Any = blocking.StockDriver()
            case "async stock":
                self.driver = eventloop.AsyncStockDriver()
            case "aiohttp":
                pytest.importorskip("aiohttp")
                from countermand.transport.aiohttp import AiohttpDriver

                self.driver = AiohttpDriver()
            case "httpx" | "httpx2":
                self._client = library.Client(trust_env=False, verify=context)
                self.driver = blocking.BorrowedDriver(self._client)
            case _:
                self._client = library.AsyncClient(trust_env=False, verify=context)
                self.driver = eventloop.AsyncBorrowedDriver(self._client)

    def ask(self, server: RawServer, method: str = "POST", patience: float = 5.0) -> Reply | Fault:
        """Make one call."""
        origin = f"{'https' if self.tls else 'http'}://{server.origin}"
        call = Call(method, origin, "/", b"{}", deadline=CLOCK.monotonic() + patience)
        found: Any = self.driver.exchange(call)
        result: Reply | Fault = self._runner.run(found) if self._runner is not None else found
        return result

    def turn(self) -> None:
        """Let the event loop, if there is one, see what has come."""

        async def turns() -> None:
            for _ in range(5):
                await asyncio.sleep(0)

        if self._runner is not None:
            self._runner.run(turns())

    def close(self) -> None:
        """Close everything."""
        owner = self._client or self.driver
        if self._runner is None:
            owner.close()
        else:
            self._runner.run(owner.aclose())
            self._runner.close()


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def tls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """With and without TLS."""
    context = anonymous(ssl.PROTOCOL_TLS_CLIENT)
    for module in ("blocking", "eventloop", "aiohttp"):
        monkeypatch.setattr(f"countermand.transport.{module}.tls_for", lambda _origin: context)
    return bool(request.param)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Close what is opened in a test."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def caller(kind: str, tls: bool, stack: ExitStack) -> Caller:
    """Return a driver of that kind."""
    made = Caller(kind, tls)
    stack.callback(made.close)
    return made


@pytest.fixture
def serve(tls: bool, stack: ExitStack) -> Callable[..., RawServer]:
    """Return a function that opens a server."""

    def served(*script: bytes, **options: Any) -> RawServer:
        context = anonymous(ssl.PROTOCOL_TLS_SERVER) if tls else None
        return stack.enter_context(RawServer(*script, tls=context, **options))

    return served


def bodies(*found: Reply | Fault) -> list[Any]:
    """Return the bodies of replies, and whatever was no whole reply."""
    return [one.body if isinstance(one, Reply) and not one.flaw else one for one in found]


SURPLUS = {
    "whole": http("stale"),
    "head": b"HTTP/1.1 204 No Content\r\n\r\n",
    "partial": b"HTTP/1.1 204 No Content\r\nX-A: ",
    "a byte": b"H",
    "a line": b"\r\n",
}


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("surplus", SURPLUS.values(), ids=SURPLUS)
def test_what_comes_with_a_reply_and_is_not_its(
    surplus: bytes, chunked: bool, caller: Caller, serve: Callable[..., RawServer]
) -> None:
    """The connection is given up: it would turn the next reply, about another order, into another one.

    aiohttp passes over an empty line between two replies, which changes nothing.
    """
    server = serve(http("first", chunked=chunked, more=surplus), http("second"))
    assert bodies(caller.ask(server), caller.ask(server)) == [b'"first"', b'"second"']
    assert server.connections == (1 if caller.kind == "aiohttp" and surplus == b"\r\n" else 2)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "httpx" in kind])
@pytest.mark.parametrize("surplus", SURPLUS.values(), ids=SURPLUS)
def test_what_comes_with_a_reply_that_a_hook_reads(
    surplus: bytes, caller: Caller, serve: Callable[..., RawServer]
) -> None:
    """The hook gives the connection back before we see the reply; it is given up all the same."""

    def hook(response: Any) -> Any:
        return response.aread() if caller.kind.startswith("async") else response.read()

    caller.driver._client.event_hooks = {"response": [hook]}
    server = serve(http("first", more=surplus), http("second"))
    assert bodies(caller.ask(server), caller.ask(server)) == [b'"first"', b'"second"']
    assert server.connections == 2


@pytest.mark.parametrize("seen", [False, True], ids=["unseen", "seen"])
@pytest.mark.parametrize("surplus", [*SURPLUS.values()][:-1], ids=[*SURPLUS][:-1])
def test_what_comes_while_a_connection_is_idle(
    surplus: bytes, seen: bool, caller: Caller, serve: Callable[..., RawServer]
) -> None:
    """It is found before the next request is sent, which goes over another connection.

    An event loop that turns in between may have taken it from the socket.
    """
    server = serve(http("first"), http("second"), later=surplus)
    first = caller.ask(server)
    server.say_more()
    if seen:
        caller.turn()
    assert bodies(first, caller.ask(server)) == [b'"first"', b'"second"']
    assert server.connections == 2


@pytest.mark.parametrize("kind", ["stock", "async stock"])
@pytest.mark.parametrize("surplus", SURPLUS.values(), ids=SURPLUS)
def test_what_comes_after_the_pool_has_looked(
    surplus: bytes, caller: Caller, serve: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream looks once more before it sends, and the pool takes another connection."""
    from countermand.transport.protocol import AsyncStream
    from countermand.transport.streams import Stream

    for stream in (Stream, AsyncStream):
        answer = stream.get_extra_info
        monkeypatch.setattr(
            stream,
            "get_extra_info",
            lambda self, info, answer=answer: False if info == "is_readable" else answer(self, info),
        )
    server = serve(http("first"), http("second"), later=surplus)
    first = caller.ask(server)
    server.say_more()
    assert bodies(first, caller.ask(server)) == [b'"first"', b'"second"']
    assert server.connections == 2


@pytest.mark.parametrize(
    "reply", [b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]
)
def test_a_reply_without_a_body_keeps_its_connection(
    reply: bytes, caller: Caller, serve: Callable[..., RawServer]
) -> None:
    """Nothing is behind it."""
    server = serve(reply, http("second"))
    assert bodies(caller.ask(server), caller.ask(server)) == [b"", b'"second"']
    assert server.connections == 1


@pytest.mark.parametrize("tls", [False], indirect=True)
@pytest.mark.parametrize("kind", ["stock", "async stock"])
@pytest.mark.parametrize("greeting", [http("early"), b"SSH-2.0-OpenSSH_9.6\r\n"], ids=["HTTP", "SSH"])
def test_a_server_that_speaks_first(
    greeting: bytes, caller: Caller, serve: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says is no reply, and nothing is sent."""

    def heard(connection: Any) -> Any:
        select.select([connection], [], [], 5)
        return connection

    monkeypatch.setattr("countermand.transport.connecting.without_delay", heard)
    monkeypatch.setattr("countermand.transport.connecting_async.without_delay", heard)
    server = serve(http("late"), greeting=greeting)
    found = caller.ask(server)
    assert isinstance(found, Fault)
    assert not found.sent
    assert server.requests == []


@pytest.mark.parametrize("kind", ["stock", "async stock"])
def test_a_deadline_that_is_over(caller: Caller, serve: Callable[..., RawServer]) -> None:
    """Nothing leaves, not over a connection that stands either."""
    server = serve(http("first"), http("second"))
    caller.ask(server)
    found = caller.ask(server, patience=-1.0)
    assert isinstance(found, Fault)
    assert not found.sent
    assert len(server.requests) == 1


RECORDS: list[tuple[str, bytes, int, dict[str, str], int, bool]] = [
    ("whole", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, {"content-length": "2"}, 2, False),
    (
        "a byte more",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc",
        200,
        {"content-length": "2"},
        2,
        True,
    ),
    (
        "a head that ends early, and surplus that looks like the rest",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nabX: y\r\n\r\nab",
        200,
        {"content-length": "2"},
        2,
        True,
    ),
    ("bare line feeds", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab", 200, {"content-length": "2"}, 2, False),
    (
        "interim",
        b"HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
        200,
        {"content-length": "2"},
        2,
        False,
    ),
    (
        "interim, and more",
        b"HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP",
        200,
        {"content-length": "2"},
        2,
        True,
    ),
    ("204", b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", 204, {"content-length": "5"}, 0, False),
    (
        "204, and more",
        b"HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nab",
        204,
        {"content-length": "2"},
        0,
        True,
    ),
    (
        "chunks",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: y\r\n\r\n",
        200,
        {"transfer-encoding": "chunked"},
        2,
        False,
    ),
    (
        "chunks, and a length",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n2",
        200,
        {"transfer-encoding": "chunked", "content-length": "2"},
        2,
        True,
    ),
    ("until the end", b"HTTP/1.1 200 OK\r\n\r\nab", 200, {}, 2, True),
    ("no HTTP", b"\x00" * 20, 200, {}, 0, True),
]


@table("pieces", [1, 2, 1000], ids=["at once", "in two", "by the byte"])
@table(
    "record, status, headers, size, surplus", [one[1:] for one in RECORDS], ids=[one[0] for one in RECORDS]
)
def test_where_a_reply_ends(
    record: bytes, status: int, headers: dict[str, str], size: int, surplus: bool, pieces: int
) -> None:
    """However it came, what is behind it is seen, and what cannot be proved whole counts as if there were more."""
    recorder = Recorder()
    recorder.keep_unsent(b"GET", None)
    recorder.take_unsent(dirty=False, timeout=None)
    length = max(len(record) // pieces, 1)
    for at in range(0, len(record), length):
        recorder.keep_received(record[at : at + length])
    assert recorder.has_surplus("GET", status, headers, size) is surplus


def test_a_long_chunked_reply_is_not_proved_whole() -> None:
    """What is kept of it is bounded; its connection is given up."""
    recorder = Recorder()
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    for piece in [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[chunk] * 20, b"0\r\n\r\n"]:
        recorder.keep_received(piece)
    assert recorder.has_surplus("GET", 200, {"transfer-encoding": "chunked"}, 20 * 0x10000)
    assert len(recorder._rest) < 0x60000


def test_a_tunnel_is_no_request_of_ours() -> None:
    """What goes to a proxy to open one leaves `call.sent` as it is."""
    call = Call("POST", "https://a", "/", deadline=CLOCK.monotonic() + 1)
    recorder, deadline = Recorder(), Deadline(1.0)
    deadline.call = call
    recorder.keep_unsent(b"CONNECT a:443 HTTP/1.1\r\n\r\n", deadline)
    recorder.take_unsent(dirty=False, timeout=deadline)
    assert not call.sent
    recorder.keep_unsent(b"POST / HTTP/1.1\r\n\r\n", deadline)
    assert not call.sent
    recorder.take_unsent(dirty=False, timeout=deadline)
    assert call.sent


@pytest.mark.parametrize("kind", ["stock", "async stock"])
def test_a_clock_that_a_test_library_freezes(
    caller: Caller, serve: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is patched after the import does not part two ends of one call."""
    import time

    server = serve(http("first"))
    frozen = time.monotonic() + 1e6
    with monkeypatch.context() as patch:
        if caller.kind == "stock":  # an event loop reads that clock itself
            patch.setattr(time, "monotonic", lambda: frozen)
        patch.setattr(time, "time", lambda: 0.0)
        assert bodies(caller.ask(server)) == [b'"first"']


@pytest.mark.parametrize("kind", ["stock", "async stock", "aiohttp"])
def test_a_large_body_arrives_whole(caller: Caller, serve: Callable[..., RawServer]) -> None:
    """Reading is paused and taken up again where more comes than is read."""
    text = "x" * 2_000_000
    server = serve(http(text), http("second"))
    assert bodies(caller.ask(server), caller.ask(server)) == [f'"{text}"'.encode(), b'"second"']


def test_a_read_makes_nothing_larger_than_what_came() -> None:
    """Blocking and async streams receive into one buffer: what is made for each read, and shrunk, leaves holes."""
    targets: list[memoryview] = []

    class Connection(socket.socket):
        def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
            """Remember where it is received into."""
            targets.append(buffer)
            return super().recv_into(buffer, nbytes, flags)

    ours, theirs = socket.socketpair()
    with Connection(fileno=ours.detach()) as connection, theirs:
        stream = Stream(connection, set())
        for text in (b"one", b"two"):
            theirs.sendall(text)
            assert stream.read(65536, 5.0) == text
    waiting = AsyncStream(set())
    targets += [waiting.get_buffer(-1), waiting.get_buffer(-1)]
    assert {target.nbytes for target in targets} == {RECEIVED_AT_ONCE}
    assert targets[0].obj is targets[1].obj
    assert targets[2].obj is targets[3].obj


def test_what_came_before_a_reset_is_read_first() -> None:
    """On asyncio the reset is known before the data is read."""

    async def read() -> bytes:
        stream = AsyncStream(set())
        stream._buffer = b"whole"
        stream.connection_lost(ConnectionResetError(104, "reset"))
        found = await stream.read(65536)
        with pytest.raises(httpcore.ReadError, match="reset"):
            await stream.read(65536)
        return found

    assert asyncio.run(read()) == b"whole"
