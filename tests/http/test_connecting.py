"""How the stock drivers connect: several addresses, a deadline, SOCKS."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpcore
import pytest

from countermand.engine.wire import CLOCK, Call, Fault, Reply
from countermand.transport import connecting
from countermand.transport.blocking import StockDriver
from countermand.transport.eventloop import AsyncStockDriver
from tests.support.proxies import SocksServer
from tests.support.tables import table

from .raw import RawServer, http

KINDS = ("stock", "async stock")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Blocking and async."""
    return str(request.param)


@pytest.fixture
def silent() -> Iterator[Any]:
    """Return an address that swallows SYNs: its backlog is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(address)
        yield address


def asked(kind: str, call: Call, proxies: Any = None) -> Reply | Fault:
    """Make one call through a stock driver."""
    if kind == "stock":
        driver = StockDriver(proxies)
        try:
            return driver.exchange(call)
        finally:
            driver.close()

    async def exchange() -> Reply | Fault:
        opened = AsyncStockDriver(proxies)
        found = await opened.exchange(call)
        await opened.aclose()
        return found

    return asyncio.run(exchange())


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what lets a host have certain addresses."""

    def resolved(*addresses: Any) -> None:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    return resolved


def a_call(host: str, patience: float = 5.0) -> Call:
    """Return a call."""
    return Call("POST", f"http://{host}", "/", b"{}", deadline=CLOCK.monotonic() + patience)


def address_of(server: RawServer) -> tuple[str, int]:
    """Return where a server listens."""
    host, port = server.origin.split(":")
    return host, int(port)


def test_a_silent_address_gets_a_head_start_only(
    kind: str, silent: Any, resolve: Callable[..., None]
) -> None:
    """The second address answers while the first says nothing."""
    with RawServer(http("here")) as server:
        resolve(silent, address_of(server))
        found = asked(kind, a_call("two.example", patience=5.0))
        assert isinstance(found, Reply)
        assert found.body == b'"here"'


def test_an_address_that_refuses_is_passed_over(kind: str, resolve: Callable[..., None]) -> None:
    """At once."""
    with RawServer() as gone:
        pass
    with RawServer(http("here")) as server:
        resolve(address_of(gone), address_of(gone), address_of(server))
        found = asked(kind, a_call("three.example"))
    assert isinstance(found, Reply)


def test_all_addresses_refuse(kind: str, resolve: Callable[..., None]) -> None:
    """Nothing was sent, and why is said."""
    with RawServer() as gone:
        pass
    resolve(address_of(gone), address_of(gone))
    found = asked(kind, a_call("two.example"))
    assert isinstance(found, Fault)
    assert not found.sent
    assert isinstance(found.cause, ConnectionError)
    assert "ConnectError: [Errno " in found.detail


class ForbiddenError(OSError):
    """What a test's guard raises for an address."""


def test_a_guard_that_forbids_one_address_is_not_passed_over(
    kind: str, resolve: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exception passes through, although another address would answer."""
    with RawServer(http("here")) as server:
        forbidden = ("127.0.0.1", 1)

        class Guarded(socket.socket):
            def connect(self, address: Any) -> None:
                if address == forbidden:
                    raise ForbiddenError("not there")
                super().connect(address)

        monkeypatch.setattr(socket, "socket", Guarded)
        resolve(forbidden, address_of(server))
        with pytest.raises(ForbiddenError):
            asked(kind, a_call("two.example"))
        assert server.connections == 0


def test_all_addresses_are_silent(kind: str, silent: Any, resolve: Callable[..., None]) -> None:
    """The deadline ends it, and nothing was sent."""
    resolve(silent, silent)
    call = a_call("two.example", patience=0.4)
    found = asked(kind, call)
    assert isinstance(found, Fault)
    assert (found.sent, call.sent) == (False, False)
    assert found.detail.startswith("no connection in time")


def test_a_host_without_an_address(kind: str, resolve: Callable[..., None]) -> None:
    """Nothing was sent."""
    resolve()
    found = asked(kind, a_call("none.example"))
    assert isinstance(found, Fault)
    assert not found.sent


def test_the_families_take_turns() -> None:
    """So that a network without IPv6 costs one head start, not one for each address."""
    four = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"10.0.0.{number}", 1)) for number in (1, 2, 3)]
    six = [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (f"::{number}", 1, 0, 0)) for number in (1, 2)]
    assert connecting.in_turn([*six, *four, six[0]]) == [six[0], four[0], six[1], four[1], four[2]]


def test_nothing_is_left_open(kind: str, silent: Any, resolve: Callable[..., None]) -> None:
    """Neither of an attempt that another one overtook, nor of one that was in vain: a warning would be an error."""
    import gc

    with RawServer(http("here")) as server:
        resolve(silent, address_of(server))
        assert isinstance(asked(kind, a_call("two.example")), Reply)
    gc.collect()


def by_way_of(proxy: SocksServer, userinfo: str = "") -> Any:
    """Return proxies that name a SOCKS proxy for everything."""
    from countermand.transport.proxies import Proxies

    return Proxies({"ALL_PROXY": f"socks5h://{userinfo}127.0.0.1:{proxy.port}"})


def test_through_a_socks_proxy(kind: str) -> None:
    """It looks the name up itself."""
    with RawServer(http("here")) as server, SocksServer() as proxy:
        _, port = address_of(server)
        found = asked(kind, a_call(f"localhost:{port}"), by_way_of(proxy))
        assert isinstance(found, Reply)
        assert found.body == b'"here"'
        assert proxy.asked == [b"\x05\x01\x00", b"\x05\x01\x00\x03\x09localhost" + port.to_bytes(2, "big")]
        assert b"host: localhost" in server.requests[0].lower()


def test_through_a_socks_proxy_with_a_password(kind: str) -> None:
    """What is escaped in the URL is not when it is sent."""
    with RawServer(http("here")) as server, SocksServer() as proxy:
        found = asked(kind, a_call(server.origin), by_way_of(proxy, "us%40er:p%3Ass@"))
        assert isinstance(found, Reply)
        assert proxy.asked[1] == b"\x01\x05us@er\x04p:ss"


@table("manner", ["refuses", "wants more", "wrong password", "closes"])
def test_a_socks_proxy_that_does_not_connect(kind: str, manner: str) -> None:
    """Nothing was sent."""
    with SocksServer(manner) as proxy:
        call = a_call("localhost:9")
        found = asked(kind, call, by_way_of(proxy, "user:word@" if "password" in manner else ""))
    assert isinstance(found, Fault)
    assert (found.sent, call.sent) == (False, False)
    assert "proxy" in found.detail
    assert "word@" not in found.detail


def test_a_silent_socks_proxy_does_not_outlast_the_deadline(kind: str) -> None:
    """Its handshake is timed as everything is."""
    with SocksServer("silent") as proxy:
        call = a_call("localhost:9", patience=0.3)
        found = asked(kind, call, by_way_of(proxy))
    assert isinstance(found, Fault)
    assert (found.sent, call.sent) == (False, False)
    assert CLOCK.monotonic() - call.deadline < 2.0


@pytest.mark.parametrize("form, length", [(b"\x01", 4), (b"\x04", 16), (b"\x03", 9)], ids=["4", "6", "name"])
def test_every_form_of_address_in_a_socks_reply_is_read(form: bytes, length: int) -> None:
    """What is left unread would be taken for the reply."""
    steps = connecting.Socks("proxy", 1080).handshake("example.com", 443)
    assert next(steps) == (b"\x05\x01\x00", 2)
    assert steps.send(b"\x05\x00") == (b"\x05\x01\x00\x03\x0bexample.com\x01\xbb", 4)
    step = steps.send(b"\x05\x00\x00" + form)
    if form == b"\x03":
        assert step == (b"", 1)
        step = steps.send(bytes([length]))
    assert step == (b"", length + 2)
    with pytest.raises(StopIteration):
        steps.send(b"\x00" * (length + 2))


def test_a_socks_proxy_that_answers_byte_by_byte_gains_no_time() -> None:
    """Each step, and each read of one, gets what is left."""

    class Dripping:
        def __init__(self) -> None:
            self.said = list(b"\x05\x00" + b"\x05\x00\x00\x01" + bytes(6))
            self.is_timed = False

        def settimeout(self, timeout: float | None) -> None:
            self.is_timed = True

        def sendall(self, data: bytes) -> None:
            assert self.is_timed

        def recv(self, size: int) -> bytes:
            assert self.is_timed
            self.is_timed = False
            return bytes([self.said.pop(0)])

    proxy: Any = Dripping()
    connecting._shake_hands(connecting.Socks("proxy", 1080).handshake("example.com", 443), proxy, 60.0)
    assert proxy.said == []


def test_a_host_name_that_socks_cannot_hold() -> None:
    """Nothing is sent."""
    steps = connecting.Socks("proxy", 1080).handshake("a" * 300, 443)
    next(steps)
    with pytest.raises((httpcore.ConnectError, ValueError, OverflowError)):
        steps.send(b"\x05\x00")
