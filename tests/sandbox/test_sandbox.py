"""The sandbox's front: clients that are ready to use, in memory and over HTTP, sync and async."""

import asyncio
from typing import Any

import pytest

from countermand import Cancelled, Crux, Kibo, OrderNotFoundError, RetryPolicy
from countermand.sandbox import LoseReply, RateLimited, ReadyOrder, Sandbox, Status

OVER_HTTP = pytest.mark.parametrize("http", [False, True], ids=["in memory", "over HTTP"])


def name_of(outcome: object) -> str:
    """Return which of the five answers an outcome is."""
    return type(outcome).__name__


def arguments(order: ReadyOrder) -> tuple[Any, ...]:
    """Return the arguments that cancel an order."""
    return (order.order_id, "created_by_mistake") if order.marketplace == "kibo" else (order.order_id,)


EXPECTED = [(order.order_id, order.answer, order.settled) for order in Sandbox.ORDERS]


@OVER_HTTP
def test_ready_orders_answer_as_they_say(http: bool) -> None:
    """A ready-made order tells the answer to its first cancel, and the answer once all has settled."""
    with Sandbox(http=http) as sandbox:
        client = sandbox.client()
        told: list[tuple[object, str, str]] = []
        for order in sandbox.ORDERS:
            marketplace = getattr(client, order.marketplace)
            answer = marketplace.cancel_order(*arguments(order))
            sandbox.advance(10)
            settled = marketplace.wait_until_settled(order.order_id, timeout=0.05)
            told.append((order.order_id, name_of(answer), name_of(settled)))
    assert told == EXPECTED


@OVER_HTTP
def test_ready_orders_answer_the_async_client_alike(http: bool) -> None:
    """The async client gets the same answers."""

    async def story(sandbox: Sandbox) -> list[tuple[object, str, str]]:
        told: list[tuple[object, str, str]] = []
        async with sandbox.async_client() as client:
            for order in sandbox.ORDERS:
                marketplace = getattr(client, order.marketplace)
                answer = await marketplace.cancel_order(*arguments(order))
                sandbox.advance(10)
                settled = await marketplace.wait_until_settled(order.order_id, timeout=0.05)
                told.append((order.order_id, name_of(answer), name_of(settled)))
        return told

    with Sandbox(http=http) as sandbox:
        assert asyncio.run(story(sandbox)) == EXPECTED


@OVER_HTTP
def test_a_lost_reply_is_settled_by_reading(http: bool) -> None:
    """What LoseReply hides was done, and the client finds out."""
    with Sandbox(http=http) as sandbox:
        sandbox.mishap("kibo", LoseReply())
        outcome = sandbox.client().kibo.cancel_order(1010101, "created_by_mistake")
        assert isinstance(outcome, Cancelled)
        assert sandbox.world.truth("kibo", 1010101).forwarded == 1


@OVER_HTTP
def test_a_429_is_waited_out(http: bool) -> None:
    """A scripted 429 costs an attempt, and touches nothing."""
    with Sandbox(http=http) as sandbox:
        sandbox.mishap("kibo", RateLimited("0"))
        outcome = sandbox.client().kibo.cancel_order(1010101, "created_by_mistake")
        assert isinstance(outcome, Cancelled)
        assert len(outcome.attempts) == 2
        assert sandbox.world.truth("kibo", 1010101).cancels == 1


def test_a_waiting_client_sees_things_happen() -> None:
    """The world's time follows the real time, as fast as asked for."""
    with Sandbox(speed=100_000) as sandbox:
        client = sandbox.client()
        client.pattern.cancel_order("114-3941689-8772232")
        assert isinstance(client.pattern.wait_until_settled("114-3941689-8772232", timeout=10), Cancelled)


def test_a_client_can_sign_in() -> None:
    """Crux's login and Kibo's OAuth are part of the sandbox."""
    with Sandbox() as sandbox:
        world = sandbox.world
        world.kibo.require_bearer = True
        kibo = Kibo(
            tenant_id=world.kibo.tenant_id,
            client_id=world.kibo.client_id,
            client_secret=world.kibo.client_secret,
            base_url=sandbox.base_url("kibo"),
            auth_url=sandbox.base_url("kibo"),
        )
        crux = Crux(
            username=world.crux.username,
            password=world.crux.password,
            release="timp",
            base_url=sandbox.base_url("crux"),
        )
        client = sandbox.client(kibo=kibo, crux=crux)
        client.kibo.cancel_order(1010101, "created_by_mistake")
        client.crux.cancel_order("521a91e5-058d-4474-aeee-f0c148594a00")
        assert [entry.marketplace for entry in world.ledger if entry.what == "login"] == ["kibo", "crux"]


def test_overrides_reach_the_client() -> None:
    """Whatever Countermand takes can be given to `client()`."""
    with Sandbox() as sandbox:
        sandbox.mishap("kibo", Status(503), Status(503), Status(503))
        client = sandbox.client(retry=RetryPolicy.never(), vtex=None)
        assert name_of(client.kibo.cancel_order(1010101, "created_by_mistake")) == "Unknown"
        with pytest.raises(Exception, match="vtex"):
            client.vtex.cancel_order("1")


def test_an_order_nobody_made_is_not_found() -> None:
    """Only what was added exists."""
    with Sandbox() as sandbox, pytest.raises(OrderNotFoundError):
        sandbox.client().vtex.cancel_order("nobody-01")


def test_base_urls() -> None:
    """In memory a sandbox is always there; over HTTP, inside its block."""
    assert Sandbox().base_url("crux") == "http://localhost/crux"
    with pytest.raises(RuntimeError, match="with"):
        Sandbox(http=True).base_url("crux")
    with Sandbox(http=True) as sandbox:
        assert sandbox.base_url("crux").startswith("http://127.0.0.1:")


def test_a_sandbox_at_rest_moves_only_when_told() -> None:
    """With speed=0 the real time does not count."""
    sandbox = Sandbox(speed=0)
    start = sandbox.world.now
    sandbox.advance(5)
    sandbox.advance(0)
    assert (sandbox.world.now - start).total_seconds() == 5


def test_the_fixture_gives_a_fresh_sandbox(countermand_sandbox: Sandbox) -> None:
    """`countermand_sandbox` has its ready-made orders, and no history."""
    assert name_of(countermand_sandbox.client().kibo.cancel_order(1010103, "other")) == "Refused"
    assert countermand_sandbox.world.ledger[0].what == "cancel received"
