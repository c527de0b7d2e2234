"""VTEX OMS, simulated."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from countermand.sandbox.http import SandboxRequest
from countermand.sandbox.world import World
from tests.sandbox.calls import VTEX, decode, vtex_cancel, vtex_get

ORDER = "1172452900788-01"
LAST_YEAR = datetime(2025, 3, 2, 9, 0, tzinfo=UTC)


def read(world: World, order_id: str = ORDER) -> Any:
    """Return the order as "Get order" tells it."""
    return decode(world.handle(vtex_get(order_id)))


def test_an_accepting_seller_cancels_after_a_while(world: World) -> None:
    """200 is a receipt, with a date of seven digits; the order is cancelled when the seller agrees."""
    world.vtex.add_order(ORDER, decides_after=60.0)
    reply = world.handle(vtex_cancel(ORDER, {"reason": "Out of stock", "requestedByUser": True}))
    answer = decode(reply)
    assert (reply.status, answer["orderId"]) == (200, ORDER)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00", answer["date"])
    assert read(world)["status"] == "cancellation-requested"
    world.advance(60)
    order = read(world)
    assert order["status"] == "canceled"
    assert order["cancellationData"]["reason"] == "Out of stock"
    assert order["cancellationData"]["requestedByUser"] is True
    assert order["cancellationData"]["cancellationRequestId"] == answer["receipt"]


def test_a_denial_returns_the_order_to_where_it_was(world: World) -> None:
    """A denial leaves its reason in cancellationRequests, and no cancellationData."""
    world.vtex.add_order(ORDER, status="handling", seller="denies", deny_reason="Already packed")
    world.handle(vtex_cancel(ORDER))
    assert world.truth("vtex", ORDER).eventually == "none"
    world.settle()
    order = read(world)
    assert order["status"] == "handling"
    assert order["cancellationRequests"][0]["deniedBySeller"] is True
    assert order["cancellationRequests"][0]["deniedBySellerReason"] == "Already packed"
    assert order["cancellationData"] is None
    assert world.ledger[-2].what == "denied"


def test_a_denied_order_can_be_asked_for_again(world: World) -> None:
    """Each request after a denial is a new one."""
    world.vtex.add_order(ORDER, seller="denies")
    world.handle(vtex_cancel(ORDER))
    world.settle()
    world.handle(vtex_cancel(ORDER))
    world.settle()
    assert len(read(world)["cancellationRequests"]) == 2


def test_a_silent_seller_leaves_it_waiting(world: World) -> None:
    """Who never decides has nothing scheduled: the order waits for ever."""
    world.vtex.add_order(ORDER, seller="silent", waits_in="cancellation-requested")
    world.handle(vtex_cancel(ORDER))
    world.advance(1_000_000)
    assert read(world)["status"] == "cancellation-requested"
    assert world.truth("vtex", ORDER).landed


def test_a_stuck_order_is_in_error_for_ever(world: World) -> None:
    """A lost race shows as request-cancel with workflowIsInError."""
    world.vtex.add_order(ORDER, seller="stuck")
    world.handle(vtex_cancel(ORDER))
    world.settle()
    order = read(world)
    assert (order["status"], order["workflowIsInError"]) == ("request-cancel", True)


@pytest.mark.parametrize("invoiced_after, status", [(0.3, "request-cancel"), (3.0, "invoiced")])
def test_an_invoice_overtakes_the_cancel(world: World, invoiced_after: float, status: str) -> None:
    """Within half a second the two lose each other; later, the invoice wins."""
    world.vtex.add_order(ORDER, decides_after=5.0)
    world.vtex.move(ORDER, "invoiced", after=invoiced_after)
    world.handle(vtex_cancel(ORDER))
    assert world.truth("vtex", ORDER).eventually == "none"
    world.settle()
    assert read(world)["status"] == status


@pytest.mark.parametrize("refusal", [409, 400])
def test_an_invoice_forbids_it(world: World, refusal: int) -> None:
    """An invoiced order is refused with a code that VTEX does not document."""
    world.vtex.add_order(ORDER, status="invoiced")
    world.vtex.refuses_with = refusal
    assert world.handle(vtex_cancel(ORDER)).status == refusal
    assert read(world)["allowCancellation"] is False
    assert not world.truth("vtex", ORDER).accepted


def test_repeating_a_cancel_is_harmless(world: World) -> None:
    """A cancel of an order that is pending or cancelled is received, and sets nothing in motion."""
    world.vtex.add_order(ORDER, status="payment-approved")
    assert decode(world.handle(vtex_cancel(ORDER)))["receipt"]
    assert decode(world.handle(vtex_cancel(ORDER)))["receipt"] is None
    world.settle()
    assert decode(world.handle(vtex_cancel(ORDER)))["receipt"] is None
    truth = world.truth("vtex", ORDER)
    assert (truth.cancels, truth.forwarded, truth.cancelled) == (3, 1, "all")
    assert len(read(world)["cancellationRequests"]) == 1


def test_a_sequence_number_reads_but_does_not_cancel(world: World) -> None:
    """A read takes `seq` and the sequence number, and answers with the order id."""
    world.vtex.add_order(ORDER, sequence="502556")
    assert read(world, "seq502556")["orderId"] == ORDER
    assert world.handle(vtex_cancel("502556")).status == 404


@pytest.mark.parametrize("order_id", ["a/b", "a?b", "a#b", "a&b", "a%2Fb", "a b", "a+b", "ä…", "cancel"])
def test_any_text_is_an_order_id(world: World, order_id: str) -> None:
    """An id with reserved characters arrives as one path segment."""
    world.vtex.add_order(order_id)
    assert decode(world.handle(vtex_cancel(order_id)))["orderId"] == order_id
    assert read(world, order_id)["orderId"] == order_id


def test_the_door(world: World) -> None:
    """Whatever is turned away leaves the order untouched."""
    world.vtex.add_order(ORDER)
    path = f"/vtex/api/oms/pvt/orders/{ORDER}"
    assert world.handle(SandboxRequest.to("POST", f"{path}/cancelled", VTEX)).status == 404
    assert world.handle(SandboxRequest.to("POST", f"{path}/cancel/", VTEX)).status == 404
    assert world.handle(SandboxRequest.to("PUT", f"{path}/cancel", VTEX)).status == 405
    assert world.handle(SandboxRequest.to("POST", path, VTEX)).status == 405
    assert world.handle(vtex_cancel("unknown")).status == 404
    assert world.handle(vtex_get("unknown")).status == 404
    for headers in ({}, {**VTEX, "X-VTEX-API-AppToken": "wrong"}, {**VTEX, "X-VTEX-API-AppKey": "wrong"}):
        assert world.handle(vtex_cancel(ORDER, headers=headers)).status == 401
        assert world.handle(vtex_get(ORDER, headers=headers)).status == 401
    for body in (b"{", b"[]", {"reason": 1}, {"requestedByUser": "yes"}):
        assert world.handle(vtex_cancel(ORDER, body)).status == 400
    text = SandboxRequest.to("POST", f"{path}/cancel", {**VTEX, "Content-Type": "text/plain"}, b"{}")
    assert world.handle(text).status == 415
    assert world.truth("vtex", ORDER).cancels == 0


def test_a_key_may_cancel_and_not_read(world: World) -> None:
    """Cancelling and viewing are two permissions."""
    world.vtex.add_order(ORDER)
    world.vtex.may_read = False
    assert world.handle(vtex_cancel(ORDER)).status == 200
    assert world.handle(vtex_get(ORDER)).status == 403
    world.vtex.may_cancel = False
    assert world.handle(vtex_cancel(ORDER)).status == 403


# -- statuses, and who decides ----------------------------------------------------------------------------------------

OPEN = (
    "order-created on-order-completed on-order-completed-ffm payment-pending payment-approved payment-denied "
    "approve-payment window-to-cancel window-to-change-payment window-to-change-seller waiting-for-authorization "
    "waiting-for-fulfillment waiting-ffmt-authorization waiting-for-manual-authorization "
    "waiting-for-mkt-authorization waiting-for-order-authorization authorize-fulfillment waiting-seller-handling "
    "ready-for-handling start-handling handling ready-for-invoicing order-accepted replaced invoice"
).split()
PENDING = (
    "cancel canceling request-cancel cancellation-requested-with-ack accepting-cancel "
    "waiting-for-seller-decision cancellation-request-denied-ffm"
).split()


@pytest.mark.parametrize("status", [*OPEN, None, ""])
def test_an_open_order_can_be_cancelled(world: World, status: str | None) -> None:
    """Every documented status can be set; an incomplete order has none, and can be cancelled all the same."""
    world.vtex.add_order(ORDER, status=status)
    order = read(world)
    assert (order["status"], order["allowCancellation"]) == (status, True)
    assert decode(world.handle(vtex_cancel(ORDER)))["receipt"]
    world.settle()
    assert read(world)["status"] == "canceled"


@pytest.mark.parametrize("status", PENDING)
def test_a_cancel_during_a_cancellation_sets_nothing_in_motion(world: World, status: str) -> None:
    """Where somebody decides already, another cancel is received and changes nothing."""
    world.vtex.add_order(ORDER, waits_in=status)
    world.handle(vtex_cancel(ORDER))
    assert read(world)["status"] == status
    assert decode(world.handle(vtex_cancel(ORDER)))["receipt"] is None
    assert world.truth("vtex", ORDER).forwarded == 1
    assert read(world)["status"] == status


@pytest.mark.parametrize("status", PENDING)
def test_a_cancellation_that_began_elsewhere_is_left_alone(world: World, status: str) -> None:
    """An order that is being cancelled, or whose cancellation is being denied, takes no new request."""
    world.vtex.add_order(ORDER, status=status)
    assert read(world)["allowCancellation"] is False
    assert decode(world.handle(vtex_cancel(ORDER)))["receipt"] is None
    assert not world.truth("vtex", ORDER).accepted


def test_a_second_cancel_confirms_over_the_sellers_head(world: World) -> None:
    """In cancellation-requested a second cancel ends it, whatever the seller would have said."""
    world.vtex.add_order(ORDER, status="handling", seller="denies", waits_in="cancellation-requested")
    world.handle(vtex_cancel(ORDER, {"reason": "first"}))
    assert world.truth("vtex", ORDER).eventually == "none"
    assert decode(world.handle(vtex_cancel(ORDER, {"reason": "second"})))["receipt"]
    order = read(world)
    assert (order["status"], order["cancellationData"]["reason"]) == ("canceled", "first")
    assert len(order["cancellationRequests"]) == 1
    told = [(entry.what, entry.detail) for entry in world.ledger if entry.what == "overruled"]
    assert told == [("overruled", "by cancel 2")]
    world.settle()
    assert read(world)["status"] == "canceled"
    assert "denied" not in [entry.what for entry in world.ledger]


def test_a_cancel_confirms_what_was_asked_for_in_the_admin(world: World) -> None:
    """The ledger tells a first cancel that confirms from a second one."""
    world.vtex.add_order(ORDER, status="cancellation-requested")
    world.handle(vtex_cancel(ORDER))
    assert world.truth("vtex", ORDER).cancelled == "all"
    assert [entry.detail for entry in world.ledger if entry.what == "overruled"] == ["by cancel 1"]


def test_a_request_takes_a_while_to_show(world: World) -> None:
    """Reads show the order as it was, and a second cancel in that time confirms all the same."""
    world.vtex.add_order(
        ORDER, status="handling", shows_after=10.0, seller="silent", waits_in="cancellation-requested"
    )
    world.handle(vtex_cancel(ORDER))
    assert world.truth("vtex", ORDER).parts[0].status == "cancellation-requested"
    world.advance(9.9)
    order = read(world)
    assert (order["status"], order["cancellationRequests"]) == ("handling", [])
    world.advance(0.1)
    assert read(world)["status"] == "cancellation-requested"
    assert len(read(world)["cancellationRequests"]) == 1


def test_a_second_cancel_confirms_what_does_not_show_yet(world: World) -> None:
    """Who asks again because the read says `handling` takes the decision away from the seller."""
    world.vtex.add_order(ORDER, status="handling", shows_after=10.0, waits_in="cancellation-requested")
    world.handle(vtex_cancel(ORDER))
    assert read(world)["status"] == "handling"
    world.handle(vtex_cancel(ORDER))
    assert read(world)["status"] == "handling"
    assert world.truth("vtex", ORDER).cancelled == "all"
    assert [entry.what for entry in world.ledger].count("overruled") == 1
    world.advance(10)
    assert read(world)["status"] == "canceled"


def test_an_old_denial_stays_in_the_list(world: World) -> None:
    """What was denied before is listed before what is asked now, with the older dates."""
    world.vtex.add_order(ORDER, status="payment-approved", denied_before={LAST_YEAR: "Already packed"})
    (old,) = read(world)["cancellationRequests"]
    assert (old["deniedBySeller"], old["deniedBySellerReason"]) == (True, "Already packed")
    assert old["cancellationRequestDate"] < old["cancellationRequestDenyDate"] < "2026"
    assert decode(world.handle(vtex_cancel(ORDER)))["receipt"] != old["id"]
    first, second = read(world)["cancellationRequests"]
    assert (first, second["deniedBySeller"]) == (old, False)
    world.settle()
    assert read(world)["cancellationData"]["cancellationRequestId"] == second["id"]


def test_canceled_may_fall_back(world: World) -> None:
    """A known issue shows `cancel` again; the order stays cancelled, and nothing else moves it."""
    world.vtex.add_order(ORDER)
    world.handle(vtex_cancel(ORDER))
    world.settle()
    world.vtex.move(ORDER, "handling")
    assert read(world)["status"] == "canceled"
    world.vtex.move(ORDER, "cancel")
    assert read(world)["status"] == "cancel"
    assert world.truth("vtex", ORDER).cancelled == "all"


def test_a_cancellation_goes_through_its_statuses(world: World) -> None:
    """Moving between the statuses of a cancellation denies nothing, and `canceled` ends it."""
    world.vtex.add_order(ORDER, seller="silent", waits_in="request-cancel")
    world.handle(vtex_cancel(ORDER, {"reason": "Out of stock"}))
    for status in ("cancellation-requested-with-ack", "accepting-cancel", "canceling"):
        world.vtex.move(ORDER, status, after=1.0)
        world.advance(1)
        assert read(world)["status"] == status
    world.vtex.move(ORDER, "canceled")
    order = read(world)
    assert (order["status"], order["cancellationData"]["reason"]) == ("canceled", "Out of stock")
    told = [entry.what for entry in world.ledger]
    assert "denied" not in told
    assert told.count("cancelled") == told.count("confirmed") == 1
