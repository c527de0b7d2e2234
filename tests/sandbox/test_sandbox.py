"""The sandbox's front: clients that are ready to use, in memory and over HTTP, sync and async."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

import countermand
from countermand import Cancelled, Countermand, Crux, Kibo, OrderNotFoundError, RetryPolicy
from countermand import sandbox as front
from countermand.sandbox import (
    LoseReply,
    RateLimited,
    Raw,
    ReadyOrder,
    Sandbox,
    SandboxReply,
    Status,
    UnusedMishapsError,
)
from tests.support.tables import table

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
    with Sandbox(http=http, time="virtual") as sandbox:
        client = sandbox.client()
        told: list[tuple[object, str, str]] = []
        for order in sandbox.ORDERS:
            marketplace = getattr(client, order.marketplace)
            answer = marketplace.cancel_order(*arguments(order))
            sandbox.advance(10)
            settled = marketplace.wait_until_settled(answer, timeout=30)
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
                settled = await marketplace.wait_until_settled(answer, timeout=30)
                told.append((order.order_id, name_of(answer), name_of(settled)))
        return told

    with Sandbox(http=http, time="virtual") as sandbox:
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
        sandbox.mishap("kibo", RateLimited(0))
        client = sandbox.client(retry=RetryPolicy(rate_limit_pause=0.0))
        outcome = client.kibo.cancel_order(1010101, "created_by_mistake")
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
        sandbox.mishap("kibo", Status(503), Status(503))
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


def test_a_client_of_the_code_under_test_finds_the_sandbox_in_the_environment() -> None:
    """`environ` configures all four marketplaces for `from_env`; nothing is served in memory, or when it is over."""
    with Sandbox(http=True) as sandbox, Countermand.from_env(sandbox.environ) as client:
        read = [
            client.pattern.look("114-3941689-8772232"),
            client.vtex.look("1172452900788-01"),
            client.crux.look("521a91e5-058d-4474-aeee-f0c148594a00"),
            client.kibo.look(1010101),
        ]
    assert all(outcome.answer is not None for outcome in read)
    with pytest.raises(RuntimeError, match="with block"):
        print(sandbox.environ)
    with Sandbox() as in_memory, pytest.raises(RuntimeError, match="http=True"):
        print(in_memory.environ)


def test_a_sandbox_at_rest_moves_only_when_told() -> None:
    """With speed=0 the real time does not count."""
    sandbox = Sandbox(speed=0)
    start = sandbox.world.now
    sandbox.advance(5)
    sandbox.advance(0)
    assert (sandbox.world.now - start).total_seconds() == 5


# --- what a test can look at afterwards --------------------------------------------------------------------------------


@OVER_HTTP
def test_requests_are_listed_as_they_arrived(http: bool) -> None:
    """In their order, each with what it asked of whom, and when."""
    with Sandbox(http=http, speed=0) as sandbox:
        client = sandbox.client()
        client.vtex.cancel_order("1172452900791-01", reason="a gift")
        sandbox.advance(60)
        client.pattern.order_status("114-3941689-8772232")
        cancel, read, status = sandbox.requests
    assert (cancel.method, cancel.marketplace) == ("POST", "vtex")
    assert cancel.path == "/api/oms/pvt/orders/1172452900791-01/cancel"
    assert json.loads(cancel.body)["reason"] == "a gift"
    assert (read.method, read.path, read.body) == ("GET", "/api/oms/pvt/orders/1172452900791-01", b"")
    assert (status.marketplace, status.query) == ("pattern", "market_order_id=114-3941689-8772232")
    assert (status.at - read.at).total_seconds() == 60
    assert cancel.headers["content-type"] == "application/json"


def test_what_a_mishap_lost_is_listed_too() -> None:
    """The client did send it."""
    with Sandbox(time="virtual") as sandbox:
        sandbox.mishap("kibo", LoseReply(applied=False))
        sandbox.client().kibo.cancel_order(1010101, "other")
        assert [request.method for request in sandbox.requests] == ["POST", "GET", "POST"]


def test_requests_hold_no_credential() -> None:
    """Neither those of requests about orders, nor those of logins."""
    with Sandbox(time="virtual") as sandbox:
        world = sandbox.world
        world.kibo.require_bearer = True
        kibo, crux = sandbox.base_url("kibo"), sandbox.base_url("crux")
        client = sandbox.client(
            kibo=Kibo(
                tenant_id=world.kibo.tenant_id,
                client_id=world.kibo.client_id,
                client_secret=world.kibo.client_secret,
                base_url=kibo,
                auth_url=kibo,
            ),
            crux=Crux(username=world.crux.username, password=world.crux.password, base_url=crux),
        )
        client.kibo.cancel_order(1010101, "other")
        client.crux.cancel_order("521a91e5-058d-4474-aeee-f0c148594a00")
        client.pattern.cancel_order("114-3941689-8772232")
        client.vtex.cancel_order("1172452900788-01")
        told = repr(sandbox.requests)
        assert len(sandbox.requests) == 6
    for secret in (
        world.kibo.client_secret,
        world.crux.password,
        world.vtex.app_key,
        world.vtex.app_token,
        "sandbox-pattern-token",
        "session",
    ):
        assert secret not in told


# --- mistakes in a test ------------------------------------------------------------------------------------------------


def test_a_mishap_that_never_struck_fails_the_test() -> None:
    """Leaving the block says which they are."""

    def story() -> None:
        with Sandbox() as sandbox:
            sandbox.mishap("vtex", LoseReply(), Status(404), Status(503))
            sandbox.mishap("kibo", LoseReply())
            client = sandbox.client(retry=RetryPolicy.never())
            assert name_of(client.vtex.cancel_order("1172452900788-01")) == "Unknown"

    with pytest.raises(UnusedMishapsError, match=r"vtex: Status\(code=503.*; kibo: LoseReply"):
        story()


def test_an_error_of_the_test_comes_first() -> None:
    """A test that fails before a mishap could strike shows its own error."""

    def story() -> None:
        with Sandbox() as sandbox:
            sandbox.mishap("vtex", LoseReply())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        story()


def test_unused_mishaps_can_be_allowed() -> None:
    """Where a test cannot know how many requests there will be."""
    with Sandbox(allow_unused_mishaps=True) as sandbox:
        sandbox.mishap("vtex", LoseReply())


@table(
    "mistake, says",
    [
        (lambda box: box.mishap("vtx", LoseReply()), "marketplace 'vtx' is not known: did you mean 'vtex'"),
        (lambda box: box.mishap("amazon", LoseReply()), "it is one of crux, kibo, pattern, vtex"),
        (
            lambda box: box.mishap("vtex", "nonsense"),
            "a RateLimited, LoseReply, Status or Raw, not 'nonsense'",
        ),
        (lambda box: box.mishap("vtex", LoseReply), r"is a class: write LoseReply\("),
        (lambda box: box.mishap("vtex"), "no mishap is given"),
        (lambda box: box.base_url("Crux"), "did you mean 'crux'"),
        (lambda box: box.world.truth("kibbo", 1), "did you mean 'kibo'"),
        (lambda box: box.advance(-1), "zero or more, not -1"),
        (lambda box: box.world.advance(float("nan")), "zero or more, not nan"),
        (lambda _: Sandbox(time="virtuel"), "did you mean 'virtual'"),  # type: ignore[arg-type]
        (lambda _: Sandbox(time="virtual", speed=10), "virtual time has no speed"),
        (lambda _: Sandbox(speed=-1), "the speed is a number, zero or more"),
        (lambda _: RateLimited(-1), "whole seconds, the text of the header, or None, not -1"),
        (lambda _: RateLimited(1.5), "not 1.5"),  # type: ignore[arg-type]
        (lambda _: RateLimited(True), "not True"),
        (lambda _: RateLimited("1\r\nx: y"), "Retry-After is"),
        (lambda _: Status(20), "from 200 to 599, not 20"),
        (lambda _: Status("503"), "from 200 to 599, not '503'"),  # type: ignore[arg-type]
        (lambda _: Status(503, "text"), "body is a bytes, not 'text'"),  # type: ignore[arg-type]
        (lambda _: Status(503, applied="yes"), "applied is True or False"),  # type: ignore[arg-type]
        (lambda _: LoseReply(503), "applied is True or False, not 503"),  # type: ignore[arg-type]
        (lambda _: Raw(b"{"), r"a reply is SandboxReply\("),  # type: ignore[arg-type]
        (lambda _: Raw(SandboxReply("200")), "the status of a reply"),  # type: ignore[arg-type]
        (lambda _: Raw(SandboxReply(200, (), "{}")), "the body of a reply"),  # type: ignore[arg-type]
        (lambda _: Raw(SandboxReply(200, {"a": "b"})), "pairs of texts"),  # type: ignore[arg-type]
        (lambda _: Sandbox(http="no"), "http is True or False"),  # type: ignore[arg-type]
        (lambda box: box.world.vtex.add_order(1), "text, not 1"),
        (lambda box: box.world.vtex.add_order("1", decides_after=-5), "decides_after is a number"),
        (lambda box: box.world.vtex.add_order("1", invoiced_value=-1), "invoiced_value is a whole number"),
        (lambda box: box.world.vtex.add_order("1", denied_before={"2026": "x"}), "datetime"),
        (lambda box: box.world.pattern.add_order("1", {}), "needs a warehouse order"),
        (lambda box: box.world.pattern.add_order("1", {"a": "new"}), "whole number"),
        (lambda box: box.world.pattern.add_order("1", {1: "new"}, picked_instead=[2]), "'2' is not known"),
        (lambda box: box.world.crux.add_order("1", "line-1"), "a list of texts"),
        (lambda box: box.world.crux.add_order("1", []), "is needed"),
        (lambda box: box.world.crux.add_order("1", ["a", "a"]), "there twice"),
        (lambda box: box.world.crux.add_order("1", ["a"], suppliers={"b": "ship"}), "the supplier of a None"),
        (lambda box: box.world.kibo.add_order("7"), "whole number, 1 or more"),
        (lambda box: box.world.kibo.add_order(7, cancels_after=-1), "cancels_after"),
        (lambda box: box.world.vtex.move("1172452900788-1", "invoiced"), "did you mean '1172452900788-01'"),
        (lambda box: box.world.vtex.move("1172452900788-01", "invoicd"), "did you mean 'invoiced'"),
        (lambda box: box.world.pattern.move("114-3941689-8772232", "picked"), "it is one of 1001, 1002"),
        (lambda box: box.world.pattern.move("114-3941689-8772232", "pickt", part=1001), "'picked'"),
        (lambda box: box.world.kibo.move(1010101, "SHIPED"), "did you mean 'shipped'"),
        (lambda box: box.world.kibo.move(1010101, "SHIPPED", after=-1), "zero or more"),
        (lambda box: box.world.vtex.return_invoice("x"), "no order 'x'"),
        (lambda box: box.world.truth("vtex", "x"), "no order 'x'"),
        (lambda box: box.world.vtex.limit(requests=-1), "whole number"),
        (lambda box: box.world.vtex.limit(requests=1, per=0), "more than zero"),
        (lambda box: box.world.vtex.reject_until(-1), "zero or more"),
        (lambda box: setattr(box.world.vtex, "may_cancel", "no"), "vtex.may_cancel is True or False"),
        (lambda box: setattr(box.world.crux, "accepts_with", 99), "crux.accepts_with is a number from 200"),
        (lambda box: setattr(box.world.kibo, "error_shape", "onw"), "did you mean 'own'"),
        (lambda box: setattr(box.world.pattern, "tokens", "t"), "pattern.tokens is a set"),
        (lambda box: setattr(box.world.vtex, "retry_after", "later"), "vtex.retry_after is a whole number"),
    ],
)
def test_a_mistake_is_told_at_once(mistake: Callable[[Sandbox], object], says: str) -> None:
    """Where it was made, with what was probably meant."""
    with pytest.raises((ValueError, TypeError), match=says):
        mistake(Sandbox())


@pytest.mark.parametrize(
    "mistake",
    [
        lambda box: setattr(box.world.vtex, "may_cancle", False),
        lambda box: setattr(box.world.kibo, "receipts", False),
        lambda box: setattr(box.world, "vtx", None),
        lambda box: setattr(box, "allow_unused_mishap", True),
    ],
)
def test_a_misspelt_attribute_is_told_at_once(mistake: Callable[[Sandbox], object]) -> None:
    """To set it would change nothing, and the test would not test what it claims."""
    with pytest.raises(AttributeError, match="has no attribute"):
        mistake(Sandbox())


def test_every_attribute_of_a_marketplace_may_be_set_to_what_it_is() -> None:
    """None is without its check, and no check refuses the value that it begins with."""
    for marketplace in ("pattern", "vtex", "crux", "kibo"):
        simulator = Sandbox().world.simulator(marketplace)
        public = {name: value for name, value in vars(simulator).items() if not name.startswith("_")}
        assert public.keys() == simulator.knobs.keys()
        for name, value in public.items():
            setattr(simulator, name, value)


def test_retry_after_takes_seconds() -> None:
    """An integer is sent as the header's text."""
    assert RateLimited(30) == RateLimited("30")


def test_a_star_import_shadows_nothing() -> None:
    """The names of the sandbox are none of the package's own, and each of them is there."""
    assert not set(vars(front)["__all__"]) & set(vars(countermand)["__all__"])
    assert all(getattr(front, name) is not None for name in vars(front)["__all__"])
    with pytest.raises(AttributeError):
        front.Sandbocks  # type: ignore[attr-defined]  # noqa: B018


def test_the_fixture_gives_a_fresh_sandbox(countermand_sandbox: Sandbox) -> None:
    """`countermand_sandbox` has its ready-made orders, and no history."""
    assert name_of(countermand_sandbox.client().kibo.cancel_order(1010103, "other")) == "Refused"
    assert countermand_sandbox.world.ledger[0].what == "cancel received"
