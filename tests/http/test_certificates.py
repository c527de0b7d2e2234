"""Certificates: with one that is not valid nothing is sent, and the error gives the reason; at every door."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import httpx2
import pytest

from countermand import AsyncCountermand, Countermand, Crux, NotSentError, Requested, RetryPolicy
from countermand.transport import messages
from tests.support.proxies import SocksServer, Tunnel
from tests.support.tables import table
from tests.support.tls import AUTHORITY, INVALID, serving, trusting

from .kinds import every_driver
from .raw import RawServer

kind = every_driver

ORDER = "521a91e5-058d-4474-aeee-f0c148594a00"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.fixture(autouse=True)
def _authority(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    for name in ("all_proxy", "https_proxy", "no_proxy", "ALL_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    messages.tls.cache_clear()
    yield
    messages.tls.cache_clear()


def cancelled(kind: str, origin: str, scheme: str = "https") -> Any:
    """Cancel an order, over TLS; return the outcome, or the error."""
    library: Any = httpx2 if kind.endswith("httpx2") else httpx
    crux = Crux(token="sekret-token", base_url=f"{scheme}://{origin}")
    more: Any = {"retry": RetryPolicy.never(), "timeout": 5}

    async def awaited() -> Any:
        own: Any = None
        if kind == "aiohttp":
            from countermand.transport.aiohttp import AiohttpDriver

            own = AiohttpDriver()
        elif kind != "async stock":
            own = library.AsyncClient(trust_env=False, verify=trusting())
        async with AsyncCountermand(crux, http_client=own, **more) as client:
            try:
                return await client.crux.cancel_order(ORDER)
            finally:
                if kind.startswith("async http"):
                    await own.aclose()

    try:
        if kind.startswith("a"):
            return asyncio.run(awaited())
        own = None if kind == "stock" else library.Client(trust_env=False, verify=trusting())
        with Countermand(crux, http_client=own, **more) as client:
            try:
                return client.crux.cancel_order(ORDER)
            finally:
                if own is not None:
                    own.close()
    except NotSentError as error:
        return error


def test_a_certificate_that_is_valid(kind: str) -> None:
    """The authority is the one that SSL_CERT_FILE names."""
    with RawServer(NO_CONTENT, tls=serving("valid")) as server:
        assert isinstance(cancelled(kind, server.origin), Requested)
        assert len(server.requests) == 1


@table("name", INVALID)
def test_a_certificate_that_is_not(kind: str, name: str) -> None:
    """Expired, for another host, signed by itself: nothing is sent."""
    with RawServer(NO_CONTENT, tls=serving(name)) as server:
        found = cancelled(kind, server.origin)
        assert server.requests == []
    assert isinstance(found, NotSentError)
    assert INVALID[name] in str(found)
    assert found.__cause__ is not None
    assert found.__cause__.__traceback__ is None
    assert [attempt.sent for attempt in found.attempts] == [False]


def test_an_authority_that_nobody_trusts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without SSL_CERT_FILE the tests' authority is none."""
    monkeypatch.delenv("SSL_CERT_FILE")
    for kind in ("stock", "async stock"):
        with RawServer(NO_CONTENT, tls=serving("valid")) as server:
            found = cancelled(kind, server.origin)
        assert isinstance(found, NotSentError), kind
        assert "certificate verify failed" in str(found)


@pytest.mark.parametrize("name", ["valid", *INVALID])
def test_a_connector_of_the_callers_checks_certificates(name: str) -> None:
    """With the TLS settings of the connector."""
    aiohttp = pytest.importorskip("aiohttp")
    from countermand.transport.aiohttp import AiohttpDriver

    async def asked(origin: str) -> Any:
        crux = Crux(token="sekret-token", base_url=f"https://{origin}")
        async with aiohttp.TCPConnector(ssl=trusting()) as connector:
            driver = AiohttpDriver(connector)
            async with AsyncCountermand(
                crux, http_client=driver, retry=RetryPolicy.never(), timeout=5
            ) as client:
                return await client.crux.cancel_order(ORDER)

    with RawServer(NO_CONTENT, tls=serving(name)) as server:
        if name == "valid":
            assert isinstance(asyncio.run(asked(server.origin)), Requested)
        else:
            with pytest.raises(NotSentError, match=INVALID[name]):
                asyncio.run(asked(server.origin))
            assert server.requests == []


@pytest.mark.parametrize("given", ["nowhere", "empty", "a directory"])
@pytest.mark.parametrize("kind", ["stock", "async stock", "aiohttp"])
def test_a_ca_bundle_that_cannot_be_loaded(
    kind: str, given: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE names no file, or no bundle: nothing is sent, and the reason says where to look."""
    if kind == "aiohttp":
        pytest.importorskip("aiohttp")
    path = tmp_path / "ca.pem"
    if given == "empty":
        path.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path if given == "a directory" else path))
    with RawServer(NO_CONTENT, tls=serving("valid")) as server:
        found = cancelled(kind, server.origin)
        assert server.requests == []
    assert isinstance(found, NotSentError)
    assert "SSL_CERT_FILE" in str(found)
    assert "certificate verify failed" not in str(found)


def test_a_server_that_does_not_speak_tls(kind: str) -> None:
    """What came back is no TLS: the request did not leave."""
    with RawServer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", hangups=1) as server:
        found = cancelled(kind, server.origin)
    assert isinstance(found, NotSentError)
    assert [attempt.sent for attempt in found.attempts] == [False]


@pytest.mark.parametrize("kind", ["stock", "async stock"])
@pytest.mark.parametrize("name", ["valid", *INVALID])
@pytest.mark.parametrize("how", ["http", "https", "socks5h"])
def test_through_a_proxy(kind: str, name: str, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The origin's certificate is checked inside the tunnel, the proxy's own before it."""
    with (
        RawServer(NO_CONTENT, tls=serving(name)) as server,
        Tunnel(tls=serving("valid") if how == "https" else None) as tunnel,
        SocksServer() as socks,
    ):
        monkeypatch.setenv(
            "ALL_PROXY", f"{how}://127.0.0.1:{socks.port if how == 'socks5h' else tunnel.port}"
        )
        found = cancelled(kind, server.origin)
        assert len(server.requests) == (name == "valid")
    if name == "valid":
        assert isinstance(found, Requested)
    else:
        assert isinstance(found, NotSentError)
        assert INVALID[name] in str(found)


@pytest.mark.parametrize("kind", ["stock", "async stock"])
@pytest.mark.parametrize("name", INVALID)
def test_a_proxy_with_a_certificate_that_is_not_valid(
    kind: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An https proxy gets nothing, its password included."""
    with RawServer(NO_CONTENT, tls=serving("valid")) as server, Tunnel(tls=serving(name)) as tunnel:
        monkeypatch.setenv("ALL_PROXY", f"https://user:word@127.0.0.1:{tunnel.port}")
        found = cancelled(kind, server.origin)
        assert (tunnel.heads, server.requests) == ([], [])
    assert isinstance(found, NotSentError)
    assert INVALID[name] in str(found)
