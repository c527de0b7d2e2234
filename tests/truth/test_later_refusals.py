"""A read that is refused: what a gateway says may pass; what the marketplace itself says does not."""

from itertools import repeat
from typing import Any

import pytest

from countermand import Cancelled, OrderNotFoundError, RejectedError
from tests.support.doors import OnStage
from tests.support.markets import Market
from tests.support.stage import Stage, reply
from tests.support.tables import table

from .test_later_looks import ended, wait

PAGE = b"<html><h1>Not for you</h1></html>"
GATEWAYS = [reply(401, PAGE), reply(403, PAGE), reply(404, PAGE), reply(404, {}), reply(405, PAGE)]
OWN = [reply(401, {"message": "no"}), reply(403), reply(404, {"message": "no"})]


@table("refusal", GATEWAYS, ids=str)
def test_a_gateways_refusal_is_waited_out(refusal: Any, market: Market, on_stage: OnStage) -> None:
    """With an outcome, and by an id once the order was read; without end, what is known stands."""
    before = ended(market, "Requested", on_stage)
    after = wait(on_stage(Stage(read=[refusal, refusal, market.cancelled]), market), before)
    assert isinstance(after, Cancelled)
    stage = Stage(read=repeat(refusal))
    after = wait(on_stage(stage, market), before, timeout=60.0)
    assert after == before
    assert len(stage.calls) > 3
    assert len(after.attempts) == len(before.attempts) + len(stage.calls)
    door = on_stage(Stage(read=[market.still_open, refusal, market.cancelled]), market)
    assert isinstance(market.wait(door), Cancelled)


@table("refusal", OWN, ids=str)
def test_the_marketplaces_own_refusal_ends_a_wait(refusal: Any, market: Market, on_stage: OnStage) -> None:
    """The order will not be shown, however long one waits."""
    before = ended(market, "Requested", on_stage)
    stage = Stage(read=[refusal])
    after = wait(on_stage(stage, market), before)
    assert after == before
    assert len(stage.calls) == 1


@table("refusal", GATEWAYS, ids=str)
def test_by_id_a_gateways_refusal_says_nothing_of_the_order(
    refusal: Any, market: Market, on_stage: OnStage
) -> None:
    """The error names the address, and that a gateway may have answered."""
    stage = Stage(read=[refusal] * 2)
    door = on_stage(stage, market)
    for method in ("wait_until_settled", "look"):
        with pytest.raises(RejectedError, match=r"address may be wrong|a gateway answered") as caught:
            door.do(market.name, method, market.order_id)
        assert not isinstance(caught.value, OrderNotFoundError)
        assert stage.calls[0].target in str(caught.value)
    assert len(stage.calls) == 2
