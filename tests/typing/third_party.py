"""A third party's marketplace is typed as ours are. Checked by `make types`, never run.

A line that must not type-check is marked as an expected error; the checkers fail if the error does not come.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import assert_never, assert_type

from fifth_marketplace import AsyncShopClient, CancelShopOrder, Shop, ShopClient, ShopOrder

from countermand import (
    AsyncCountermand,
    Cancelled,
    Countermand,
    Outcome,
    PartiallyCancelled,
    Refused,
    Requested,
    Unknown,
    Vtex,
    VtexClient,
)


def blocking(client: Countermand, shop: Shop) -> None:
    """By class and by account there is a `ShopClient`, whose answers are Shop's own."""
    assert_type(client[Shop], ShopClient)
    assert_type(client[shop], ShopClient)
    assert_type(client[Vtex], VtexClient)
    assert_type(client[Shop].cancel_order("A-1", reason="r"), Outcome[ShopOrder])
    assert_type(client[Shop].cancel(CancelShopOrder("A-1")), Outcome[ShopOrder])
    assert_type(client[Shop].wait_until_settled("A-1"), Outcome[ShopOrder])
    assert_type(client.wait_until_settled(client[Shop].cancel_order("A-1")), Outcome[ShopOrder])
    assert_type(client[Shop].get_order("A-1").state, str)
    assert_type(client.cancel(CancelShopOrder("A-1", account="eu")), Outcome[ShopOrder])
    assert_type(Countermand(shop, Vtex(account="a", app_key="k", app_token="t"))[shop], ShopClient)


async def on_an_event_loop(client: AsyncCountermand, shop: Shop) -> None:
    """The same with `await`."""
    assert_type(client[Shop], AsyncShopClient)
    assert_type(client[shop], AsyncShopClient)
    assert_type(await client[Shop].cancel_order("A-1"), Outcome[ShopOrder])
    assert_type(await client[Shop].cancel(CancelShopOrder("A-1")), Outcome[ShopOrder])
    assert_type(await client[Shop].wait_until_settled("A-1"), Outcome[ShopOrder])
    assert_type((await client[Shop].get_order("A-1")).error, str | None)
    assert_type(await client.cancel(CancelShopOrder("A-1")), Outcome[ShopOrder])


def exhaustive(client: Countermand) -> str:
    """The five outcomes are all there is, for a third party's answers too."""
    outcome = client[Shop].cancel_order("A-1")
    match outcome:
        case Cancelled() | Requested():
            assert_type(outcome.answer, ShopOrder | None)
            return "good"
        case PartiallyCancelled() | Refused() | Unknown():
            return "bad"
        case _:
            assert_never(outcome)


def mistakes(client: Countermand, async_client: AsyncCountermand) -> None:
    """What a type checker does not let pass."""
    client[Shop].cancel_order(1)  # type: ignore[arg-type]
    client.cancel(CancelShopOrder(1))  # type: ignore[arg-type]
    client[Shop].cancel_order("A-1", "out of stock")  # type: ignore[call-arg]
    client[Vtex].cancel(CancelShopOrder("A-1"))  # type: ignore[arg-type]
    print(client[CancelShopOrder])  # type: ignore[index]
    Shop(key="shop-api-k3y")  # type: ignore[call-arg]
    wrong: ShopClient = async_client[Shop]  # type: ignore[assignment]
    print(wrong)
