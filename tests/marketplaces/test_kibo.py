"""Kibo OMS: the order comes back, and is cancelled only when it says so."""

from typing import Any

import pytest

from countermand import (
    CancelKiboOrder,
    Cancelled,
    InvalidRequestError,
    Kibo,
    KiboOrder,
    OrderUnreadableError,
    Part,
    Refused,
    RejectedError,
    Requested,
    RetryPolicy,
)
from tests.support.doors import Kind, OnStage, OpenDoor
from tests.support.markets import KIBO, kibo_order, names
from tests.support.stage import Stage, reply
from tests.support.tables import table

BIG = 2**53 + 1


@table("word", ["CANCELED", "CANCELLED", "canceled", "Cancelled"])
def test_an_order_that_says_so_is_cancelled(word: str, on_stage: OnStage) -> None:
    """At once."""
    outcome = KIBO.cancel(on_stage(Stage(cancel=[kibo_order(word)]), KIBO))
    assert isinstance(outcome, Cancelled)
    assert outcome.cancelled == (Part("1010101", word),)
    assert isinstance(outcome.answer, KiboOrder)
    assert outcome.order_id == "1010101"


@table("word", ["READY", "PENDING", "SHIPPED", "on the moon"])
def test_any_other_order_is_requested(word: str, on_stage: OnStage) -> None:
    """Accepted, and not seen to be done."""
    outcome = KIBO.cancel(on_stage(Stage(cancel=[kibo_order(word)]), KIBO))
    assert isinstance(outcome, Requested)
    assert outcome.status == word


@pytest.mark.parametrize("key", ["orderState", "orderStatus"])
def test_one_of_state_and_status_is_enough(key: str, on_stage: OnStage) -> None:
    """The public documents show both; a tenant may send one."""
    body = {"orderID": 1010101, key: "CANCELED"}
    assert isinstance(KIBO.cancel(on_stage(Stage(cancel=[reply(200, body)]), KIBO)), Cancelled)


def test_an_order_without_either_is_settled_by_reading(on_stage: OnStage) -> None:
    """Nothing in it says what became of it."""
    stage = Stage(cancel=[reply(200, {"orderID": 1010101})], read=[KIBO.cancelled])
    assert isinstance(KIBO.cancel(on_stage(stage, KIBO)), Cancelled)
    assert stage.kinds == ["cancel", "read"]


def test_two_spellings_that_differ_decide_nothing(on_stage: OnStage) -> None:
    """Which of the two to believe would be a guess."""
    both = {"orderID": 1010101, "orderId": 7, "orderState": "CANCELED"}
    stage = Stage(cancel=[reply(200, both)], read=[KIBO.blocked])
    assert isinstance(KIBO.cancel(on_stage(stage, KIBO)), Refused)
    same = both | {"orderId": 1010101}
    assert isinstance(KIBO.cancel(on_stage(Stage(cancel=[reply(200, same)]), KIBO)), Cancelled)


@pytest.mark.parametrize("order_id", [BIG, BIG + 1, 2**63 - 1])
def test_ids_past_2_to_the_53_stay_exact(order_id: int, on_stage: OnStage) -> None:
    """On the way out and on the way back, and their neighbours are other orders."""
    stage = Stage(cancel=[kibo_order("CANCELED", order_id)], read=[kibo_order("CANCELED", order_id)] * 2)
    door = on_stage(stage, KIBO)
    outcome = door.do("kibo", "cancel_order", order_id, "other")
    assert isinstance(outcome, Cancelled)
    assert outcome.order_id == str(order_id)
    assert f'"orderId": {order_id},'.encode() in (stage.calls[0].body or b"")
    assert door.do("kibo", "get_order", order_id).order_id == order_id
    assert stage.calls[1].target == f"/api/v2/order/{order_id}"
    with pytest.raises(OrderUnreadableError, match="another order"):
        on_stage(Stage(read=[kibo_order("CANCELED", order_id - 1)]), KIBO, retry=RetryPolicy.never()).do(
            "kibo", "get_order", order_id
        )


@table("status", [400, 405, 409, 415, 422])
@table("state", ["SHIPPED", "FULFILLED", "Completed"])
def test_an_undocumented_code_on_an_order_past_cancelling_is_refused(
    status: int, state: str, on_stage: OnStage
) -> None:
    """With the status that stands in the way."""
    stage = Stage(cancel=[reply(status)], read=[kibo_order(state)])
    outcome = KIBO.cancel(on_stage(stage, KIBO))
    assert isinstance(outcome, Refused)
    assert outcome.refused == (Part("1010101", state),)


def test_an_undocumented_code_on_an_open_order_is_rejected(on_stage: OnStage) -> None:
    """The order explains nothing, so the code is raised."""
    stage = Stage(cancel=[reply(409)], read=[KIBO.still_open])
    with pytest.raises(RejectedError):
        KIBO.cancel(on_stage(stage, KIBO))


STATES = {
    "CANCELED": "Cancelled",
    "SHIPPED": "Refused",
    "READY": "Unknown",
    "on the moon": "Unknown",
    "Order Canceled": "Cancelled",
    "shipped": "Refused",
}


@table("status, answer", STATES.items())
def test_a_state_as_an_outcome(status: str, answer: str, on_stage: OnStage) -> None:
    """An unknown one is kept as text."""
    outcome = KIBO.wait(on_stage(Stage(read=[kibo_order(status)]), KIBO), timeout=0.001)
    assert names(outcome) == answer
    assert outcome.answer.order_status == status


def test_an_order_is_typed(on_stage: OnStage) -> None:
    """Optional fields may be null; what is not typed is in `raw`."""
    more: dict[str, Any] = {
        "orderType": "STANDARD",
        "orderCurrency": None,
        "orderDate": "2010-04-08T16:32:03+00:00",
    }
    order = KIBO.read(on_stage(Stage(read=[kibo_order("READY", **more, total=4.99)]), KIBO))
    assert isinstance(order, KiboOrder)
    assert (order.order_type, order.order_currency, order.delivery_method) == ("STANDARD", None, None)
    assert order.order_date == "2010-04-08T16:32:03+00:00"
    assert order.raw["total"] == 4.99


@table("wrong", ["01010101", "1010101.0", " 1010101", True, None, [1010101], 1010101.0], ids=repr)
def test_an_id_of_another_type_decides_nothing(wrong: object, on_stage: OnStage) -> None:
    """An integer, or its canonical decimal text."""
    body = {"orderID": wrong, "orderState": "CANCELED"}
    stage = Stage(cancel=[reply(200, body)], read=[KIBO.blocked])
    assert isinstance(KIBO.cancel(on_stage(stage, KIBO)), Refused)


REASONS = {
    "an explanation with another reason": ("customer_changed_mind", "because"),
    "an empty explanation": ("other", ""),
    "256 characters": ("other", "x" * 256),
    "an explanation that is no text": ("other", 5),
    "an empty reason": ("", None),
    "a blank reason": ("  ", None),
    "no reason": (None, None),
    "a reason that is no text": (5, None),
}


@table("reason, explanation", REASONS.values(), ids=REASONS)
def test_reasons_that_are_not_sent(reason: Any, explanation: Any, on_stage: OnStage) -> None:
    """Through `cancel_order` and through a request object."""
    stage = Stage()
    door = on_stage(stage, KIBO)
    with pytest.raises(InvalidRequestError) as caught:
        door.do("kibo", "cancel_order", 1010101, reason, explanation)
    assert caught.value.marketplace == "kibo"
    with pytest.raises(InvalidRequestError):
        door.cancel(CancelKiboOrder(1010101, reason, explanation))
    assert stage.calls == []


@table(
    "reason, explanation",
    [
        ("other", "x"),
        ("OTHER", "x"),
        ("Other", "x"),
        ("other", "x" * 255),
        ("other", "\N{SNOWMAN}" * 255),
        ("other", None),
        ("customer_changed_mind", None),
        ("a_tenants_own_reason", None),
    ],
)
def test_reasons_that_are_sent(reason: str, explanation: str | None, on_stage: OnStage) -> None:
    """Any text is a reason: a tenant's own schema has more of them."""
    stage = Stage(cancel=[KIBO.accepted])
    on_stage(stage, KIBO).do("kibo", "cancel_order", 1010101, reason, explanation)
    assert len(stage.calls) == 1


def test_hosts_are_made_of_the_tenant() -> None:
    """Digits, as a number or as text."""
    assert Kibo(tenant_id=12345).url == "https://12345-translation.mozu.com"
    assert Kibo(tenant_id="12345").url == "https://12345-translation.mozu.com"
    assert Kibo(tenant_id=1, environment="sandbox").url == "https://1-translation.sandbox.mozu.com"


def test_calls_at_once_learn_the_spelling_from_each_other(open_door: OpenDoor, kind: Kind) -> None:
    """None of two that were refused alike takes the other's discovery for its own first wording."""
    if kind == "sync":
        return
    refused = reply(400, {"errorCode": "5011", "message": "missing request data"})
    stage = Stage(cancel=[refused, refused, KIBO.cancelled, KIBO.cancelled, KIBO.cancelled])
    door = open_door(**KIBO.settings, http_client=stage.async_driver)
    calls = [lambda: door.client.kibo.cancel_order(1010101, "other") for _ in range(2)]
    outcomes = door.together(*calls)
    assert [type(outcome) for outcome in outcomes] == [Cancelled, Cancelled]
    KIBO.cancel(door)
    spellings = ["orderID" if b'"orderID"' in (call.body or b"") else "orderId" for call in stage.calls]
    assert spellings == ["orderId", "orderId", "orderID", "orderID", "orderID"]
