"""An id arrives as exactly one path segment or one query value, and bad ids are not sent at all."""

import json
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from pytest_httpx import HTTPXMock

from countermand import Cancelled, Requested
from countermand.sandbox import Sandbox
from tests.support.doors import Door, Kind, OpenDoor
from tests.support.markets import PATTERN, VTEX, Market
from tests.support.stage import reply
from tests.support.tables import table

from .seam import answer

AWKWARD = [
    "a/b",
    "a//b",
    "/",
    "//",
    "/../x",
    "../../v1/orders/status",
    "a/../b",
    "./a",
    "...",
    "a?b=c",
    "?",
    "a#b",
    "a&market_order_id=b",
    "a=b",
    "a%2Fb",
    "%",
    "%%20",
    "%2e%2e",
    "a b",
    " a ",
    "a+b",
    "a;b",
    "a:b@c",
    "a\\b",
    '"<>^`{|}',
    "~-_.a",
    ".a",
    "Größe",
    "注文",
    "\N{PILE OF POO}",
    "e\u0301",
    "a\u00a0b",
    "$!*'(),",
    "x" * 1024,
]
WITH_TEXT = (PATTERN, VTEX)  # Crux takes a UUID, Kibo a number


def arguments(market: Market, order_id: str) -> tuple[Any, ...]:
    """Return what `cancel_order` is given for another id."""
    return (order_id, *market.arguments[1:])


def about(market: Market, order_id: str) -> tuple[Any, Any]:
    """Return the answers to a cancellation and to a read, about an order of this id."""
    texts = [
        json.loads(answer.body) if answer.body else None for answer in (market.accepted, market.cancelled)
    ]
    for text in texts:
        for key in ("market_order_id", "orderId"):
            if text and key in text:
                text[key] = order_id
    return tuple(reply(200, b"" if text is None else text) for text in texts)  # type: ignore[return-value]


@pytest.mark.parametrize("market", WITH_TEXT, ids=lambda market: market.name)
@table("order_id", AWKWARD, ids=lambda text: ascii(text)[:24])
def test_it_leaves_as_one_segment_or_one_value(
    order_id: str, market: Market, open_http: OpenDoor, httpx_mock: HTTPXMock
) -> None:
    """And the rest of the URL is as ever."""
    httpx_mock.reset()
    for each in about(market, order_id):
        answer(httpx_mock, each)
    door: Door = open_http(**market.settings)
    assert isinstance(door.do(market.name, "cancel_order", *arguments(market, order_id)), Requested)
    assert door.do(market.name, market.reads, order_id)
    for request, usual in zip(httpx_mock.get_requests(), (market.cancel_url, market.read_url), strict=True):
        usual_path, _, usual_query = usual.removeprefix(f"https://{request.url.host}").partition("?")
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        usual_segments = [text.replace(str(market.order_id), order_id) for text in usual_path.split("/")]
        assert [unquote(segment) for segment in path.split("/")] == usual_segments
        if usual_query:
            assert parse_qsl(query, strict_parsing=True) == [("market_order_id", order_id)]
        else:
            assert query == ""
        assert request.url.host == market.access.url.split("/")[2]


@pytest.fixture(scope="module", params=["in memory", "over HTTP"])
def sandbox(request: pytest.FixtureRequest) -> Any:
    """Serve the simulated marketplaces."""
    with Sandbox(http=request.param == "over HTTP", speed=0) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def doors(sandbox: Sandbox) -> Any:
    """Open one client of each kind on it."""

    def opened(kind: Kind) -> Door:
        return Door.to(kind, sandbox.async_client() if kind == "async" else sandbox.client())

    with opened("sync") as sync, opened("async") as asynchronous:
        yield {"sync": sync, "async": asynchronous}


@pytest.fixture
def awkward(sandbox: Sandbox) -> list[str]:
    """Return the ids, each of which is that of a new order everywhere."""
    for simulator in (sandbox.world.pattern, sandbox.world.vtex):
        simulator.orders.clear()
    for order_id in AWKWARD:
        sandbox.world.pattern.add_order(order_id, {1: "new"})
        sandbox.world.vtex.add_order(order_id)
    return AWKWARD


@pytest.mark.parametrize("market", WITH_TEXT, ids=lambda market: market.name)
def test_it_arrives_as_it_was_given(
    market: Market, kind: Kind, sandbox: Sandbox, awkward: list[str], doors: Any
) -> None:
    """The receiving side knows every one of these orders, and finds each of them."""
    door: Door = doors[kind]
    for order_id in awkward:
        outcome = door.do(market.name, "cancel_order", order_id)
        assert isinstance(outcome, Requested), (order_id, outcome)
        assert outcome.order_id == order_id
        assert door.do(market.name, market.reads, order_id).raw
    sandbox.advance(10)
    for order_id in awkward:
        assert sandbox.world.truth(market.name, order_id).cancelled == "all"  # type: ignore[arg-type]
        settled = door.do(market.name, "wait_until_settled", order_id)
        assert isinstance(settled, Cancelled)
        assert settled.order_id == order_id
