"""The package against the simulated Shop, through both clients."""

import asyncio

import httpx
import pytest
from fifth_marketplace import AsyncShopClient, CancelShopOrder, Shop, ShopClient, ShopOrder
from shop_simulation import KEY, SimulatedShop

from countermand import (
    AsyncCountermand,
    Cancelled,
    Countermand,
    InvalidRequestError,
    OrderNotFoundError,
    Refused,
    Requested,
    outcome_from_json,
    request_from_dict,
)
from countermand.marketplaces.registry import configuration_of

ACCOUNT = Shop(api_key=KEY)


@pytest.fixture
def shop() -> SimulatedShop:
    """Return a Shop with three orders."""
    return SimulatedShop(A1="open", A2="shipped", A3="cancelled")


@pytest.fixture
def client(shop: SimulatedShop) -> Countermand:
    """Return a client that asks the simulation and nothing else."""
    return Countermand(ACCOUNT, http_client=httpx.Client(transport=httpx.MockTransport(shop)))


def test_the_entry_point_names_the_configuration() -> None:
    """countermand finds the marketplace by its name alone."""
    assert configuration_of("shop") is Shop


def test_an_outcome_and_a_request_are_stored_and_read_back(client: Countermand) -> None:
    """The classes are found by the marketplace's name alone."""
    request = CancelShopOrder("A1")
    outcome = client.cancel(request)
    back = outcome_from_json(outcome.to_json())
    assert back == outcome
    assert back.attempts == outcome.attempts
    assert back.answer is not None
    assert outcome.answer is not None
    assert back.answer.raw == outcome.answer.raw
    assert request_from_dict(request.to_dict()) == request


def test_there_are_four_ways_to_ask(client: Countermand) -> None:
    """By class, by account, by label, and with a request object."""
    assert isinstance(client[Shop], ShopClient)
    assert client[Shop] is client[ACCOUNT] is client["shop"]
    assert client.accounts == ("shop",)
    assert isinstance(client.cancel(CancelShopOrder("A1")), Requested)


def test_a_cancellation_is_requested_and_then_settles(client: Countermand, shop: SimulatedShop) -> None:
    """The warehouse decides later, and is told the reason."""
    outcome = client[Shop].cancel_order("A1", reason="out of stock")
    assert isinstance(outcome, Requested)
    assert client.check(outcome) == outcome
    assert outcome.status == "cancellation_requested"
    assert shop.reasons == ["out of stock"]
    shop.orders["A1"] = "cancelled"
    assert isinstance(client.check(outcome), Cancelled)
    assert isinstance(client[Shop].wait_until_settled("A1"), Cancelled)
    assert client[Shop].get_order("A1").raw["warehouse"] == "north"


def test_what_cannot_be_cancelled(client: Countermand) -> None:
    """A shipped order, one that was cancelled before, and one that is not there."""
    shipped = client[Shop].cancel_order("A2")
    assert isinstance(shipped, Refused)
    assert [(part.status, part.reason) for part in shipped.refused] == [("shipped", "it is too late")]
    assert isinstance(client[Shop].cancel_order("A3"), Cancelled)
    with pytest.raises(OrderNotFoundError):
        client[Shop].cancel_order("A4")


def test_bad_input_sends_nothing(client: Countermand, shop: SimulatedShop) -> None:
    """Ids and reasons are checked first."""
    with pytest.raises(InvalidRequestError):
        client[Shop].cancel_order("")
    with pytest.raises(InvalidRequestError):
        CancelShopOrder("A1", reason=b"bytes")  # type: ignore[arg-type]
    with pytest.raises(InvalidRequestError):
        client[Shop].get_order("..")
    assert shop.asked == []


def test_the_same_on_an_event_loop(shop: SimulatedShop) -> None:
    """Both sub-clients do the same."""

    async def story() -> None:
        http_client = httpx.AsyncClient(transport=httpx.MockTransport(shop))
        async with http_client, AsyncCountermand(ACCOUNT, http_client=http_client) as client:
            assert isinstance(client[Shop], AsyncShopClient)
            assert isinstance(await client[Shop].cancel_order("A1", reason="r"), Requested)
            assert isinstance(await client["shop"].cancel(CancelShopOrder("A2")), Refused)
            order = await client[Shop].get_order("A1")
            assert isinstance(order, ShopOrder)
            assert order.state == "cancellation_requested"

    asyncio.run(story())
    assert shop.reasons == ["r"]
