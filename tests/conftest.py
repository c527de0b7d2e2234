"""Both doors, for every test that asks for a `door`."""

import gc
import os
import random
import signal
from collections.abc import Generator, Iterator
from functools import partial
from typing import Any

import pytest

from .support.doors import Door, Doors, Kind, OnStage, OpenDoor
from .support.markets import MARKETS, Market
from .support.stage import Stage

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background: children would not hear it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare the collector of garbage what lasts as long as the session: the modules and the tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each worker of pytest-xdist begin with its share of the long tests, so that none is left for the end."""
    long = [item for item in items if item.get_closest_marker("long")]
    others = [item for item in items if not item.get_closest_marker("long")]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    size = -(-len(others) // workers)
    items[:] = [
        item
        for worker in range(workers)
        for item in (*long[worker::workers], *others[worker * size : (worker + 1) * size])
    ]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Have each test draw the same pauses between attempts in every run: what fails is a change, not the dice."""
    random.seed(item.name)


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Say which of the two front doors a test goes through: it runs once for each."""
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def open_door(kind: Kind) -> Iterator[OpenDoor]:
    """Return a function that opens a client of the test's kind; it is closed after the test."""
    doors = Doors(partial(Door, kind))
    yield doors
    doors.close()


@pytest.fixture
def anyio_backend() -> str:
    """Run what is `async def` on asyncio."""
    return "asyncio"


@pytest.fixture(params=MARKETS, ids=lambda market: market.name)
def market(request: pytest.FixtureRequest) -> Market:
    """Return one of the four marketplaces: a test that asks for it runs for each."""
    chosen: Market = request.param
    return chosen


@pytest.fixture
def on_stage(kind: Kind, open_door: OpenDoor) -> OnStage:
    """Return a function that opens a client of one marketplace on a stage, in virtual time."""

    def opened(stage: Stage, market: Market, **settings: Any) -> Door:
        driver = stage.driver if kind == "sync" else stage.async_driver
        return open_door(**market.settings | {"http_client": driver} | settings)

    return opened
