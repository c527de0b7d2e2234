"""Ctrl-C, task cancellation and the caller's own timeouts pass through untouched, and leave the evidence."""

import asyncio
from itertools import repeat
from typing import Any

import pytest

from countermand import (
    AsyncCountermand,
    Countermand,
    Requested,
    Unknown,
    evidence_of,
)
from countermand.engine.wire import Flow, Sleep
from tests.support.markets import CRUX, MARKETS, Market
from tests.support.stage import Stage, lost, reply, unsent


class Stop(BaseException):
    """An interruption like any other."""


INTERRUPTIONS = [KeyboardInterrupt, SystemExit, asyncio.CancelledError, Stop, MemoryError]
each_market = pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.name)


def client_on(stage: Stage, market: Market) -> Countermand:
    """Open the blocking door on a stage."""
    return Countermand(http_client=stage.driver, **market.settings)


@each_market
@pytest.mark.parametrize("kind", INTERRUPTIONS)
def test_an_interrupted_cancellation_leaves_its_evidence(market: Market, kind: type[BaseException]) -> None:
    """The same exception comes out, with an Unknown of every attempt on it."""
    interruption = kind("stop")
    client = client_on(Stage(cancel=[interruption]), market)
    with pytest.raises(kind) as caught:
        client.cancel(market.request)
    assert caught.value is interruption
    evidence = evidence_of(interruption)
    assert isinstance(evidence, Unknown)
    assert (evidence.marketplace, evidence.order_id) == (market.name, str(market.order_id))
    assert [(attempt.what, attempt.ended) for attempt in evidence.attempts] == [("cancel", "interrupted")]
    assert str(evidence) in interruption.__notes__


@each_market
def test_an_interrupted_settling_read_leaves_its_evidence(market: Market) -> None:
    """The cancellation before it may have been applied."""
    client = client_on(Stage(cancel=[lost()], read=[Stop()]), market)
    with pytest.raises(Stop) as caught:
        client.cancel(market.request)
    evidence = evidence_of(caught.value)
    assert evidence is not None
    assert [attempt.what for attempt in evidence.attempts] == ["cancel", "read"]


@each_market
def test_an_interrupted_pause_leaves_its_evidence(market: Market) -> None:
    """While the order was being settled."""

    class Restless(Stage):
        def step(self, flow: Flow[Any], step: Any) -> Any:
            return flow.throw(Stop()) if isinstance(step, Sleep) else super().step(flow, step)

    client = client_on(Restless(cancel=[lost()], read=[market.still_open]), market)
    with pytest.raises(Stop) as caught:
        client.cancel(market.request)
    assert evidence_of(caught.value) is not None
    client = client_on(Restless(cancel=[unsent()]), market)
    with pytest.raises(Stop) as caught:
        client.cancel(market.request)
    assert evidence_of(caught.value) is None


@each_market
def test_an_interrupted_read_leaves_nothing(market: Market) -> None:
    """It changes nothing at the marketplace: there is nothing to look after."""
    client = client_on(Stage(read=[Stop(), Stop()]), market)
    subclient = getattr(client, market.name)
    for call in (getattr(subclient, market.reads), subclient.wait_until_settled):
        with pytest.raises(Stop) as caught:
            call(market.order_id)
        assert evidence_of(caught.value) is None


def test_an_interrupted_login_leaves_nothing_and_blocks_nobody() -> None:
    """The order is untouched; the next call signs in."""
    from countermand import Crux

    stage = Stage(login=[Stop(), reply(200, {"auth_token": "t-one"})], cancel=[CRUX.accepted])
    client = Countermand(http_client=stage.driver, crux=Crux(username="u", password="p"))
    with pytest.raises(Stop) as caught:
        client.cancel(CRUX.request)
    assert evidence_of(caught.value) is None
    assert isinstance(client.cancel(CRUX.request), Requested)
    assert stage.sleeps == []


def test_evidence_is_found_on_what_was_raised_from_it() -> None:
    """Through __cause__ and __context__, around a ring, and not where there is none."""
    client = client_on(Stage(cancel=repeat(Stop())), CRUX)
    with pytest.raises(Stop) as caught:
        client.cancel(CRUX.request)
    interruption = caught.value
    caused, during = TimeoutError("mine"), TimeoutError("mine too")
    caused.__cause__ = interruption
    during.__context__ = caused
    assert evidence_of(caused) is evidence_of(during) is evidence_of(interruption) is not None
    ring, other = ValueError(), ValueError()
    ring.__context__, other.__context__ = other, ring
    assert evidence_of(ring) is None
    assert evidence_of(None) is None
    assert evidence_of(ValueError()) is None


class Waiting:
    """An async driver whose requests are never answered."""

    def __init__(self) -> None:
        self._stage = Stage()
        self.clock = self._stage.clock
        self.started = asyncio.Event()

    async def run(self, flow: Flow[Any]) -> Any:
        """Wait for ever at the first step."""
        next(flow)
        self.started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as interruption:
            flow.throw(interruption)

    async def aclose(self) -> None:
        """Do nothing."""


@each_market
def test_a_cancelled_task_leaves_its_evidence(market: Market) -> None:
    """`task.cancel()` in the middle of a call."""

    async def story() -> None:
        driver = Waiting()
        client = AsyncCountermand(http_client=driver, **market.settings)
        task = asyncio.create_task(client.cancel(market.request))
        await driver.started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert evidence_of(caught.value) is not None

    asyncio.run(story())


@each_market
def test_the_callers_own_timeout_leaves_the_evidence(market: Market) -> None:
    """`asyncio.timeout` around a call: its TimeoutError leads to it."""

    async def story() -> None:
        client = AsyncCountermand(http_client=Waiting(), **market.settings)
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0):
                await client.cancel(market.request)
        assert evidence_of(caught.value) is not None

    asyncio.run(story())
