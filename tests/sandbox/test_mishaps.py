"""Scripted mishaps, and a world whose time follows a clock."""

from datetime import timedelta

import pytest

from countermand.sandbox.http import SandboxReply
from countermand.sandbox.mishaps import Gateway, LoseReply, RateLimited, Raw, Status
from countermand.sandbox.world import EPOCH, World
from tests.sandbox.calls import crux_cancel, crux_login, kibo_cancel, vtex_cancel, vtex_get


@pytest.fixture
def gateway() -> Gateway:
    """Return a way into a world with one order at three marketplaces."""
    world = World()
    world.vtex.add_order("v")
    world.crux.add_order("c")
    world.kibo.add_order(1)
    return Gateway(world)


def handle(gateway: Gateway) -> SandboxReply:
    """Send a cancel to VTEX that gets a reply."""
    reply = gateway.handle(vtex_cancel("v"))
    assert isinstance(reply, SandboxReply)
    return reply


def cancels(gateway: Gateway) -> int:
    """Return how many cancels VTEX has received."""
    return gateway.world.truth("vtex", "v").cancels


def test_mishaps_strike_once_each_in_their_order(gateway: Gateway) -> None:
    """A mishap is used up by one request."""
    gateway.mishap("vtex", Status(503), Status(502))
    assert [handle(gateway).status for _ in range(3)] == [503, 502, 200]


def test_mishaps_strike_their_own_marketplace_only(gateway: Gateway) -> None:
    """One marketplace's mishap is none of another's."""
    gateway.mishap("crux", Status(503))
    assert handle(gateway).status == 200


def test_a_sign_in_is_left_alone(gateway: Gateway) -> None:
    """A mishap waits for a request about an order."""
    gateway.mishap("crux", LoseReply())
    assert gateway.handle(crux_login()) != "lost"
    assert gateway.handle(crux_cancel("c")) == "lost"


@pytest.mark.parametrize("text", ["2", "-1", "soon", "Mon, 02 Mar 2026 09:00:02 GMT"])
def test_retry_after_is_sent_as_it_is(gateway: Gateway, text: str) -> None:
    """Whatever the text of a Retry-After, it is sent, with the date to read it against."""
    gateway.mishap("vtex", RateLimited(text))
    reply = handle(gateway)
    assert (reply.status, reply.header("retry-after")) == (429, text)
    assert reply.header("date") == "Mon, 02 Mar 2026 09:00:00 GMT"
    assert cancels(gateway) == 0


def test_a_429_may_come_without_retry_after(gateway: Gateway) -> None:
    """RateLimited(None) leaves the header out."""
    gateway.mishap("kibo", RateLimited(None))
    reply = gateway.handle(kibo_cancel(1))
    assert isinstance(reply, SandboxReply)
    assert (reply.status, reply.body, reply.header("retry-after")) == (429, b"", None)


def test_a_lost_reply_was_applied(gateway: Gateway) -> None:
    """The marketplace did what it was asked, and nobody heard."""
    gateway.mishap("vtex", LoseReply())
    assert gateway.handle(vtex_cancel("v")) == "lost"
    assert cancels(gateway) == 1


def test_a_lost_request_was_not(gateway: Gateway) -> None:
    """A request that never arrived changed nothing."""
    gateway.mishap("vtex", LoseReply(applied=False))
    assert gateway.handle(vtex_cancel("v")) == "lost"
    assert cancels(gateway) == 0


@pytest.mark.parametrize("applied", [True, False])
def test_a_status_hides_what_happened(gateway: Gateway, applied: bool) -> None:
    """The same 502 stands for both."""
    gateway.mishap("vtex", Status(502, b"<html>", applied=applied))
    reply = handle(gateway)
    assert (reply.status, reply.body) == (502, b"<html>")
    assert cancels(gateway) == applied


def test_a_raw_reply_is_passed_as_it_is(gateway: Gateway) -> None:
    """Nothing is added to a raw reply."""
    raw = SandboxReply(200, (("retry-after", "1"), ("retry-after", "2")), b"{")
    gateway.mishap("vtex", Raw(raw))
    assert handle(gateway) is raw


def test_the_ledger_tells_a_mishap(gateway: Gateway) -> None:
    """A mishap is written down before what the marketplace then did."""
    gateway.mishap("vtex", LoseReply())
    gateway.handle(vtex_cancel("v"))
    assert [entry.what for entry in gateway.world.ledger] == ["mishap", "cancel received", "requested"]


def test_time_follows_a_clock() -> None:
    """The world's time moves by what the clock gained, and by what it is told."""
    clock = iter([100.0, 101.5, 102.0])
    world = World()
    world.vtex.add_order("v", decides_after=0.5)
    gateway = Gateway(world, clock=lambda: next(clock))
    gateway.handle(vtex_cancel("v"))
    assert world.now == EPOCH + timedelta(seconds=1.5)
    gateway.advance(10)
    assert world.now == EPOCH + timedelta(seconds=12)
    assert world.truth("vtex", "v").cancelled == "all"


def test_reading_strikes_too(gateway: Gateway) -> None:
    """Reads meet mishaps like cancels do."""
    gateway.mishap("vtex", Status(403))
    reply = gateway.handle(vtex_get("v"))
    assert isinstance(reply, SandboxReply)
    assert reply.status == 403
