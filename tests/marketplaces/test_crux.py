"""Crux Connect: what is received, what is refused, and the line items that decide."""

from itertools import repeat
from typing import Any

import pytest

from countermand import (
    AuthenticationError,
    CountermandError,
    Crux,
    CruxLineItem,
    CruxOrder,
    InvalidRequestError,
    OrderUnreadableError,
    Part,
    PartiallyCancelled,
    PermissionDeniedError,
    Refused,
    RejectedError,
    RetryPolicy,
    Unknown,
)
from tests.support.doors import OnStage
from tests.support.markets import CRUX, crux_order, names
from tests.support.stage import Stage, lost, reply
from tests.support.tables import table

WORDS = [
    (b'{"detail": "Too late"}', "Too late"),
    (b'{"message": "Too late"}', "Too late"),
    (b'{"error": "Too late"}', "Too late"),
    (b'{"order_uuid": ["Not cancellable."]}', "order_uuid: Not cancellable."),
    (b'{"detail": {"code": 1}}', None),
    (b"", None),
    (b"[]", None),
]


@table("body, reason", WORDS)
def test_422_is_refused_with_the_lines(body: bytes, reason: str | None, on_stage: OnStage) -> None:
    """The action can't be performed on the identifier provided: the one read says why, or the marketplace does."""
    stage = Stage(cancel=[reply(422, body)], read=[crux_order("Allocated", "Rejected")])
    outcome = CRUX.cancel(on_stage(stage, CRUX))
    assert isinstance(outcome, Refused)
    rejected = "not allocated: its supplier will not ship it"
    assert outcome.refused == (Part("line-0", "Allocated", reason), Part("line-1", "Rejected", rejected))
    assert isinstance(outcome.answer, CruxOrder)
    assert stage.kinds == ["cancel", "read"]


@table("body, reason", WORDS)
@table("read", [lost(), reply(500), reply(404), reply(403)], ids=str)
def test_422_is_refused_where_the_order_cannot_be_read(
    body: bytes, reason: str | None, read: Any, on_stage: OnStage
) -> None:
    """With the 422's own words, and the read that failed."""
    stage = Stage(cancel=[reply(422, body)], read=[read])
    outcome = CRUX.cancel(on_stage(stage, CRUX))
    assert isinstance(outcome, Refused)
    (part,) = outcome.refused
    assert (part.id, part.status) == (CRUX.order_id, "not cancellable")
    assert part.reason is not None
    assert part.reason.startswith(f"{reason}; reading it" if reason else "reading it")
    assert outcome.answer is None
    assert stage.kinds == ["cancel", "read"]


@pytest.mark.parametrize("read", [lost(), reply(500), crux_order("Allocated")], ids=str)
def test_422_of_a_gateway_is_no_refusal(read: Any, on_stage: OnStage) -> None:
    """A page is not Crux Connect's own answer: it is rejected with the address, unless the order is final."""
    stage = Stage(cancel=[reply(422, b"<html>")], read=[read])
    with pytest.raises(RejectedError) as caught:
        CRUX.cancel(on_stage(stage, CRUX))
    assert "a gateway" in str(caught.value)
    assert "/orders/cancel/" in str(caught.value)
    stage = Stage(cancel=[reply(422, b"<html>")], read=[crux_order("HasTracking")])
    assert isinstance(CRUX.cancel(on_stage(stage, CRUX)), Refused)


@table(
    "status, error",
    [
        (400, InvalidRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, RejectedError),  # a wrong URL
        (405, RejectedError),
        (409, PermissionDeniedError),
        (415, RejectedError),
    ],
)
def test_documented_codes_are_typed(status: int, error: type[CountermandError], on_stage: OnStage) -> None:
    """409 is the wrong type of requester; none of them needs a read."""
    stage = Stage(cancel=[reply(status, {"detail": "no"})])
    with pytest.raises(error) as caught:
        CRUX.cancel(on_stage(stage, CRUX))
    assert type(caught.value) is error
    assert caught.value.status == status
    assert stage.kinds == ["cancel"]


STATES = {
    "all cancelled": (("Cancelled", "Cancelled"), "Cancelled", True),
    "some cancelled, some shipped": (("Cancelled", "HasTracking"), "PartiallyCancelled", True),
    "some cancelled, some open": (("Cancelled", "Allocated"), "PartiallyCancelled", False),
    "all shipped": (("HasTracking", "Rejected"), "Refused", True),
    "some shipped": (("HasTracking", "Allocated"), "Unknown", False),
    "all open": (("Allocated", "Backordered", "Unallocated", "NeedsTracking"), "Unknown", False),
    "a status nobody knows": (("Teleported",), "Unknown", False),
}


@table("statuses, answer, settled", STATES.values(), ids=STATES)
def test_a_state_as_an_outcome(
    statuses: tuple[str, ...], answer: str, settled: bool, on_stage: OnStage
) -> None:
    """The line items decide."""
    outcome = CRUX.wait(on_stage(Stage(read=[crux_order(*statuses)]), CRUX), timeout=0.001)
    assert names(outcome) == answer
    assert outcome.settled is settled
    if isinstance(outcome, PartiallyCancelled):
        assert outcome.cancelled == (Part("line-0", "Cancelled"),)
        assert outcome.refused == (Part("line-1", statuses[1]),)


def test_an_order_without_lines_shows_nothing(on_stage: OnStage) -> None:
    """All of none is not "cancelled"."""
    with pytest.raises(OrderUnreadableError, match="no line items"):
        CRUX.read(on_stage(Stage(read=[crux_order()]), CRUX, retry=RetryPolicy.never()))


def test_an_order_is_typed(on_stage: OnStage) -> None:
    """A UUID is the same in capitals."""
    order = CRUX.read(
        on_stage(Stage(read=[crux_order("Allocated", order_id="521A91E5058D4474AEEEF0C148594A00")]), CRUX)
    )
    assert order == CruxOrder("521A91E5058D4474AEEEF0C148594A00", (CruxLineItem("line-0", "Allocated"),))
    assert order.raw["line_items"][0]["status"] == "Allocated"


TIMP = Crux(token="t", release="timp")


def test_timpanogos_names_things_differently(on_stage: OnStage) -> None:
    """The model is the same; `raw` is as it was answered."""
    body = {
        "order_uuid": "521a91e5-058d-4474-aeee-f0c148594a00",
        "line_items": [{"line_item_uuid": "line-0", "status": "Cancelled"}],
    }
    stage = Stage(cancel=[reply(200)], read=[reply(200, body)])
    door = on_stage(stage, CRUX, crux=TIMP)
    order = CRUX.read(door)
    assert order == CruxOrder("521a91e5-058d-4474-aeee-f0c148594a00", (CruxLineItem("line-0", "Cancelled"),))
    assert order.raw == body
    CRUX.cancel(door)
    assert [call.target for call in stage.calls] == [
        "/timp/orders/521a91e5-058d-4474-aeee-f0c148594a00/",
        "/timp/orders/cancel/",
    ]


def test_the_other_releases_names_are_not_taken(on_stage: OnStage) -> None:
    """A body of v1 is no order of Timpanogos."""
    door = on_stage(Stage(read=[CRUX.cancelled]), CRUX, crux=TIMP, retry=RetryPolicy.never())
    with pytest.raises(OrderUnreadableError):
        CRUX.read(door)


def test_an_unclear_cancellation_is_never_sent_twice(on_stage: OnStage) -> None:
    """It would be forwarded to the suppliers again: the order is polled, and then it is unknown."""
    stage = Stage(cancel=[lost()], read=repeat(CRUX.still_open))
    outcome = CRUX.cancel(on_stage(stage, CRUX, timeout=120.0))
    assert isinstance(outcome, Unknown)
    assert stage.kinds.count("cancel") == 1
    assert stage.kinds.count("read") > 4


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_order_that_hides_is_unknown(status: int, on_stage: OnStage) -> None:
    """A 4xx at the read after a lost answer says nothing about the cancellation."""
    stage = Stage(cancel=[lost()], read=repeat(reply(status)))
    assert isinstance(CRUX.cancel(on_stage(stage, CRUX)), Unknown)
    assert stage.kinds.count("cancel") == 1


def test_hosts_and_releases() -> None:
    """Three environments, production unless said otherwise."""
    assert Crux(token="t").url == "https://api.cruxconnect.com"
    assert Crux(token="t", environment="dev").url == "https://api-dev.cruxconnect.com"
    assert Crux(token="t", environment="sandbox").url == "https://api-sandbox.cruxconnect.com"
