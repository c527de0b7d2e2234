"""VTEX OMS: receipts, undocumented codes, denials, and statuses that are text."""

from itertools import repeat
from typing import Any

import pytest

from countermand import (
    Cancelled,
    CancelVtexOrder,
    InvalidRequestError,
    OrderNotFoundError,
    OrderUnreadableError,
    Part,
    PermissionDeniedError,
    RateLimitedError,
    Refused,
    RejectedError,
    Requested,
    RetryPolicy,
    Unknown,
    Vtex,
    VtexOrder,
    VtexReceipt,
)
from tests.support.doors import OnStage
from tests.support.markets import VTEX, names, vtex_order, vtex_receipt
from tests.support.stage import After, Stage, lost, reply
from tests.support.tables import table

DENIED = {
    "id": "r1",
    "reason": "changed my mind",
    "cancellationRequestDate": "2026-03-02T09:00:00+00:00",
    "requestedByUser": True,
    "deniedBySeller": True,
    "deniedBySellerReason": "The parcel has left",
    "cancellationRequestDenyDate": "2026-03-02T09:05:00+00:00",
}
OPEN = DENIED | {"deniedBySeller": False, "deniedBySellerReason": None, "cancellationRequestDenyDate": None}


def test_200_is_requested_with_the_receipt(on_stage: OnStage) -> None:
    """The notification was received; the date keeps its seven digits."""
    outcome = VTEX.cancel(on_stage(Stage(cancel=[vtex_receipt()]), VTEX))
    assert isinstance(outcome, Requested)
    assert isinstance(outcome.answer, VtexReceipt)
    assert outcome.answer.receipt == "38e0e47d"
    assert outcome.answer.date == "2014-02-07T15:22:56.7612218-02:00"
    assert outcome.answer.order_id == outcome.order_id == "1172-01"
    assert outcome.status is None


@pytest.mark.parametrize("more", [{"receipt": None}, {}], ids=["null", "absent"])
def test_a_receipt_may_be_null(more: dict[str, Any], on_stage: OnStage) -> None:
    """As documented; and nobody needs it."""
    body = {"date": "2026-03-02T09:00:00.0000000+00:00", "orderId": "1172-01"}
    outcome = VTEX.cancel(on_stage(Stage(cancel=[reply(200, body | more)]), VTEX))
    assert isinstance(outcome, Requested)
    assert isinstance(outcome.answer, VtexReceipt)
    assert outcome.answer.receipt is None


@pytest.mark.parametrize(
    "status, error",
    [(403, PermissionDeniedError), (404, OrderNotFoundError), (429, RateLimitedError)],
)
def test_documented_codes_are_typed(status: int, error: type[Exception], on_stage: OnStage) -> None:
    """No read is needed for them."""
    stage = Stage(cancel=[reply(status, {"error": {"code": "1", "message": "no"}})])
    with pytest.raises(error, match="no, code 1"):
        VTEX.cancel(on_stage(stage, VTEX, retry=RetryPolicy.never()))
    assert stage.kinds == ["cancel"]


@table("status", [400, 405, 406, 409, 412, 415, 422, 451])
@table(
    "body, reason",
    [({"error": {"code": "1", "message": "Too late"}}, "Too late"), ({}, None)],
    ids=["words", "none"],
)
def test_an_undocumented_code_on_an_invoiced_order_is_refused(
    status: int, body: object, reason: str | None, on_stage: OnStage
) -> None:
    """With the status that stands in the way, and VTEX's own words."""
    stage = Stage(cancel=[reply(status, body)], read=[vtex_order("invoiced")])
    outcome = VTEX.cancel(on_stage(stage, VTEX))
    assert isinstance(outcome, Refused)
    assert outcome.refused == (Part("1172-01", "invoiced", reason),)
    assert isinstance(outcome.answer, VtexOrder)
    assert str(outcome) == f"vtex order 1172-01: refused: {reason or 'invoiced'}"
    assert stage.kinds == ["cancel", "read"]


def test_an_undocumented_code_on_a_cancelled_order_is_cancelled(on_stage: OnStage) -> None:
    """It had been cancelled before."""
    stage = Stage(cancel=[reply(409)], read=[vtex_order("canceled")])
    assert isinstance(VTEX.cancel(on_stage(stage, VTEX)), Cancelled)


@table("read", [vtex_order("handling"), reply(403), reply(404), reply(500), lost()], ids=str)
def test_an_undocumented_code_that_nothing_explains_is_rejected(read: Any, on_stage: OnStage) -> None:
    """The order is open, or hidden: 4xx on a clean attempt still means "not applied"."""
    stage = Stage(cancel=[reply(409, {"error": "no"})], read=[read])
    with pytest.raises(RejectedError) as caught:
        VTEX.cancel(on_stage(stage, VTEX))
    assert (type(caught.value), caught.value.status) == (RejectedError, 409)
    assert caught.value.body == '{"error": "no"}'
    assert [attempt.what for attempt in caught.value.attempts] == ["cancel", "read"]


STATES = {
    "canceled": "Cancelled",
    "cancel": "Requested",
    "request-cancel": "Requested",
    "cancellation-requested": "Requested",
    "waiting-for-seller-decision": "Requested",
    "invoiced": "Refused",
    "incomplete": "Unknown",
    "handling": "Unknown",
    "payment-approved": "Unknown",
    "on-the-moon": "Unknown",
    "Canceled": "Cancelled",
    "Invoiced": "Refused",
}


@table("status, answer", STATES.items())
def test_a_status_as_an_outcome(status: str, answer: str, on_stage: OnStage) -> None:
    """Known ones are told apart in any case; an unknown one is kept as text and is not final."""
    stage = Stage(read=[vtex_order(status)])
    outcome = VTEX.wait(on_stage(stage, VTEX), timeout=0.001)
    assert names(outcome) == answer
    assert outcome.answer.status == status
    if isinstance(outcome, Requested):
        assert outcome.status == status


def test_a_denial_is_refused_with_the_sellers_reason(on_stage: OnStage) -> None:
    """The order goes back to work, and the request says why."""
    order = vtex_order("ready-for-handling", cancellationRequests=[DENIED])
    outcome = VTEX.wait(on_stage(Stage(read=[order]), VTEX))
    assert isinstance(outcome, Refused)
    assert outcome.refused == (Part("1172-01", "ready-for-handling", "The parcel has left"),)
    answer = outcome.answer
    assert isinstance(answer, VtexOrder)
    assert answer.cancellation_requests is not None
    request = answer.cancellation_requests[0]
    assert (request.id, request.reason, request.requested_by_user) == ("r1", "changed my mind", True)
    assert (request.denied_by_seller, request.denial_reason) == (True, "The parcel has left")


def test_the_latest_request_counts(on_stage: OnStage) -> None:
    """An old denial does not answer a new request."""
    again = vtex_order("handling", cancellationRequests=[DENIED, OPEN])
    outcome = VTEX.wait(on_stage(Stage(read=[again]), VTEX), timeout=0.001)
    assert isinstance(outcome, Unknown)


def test_an_old_denial_does_not_settle_a_lost_request(on_stage: OnStage) -> None:
    """It may answer an earlier request than the one that was lost: the order is asked again."""
    denied = vtex_order("handling", cancellationRequests=[DENIED])
    stage = Stage(cancel=[lost(), vtex_receipt()], read=repeat(denied))
    assert isinstance(VTEX.cancel(on_stage(stage, VTEX)), Requested)
    assert stage.kinds.count("cancel") == 2
    assert stage.times[-1] >= 10.0


def test_a_denial_while_the_answer_was_awaited_is_of_this_request(on_stage: OnStage) -> None:
    """By the Date of the answer, less the time that it took: that is when the request was sent, by VTEX's clock."""
    for second, answer in [("04", Refused), ("01", Unknown), ("00", Unknown)]:
        denied = DENIED | {"cancellationRequestDenyDate": f"2026-03-02T09:00:{second}+00:00"}
        failed = reply(500, date="Mon, 02 Mar 2026 09:00:08 GMT")
        read = vtex_order("handling", cancellationRequests=[denied])
        stage = Stage(cancel=[After(8.0, failed)], read=repeat(read))
        assert isinstance(VTEX.cancel(on_stage(stage, VTEX, retry=RetryPolicy.never())), answer)


def test_a_race_that_never_ends_is_bounded(on_stage: OnStage) -> None:
    """`request-cancel` with an error in its workflow stays so for ever; the last sight is what comes back."""
    stuck = vtex_order("request-cancel", workflowIsInError=True)
    stage = Stage(read=repeat(stuck))
    outcome = VTEX.wait(on_stage(stage, VTEX), timeout=600.0)
    assert isinstance(outcome, Requested)
    assert outcome.status == "request-cancel"
    assert isinstance(outcome.answer, VtexOrder)
    assert outcome.answer.workflow_is_in_error is True
    assert stage.now <= 600.0


def test_a_sequence_number_is_not_the_order(on_stage: OnStage) -> None:
    """The read takes both; the id that comes back is compared."""
    with pytest.raises(OrderUnreadableError, match="another order"):
        VTEX.read(on_stage(Stage(read=[vtex_order("canceled", "500001")]), VTEX, retry=RetryPolicy.never()))


def test_an_order_is_typed(on_stage: OnStage) -> None:
    """What is not typed is in `raw`; optional fields may be missing, or null."""
    bare = reply(200, {"orderId": "1172-01", "status": "handling", "value": 4990})
    order = VTEX.read(on_stage(Stage(read=[bare]), VTEX))
    assert isinstance(order, VtexOrder)
    assert (order.allow_cancellation, order.workflow_is_in_error) == (None, None)
    assert order.cancellation_requests is None
    assert order.raw["value"] == 4990
    full = vtex_order("handling", allowCancellation=None, cancellationRequests=None, workflowIsInError=False)
    order = VTEX.read(on_stage(Stage(read=[full]), VTEX))
    assert (order.allow_cancellation, order.workflow_is_in_error) == (None, False)


def test_a_key_that_may_cancel_but_not_look(on_stage: OnStage) -> None:
    """After a lost answer a 403 at the read settles nothing; asking again might confirm before the seller decides."""
    stage = Stage(cancel=[lost()], read=repeat(reply(403)))
    assert isinstance(VTEX.cancel(on_stage(stage, VTEX)), Unknown)
    assert stage.kinds.count("cancel") == 1


@table(
    "wrong",
    [
        {"reason": 5},
        {"reason": b"bytes"},
        {"requested_by_user": "yes"},
        {"requested_by_user": 1},
    ],
    ids=str,
)
def test_a_wrong_reason_or_flag_is_not_sent(wrong: dict[str, Any], on_stage: OnStage) -> None:
    """Through `cancel_order` and through a request object."""
    stage = Stage()
    door = on_stage(stage, VTEX)
    with pytest.raises(InvalidRequestError):
        VTEX.cancel(door, **wrong)
    with pytest.raises(InvalidRequestError):
        door.cancel(CancelVtexOrder("1172-01", **wrong))
    assert stage.calls == []


def test_the_host_is_made_of_account_and_environment() -> None:
    """`vtexcommercestable` unless said otherwise."""
    assert Vtex(account="a", app_key="k", app_token="t").url == "https://a.vtexcommercestable.com.br"
    beta = Vtex(account="a", app_key="k", app_token="t", environment="vtexcommercebeta")
    assert beta.url == "https://a.vtexcommercebeta.com.br"
