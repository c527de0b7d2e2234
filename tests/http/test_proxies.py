"""Proxies of the environment: which hosts are reached through which, and that the stock drivers speak to them."""

import asyncio
import gc
import os
import ssl
import threading
from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import pytest

from countermand import AsyncCountermand, Cancelled, Countermand, NotSentError, Pattern, Requested
from countermand.engine.wire import CLOCK, Call, Fault, Reply
from countermand.sandbox import Sandbox
from countermand.transport import open_driver
from countermand.transport.blocking import BorrowedDriver, StockDriver
from countermand.transport.eventloop import AsyncBorrowedDriver, AsyncStockDriver
from countermand.transport.nested import NestedTLS
from countermand.transport.proxies import Proxies, environment_proxies, is_direct
from tests.support.proxies import SocksServer, Tunnel
from tests.support.tables import table
from tests.support.tls import anonymous

from .raw import RawServer, http

KINDS = ("stock", "async stock")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Blocking and async."""
    return str(request.param)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def asked(kind: str, proxies: Proxies | None, *calls: Call) -> list[Reply | Fault]:
    """Make some calls, one after the other, through a stock driver."""
    if kind == "stock":
        driver = StockDriver(proxies)
        try:
            return [driver.exchange(call) for call in calls]
        finally:
            driver.close()

    async def exchange() -> list[Reply | Fault]:
        opened = AsyncStockDriver(proxies)
        found = [await opened.exchange(call) for call in calls]
        await opened.aclose()
        return found

    return asyncio.run(exchange())


def a_call(origin: str, patience: float = 5.0) -> Call:
    """Return a call."""
    return Call("POST", origin, "/order", b"{}", deadline=CLOCK.monotonic() + patience)


@table(
    "host, port, no_proxy, direct",
    [
        ("api.example.com", 443, "", False),
        ("api.example.com", 443, "*", True),
        ("api.example.com", 443, "other, *", True),
        ("api.example.com", 443, "example.com", True),
        ("api.example.com", 443, ".example.com", True),
        ("api.example.com", 443, "*.example.com", True),
        ("example.com", 443, ".example.com", True),
        ("API.Example.COM", 443, "example.com", True),
        ("api.example.com.", 443, "example.com", True),
        ("api.example.com", 443, "EXAMPLE.com.", True),
        ("badexample.com", 443, "example.com", False),
        ("example.com.evil", 443, "example.com", False),
        ("api.example.com", 443, "localhost example.com", True),
        ("api.example.com", 443, "https://example.com", True),
        ("api.example.com", 443, "example.com:443", True),
        ("api.example.com", 8443, "example.com:443", False),
        ("api.example.com", 8443, "example.com:443,example.com:8443", True),
        ("10.1.2.3", 80, "10.0.0.0/8", True),
        ("11.1.2.3", 80, "10.0.0.0/8", False),
        ("10.1.2.3", 80, "10.1.2.3", True),
        ("10.1.2.3", 80, "10.1.2.3:80", True),
        ("10.1.2.3", 81, "10.1.2.3:80", False),
        ("10.1.2.33", 80, "10.1.2.3", False),
        ("110.1.2.3", 80, "10.1.2.3", False),
        ("::1", 80, "::1", True),
        ("::1", 80, "[::1]", True),
        ("[::1]", 80, "[::1]", True),
        ("::1", 8080, "[::1]:8080", True),
        ("::1", 80, "[::1]:8080", False),
        ("0:0::1", 80, "::1", True),
        ("fe80::7", 80, "fe80::/10", True),
        ("fe80::7", 80, "[fe80::]/10", True),
        ("2001:db8::1", 80, "fe80::/10", False),
        ("localhost", 80, "127.0.0.1", False),
        ("localhost", 80, "127.0.0.0/8", False),
        ("localhost", 80, "localhost", True),
        ("api.example.com", 443, ",, ,", False),
        ("api.example.com", 443, "*:443", True),
        ("api.example.com", 8443, "*:443", False),
        ("api.example.com", 443, "example.com:", True),
        ("api.example.com", 443, "example.com:x", False),
        ("api.example.com", 443, "https://example.com/path", True),
        ("api.example.com", 443, "https://example.com:443/", True),
        ("api.example.com", 8443, "https://example.com:443/", False),
        ("api.example.com", 443, "example.com/", True),
        ("api.example.com", 443, "\tlocalhost\nexample.com ", True),
        ("api.example.com", 443, "example.com;localhost", False),
        ("api.example.com", 443, "*.", False),
        ("api.example.com", 443, "/", False),
        ("api.example.com", 443, "[", False),
        ("bücher.example", 443, "xn--bcher-kva.example", True),
        ("xn--bcher-kva.example", 443, "BÜCHER.example", True),
        ("2001:db8::1", 443, "[2001:db8::/32]", True),
        ("2001:db8::1", 443, "[2001:db8::/32]:443", True),
        ("2001:db8::1", 8443, "[2001:db8::/32]:443", False),
        ("2001:db8::1", 443, "[2001:db8::]/32:443", True),
        ("2001:db8::1", 8443, "[2001:db8::]/32:443", False),
        ("10.1.2.3", 443, "10.0.0.0/8:443", True),
        ("10.1.2.3", 80, "10.0.0.0/8:443", False),
        ("10.1.2.3", 443, "10.", False),
        ("::ffff:10.1.2.3", 443, "10.0.0.0/8", True),
        ("::ffff:10.1.2.3", 443, "::ffff:10.1.2.3", True),
        ("::1", 443, "::1:443", False),
        ("::1", 443, "[::1", False),
        ("api.example.com", 443, ".", False),
        ("api.example.com", 443, "10.0.0.0/99", False),
    ],
)
def test_no_proxy(host: str, port: int, no_proxy: str, direct: bool) -> None:
    """Suffixes at the borders of labels, ports, networks, brackets, and the star."""
    assert is_direct(host, port, no_proxy) is direct


@table(
    "environ, origin, url",
    [
        ({}, "https://a", None),
        ({"HTTPS_PROXY": "http://p"}, "https://a", "http://p"),
        ({"HTTPS_PROXY": "http://p"}, "http://a", None),
        ({"HTTP_PROXY": "http://p"}, "http://a", "http://p"),
        ({"http_proxy": "http://small", "HTTP_PROXY": "http://large"}, "http://a", "http://small"),
        ({"ALL_PROXY": "http://p"}, "https://a", "http://p"),
        ({"all_proxy": "socks5://p", "https_proxy": "http://q"}, "https://a", "http://q"),
        ({"all_proxy": "socks5://p", "https_proxy": "http://q"}, "http://a", "socks5://p"),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "a:443"}, "https://a", None),
        ({"ALL_PROXY": "http://p", "no_proxy": "a:444"}, "https://a", "http://p"),
        ({"ALL_PROXY": "http://p", "no_proxy": "a:444"}, "https://a:444", None),
        ({"ALL_PROXY": " "}, "https://a", None),
        ({"HTTPS_PROXY": "http://p", "https_proxy": ""}, "https://a", None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "a", "no_proxy": ""}, "https://a", "http://p"),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "a", "no_proxy": "b"}, "https://a", "http://p"),
        ({"ALL_PROXY": "http://p", "no_proxy": "::1"}, "https://[::1]:8443", None),
        ({"HTTP_PROXY": "http://p", "REQUEST_METHOD": "GET"}, "http://a", None),
        ({"http_proxy": "http://p", "REQUEST_METHOD": "GET"}, "http://a", "http://p"),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "[::1]"}, "http://[::1]:8080", None),
    ],
)
def test_which_proxy(environ: dict[str, str], origin: str, url: str | None) -> None:
    """Both spellings, the small one first; a scheme's own before the one for all."""
    found = Proxies(environ).for_origin(origin)
    assert (found.reveal() if found is not None else None) == url


def test_proxies_do_not_show_their_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does what holds them."""
    monkeypatch.setenv("ALL_PROXY", "http://user:sekret@proxy.example")
    proxies = environment_proxies()
    assert repr(proxies) == "Proxies(all)"
    assert "sekret" not in repr(proxies.for_origin("https://a") if proxies else None)


@table("url", ["ftp://proxy", "http://", "http://proxy:port", "socks4://p:sekret@h", "://"])
def test_a_proxy_that_makes_no_sense(kind: str, url: str) -> None:
    """Nothing is sent, and its text is not repeated."""
    call = a_call("https://localhost:9")
    [found] = asked(kind, Proxies({"ALL_PROXY": url}), call)
    assert isinstance(found, Fault)
    assert (found.sent, call.sent) == (False, False)
    assert "sekret" not in found.detail


def test_over_http_the_proxy_is_asked_for_the_whole_url(kind: str) -> None:
    """With a password for itself, over one connection."""
    with RawServer(http("one"), http("two")) as proxy:
        host = f"http://user:word@{proxy.origin}"
        found = asked(kind, Proxies({"http_proxy": host}), *[a_call("http://far.example") for _ in range(2)])
        assert [one.body for one in found if isinstance(one, Reply)] == [b'"one"', b'"two"']
        assert proxy.connections == 1
        assert proxy.requests[0].startswith(b"POST http://far.example/order HTTP/1.1\r\n")
        assert b"Proxy-Authorization: Basic dXNlcjp3b3Jk" in proxy.requests[0]


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients take servers without certificates, the proxy included."""
    context = anonymous(ssl.PROTOCOL_TLS_CLIENT)
    for module in ("blocking", "eventloop"):
        monkeypatch.setattr(f"countermand.transport.{module}.tls_for", lambda _origin: context)
    monkeypatch.setattr("countermand.transport.messages.tls", lambda: anonymous(ssl.PROTOCOL_TLS_CLIENT))


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("proxy_tls", [False, True], ids=["http proxy", "https proxy"])
def test_a_tunnel(kind: str, proxy_tls: bool) -> None:
    """TLS to the origin inside, and inside TLS to the proxy if need be; two calls share it."""
    server_side = anonymous(ssl.PROTOCOL_TLS_SERVER)
    with (
        RawServer(http("one"), http("two"), tls=server_side) as server,
        Tunnel(tls=server_side if proxy_tls else None) as proxy,
    ):
        scheme = "https" if proxy_tls else "http"
        proxies = Proxies({"https_proxy": f"{scheme}://user:word@{proxy.origin}"})
        calls = [a_call(f"https://{server.origin}") for _ in range(2)]
        found = asked(kind, proxies, *calls)
        assert [one.body if isinstance(one, Reply) else one for one in found] == [b'"one"', b'"two"']
        assert [call.sent for call in calls] == [True, True]
        assert (server.connections, len(proxy.heads)) == (1, 1)
        assert b"Proxy-Authorization: Basic dXNlcjp3b3Jk" in proxy.heads[0]


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("surplus", [http("stale"), b"HTTP/1.1 204 No\r\nX-A: "], ids=["whole", "partial"])
@pytest.mark.parametrize("proxy_tls", [False, True], ids=["http proxy", "https proxy"])
def test_what_is_no_reply_ends_a_tunnel(kind: str, proxy_tls: bool, surplus: bytes) -> None:
    """As it ends any connection."""
    server_side = anonymous(ssl.PROTOCOL_TLS_SERVER)
    with (
        RawServer(http("one", more=surplus), http("two"), tls=server_side) as server,
        Tunnel(tls=server_side if proxy_tls else None) as proxy,
    ):
        proxies = Proxies({"https_proxy": f"{'https' if proxy_tls else 'http'}://{proxy.origin}"})
        found = asked(kind, proxies, *[a_call(f"https://{server.origin}") for _ in range(2)])
        assert [one.body if isinstance(one, Reply) else one for one in found] == [b'"one"', b'"two"']
        assert server.connections == 2


def test_what_tls_inside_tls_holds_is_seen() -> None:
    """A part of a record, of the inner or of the outer connection, is data that nobody asked for."""

    class Outer:
        held = 0

        def pending(self) -> int:
            return self.held

    outer: Any = Outer()
    nested = NestedTLS(outer, anonymous(ssl.PROTOCOL_TLS_CLIENT), None)
    assert nested.pending() == 0
    outer.held = 5
    assert nested.pending() > 0
    outer.held = 0
    nested._incoming.write(b"abc")
    assert nested.pending() > 0


def test_tls_inside_tls_keeps_its_timeout() -> None:
    """Each step of a handshake has what is left of it; then the time is over."""

    class Silent:
        def settimeout(self, timeout: float | None) -> None:
            assert timeout is not None
            assert timeout <= 60
            self.timeout = timeout

        def sendall(self, data: bytes) -> None:
            assert self.timeout

        def recv(self, size: int) -> bytes:
            nested.settimeout(0.0)  # the time is over before the whole answer has come
            return b"\x16"

    outer: Any = Silent()
    nested = NestedTLS(outer, anonymous(ssl.PROTOCOL_TLS_CLIENT), None)
    nested.settimeout(60)
    with pytest.raises(TimeoutError):
        nested.do_handshake()


@pytest.mark.usefixtures("trusting")
def test_a_connection_counts_once_when_tls_is_over_it() -> None:
    """A lane opens one connection after another, and keeps no stream that is beneath TLS."""
    with RawServer(*[http("one")] * 3, tls=anonymous(ssl.PROTOCOL_TLS_SERVER)) as server:
        origin = f"https://{server.origin}"
        driver = StockDriver()
        assert isinstance(driver.exchange(a_call(origin)), Reply)
        (lane,) = driver._lanes[origin].idle
        assert len(lane.backend._open) == 1
        driver.close()

        async def one() -> int:
            driver = AsyncStockDriver()
            assert isinstance(await driver.exchange(a_call(origin)), Reply)
            (lane,) = driver._lanes[origin].idle
            count = len(lane.backend._open)
            await driver.aclose()
            return count

        assert asyncio.run(one()) == 1


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize(
    "answer, said",
    [
        (b"HTTP/1.1 407 Say sekret\r\nContent-Length: 0\r\n\r\n", "407"),
        (b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", "502"),
        (b"", ""),
        (b"SSH-2.0\r\n\r\n", ""),
        (b"HTTP/1.1 200 OK\r\n\r\nnot TLS at all, and long enough to be seen", ""),
    ],
    ids=["407", "502", "closed", "no HTTP", "no TLS behind it"],
)
def test_a_proxy_that_opens_no_tunnel(kind: str, answer: bytes, said: str) -> None:
    """Nothing was sent, whatever it says; its own words are not repeated."""
    with RawServer(answer, hangups=1) as proxy:
        call = a_call("https://far.example")
        [found] = asked(kind, Proxies({"https_proxy": f"http://{proxy.origin}"}), call)
    assert isinstance(found, Fault)
    assert (found.sent, call.sent) == (False, False)
    assert said in found.detail
    assert "sekret" not in found.detail


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", b""], ids=["502", "closed"]
)
@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_proxy_of_the_callers_client_that_opens_no_tunnel(library: Any, answer: bytes) -> None:
    """The CONNECT that was sent is no request of ours."""
    with RawServer(answer, answer, hangups=2) as proxy:
        options: Any = {"proxy": f"http://{proxy.origin}", "trust_env": False}
        call = a_call("https://far.example")
        with library.Client(**options) as client:
            found = BorrowedDriver(client).exchange(call)
        assert isinstance(found, Fault)
        assert (found.sent, call.sent) == (False, False)

        async def exchanged(call: Call) -> Reply | Fault:
            async with library.AsyncClient(**options) as client:
                return await AsyncBorrowedDriver(client).exchange(call)

        call = a_call("https://far.example")
        found = asyncio.run(exchanged(call))
        assert isinstance(found, Fault)
        assert (found.sent, call.sent) == (False, False)


@pytest.mark.usefixtures("trusting")
def test_a_proxy_that_is_silent(kind: str) -> None:
    """The deadline ends it; nothing was sent."""
    with RawServer(b"", stalls=True) as proxy:
        call = a_call("https://far.example", patience=0.3)
        [found] = asked(kind, Proxies({"https_proxy": f"http://{proxy.origin}"}), call)
    assert isinstance(found, Fault)
    assert (found.sent, call.sent) == (False, False)


def test_a_proxy_where_nobody_listens(kind: str) -> None:
    """Nothing was sent."""
    with RawServer() as gone:
        pass
    [found] = asked(kind, Proxies({"all_proxy": gone.origin}), a_call("http://far.example"))
    assert isinstance(found, Fault)
    assert not found.sent


def test_the_environment_counts_when_a_client_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """For stock drivers that a client opens; a driver that is made by hand has the proxies that it is given."""
    with RawServer(http("by way of")) as proxy, RawServer(http("straight")) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.origin}")
        for driver, body in ((open_driver(None), b'"by way of"'), (StockDriver(), b'"straight"')):
            assert isinstance(driver, StockDriver)
            found = driver.exchange(a_call(f"http://{server.origin}"))
            assert isinstance(found, Reply)
            assert found.body == body
            driver.close()


@pytest.mark.parametrize("how", ["http", "socks5h"])
def test_one_client_in_three_event_loops_behind_a_proxy(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections of a loop that is gone are not used in the next."""
    with Sandbox(http=True, speed=0) as sandbox, Tunnel() as tunnel, SocksServer() as socks:
        monkeypatch.setenv("ALL_PROXY", f"{how}://127.0.0.1:{tunnel.port if how == 'http' else socks.port}")
        access = Pattern(token="sandbox-pattern-token", base_url=sandbox.base_url("pattern"))
        client = AsyncCountermand(pattern=access)

        async def cancel(client: AsyncCountermand) -> Any:
            return await client.pattern.cancel_order(str(sandbox.ORDERS[0].order_id))

        outcomes: list[Any] = [asyncio.run(cancel(client)) for _ in range(3)]
        del client
        gc.collect()  # a connection that was left open would warn, which is an error
    assert all(isinstance(outcome, Requested | Cancelled) for outcome in outcomes), outcomes


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("how", ["http", "socks5h"])
def test_a_fork_behind_a_proxy_has_connections_of_its_own(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parent and child never share one: each would read the other's replies."""
    with RawServer(*[http("one")] * 3) as server, Tunnel() as tunnel, SocksServer() as socks:
        monkeypatch.setenv("ALL_PROXY", f"{how}://127.0.0.1:{tunnel.port if how == 'http' else socks.port}")
        driver = open_driver(None)
        assert isinstance(driver, StockDriver)
        assert isinstance(driver.exchange(a_call(f"http://{server.origin}")), Reply)
        if (child := os.fork()) == 0:
            try:
                found = driver.exchange(a_call(f"http://{server.origin}"))
                os._exit(0 if isinstance(found, Reply) else 1)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        assert isinstance(driver.exchange(a_call(f"http://{server.origin}")), Reply)
        driver.close()
        assert server.connections == 2


def test_a_closed_client_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so."""
    monkeypatch.setenv("ALL_PROXY", "http://localhost:9")
    client = Countermand(pattern=Pattern(token="t"))
    client.close()
    with pytest.raises(NotSentError, match="closed"):
        client.pattern.cancel_order("114-1")


def test_threads_share_a_transport_for_each_route() -> None:
    """Two threads that come first make one pool between them."""
    driver = StockDriver()
    found: list[Any] = []
    barrier = threading.Barrier(8)

    def open_one(opened: Callable[[str], Any]) -> None:
        barrier.wait(60)
        found.append(opened("http://localhost:1"))

    threads = [threading.Thread(target=open_one, args=(driver._open,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    driver.close()
    assert len(set(map(id, found))) == 1
