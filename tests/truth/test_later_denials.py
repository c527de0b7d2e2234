"""A denial counts if it is newer than the receipt, whoever looks, and whatever their clock says."""

from itertools import repeat
from typing import Any

import pytest

from countermand import (
    Cancelled,
    Refused,
    Requested,
    Unknown,
)
from countermand.engine.wire import Clock
from tests.support.doors import OnStage
from tests.support.markets import (
    VTEX,
    names,
)
from tests.support.stage import WALL, Stage, lost, reply
from tests.support.tables import table

from .test_later_looks import check
from .vtex import OLD, OURS, order, receipt, request


def test_a_denial_after_several_looks(on_stage: OnStage) -> None:
    """A look replaces the receipt by the order, and the evidence still tells when it was."""
    reads = [
        order("handling", cancellationRequests=[OLD]),
        order("handling", cancellationRequests=[OLD]),
        order("handling", cancellationRequests=[OLD, OURS]),
    ]
    door = on_stage(Stage(cancel=[receipt()], read=reads), VTEX)
    outcome = VTEX.cancel(door)
    for _ in range(2):
        outcome = check(door, outcome)
        assert isinstance(outcome, Requested)
    outcome = check(door, outcome)
    assert isinstance(outcome, Refused)
    assert outcome.refused[0].reason == "It has left"


@table("days", [-400, -2, 0, 2, 400])
@table("listed, answer", [([OLD], "Unknown"), ([OLD, OURS], "Refused")])
def test_a_denial_after_a_lost_receipt_is_told_by_the_marketplaces_clock(
    listed: list[Any], answer: str, days: int, kind: str, on_stage: OnStage
) -> None:
    """Whatever the clock says of the machine that looks later."""
    stage = Stage(cancel=[lost()], read=repeat(reply(500, date="Mon, 02 Mar 2026 09:00:00 GMT")))
    before = VTEX.cancel(on_stage(stage, VTEX), timeout=8.0)
    assert isinstance(before, Unknown)
    later = Stage(read=[order("handling", cancellationRequests=listed)])
    driver = later.driver if kind == "sync" else later.async_driver
    driver.clock = Clock(lambda: later.now, lambda: WALL + days * 86_400 + later.now)
    assert names(check(on_stage(later, VTEX), before)) == answer


def test_a_denial_newer_than_a_receipt_without_a_zone(on_stage: OnStage) -> None:
    """Where no reply has a Date, the receipt's date is read as the latest instant that it can mean."""
    received = receipt(date="2026-03-02 09:00:00")._replace(headers={})
    for denied_at, answer in (("2026-03-02T20:59:00Z", "Requested"), ("2026-03-02T21:01:00Z", "Refused")):
        read = order("handling", cancellationRequests=[OLD, request(denied_at)])._replace(headers={})
        door = on_stage(Stage(cancel=[received], read=[read]), VTEX)
        assert names(check(door, VTEX.cancel(door))) == answer


@pytest.mark.parametrize("first", ["Requested", "Unknown"])
def test_a_denial_that_an_earlier_look_did_not_list(first: str, on_stage: OnStage) -> None:
    """Where no reply has a Date, and no receipt is known any more, a new entry is told by the earlier look."""
    lists: list[Any] = [[OLD], [OLD], [OLD, OURS]]
    reads = [order("handling", cancellationRequests=each)._replace(headers={}) for each in lists]
    answer = receipt()._replace(headers={}) if first == "Requested" else lost()
    door = on_stage(Stage(cancel=[answer], read=[reply(500)] * 4), VTEX)
    outcome = VTEX.cancel(door, timeout=8.0)
    assert names(outcome) == first
    door = on_stage(Stage(read=reads), VTEX)
    for word in (first, first, "Refused"):
        outcome = check(door, outcome)
        assert names(outcome) == word
    assert outcome.refused[0].reason == "It has left"


@pytest.mark.parametrize("kind_of_prior", [Requested, Unknown])
def test_an_outcome_without_evidence_does_not_make_an_old_denial_ours(
    kind_of_prior: Any, on_stage: OnStage
) -> None:
    """Nothing tells when the request was made, so no denial can be told to be about it."""
    reason: dict[str, Any] = {"reason": "no answer in time"} if kind_of_prior is Unknown else {}
    before = kind_of_prior(marketplace="vtex", order_id="1172-01", account="mystore", **reason)
    door = on_stage(Stage(read=[order("handling", cancellationRequests=[OLD])]), VTEX)
    assert isinstance(door.do("vtex", "check", before), kind_of_prior)


def test_a_look_by_id_and_a_denial_after_it(on_stage: OnStage) -> None:
    """By its id alone the latest request counts; a later look knows which entries are new."""
    reads = [order("request-cancel"), order("handling", cancellationRequests=[OLD, OURS])]
    door = on_stage(Stage(read=[each._replace(headers={}) for each in reads]), VTEX)
    outcome = door.do("vtex", "look", "1172-01")
    assert isinstance(outcome, Requested)
    outcome = check(door, outcome)
    assert isinstance(outcome, Refused)
    assert outcome.refused[0].reason == "It has left"


def test_after_a_denial_the_order_may_still_be_cancelled(on_stage: OnStage) -> None:
    """By somebody else: Refused stays until then."""
    reads = [
        order("handling", cancellationRequests=[OURS]),
        order("request-cancel", cancellationRequests=[OURS]),
        order("canceled", cancellationRequests=[OURS]),
    ]
    door = on_stage(Stage(cancel=[receipt()], read=reads), VTEX)
    outcome = check(door, VTEX.cancel(door))
    assert isinstance(outcome, Refused)
    again = check(door, outcome)
    assert isinstance(again, Refused)
    assert again.refused[0].reason == "It has left"
    assert isinstance(check(door, again), Cancelled)
