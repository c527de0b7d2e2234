"""Pattern Hub: what each documented answer means, and that the lists outrank the rest."""

from itertools import repeat
from typing import Any

import pytest

from countermand import (
    Cancelled,
    InvalidRequestError,
    OrderNotFoundError,
    OrderUnreadableError,
    Part,
    PartiallyCancelled,
    Pattern,
    PatternCancellation,
    PatternOrderStatus,
    Refused,
    Requested,
    RetryPolicy,
    Unknown,
)
from tests.support.doors import OnStage
from tests.support.markets import PATTERN, names, pattern_answer, pattern_order
from tests.support.stage import Stage, reply
from tests.support.tables import table


def cancel(on_stage: OnStage, status: int, body: object, *reads: Any) -> Any:
    """Return the outcome of a cancellation that is answered so."""
    return PATTERN.cancel(on_stage(Stage(cancel=[reply(status, body)], read=reads), PATTERN))


def test_200_is_requested(on_stage: OnStage) -> None:
    """Initiated, as the document says: not cancelled, although the parts say "cancelled"."""
    body = pattern_answer({1001: "cancelled", 1002: "cancelled"}, {})
    outcome = cancel(on_stage, 200, body)
    assert isinstance(outcome, Requested)
    assert isinstance(outcome.answer, PatternCancellation)
    assert (outcome.answer.success, outcome.answer.message) == (True, "told")
    assert [order.warehouse_order_id for order in outcome.answer.cancelled_orders] == [1001, 1002]
    assert outcome.answer.raw == body


def test_206_is_partially_cancelled(on_stage: OnStage) -> None:
    """Each part with its id, status and reason; more can still change, for one is only initiated."""
    body = pattern_answer({1003: "cancelled"}, {1004: ("picked", "Already picked")})
    outcome = cancel(on_stage, 206, body)
    assert isinstance(outcome, PartiallyCancelled)
    assert outcome.cancelled == (Part("1003", "cancelled"),)
    assert outcome.refused == (Part("1004", "picked", "Already picked"),)
    assert outcome.settled is False


def test_409_is_refused(on_stage: OnStage) -> None:
    """None could be cancelled, and each says why."""
    body = pattern_answer({}, {1005: ("departed", "Gone"), 1006: ("complete", "Done")})
    outcome = cancel(on_stage, 409, body)
    assert isinstance(outcome, Refused)
    assert outcome.refused == (Part("1005", "departed", "Gone"), Part("1006", "complete", "Done"))
    assert outcome.cancelled == ()
    assert isinstance(outcome.answer, PatternCancellation)
    assert str(outcome) == "pattern order 114-1: refused: Gone; Done"


def test_409_with_every_part_cancelled_is_cancelled(on_stage: OnStage) -> None:
    """A repeated cancellation is not refused: it is done."""
    body = pattern_answer({}, {1: ("cancelled", "Already"), 2: ("cancelled", "Already")})
    outcome = cancel(on_stage, 409, body)
    assert isinstance(outcome, Cancelled)
    assert [part.id for part in outcome.cancelled] == ["1", "2"]


def test_409_with_some_parts_cancelled_is_partial_and_settled(on_stage: OnStage) -> None:
    """Nothing was begun now; one part was cancelled before, the other cannot be."""
    body = pattern_answer({}, {1: ("cancelled", "Already"), 2: ("departed", "Gone")})
    outcome = cancel(on_stage, 409, body)
    assert isinstance(outcome, PartiallyCancelled)
    assert outcome.settled is True
    assert (outcome.cancelled[0].id, outcome.refused[0].id) == ("1", "2")


LISTS = {
    "begun": (pattern_answer({1: "cancelled"}, {}), "Requested"),
    "some begun": (pattern_answer({1: "cancelled"}, {2: ("picked", "r")}), "PartiallyCancelled"),
    "none": (pattern_answer({}, {2: ("picked", "r")}), "Refused"),
    "before": (pattern_answer({}, {2: ("cancelled", "r")}), "Cancelled"),
    "begun and before": (pattern_answer({1: "new"}, {2: ("cancelled", "r")}), "Requested"),
}


@table("success", [True, False])
@table("status", [200, 206, 409])
@table("body, answer", LISTS.values(), ids=LISTS)
def test_the_lists_outrank_success_and_the_status_code(
    body: dict[str, Any], answer: str, status: int, success: bool, on_stage: OnStage
) -> None:
    """Whatever stands beside them."""
    assert names(cancel(on_stage, status, body | {"success": success})) == answer


@pytest.mark.parametrize("status", [200, 206])
def test_a_success_without_any_part_is_settled_by_reading(status: int, on_stage: OnStage) -> None:
    """Lists that say nothing decide nothing."""
    outcome = cancel(on_stage, status, pattern_answer({}, {}), PATTERN.cancelled)
    assert isinstance(outcome, Cancelled)
    assert [attempt.what for attempt in outcome.attempts] == ["cancel", "read"]


STRICT = {
    "success is text": {"success": "no"},
    "success is a number": {"success": 1},
    "both lists are null": {"cancelled_orders": None, "non_cancellable_orders": None},
    "a list is an object": {"cancelled_orders": {}},
    "a number is text": {"cancelled_orders": [{"warehouse_order_id": "1", "status": "cancelled"}]},
    "a number is a fraction": {"cancelled_orders": [{"warehouse_order_id": 1.5, "status": "new"}]},
    "a status is missing": {"cancelled_orders": [{"warehouse_order_id": 1}]},
    "a status is null": {"cancelled_orders": [{"warehouse_order_id": 1, "status": None}]},
    "the id is a number": {"market_order_id": 1141},
}


@table("wrong", STRICT.values(), ids=STRICT)
def test_a_body_that_is_not_as_documented_is_settled_by_reading(
    wrong: dict[str, Any], on_stage: OnStage
) -> None:
    """Scalars are strict: "no" never becomes True."""
    body = pattern_answer({1: "cancelled"}, {}) | wrong
    assert isinstance(cancel(on_stage, 200, body, PATTERN.cancelled), Cancelled)


@pytest.mark.parametrize("wanting", ["market_order_id", "success", "cancelled_orders"])
def test_a_missing_field_is_settled_by_reading(wanting: str, on_stage: OnStage) -> None:
    """What is left says nothing about this order."""
    body = pattern_answer({1: "cancelled"}, {})
    del body[wanting]
    assert isinstance(cancel(on_stage, 200, body, PATTERN.cancelled), Cancelled)


def test_a_field_that_stands_twice_is_settled_by_reading(on_stage: OnStage) -> None:
    """Which of the two to believe would be a guess."""
    order = b'"market_order_id":"114-1","success":true,"message":"","cancelled_orders":[],'
    twice = b'"non_cancellable_orders":[],"non_cancellable_orders":'
    body = b"{" + order + twice + b'[{"warehouse_order_id":1,"status":"picked","reason":"r"}]}'
    assert isinstance(cancel(on_stage, 409, body, PATTERN.cancelled), Cancelled)


def test_new_fields_and_statuses_are_kept(on_stage: OnStage) -> None:
    """An unknown status is text, an unknown field is in `raw`."""
    body = pattern_answer({1: "being-unpacked"}, {}) | {"eta": "soon"}
    outcome = cancel(on_stage, 200, body)
    assert isinstance(outcome, Requested)
    assert isinstance(outcome.answer, PatternCancellation)
    assert outcome.answer.cancelled_orders[0].status == "being-unpacked"
    assert outcome.answer.raw["eta"] == "soon"


def test_a_reason_may_be_missing(on_stage: OnStage) -> None:
    """Then the status says why."""
    part = {"warehouse_order_id": 2, "status": "picked"}
    outcome = cancel(on_stage, 409, pattern_answer({}, {}) | {"non_cancellable_orders": [part]})
    assert isinstance(outcome, Refused)
    assert outcome.refused == (Part("2", "picked", None),)


def test_422_is_an_invalid_request_with_the_errors(on_stage: OnStage) -> None:
    """In the marketplace's own words."""
    with pytest.raises(InvalidRequestError) as caught:
        cancel(on_stage, 422, {"errors": ["market_order_id is missing", "and more"]})
    assert caught.value.errors == ("market_order_id is missing", "and more")
    assert (caught.value.status, caught.value.marketplace) == (422, "pattern")
    assert isinstance(caught.value, ValueError)


@table(
    "body", [b"", b"<html>", b"[]", b'{"errors": "text"}', b'{"errors": [1]}', b'{"errors": null}', b"\xff"]
)
def test_422_without_errors_is_an_invalid_request_all_the_same(body: bytes, on_stage: OnStage) -> None:
    """Nothing crashes on what stands in the body."""
    with pytest.raises(InvalidRequestError) as caught:
        cancel(on_stage, 422, body)
    assert caught.value.errors == ()


READS = {
    "all cancelled": (("cancelled", "cancelled", "cancelled"), "Cancelled", True),
    "American": (("canceled", "canceled"), "Cancelled", True),
    "some cancelled, some shipped": (("processing", "cancelled", "shipped"), "PartiallyCancelled", True),
    "some cancelled, some open": (("processing", "cancelled", "pending"), "PartiallyCancelled", False),
    "all shipped": (("complete", "shipped", "shipped"), "Refused", True),
    "all open": (("pending", "pending", "backordered"), "Unknown", False),
    "some shipped": (("partially shipped", "shipped", "processing"), "Unknown", False),
    "an error": (("error", "error"), "Unknown", False),
    "a status nobody knows": (("on the moon", "on the moon"), "Unknown", False),
    "without parts, cancelled": (("cancelled",), "Cancelled", True),
    "without parts, complete": (("complete",), "Unknown", False),  # a part may have been cancelled
    "without parts, open": (("processing",), "Unknown", False),
}


@table("statuses, answer, settled", READS.values(), ids=READS)
def test_a_state_as_an_outcome(
    statuses: tuple[str, ...], answer: str, settled: bool, on_stage: OnStage
) -> None:
    """The sub-orders decide; without any the order's status counts if it is cancelled."""
    outcome = PATTERN.wait(on_stage(Stage(read=[pattern_order(*statuses)]), PATTERN), timeout=0.001)
    assert (names(outcome), outcome.settled) == (answer, settled)


def test_the_status_is_typed(on_stage: OnStage) -> None:
    """With its parts and their articles; all that was answered stays in `raw`."""
    stage = Stage(read=[pattern_order("partially shipped", "shipped", "on the moon")])
    order = PATTERN.read(on_stage(stage, PATTERN))
    assert isinstance(order, PatternOrderStatus)
    assert order.order_status == "partially shipped"
    assert [part.sub_order_status for part in order.sub_orders] == ["shipped", "on the moon"]
    assert (order.sub_orders[0].items[0].sku, order.sub_orders[0].items[0].quantity) == ("A", 1)
    assert order.raw["market_order_id"] == "114-1"


def test_an_unknown_order_is_not_found(on_stage: OnStage) -> None:
    """404 in Pattern's own shape, at the read."""
    with pytest.raises(OrderNotFoundError):
        PATTERN.read(on_stage(Stage(read=[reply(404, {"errors": ["Order not found"]})]), PATTERN))


def test_a_status_of_another_order_is_unreadable(on_stage: OnStage) -> None:
    """It is not this order's status."""
    with pytest.raises(OrderUnreadableError, match="another order"):
        PATTERN.read(on_stage(Stage(read=[PATTERN.another]), PATTERN, retry=RetryPolicy.never()))


def test_staging_and_production_are_two_hosts() -> None:
    """Each takes its own token."""
    assert Pattern(token="t").url == "https://api.pattern.com/hub"
    assert Pattern(token="t", environment="staging").url == "https://stage-api.pattern.com/hub"


@pytest.mark.parametrize("statuses", [("cancelled", "shipped"), ("complete", "cancelled", "cancelled")])
def test_a_state_that_contradicts_itself_decides_nothing(
    statuses: tuple[str, ...], on_stage: OnStage
) -> None:
    """The order says one thing, its parts another: it is not settled, whichever is right."""
    stage = Stage(read=repeat(pattern_order(*statuses)))
    outcome = PATTERN.wait(on_stage(stage, PATTERN), timeout=30.0)
    assert isinstance(outcome, Unknown)
    assert outcome.answer is not None
    assert outcome.answer.order_status == statuses[0]


def test_a_409_that_claims_success_and_lists_nothing_is_settled_by_reading(on_stage: OnStage) -> None:
    """It contradicts itself."""
    stage = Stage(cancel=[reply(409, pattern_answer({}, {}, success=True))], read=[PATTERN.cancelled])
    assert isinstance(PATTERN.cancel(on_stage(stage, PATTERN)), Cancelled)
