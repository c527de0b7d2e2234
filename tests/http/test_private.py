"""The private names of libraries: each is there, in the oldest and the newest versions, and none is used elsewhere."""

import ast
import asyncio
from pathlib import Path
from typing import Any

import httpcore
import httpx
import httpx2
import pytest

import countermand
from countermand.engine.wire import CLOCK, Call, Fault, Reply
from countermand.transport import private
from countermand.transport.blocking import BorrowedDriver, StockDriver
from countermand.transport.eventloop import AsyncBorrowedDriver
from tests.support.tables import table
from tests.support.tls import unused

from .raw import RawServer, http

SOURCE = Path(str(countermand.__file__)).parent
#: Names that begin with an underscore and are no library's secret: documented by the standard library or attrs.
DOCUMENTED = {"_asdict", "_replace", "_fields", "_make"}


def private_names(tree: ast.Module) -> set[str]:
    """Return the attributes with an underscore that are looked up on something other than `self` and its like."""
    own = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("self", "cls")
    }
    own |= {
        item.target.id if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) else ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for item in node.body
    }
    own |= {
        item.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {
        str(argument.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("getattr", "hasattr")
        for argument in node.args[1:2]
        if isinstance(argument, ast.Constant)
    }
    return {
        name
        for name in used
        if name.startswith("_") and not name.startswith("__") and name not in own | DOCUMENTED
    }


@table("module", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_private_name_stands_elsewhere(module: Path) -> None:
    """Whatever begins with an underscore belongs to the class or the module that it stands in."""
    if module.name != "private.py":
        assert private_names(ast.parse(module.read_text(encoding="utf-8"))) == set()


def test_the_search_for_private_names_finds_them() -> None:
    """The test above can fail."""
    source = (
        "transport._pool = 1\nx = getattr(y, '_h11_state', None)\nclass A:\n  def f(self): self._mine = 1"
    )
    assert private_names(ast.parse(source)) == {"_pool", "_h11_state"}


@pytest.mark.parametrize("kind", [httpx.HTTPTransport, httpx.AsyncHTTPTransport])
def test_a_stock_transport_sends_through_the_pool_that_it_is_given(kind: Any) -> None:
    """`_pool` is where httpx keeps it."""
    transport = kind(verify=unused())
    assert isinstance(transport._pool, httpcore.ConnectionPool | httpcore.AsyncConnectionPool)
    asked: list[Any] = []

    class Pool:
        def handle_request(self, request: Any) -> Any:
            asked.append(request)
            return httpcore.Response(204)

        async def handle_async_request(self, request: Any) -> Any:
            return self.handle_request(request)

    private.install_pool(transport, Pool())
    request = httpx.Request("GET", "http://localhost/")
    if hasattr(transport, "handle_request"):
        assert transport.handle_request(request).status_code == 204
    else:
        assert asyncio.run(transport.handle_async_request(request)).status_code == 204
    assert len(asked) == 1


def test_without_a_pool_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call says what is missing."""

    class Changed(httpx.BaseTransport):
        def __init__(self, **_: Any) -> None:
            pass

    monkeypatch.setattr(httpx, "HTTPTransport", Changed)
    driver = StockDriver()
    found = driver.exchange(Call("GET", "http://localhost:9", "/", deadline=CLOCK.monotonic() + 60))
    assert isinstance(found, Fault)
    assert not found.sent
    assert "_pool" in found.detail


def test_a_pool_has_a_lock_of_its_own() -> None:
    """`_optional_thread_lock` is where httpcore keeps it; without it, a driver says what is missing."""
    pool = httpcore.ConnectionPool()
    lock = pool._optional_thread_lock
    assert private.without_lock(pool)._optional_thread_lock is not lock
    with pytest.raises(RuntimeError, match="_optional_thread_lock"):
        private.without_lock(object())


def test_a_connection_that_calls_share_is_left_alone() -> None:
    """Over HTTP/2 a reply has its stream's id, and closing the connection would end the other calls."""
    response: Any = httpx.Response(200, extensions={"network_stream": object(), "http_version": b"HTTP/2"})
    assert not private.has_surplus(response)
    response.extensions["http_version"] = b"HTTP/1.1"
    assert private.has_surplus(response)


def borrowed(library: Any, kind: str) -> Any:
    """Return a driver over a client of the caller's own."""
    if kind == "async":
        return AsyncBorrowedDriver(library.AsyncClient(trust_env=False, verify=unused()))
    return BorrowedDriver(library.Client(trust_env=False, verify=unused()))


def exchanged(driver: Any, origin: str, times: int) -> list[Reply | Fault]:
    """Make some calls, one after the other, and close the client."""

    def calls() -> list[Call]:
        return [Call("GET", f"http://{origin}", "/", deadline=CLOCK.monotonic() + 60) for _ in range(times)]

    async def all_of_them() -> list[Reply | Fault]:
        found = [await driver.exchange(call) for call in calls()]
        await driver._client.aclose()
        return found

    if isinstance(driver, AsyncBorrowedDriver):
        return asyncio.run(all_of_them())
    found = [driver.exchange(call) for call in calls()]
    driver._client.close()
    return found


@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_way_to_what_h11_has_left(library: Any, kind: str) -> None:
    """`_stream`, `_httpcore_stream`, `_connection` and `_h11_state` lead there: a clean connection is used again."""
    with RawServer(http(1), http(2)) as server:
        found = exchanged(borrowed(library, kind), server.origin, 2)
        assert [one.body for one in found if isinstance(one, Reply)] == [b"1", b"2"]
        assert server.connections == 1


@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_without_a_way_there_no_connection_is_used_again(
    library: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails closed: each reply ends its connection."""
    from importlib import import_module

    core = import_module("httpcore2" if library is httpx2 else "httpcore")
    part = import_module(f"{core.__name__}._{kind}.http11")
    stream = part.AsyncHTTP11Connection if kind == "async" else part.HTTP11Connection

    class Renamed:
        def __get__(self, instance: Any, owner: Any) -> Any:
            import sys

            if sys._getframe(1).f_globals["__name__"].startswith("countermand"):
                raise AttributeError
            return instance.__dict__["_h11_state"]

        def __set__(self, instance: Any, value: Any) -> None:
            instance.__dict__["_h11_state"] = value

    monkeypatch.setattr(stream, "_h11_state", Renamed(), raising=False)
    with RawServer(http(1), http(2)) as server:
        found = exchanged(borrowed(library, kind), server.origin, 2)
        assert [one.body for one in found if isinstance(one, Reply)] == [b"1", b"2"]
        assert server.connections == 2


def test_the_names_of_aiohttp() -> None:
    """`_conns`, `_parser`, and a request made of a method, a URL, a loop and TLS."""
    aiohttp = pytest.importorskip("aiohttp")
    from yarl import URL

    async def looked() -> None:
        loop = asyncio.get_running_loop()
        request = private.client_request(aiohttp, URL("http://localhost"), loop, True)
        assert request.connection_key.host == "localhost"
        connector = aiohttp.TCPConnector()
        private.forget_connections(connector)
        with RawServer(http(1)) as server:
            initiator = private.client_request(aiohttp, URL(f"http://{server.origin}"), loop, True)
            connection = await connector.connect(initiator, [], aiohttp.ClientTimeout())
            connection.protocol.set_response_params(read_until_eof=True, auto_decompress=False)
            assert not private.has_begun(connection.protocol)
            connection.protocol.data_received(b"HTTP/1.1 200 OK\r\nX-Begun: ")
            assert private.has_begun(connection.protocol)
            connection.close()
        await connector.close()

    asyncio.run(looked())


def test_names_of_aiohttp_that_are_gone() -> None:
    """They fail closed, or say what is missing."""
    assert private.has_begun(object())
    with pytest.raises(RuntimeError, match="aiohttp"):
        private.forget_connections(object())

    class Changed:
        @staticmethod
        def ClientRequest() -> None: ...

    with pytest.raises(RuntimeError, match="aiohttp"):
        private.client_request(Changed, "http://localhost", None, None)
