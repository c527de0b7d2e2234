"""`client.settle`: one request on one of several machines."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from countermand import (
    CancelCruxOrder,
    CancelKiboOrder,
    Cancelled,
    CancelVtexOrder,
    NotConfiguredError,
    RateLimitedError,
    Requested,
    Unknown,
    result_from_dict,
)
from countermand.sandbox import LoseReply, RateLimited, Sandbox

from .stages import KINDS, Kind, order, vtex_sandbox

pytestmark = pytest.mark.parametrize("kind", KINDS)
CRUX = "521a91e5-058d-4474-aeee-f0c148594a00"


class Stored:
    """An intent in memory, with what was done with it."""

    def __init__(self, sandbox: Sandbox, at: datetime | None = None) -> None:
        self.at = at
        self.log: list[str] = []
        self._sandbox = sandbox

    def declare(self, at: datetime) -> datetime | None:
        """See `Intent.declare`."""
        self.log.append(f"declared after {len(self._sandbox.requests)} requests")
        earlier, self.at = self.at, self.at or at
        return earlier

    def withdraw(self) -> None:
        """See `Intent.withdraw`."""
        self.log.append("withdrawn")
        self.at = None


class AsyncStored:
    """The same, to be awaited."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored

    async def declare(self, at: datetime) -> datetime | None:
        """See `Intent.declare`."""
        return self._stored.declare(at)

    async def withdraw(self) -> None:
        """See `Intent.withdraw`."""
        self._stored.withdraw()


def settle(kind: Kind, sandbox: Sandbox, request: Any, intent: Stored) -> Any:
    """Settle on one of the two doors."""
    if kind == "blocking":
        return sandbox.client().settle(request, intent)
    return asyncio.run(sandbox.async_client().settle(request, AsyncStored(intent)))


def test_json_in_json_out(kind: Kind) -> None:
    """The intent is declared before anything is sent, and stays once something was."""
    with vtex_sandbox(1) as sandbox:
        intent = Stored(sandbox)
        request = CancelVtexOrder(order(0), reason="recall")
        result = settle(kind, sandbox, json.loads(json.dumps(request.to_dict())), intent)
        assert intent.log == ["declared after 0 requests"]
        assert isinstance(result.outcome, Requested)
        assert result.request == request
        assert result_from_dict(json.loads(json.dumps(result.to_dict()))) == result


def test_a_second_worker_looks_first(kind: Kind) -> None:
    """The order shows that it is cancelled: nothing is sent."""
    with Sandbox(time="virtual") as sandbox:
        intent = Stored(sandbox)
        request = CancelKiboOrder(1010101, "created_by_mistake")
        settle(kind, sandbox, request, intent)
        result = settle(kind, sandbox, request, intent)
        assert isinstance(result.outcome, Cancelled)
        assert [each.method for each in sandbox.requests] == ["POST", "GET"]


def test_a_second_worker_at_crux_never_sends(kind: Kind) -> None:
    """An open order is `Unknown` there."""
    with Sandbox(time="virtual") as sandbox:
        intent = Stored(sandbox, datetime(2026, 3, 2, 8, 59, tzinfo=UTC))
        result = settle(kind, sandbox, CancelCruxOrder(CRUX), intent)
        assert isinstance(result.outcome, Unknown)
        assert {each.method for each in sandbox.requests} == {"GET"}
        assert intent.log == ["declared after 0 requests"]


def test_a_second_worker_asks_where_that_is_harmless(kind: Kind) -> None:
    """The first one died before it sent anything."""
    with Sandbox(time="virtual") as sandbox:
        intent = Stored(sandbox, datetime(2026, 3, 2, 8, 59, tzinfo=UTC))
        result = settle(kind, sandbox, CancelKiboOrder(1010101, "created_by_mistake"), intent)
        assert isinstance(result.outcome, Cancelled)
        assert [each.method for each in sandbox.requests] == ["GET", "POST"]


def test_an_untouched_order_has_no_intent(kind: Kind) -> None:
    """A 429 comes back at once, with the time to come again, and the intent is withdrawn."""
    with vtex_sandbox(1) as sandbox:
        sandbox.mishap("vtex", RateLimited(30))
        intent = Stored(sandbox)
        result = settle(kind, sandbox, CancelVtexOrder(order(0)), intent)
        assert isinstance(result.error, RateLimitedError)
        assert result.error.retry_after == pytest.approx(30)
        assert intent.log[1:] == ["withdrawn"]
        assert sandbox.world.now.minute == 0


def test_an_unclear_one_keeps_its_intent(kind: Kind) -> None:
    """Whoever takes it up next looks first."""
    with vtex_sandbox(1) as sandbox:
        sandbox.mishap("vtex", *[LoseReply()] * 40)
        intent = Stored(sandbox)
        result = settle(kind, sandbox, CancelVtexOrder(order(0)), intent)
        assert isinstance(result.outcome, Unknown)
        assert intent.log == ["declared after 0 requests"]


def test_a_request_of_no_account(kind: Kind) -> None:
    """It is a result as well, and declares nothing."""
    with Sandbox(time="virtual") as sandbox:
        intent = Stored(sandbox)
        result = settle(kind, sandbox, CancelVtexOrder("1-01", account="elsewhere"), intent)
        assert isinstance(result.error, NotConfiguredError)
        assert intent.log == []


@pytest.mark.parametrize("declared", [datetime(2026, 3, 2, 9), "2026-03-02T09:00:00Z", 1.5, True])  # noqa: DTZ001
def test_an_intent_of_no_known_time_sends_nothing(kind: Kind, declared: Any) -> None:
    """What `declare` returns is said to be wrong before a byte is sent."""
    with vtex_sandbox(1) as sandbox:
        with pytest.raises(TypeError, match="declare must return a datetime with a time zone"):
            settle(kind, sandbox, CancelVtexOrder(order(0)), Stored(sandbox, declared))
        assert not sandbox.requests
