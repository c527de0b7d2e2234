"""Over real HTTP on loopback, with every HTTP library that is supported."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import httpx2
import pytest

from countermand import Cancelled, NotSentError, Pattern, Requested, RetryPolicy, Unknown, Vtex
from countermand.engine.wire import CLOCK
from countermand.sandbox import RateLimited, Sandbox, seed
from tests.support.doors import Door, Kind
from tests.support.markets import PATTERN, names
from tests.support.tls import unused

from .raw import RawServer, http

SWIFT = RetryPolicy(attempts=2, first_pause=0.0)
STATUS = json.loads(PATTERN.cancelled.body)
OPEN = json.loads(PATTERN.still_open.body)
ACCEPTED = json.loads(PATTERN.accepted.body)


def aiohttp_driver() -> Any:
    """Return a driver over aiohttp."""
    pytest.importorskip("aiohttp")
    from countermand.transport.aiohttp import AiohttpDriver

    return AiohttpDriver()


class OwnConnector:
    """A driver over a connector of the caller's own, which can be opened on an event loop alone."""

    def __init__(self) -> None:
        pytest.importorskip("aiohttp")
        self.clock = CLOCK
        self.is_closed = False
        self._driver: Any = None

    async def run(self, flow: Any) -> Any:
        """Open the connector, and from then on only pass on."""
        if self._driver is None:
            import aiohttp

            from countermand.transport.aiohttp import AiohttpDriver

            self._connector = aiohttp.TCPConnector(ssl=unused(), limit=2)
            self._driver = AiohttpDriver(self._connector)
        return await self._driver.run(flow)

    async def aclose(self) -> None:
        """Close the driver, which leaves the connector open, and then the connector."""
        if self._driver is not None and not self.is_closed:
            await self._driver.aclose()
            assert not self._connector.closed
            await self._connector.close()
        self.is_closed = True


LIBRARIES: dict[str, tuple[Kind, Callable[[], Any]]] = {
    "stock": ("sync", lambda: None),
    "stock, async": ("async", lambda: None),
    "httpx": ("sync", lambda: httpx.Client(verify=unused(), trust_env=False)),
    "httpx, async": ("async", lambda: httpx.AsyncClient(verify=unused(), trust_env=False)),
    "httpx2": ("sync", lambda: httpx2.Client(verify=unused(), trust_env=False)),
    "httpx2, async": ("async", lambda: httpx2.AsyncClient(verify=unused(), trust_env=False)),
    "aiohttp": ("async", aiohttp_driver),
    "aiohttp, own connector": ("async", OwnConnector),
}


@pytest.fixture(params=LIBRARIES)
def over(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Door]]:
    """Return a function that opens a client over one of the libraries."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    kind, make = LIBRARIES[request.param]
    doors: list[tuple[Door, Any]] = []

    def opened(**settings: Any) -> Door:
        own = make()
        door = Door(kind, http_client=own, **settings)
        doors.append((door, own))
        return door

    yield opened
    for door, own in doors:
        with door:
            if hasattr(own, "is_closed"):
                door.run(own.aclose if kind == "async" else own.close)


def at(server: RawServer, scheme: str = "http") -> dict[str, Any]:
    """Return Pattern's configuration for a server."""
    return {"pattern": Pattern(token="pattern-tok3n", base_url=f"{scheme}://{server.origin}"), "retry": SWIFT}


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    """Serve one sandbox to all these tests: starting a server takes longer than a test."""
    with Sandbox(http=True, speed=0) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: Sandbox) -> Sandbox:
    """Return the sandbox with its ready-made orders as they were, and nothing under way."""
    served.world.settle()
    for marketplace in ("pattern", "vtex", "crux", "kibo"):
        served.world.simulator(marketplace).orders.clear()
    seed(served.world)
    return served


def test_every_ready_order(sandbox: Sandbox, over: Callable[..., Door]) -> None:
    """The sandbox's orders answer as they say, at all four marketplaces, and settle as they say."""
    door = over(**sandbox._settings())
    for order in sandbox.ORDERS:
        arguments = ("created_by_mistake",) if order.marketplace == "kibo" else ()
        answer = door.do(order.marketplace, "cancel_order", order.order_id, *arguments)
        sandbox.advance(10)
        settled = door.do(order.marketplace, "check", answer)
        assert (names(answer), names(settled)) == (order.answer, order.settled)


AGENT = re.compile(r"countermand/\d[\w.]* (httpx|httpx2|aiohttp)/\d[\w.]* python/\d+\.\d+\.\d+", re.ASCII)


def test_who_asks_and_what_a_call_adds(over: Callable[..., Door], request: pytest.FixtureRequest) -> None:
    """The User-Agent names this package and the library, once; a call's own headers go with this call."""
    with RawServer(*[http(ACCEPTED)] * 2) as server:
        door = over(**at(server))
        door.do("pattern", "cancel_order", "114-1", headers={"X-Trace-Id": "t-1"})
        door.do("pattern", "cancel_order", "114-1")
    library = request.node.callspec.params["over"].partition(",")[0].replace("stock", "httpx")
    first, second = (each.decode("ascii").lower() for each in server.requests)
    for sent in (first, second):
        (agent,) = re.findall(r"user-agent: (.*)\r\n", sent)
        found = AGENT.fullmatch(agent)
        assert found is not None
        assert found[1] == library
        assert sent.count("authorization:") == 1
    assert "x-trace-id: t-1\r\n" in first
    assert "x-trace-id" not in second


def test_awkward_ids(sandbox: Sandbox, over: Callable[..., Door]) -> None:
    """No library undoes, or does again, what was quoted."""
    door = over(**sandbox._settings())
    for order_id in ("a/b", "../..", "a?b#c&d=e", "a%2Fb", "a b", "a+b", "Größe", "%", "注文;'"):
        sandbox.world.pattern.add_order(order_id, {1: "new"})
        sandbox.world.vtex.add_order(order_id)
        for name in ("pattern", "vtex"):
            assert isinstance(door.do(name, "cancel_order", order_id), Requested), (name, order_id)


def test_a_429_is_waited_out(sandbox: Sandbox, over: Callable[..., Door]) -> None:
    """With a Retry-After that makes no sense, so that the policy's pause counts."""
    sandbox.mishap("pattern", RateLimited("0"))
    door = over(retry=SWIFT, **sandbox._settings())
    assert isinstance(door.do("pattern", "cancel_order", "114-3941689-8772232"), Requested)


def test_a_refused_connection_was_not_sent(over: Callable[..., Door]) -> None:
    """Nobody listens there."""
    with RawServer() as server:
        pass
    with pytest.raises(NotSentError, match="no connection"):
        PATTERN.cancel(over(**at(server)))


def test_a_failed_handshake_was_not_sent(over: Callable[..., Door]) -> None:
    """Whoever listens speaks no TLS."""
    with RawServer(*[b"HTTP/1.1 400 No\r\n\r\n"] * 2, hangups=2) as server, pytest.raises(NotSentError):
        PATTERN.cancel(over(**at(server, "https")))
    assert server.connections == 2
    assert not any(b"pattern-tok3n" in request for request in server.requests)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"HTTP/1.1 ",
        b"HTTP/1.1 200 OK\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"\x00" * 100,
        http(ACCEPTED)[:-5],
        http(ACCEPTED, chunked=True)[:-9],
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=lambda said: ascii(said)[:40],
)
def test_a_broken_answer_is_settled_by_reading(broken: bytes, over: Callable[..., Door]) -> None:
    """It may have been applied: the order says so."""
    with RawServer(broken, http(STATUS), hangups=1) as server:
        outcome = PATTERN.cancel(over(**at(server)))
        assert isinstance(outcome, Cancelled)
    assert [attempt.what for attempt in outcome.attempts] == ["cancel", "read"]


def test_two_calls_share_a_connection(over: Callable[..., Door]) -> None:
    """After a whole reply, chunked or not, with extensions and trailers."""
    with RawServer(http(ACCEPTED), http(OPEN, chunked=True), http(OPEN)) as server:
        door = over(**at(server))
        PATTERN.cancel(door)
        PATTERN.read(door)
        PATTERN.read(door)
    assert server.connections == 1
    assert [request.split()[0] for request in server.requests] == [b"POST", b"GET", b"GET"]


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize(
    "smuggled",
    [http(STATUS), http(STATUS)[:-5], b"HTTP/1.1 200 OK\r\nX-Begun: "],
    ids=["whole", "most", "head"],
)
def test_bytes_that_belong_to_no_reply_end_a_connection(
    smuggled: bytes, chunked: bool, over: Callable[..., Door]
) -> None:
    """They would be read as the answer to the next request, about another order, or as its beginning."""
    with RawServer(http(ACCEPTED, chunked=chunked, more=smuggled), http(OPEN)) as server:
        door = over(**at(server) | {"retry": RetryPolicy.never()})
        PATTERN.cancel(door)
        assert PATTERN.read(door).order_status == "pending"
        assert server.connections == 2


def test_head_and_body_leave_together(over: Callable[..., Door]) -> None:
    """A whole request arrives; nothing is asked for in return that was not in it."""
    with RawServer(http({"date": "d", "orderId": "1172-01"})) as server:
        access = Vtex(account="a", app_key="k", app_token="t", base_url=f"http://{server.origin}/deep")
        outcome = over(vtex=access).do("vtex", "cancel_order", "1172-01", reason="Größe")
    assert isinstance(outcome, Requested)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"POST /deep/api/oms/pvt/orders/1172-01/cancel HTTP/1.1"
    assert f"host: {server.origin}".encode() in head.lower()
    assert json.loads(body) == {"reason": "Größe"}
    assert head.lower().count(b"content-length") == 1
    assert b"expect" not in head.lower()
    assert b"cookie" not in head.lower()


def test_a_redirect_is_not_followed(over: Callable[..., Door]) -> None:
    """By no library."""
    with RawServer(http(STATUS)) as elsewhere:
        away = (
            b"HTTP/1.1 307 Go\r\nLocation: http://%b/\r\nContent-Length: 0\r\n\r\n"
            % elsewhere.origin.encode()
        )
        with RawServer(away, http(STATUS)) as server:
            assert isinstance(PATTERN.cancel(over(**at(server))), Cancelled)
        assert elsewhere.requests == []


def test_a_body_without_end_is_unknown_and_not_remembered(over: Callable[..., Door]) -> None:
    """Nobody reads more than two megabytes of an answer."""
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b" " * 3_000_000
    with RawServer(endless, endless) as server:
        outcome = PATTERN.cancel(over(**at(server)))
    assert isinstance(outcome, Unknown)
    assert "too large" in outcome.attempts[0].ended


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
def test_a_stock_client_goes_through_the_environments_proxy(
    variable: str, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for the whole URL."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with RawServer(http(ACCEPTED)) as proxy:
        monkeypatch.setenv(variable, f"http://{proxy.origin}")
        access = Pattern(token="pattern-tok3n", base_url="http://localhost:1/hub")
        with Door(kind, pattern=access) as door:
            assert isinstance(PATTERN.cancel(door), Requested)
            door.close()
            with pytest.raises(NotSentError, match="closed"):
                PATTERN.cancel(door, timeout=0.2)
    first = proxy.requests[0].split(b"\r\n")[0]
    assert first == b"POST http://localhost:1/hub/v1/orders/cancel_order?market_order_id=114-1 HTTP/1.1"
