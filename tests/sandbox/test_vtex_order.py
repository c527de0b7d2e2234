"""What an order at the simulated VTEX holds: its invoices, and the forms in which everything is written."""

import re
from datetime import timedelta
from typing import Any

import pytest

from countermand.sandbox.vtex_order import DateForm
from countermand.sandbox.world import World
from tests.sandbox.calls import JSON, VTEX, decode, vtex_cancel, vtex_get, vtex_group, vtex_invoice

ORDER = "1172452900788-01"


def read(world: World, order_id: str = ORDER) -> Any:
    """Return the order as "Get order" tells it."""
    return decode(world.handle(vtex_get(order_id)))


# -- invoices ---------------------------------------------------------------------------------------------------------


def test_a_return_invoice_makes_it_cancellable(world: World) -> None:
    """An invoiced order stays invoiced until its cancellation is carried out."""
    world.vtex.add_order(ORDER, status="invoiced", decides_after=5.0)
    assert [package["type"] for package in read(world)["packageAttachment"]["packages"]] == ["Output"]
    reply = world.handle(vtex_invoice(ORDER, "Input"))
    assert (reply.status, decode(reply)["orderId"]) == (200, ORDER)
    order = read(world)
    assert [package["type"] for package in order["packageAttachment"]["packages"]] == ["Output", "Input"]
    assert (order["status"], order["allowCancellation"]) == ("invoiced", True)
    assert decode(world.handle(vtex_cancel(ORDER)))["receipt"]
    assert decode(world.handle(vtex_cancel(ORDER)))["receipt"] is None
    assert read(world)["status"] == "invoiced"
    world.settle()
    assert read(world)["status"] == "canceled"


@pytest.mark.parametrize("revives, status", [(True, "canceled"), (False, "invoiced")])
def test_a_return_invoice_may_revive_what_an_invoice_overtook(
    world: World, revives: bool, status: str
) -> None:
    """A request that was received may still be carried out once there is a return invoice."""
    world.vtex.add_order(ORDER, revives=revives, decides_after=5.0)
    world.vtex.move(ORDER, "invoiced", after=2.0)
    world.vtex.return_invoice(ORDER, after=20.0)
    world.handle(vtex_cancel(ORDER))
    expected = "all" if revives else "none"
    assert world.truth("vtex", ORDER).eventually == expected
    world.advance(3)
    assert read(world)["status"] == "invoiced"
    world.settle()
    assert read(world)["status"] == status
    assert world.truth("vtex", ORDER).cancelled == expected


def test_a_partially_invoiced_order_is_refused(world: World) -> None:
    """400, while the order goes from `invoice` back to payment-approved; a full invoice ends it."""
    world.vtex.add_order(ORDER)
    world.handle(vtex_invoice(ORDER, "Output", 1000))
    assert read(world)["status"] == "invoice"
    assert world.handle(vtex_cancel(ORDER)).status == 400
    world.advance(1)
    assert (read(world)["status"], read(world)["allowCancellation"]) == ("payment-approved", False)
    assert world.handle(vtex_cancel(ORDER)).status == 400
    assert not world.truth("vtex", ORDER).accepted
    world.handle(vtex_invoice(ORDER, "Output", 3990))
    assert read(world)["status"] == "invoiced"
    world.vtex.add_order("x", invoiced_value=1)
    assert world.handle(vtex_cancel("x")).status == 400


def test_invoice_is_transient(world: World) -> None:
    """While an invoice is verified nothing is decided: it may be invoiced, or go back, or be cancelled."""
    world.vtex.add_order(ORDER, decides_after=5.0)
    world.handle(vtex_cancel(ORDER))
    world.vtex.move(ORDER, "invoice", after=1.0)
    world.advance(1)
    assert read(world)["status"] == "invoice"
    assert world.truth("vtex", ORDER).eventually == "all"
    world.vtex.move(ORDER, "invoiced", after=1.0)
    assert world.truth("vtex", ORDER).eventually == "none"
    world.settle()
    assert read(world)["status"] == "invoiced"
    assert [entry.what for entry in world.ledger].count("denied") == 1


def test_cancelling_is_the_way_out_of_a_stuck_invoice(world: World) -> None:
    """In error, `invoice` goes nowhere by itself, and can be cancelled."""
    world.vtex.add_order(ORDER, status="invoice", in_error=True)
    world.vtex.move(ORDER, "invoiced")
    order = read(world)
    assert (order["status"], order["workflowIsInError"]) == ("invoice", True)
    world.handle(vtex_cancel(ORDER))
    world.settle()
    assert (read(world)["status"], read(world)["workflowIsInError"]) == ("canceled", False)


@pytest.mark.parametrize(
    "wrong", [{"type": "Other"}, {"items": []}, {"invoiceValue": "1"}, {"invoiceNumber": ""}]
)
def test_an_invoice_has_to_be_whole(world: World, wrong: dict[str, Any]) -> None:
    """Type, number, date, value, and the items of a return are required."""
    world.vtex.add_order(ORDER, status="invoiced")
    assert world.handle(vtex_invoice(ORDER, **wrong)).status == 400
    assert world.handle(vtex_invoice("unknown")).status == 404
    assert len(read(world)["packageAttachment"]["packages"]) == 1


# -- how things are written -------------------------------------------------------------------------------------------


def test_a_receipt_may_name_the_order_as_its_seller_does(world: World) -> None:
    """For an order of another seller, the receipt has the sellerOrderId, and the order has both."""
    world.vtex.add_order(ORDER, seller_order_id="00-1172452900788-01")
    assert decode(world.handle(vtex_cancel(ORDER)))["orderId"] == "00-1172452900788-01"
    order = read(world)
    assert (order["orderId"], order["sellerOrderId"]) == (ORDER, "00-1172452900788-01")
    world.vtex.add_order("own")
    assert decode(world.handle(vtex_cancel("own")))["orderId"] == "own"


@pytest.mark.parametrize(
    "form, pattern",
    [
        ("offset", r"2026-03-02T07:00:00\.0000007-02:00"),
        ("zulu", r"2026-03-02T09:00:00\.0000007Z"),
        ("plain", r"2026-03-02 07:00:00"),
    ],
)
def test_dates_have_three_forms(world: World, form: DateForm, pattern: str) -> None:
    """Receipts and orders may each have their own; a date without a zone is local."""
    world.vtex.add_order(ORDER)
    world.vtex.utc_offset = timedelta(hours=-2)
    world.vtex.receipt_dates = form
    assert re.fullmatch(pattern, decode(world.handle(vtex_cancel(ORDER)))["date"])
    world.vtex.add_order("other")
    world.vtex.receipt_dates, world.vtex.order_dates = "offset", form
    world.handle(vtex_cancel("other"))
    assert re.fullmatch(pattern, read(world, "other")["cancellationRequests"][0]["cancellationRequestDate"])


def test_a_200_may_be_empty(world: World) -> None:
    """The seller is evaluating the request."""
    world.vtex.add_order(ORDER)
    world.vtex.receipts = False
    reply = world.handle(vtex_cancel(ORDER))
    assert (reply.status, reply.body) == (200, b"")
    assert world.truth("vtex", ORDER).accepted


def test_cancellation_data_may_be_written_with_capitals(world: World) -> None:
    """Some documents capitalise the keys, and one has the data on an order in `handling`."""
    world.vtex.add_order(ORDER, status="handling", cancellation_data=True)
    assert read(world)["cancellationData"]["requestedBySystem"] is True
    world.vtex.capitalised_keys = True
    order = read(world)
    assert order["status"] == "handling"
    assert set(order["cancellationData"]) == {
        "RequestedByUser",
        "RequestedBySystem",
        "RequestedBySellerNotification",
        "RequestedByPaymentNotification",
        "Reason",
        "CancellationDate",
        "CancellationRequestId",
    }


def test_an_old_order_tells_less(world: World) -> None:
    """Orders of 2019 have neither allowCancellation nor workflowIsInError, and may lack the packages."""
    world.vtex.add_order(ORDER, old=True)
    order = read(world)
    assert {"allowCancellation", "workflowIsInError"}.isdisjoint(order)
    assert (order["cancellationRequests"], order["packageAttachment"]) == (None, {})


def test_an_order_group_is_a_list_of_orders(world: World) -> None:
    """A purchase is split into orders; an element shows an empty status where the order has none."""
    world.vtex.add_order(ORDER)
    world.vtex.add_order("1172452900788-02", status=None)
    world.vtex.add_order("1172452900789-01")
    group = decode(world.handle(vtex_group("1172452900788")))
    assert [(order["orderId"], order["status"]) for order in group] == [
        (ORDER, "ready-for-handling"),
        ("1172452900788-02", ""),
    ]
    assert decode(world.handle(vtex_group("none"))) == []
    world.vtex.may_read = False
    assert world.handle(vtex_group("1172452900788")).status == 403


def test_a_mock_of_the_description_wants_a_content_type(world: World) -> None:
    """VTEX's own description requires the header on a cancel without a body, and on a read."""
    world.vtex.add_order(ORDER)
    world.vtex.requires_content_type = True
    assert world.handle(vtex_cancel(ORDER)).status == 422
    assert world.handle(vtex_get(ORDER)).status == 422
    assert world.truth("vtex", ORDER).cancels == 0
    assert world.handle(vtex_cancel(ORDER, headers={**VTEX, **JSON})).status == 200
    assert world.handle(vtex_get(ORDER, headers={**VTEX, **JSON})).status == 200
