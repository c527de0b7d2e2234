"""More of what is not ours: what a caller's code was handling, `StopIteration`, and clients that are closed."""

import asyncio
import socket
from typing import Any

import httpx
import httpx2
import pytest

from countermand import AsyncCountermand, Countermand, Crux, NotSentError, RetryPolicy, Unknown, evidence_of
from countermand.engine.wire import Fault
from tests.support.tls import unused

from .kinds import KINDS, every_borrowed_driver
from .raw import RawServer, http
from .test_leaving import is_clean
from .test_passing import a_call, hooks, made, ran

borrowed = every_borrowed_driver

ORDER = "521a91e5-058d-4474-aeee-f0c148594a00"


def caching(kind: str) -> Any:
    """Return a transport that sends what is not in its cache, while the `KeyError` is handled."""
    library: Any = httpx2 if kind.endswith("httpx2") else httpx
    cache: dict[str, Any] = {}
    real: Any = library.AsyncHTTPTransport if kind.startswith("async") else library.HTTPTransport
    inner = real(verify=unused())

    class Caching(library.BaseTransport):  # type: ignore[misc]
        def handle_request(self, request: Any) -> Any:
            try:
                return cache["reply"]
            except KeyError:
                return inner.handle_request(request)

        def close(self) -> None:
            inner.close()

    class AsyncCaching(library.AsyncBaseTransport):  # type: ignore[misc]
        async def handle_async_request(self, request: Any) -> Any:
            try:
                return cache["reply"]
            except KeyError:
                return await inner.handle_async_request(request)

        async def aclose(self) -> None:
            await inner.aclose()

    return AsyncCaching() if kind.startswith("async") else Caching()


def test_what_a_transport_was_handling_is_no_exception_of_the_call(borrowed: str) -> None:
    """A transport that misses its cache, and then gets no answer: a fault, not the `KeyError`."""
    with RawServer(b"", stalls=True) as server:
        (found,) = ran(made(borrowed, transport=caching(borrowed)), a_call(server.origin, 0.3))
    assert isinstance(found, Fault)
    assert found.sent


def test_what_a_transport_was_handling_is_no_reason_either(borrowed: str) -> None:
    """Nobody listens: the fault is about the connection."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        origin = f"127.0.0.1:{taken.getsockname()[1]}"
        (found,) = ran(made(borrowed, transport=caching(borrowed)), a_call(origin))
    assert isinstance(found, Fault)
    assert not found.sent
    assert isinstance(found.cause, OSError)


@pytest.mark.parametrize("kind", ["httpx", "httpx2"])
def test_a_hook_raises_stop_iteration(kind: str) -> None:
    """`next()` of an empty iterator: it leaves as it came, though a generator would make a `RuntimeError` of it."""
    rows: Any = iter(())
    library: Any = httpx2 if kind == "httpx2" else httpx
    own = library.Client(verify=unused(), **hooks(kind, response=lambda _: next(rows)))
    with RawServer(b"HTTP/1.1 204 No Content\r\n\r\n") as server, own:
        client = Countermand(Crux(token="token", base_url=f"http://{server.origin}"), http_client=own)
        with pytest.raises(StopIteration) as caught:
            client.crux.cancel_order(ORDER)
    assert isinstance(evidence_of(caught.value), Unknown)
    assert is_clean(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_closed_client_names_the_order(kind: str) -> None:
    """It does so at once, whether it was closed by us or by the caller."""
    if kind == "aiohttp":
        pytest.importorskip("aiohttp")
    driver = made(kind)
    own = getattr(driver, "_client", None)
    client: Any = (AsyncCountermand if kind.startswith("a") else Countermand)(
        Crux(token="t"), http_client=driver
    )

    async def awaited() -> None:
        await (own or client).aclose()
        await client.crux.cancel_order(ORDER)

    def blocking() -> None:
        (own or client).close()
        client.crux.cancel_order(ORDER)

    with pytest.raises(NotSentError, match="closed") as caught:
        asyncio.run(awaited()) if kind.startswith("a") else blocking()
    found = caught.value
    assert (found.marketplace, found.account, found.order_id) == ("crux", "crux", ORDER)


def test_a_client_that_is_closed_during_a_call() -> None:
    """Nothing more is sent: what may have been applied is unknown."""
    driver = made("stock")
    lost = http({}, status=503)
    with RawServer(lost, lost) as server:
        crux = Crux(token="token", base_url=f"http://{server.origin}")
        client = Countermand(crux, http_client=driver, retry=RetryPolicy.never())
        before = driver.exchange

        def exchange(call: Any) -> Any:
            found = before(call)
            client.close()
            return found

        driver.exchange = exchange
        found = client.crux.cancel_order(ORDER)
    assert isinstance(found, Unknown)
    assert "closed" in found.reason
    assert len(server.requests) == 1
