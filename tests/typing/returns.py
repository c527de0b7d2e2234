"""What each call returns, to a type checker. Checked by `make types`, never run.

A line that must not type-check is marked as an expected error; the checkers fail if the error does not come.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Callable
from pathlib import Path
from typing import assert_never, assert_type

import httpx

from countermand import (
    AsyncCountermand,
    CallEnd,
    CallEnded,
    CallKind,
    CallStarted,
    CancelCruxOrder,
    CancelKiboOrder,
    CancelPatternOrder,
    CancelVtexOrder,
    Countermand,
    CountermandError,
    Crux,
    CruxAnswer,
    CruxOrder,
    Event,
    InvalidRequestError,
    Kibo,
    KiboAnswer,
    KiboOrder,
    Outcome,
    Pattern,
    PatternAnswer,
    PatternCancellation,
    PatternOrderStatus,
    RateLimitedError,
    RequestEnd,
    RequestEnded,
    RequestStarted,
    RetryPolicy,
    SecretFile,
    Unknown,
    Vtex,
    VtexAnswer,
    VtexOrder,
    VtexReceipt,
    WaitStarted,
    evidence_of,
)


def blocking(client: Countermand) -> None:
    """Each sub-client's own answer, whichever way it is asked."""
    assert_type(client.pattern.cancel_order("1"), Outcome[PatternAnswer])
    assert_type(client.vtex.cancel_order("1", reason="r", requested_by_user=False), Outcome[VtexAnswer])
    assert_type(client.crux.cancel_order("1"), Outcome[CruxAnswer])
    assert_type(client.kibo.cancel_order(1, "other", "because", timeout=5), Outcome[KiboAnswer])
    assert_type(client.cancel(CancelPatternOrder("1")), Outcome[PatternAnswer])
    assert_type(client.cancel(CancelVtexOrder("1")), Outcome[VtexAnswer])
    assert_type(client.cancel(CancelCruxOrder("1")), Outcome[CruxAnswer])
    assert_type(client.cancel(CancelKiboOrder(1, "other"), timeout=5.0), Outcome[KiboAnswer])
    assert_type(client.pattern.cancel(CancelPatternOrder("1")), Outcome[PatternAnswer])
    assert_type(client.pattern.order_status("1"), PatternOrderStatus)
    assert_type(client.vtex.get_order("1"), VtexOrder)
    assert_type(client.crux.get_order("1"), CruxOrder)
    assert_type(client.kibo.get_order(1), KiboOrder)
    assert_type(client.pattern.wait_until_settled("1", timeout=600.0), Outcome[PatternOrderStatus])
    assert_type(client.vtex.wait_until_settled("1"), Outcome[VtexOrder])
    assert_type(client.crux.wait_until_settled("1"), Outcome[CruxOrder])
    assert_type(client.kibo.wait_until_settled(1), Outcome[KiboOrder])


async def of_any_marketplace(
    client: Countermand, async_client: AsyncCountermand, outcome: Outcome[object]
) -> None:
    """Outcomes of several marketplaces are in one list, and each can be looked at."""
    assert_type(client.check(outcome), Outcome[object])
    assert_type(client.wait_until_settled(outcome), Outcome[object])
    assert_type(await async_client.check(outcome), Outcome[object])
    assert_type(await async_client.wait_until_settled(outcome), Outcome[object])


def options(client: Countermand) -> None:
    """What every call takes by name."""
    never, headers = RetryPolicy.never(), {"X-Trace-Id": "1"}
    outcome = client.vtex.cancel_order("1", reason="r", timeout=5, retry=never, headers=headers)
    assert_type(outcome, Outcome[VtexAnswer])
    assert_type(client.check(outcome, timeout=5, retry=never, headers=headers), Outcome[VtexAnswer])
    assert_type(client.wait_until_settled(outcome, timeout=5, headers=headers), Outcome[VtexAnswer])
    assert_type(client.vtex.get_order("1", timeout=None, retry=None, headers=None), VtexOrder)
    assert_type(client.with_options(timeout=5, retry=never, headers=headers, hooks=[told]), Countermand)


def told(event: Event) -> None:
    """A hook tells the events apart by their class, all of them."""
    match event:
        case CallStarted():
            assert_type(event.call, CallKind)
        case RequestStarted() | WaitStarted():
            assert_type(event.order_id, str)
        case RequestEnded():
            assert_type(event.ended, RequestEnd)
            assert_type(event.status, int | None)
        case CallEnded():
            assert_type(event.ended, CallEnd)
        case _:
            assert_never(event)


async def on_an_event_loop(client: AsyncCountermand) -> None:
    """The same with `await`."""
    assert_type(await client.pattern.cancel_order("1"), Outcome[PatternAnswer])
    assert_type(await client.vtex.cancel_order("1", reason="r"), Outcome[VtexAnswer])
    assert_type(await client.crux.cancel_order("1"), Outcome[CruxAnswer])
    assert_type(await client.kibo.cancel_order(1, "other", "because"), Outcome[KiboAnswer])
    assert_type(await client.cancel(CancelPatternOrder("1")), Outcome[PatternAnswer])
    assert_type(await client.cancel(CancelVtexOrder("1")), Outcome[VtexAnswer])
    assert_type(await client.cancel(CancelCruxOrder("1")), Outcome[CruxAnswer])
    assert_type(await client.cancel(CancelKiboOrder(1, "other")), Outcome[KiboAnswer])
    assert_type(await client.kibo.cancel(CancelKiboOrder(1, "other")), Outcome[KiboAnswer])
    assert_type(await client.pattern.order_status("1"), PatternOrderStatus)
    assert_type(await client.vtex.get_order("1"), VtexOrder)
    assert_type(await client.crux.get_order("1"), CruxOrder)
    assert_type(await client.kibo.get_order(1), KiboOrder)
    assert_type(await client.pattern.wait_until_settled("1"), Outcome[PatternOrderStatus])
    assert_type(await client.vtex.wait_until_settled("1"), Outcome[VtexOrder])
    assert_type(await client.crux.wait_until_settled("1"), Outcome[CruxOrder])
    assert_type(await client.kibo.wait_until_settled(1), Outcome[KiboOrder])


async def doors(own: httpx.Client, async_own: httpx.AsyncClient) -> None:
    """What is given and what comes out of a `with`."""
    with Countermand(pattern=Pattern(token="t"), http_client=own) as client:
        assert_type(client, Countermand)
    async with AsyncCountermand(crux=Crux(token="t"), http_client=async_own) as async_client:
        assert_type(async_client, AsyncCountermand)
    assert_type(Countermand.from_env(), Countermand)
    assert_type(AsyncCountermand.from_env({}), AsyncCountermand)
    assert_type(Countermand.from_file("accounts.toml", http_client=own), Countermand)
    assert_type(AsyncCountermand.from_file(Path("accounts.toml"), http_client=async_own), AsyncCountermand)


def credentials(read: Callable[[], str]) -> None:
    """Text, a function, or a file."""
    Pattern(token=read)
    Vtex(account="a", app_key="k", app_token=SecretFile("/run/secrets/token"))
    Crux(username="u", password=read)
    Kibo(tenant_id=1, client_id="c", client_secret=SecretFile(Path("secret")))


def answers(pattern: PatternAnswer, vtex: VtexAnswer, outcome: Outcome[VtexAnswer]) -> None:
    """The two answers of a marketplace are told apart by their type."""
    if isinstance(pattern, PatternCancellation):
        assert_type(pattern.success, bool)
    else:
        assert_type(pattern, PatternOrderStatus)
    if isinstance(vtex, VtexReceipt):
        assert_type(vtex.receipt, str | None)
    else:
        assert_type(vtex, VtexOrder)
    assert_type(outcome.answer, VtexReceipt | VtexOrder | None)
    assert_type(outcome.order_id, str)
    assert_type(outcome.settled, bool)


def errors(error: CountermandError, invalid: InvalidRequestError, limited: RateLimitedError) -> None:
    """What an error carries."""
    assert_type(error.status, int | None)
    assert_type(error.request_id, str | None)
    assert_type(error.body, str)
    assert_type(invalid.errors, tuple[str, ...])
    assert_type(limited.retry_after, float | None)
    assert_type(evidence_of(error), Unknown[object] | None)


def mistakes(client: Countermand, async_client: AsyncCountermand, async_own: httpx.AsyncClient) -> None:
    """What a type checker does not let pass."""
    client.kibo.cancel_order(1010101.0, "other")  # type: ignore[arg-type]
    client.pattern.cancel_order(114)  # type: ignore[arg-type]
    client.vtex.cancel_order("1", "Out of stock")  # type: ignore[call-arg]
    client.pattern.cancel(CancelVtexOrder("1"))  # type: ignore[arg-type]
    Pattern(token="t", environment="sandbox")  # type: ignore[arg-type]
    Crux(token="t", release="v2")  # type: ignore[arg-type]
    Kibo(tenant_id=1.5)  # type: ignore[arg-type]
    Vtex(account="a", app_key="k")  # type: ignore[call-arg]
    Pattern(token=Path("/run/secrets/token"))  # type: ignore[arg-type]
    Crux(token=b"t")  # type: ignore[arg-type]
    Countermand.from_env(http_client=async_own)  # type: ignore[arg-type]
    Countermand(http_client=async_own)  # type: ignore[arg-type]
    client.vtex.cancel_order("1", timeout="5")  # type: ignore[arg-type]
    client.vtex.cancel_order("1", timout=5)  # type: ignore[call-arg]
    client.vtex.get_order("1", headers=["X"])  # type: ignore[arg-type]
    client.vtex.wait_until_settled("1", retry=3)  # type: ignore[call-overload]
    Countermand(hooks=[1])  # type: ignore[list-item]
    wrong: Outcome[KiboAnswer] = client.pattern.cancel_order("1")  # type: ignore[assignment]
    print(wrong)
