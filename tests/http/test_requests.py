"""What leaves: method, URL, headers and body of every request, byte for byte, whichever way it goes."""

import platform
from typing import Any

import attrs
import httpx
import pytest
from pytest_httpx import HTTPXMock

from countermand import CancelVtexOrder, Crux, Kibo, Pattern, Requested, Vtex, __version__
from tests.support.doors import Door, OpenDoor
from tests.support.markets import CRUX, KIBO, PATTERN, VTEX, Market
from tests.support.stage import reply

from .seam import answer, body, headers

ALWAYS = {"accept": "application/json", "accept-encoding": "identity"}
JSON = {"content-type": "application/json"}
NOTHING = {"content-length": "0"}


def only(mock: HTTPXMock) -> httpx.Request:
    """Return the one request that was sent."""
    request = mock.get_request()
    assert request is not None
    return request


def said(request: httpx.Request) -> dict[str, str]:
    """Return its headers without the length of its body, which has been compared."""
    told = headers(request)
    length = int(told.pop("content-length", "0"))
    assert length == len(request.content)
    assert "transfer-encoding" not in told
    return told


def test_a_cancellation(market: Market, open_http: OpenDoor, httpx_mock: HTTPXMock) -> None:
    """Its method, its URL and its credentials; a content type where there is a body, and always at VTEX."""
    answer(httpx_mock, market.accepted, method=market.method, url=market.cancel_url)
    outcome = market.cancel(open_http(**market.settings))
    assert isinstance(outcome, Requested)
    request = only(httpx_mock)
    has_body = market.name in {"crux", "kibo"}
    assert said(request) == {**ALWAYS, **market.credentials, **(JSON if has_body or market is VTEX else {})}
    assert bool(request.content) is has_body


def test_a_request_object_sends_the_same(market: Market, open_http: OpenDoor, httpx_mock: HTTPXMock) -> None:
    """`client.cancel(request)` finds the marketplace by the request's type."""
    for _ in range(2):
        answer(httpx_mock, market.accepted, method=market.method, url=market.cancel_url)
    door: Door = open_http(**market.settings)
    assert door.cancel(market.request) == market.cancel(door)
    first, second = httpx_mock.get_requests()
    assert (first.method, first.url, first.content) == (second.method, second.url, second.content)
    assert first.headers == second.headers


def test_a_read(market: Market, open_http: OpenDoor, httpx_mock: HTTPXMock) -> None:
    """GET, without a body, and not from a cache; at VTEX with a content type all the same."""
    answer(httpx_mock, market.still_open, method="GET", url=market.read_url)
    market.read(open_http(**market.settings))
    request = only(httpx_mock)
    always = {**ALWAYS, "cache-control": "no-cache", **(JSON if market is VTEX else {})}
    assert said(request) == {**always, **market.credentials}
    assert request.content == b""


def test_waiting_reads(market: Market, open_http: OpenDoor, httpx_mock: HTTPXMock) -> None:
    """The same GET."""
    answer(httpx_mock, market.cancelled, method="GET", url=market.read_url)
    assert market.wait(open_http(**market.settings)).settled


@pytest.mark.parametrize(
    "options, sent",
    [
        ({}, None),
        ({"reason": "Out of stock"}, {"reason": "Out of stock"}),
        ({"requested_by_user": False}, {"requestedByUser": False}),
        ({"requested_by_user": True}, {"requestedByUser": True}),
        (
            {"reason": "Größe \N{SNOWMAN} \"'\\", "requested_by_user": False},
            {"reason": "Größe \N{SNOWMAN} \"'\\", "requestedByUser": False},
        ),
        ({"reason": ""}, {"reason": ""}),
    ],
    ids=str,
)
def test_vtex_says_what_it_is_given(
    options: dict[str, Any], sent: object, open_http: OpenDoor, httpx_mock: HTTPXMock
) -> None:
    """The body is optional, and so are its two fields."""
    answer(httpx_mock, VTEX.accepted)
    answer(httpx_mock, VTEX.accepted)
    door: Door = open_http(**VTEX.settings)
    VTEX.cancel(door, **options)
    door.cancel(CancelVtexOrder("1172-01", **options))
    for request in httpx_mock.get_requests():
        assert str(request.url) == VTEX.cancel_url
        if sent is None:
            assert request.content == b""
        else:
            assert body(request) == sent
        assert request.headers["content-type"] == "application/json"


def test_crux_sends_the_uuid(open_http: OpenDoor, httpx_mock: HTTPXMock) -> None:
    """And nothing else."""
    answer(httpx_mock, CRUX.accepted)
    CRUX.cancel(open_http(**CRUX.settings))
    assert only(httpx_mock).content == b'{"order_uuid": "521a91e5-058d-4474-aeee-f0c148594a00"}'


@pytest.mark.parametrize(
    "arguments, sent",
    [
        (
            (1010101, "other", "Customer changed mind"),
            {
                "orderId": 1010101,
                "dispositionReason": "other",
                "dispositionOtherReason": "Customer changed mind",
            },
        ),
        (
            (1010101, "created_by_mistake"),
            {"orderId": 1010101, "dispositionReason": "created_by_mistake"},
        ),
        ((2**53 + 1, "other"), {"orderId": 2**53 + 1, "dispositionReason": "other"}),
    ],
    ids=["explained", "by mistake", "beyond 2^53"],
)
def test_kibo_sends_the_documents_body(
    arguments: tuple[Any, ...], sent: object, open_http: OpenDoor, httpx_mock: HTTPXMock
) -> None:
    """The key is `orderId`, as in the reference document, and the id is exact."""
    answer(httpx_mock, reply(200, {"orderID": arguments[0], "orderState": "CANCELED"}))
    open_http(**KIBO.settings).do("kibo", "cancel_order", *arguments)
    assert body(only(httpx_mock)) == sent
    assert str(arguments[0]).encode() in only(httpx_mock).content


@pytest.mark.parametrize(
    "market, access, url",
    [
        (
            PATTERN,
            Pattern(token="pattern-tok3n", environment="staging"),
            "https://stage-api.pattern.com/hub/v1/orders/cancel_order?market_order_id=114-1",
        ),
        (
            VTEX,
            Vtex(account="shop-9", app_key="k", app_token="t", environment="vtexcommercebeta"),
            "https://shop-9.vtexcommercebeta.com.br/api/oms/pvt/orders/1172-01/cancel",
        ),
        (CRUX, Crux(token="t", environment="dev"), "https://api-dev.cruxconnect.com/orders/cancel/"),
        (
            CRUX,
            Crux(token="t", environment="sandbox", release="timp"),
            "https://api-sandbox.cruxconnect.com/timp/orders/cancel/",
        ),
        (
            KIBO,
            Kibo(tenant_id="77", environment="sandbox"),
            "https://77-translation.sandbox.mozu.com/api/v2/order/action/cancel",
        ),
        *(
            (market, attrs.evolve(market.access, base_url=base), expected)
            for market in (PATTERN, VTEX, CRUX, KIBO)
            for base, expected in [
                ("https://proxy.example:8443/deep/er/", "https://proxy.example:8443/deep/er"),
                ("http://127.0.0.1:9/", "http://127.0.0.1:9"),
            ]
            for expected in [expected + market.cancel_url.removeprefix(market.access.url)]
        ),
    ],
    ids=lambda value: getattr(value, "name", None) or (value if isinstance(value, str) else ""),
)
def test_where_it_goes(
    market: Market, access: Any, url: str, open_http: OpenDoor, httpx_mock: HTTPXMock
) -> None:
    """By environment and release, or wherever `base_url` says."""
    answer(httpx_mock, market.accepted, method=market.method, url=url)
    market.cancel(open_http(**{market.name: access}))
    assert str(only(httpx_mock).url) == url


def test_kibo_names_its_tenant_without_a_token_too(open_http: OpenDoor, httpx_mock: HTTPXMock) -> None:
    """x-vol-tenant always, Authorization only where there is a token."""
    answer(httpx_mock, KIBO.accepted)
    answer(httpx_mock, KIBO.still_open)
    door = open_http(kibo=Kibo(tenant_id=12345))
    KIBO.cancel(door)
    KIBO.read(door)
    for request in httpx_mock.get_requests():
        assert request.headers["x-vol-tenant"] == "12345"
        assert "authorization" not in request.headers


def test_kibo_oauth(open_http: OpenDoor, httpx_mock: HTTPXMock) -> None:
    """Client credentials for a bearer token, from Kibo's own host, and no tenant told there."""
    url = "https://home.mozu.com/api/platform/applications/authtickets/oauth"
    answer(httpx_mock, reply(200, {"access_token": "fetched", "expires_in": 3600}), method="POST", url=url)
    answer(httpx_mock, KIBO.accepted, method="POST", url=KIBO.cancel_url)
    KIBO.cancel(open_http(kibo=Kibo(tenant_id=12345, client_id="app", client_secret="s3cret-text")))
    login, cancel = httpx_mock.get_requests()
    assert body(login) == {
        "client_id": "app",
        "client_secret": "s3cret-text",
        "grant_type": "client_credentials",
    }
    assert said(login) == {**ALWAYS, **JSON}
    assert said(cancel) == {
        **ALWAYS,
        **JSON,
        "x-vol-tenant": "12345",
        "authorization": "Bearer fetched",
    }


@pytest.mark.parametrize("release, prefix", [("v1", ""), ("timp", "/timp")])
def test_crux_login(release: Any, prefix: str, open_http: OpenDoor, httpx_mock: HTTPXMock) -> None:
    """User name and password for a token, which goes with the word Token."""
    url = f"https://api.cruxconnect.com{prefix}/organizations/user-login/"
    answer(httpx_mock, reply(200, {"auth_token": "fetched"}), method="POST", url=url)
    cancel_url = f"https://api.cruxconnect.com{prefix}/orders/cancel/"
    answer(httpx_mock, CRUX.accepted, method="PATCH", url=cancel_url)
    CRUX.cancel(open_http(crux=Crux(username="shop", password="p4ss word", release=release)))
    login, cancel = httpx_mock.get_requests()
    assert body(login) == {"username": "shop", "password": "p4ss word"}
    assert said(login) == {**ALWAYS, **JSON}
    assert said(cancel) == {**ALWAYS, **JSON, "authorization": "Token fetched"}


def test_requests_name_who_sends_them(open_http: OpenDoor, httpx_mock: HTTPXMock) -> None:
    """The package, the library underneath and Python, with their versions; a caller's own client included."""
    answer(httpx_mock, PATTERN.accepted)
    PATTERN.cancel(open_http(**PATTERN.settings))
    agent = only(httpx_mock).headers["user-agent"]
    assert agent == f"countermand/{__version__} httpx/{httpx.__version__} python/{platform.python_version()}"


def test_a_calls_headers_arrive(open_http: OpenDoor, httpx_mock: HTTPXMock) -> None:
    """Beside ours, and not with the next call."""
    answer(httpx_mock, PATTERN.accepted)
    answer(httpx_mock, PATTERN.accepted)
    door = open_http(**PATTERN.settings)
    PATTERN.cancel(door, headers={"X-Trace-Id": "t-1"})
    PATTERN.cancel(door)
    first, second = httpx_mock.get_requests()
    assert first.headers["x-trace-id"] == "t-1"
    assert "x-trace-id" not in second.headers
    assert first.headers["authorization"] == second.headers["authorization"]
