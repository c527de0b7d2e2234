"""Every row of the tables: on a stage through both doors, and over sockets through every kind of client."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.support.doors import Kind, OnStage
from tests.support.tables import table

from . import crux, kibo, pattern, vtex, vtex_errors, vtex_statuses
from .loopback import WAYS, Server, Way, serving
from .rows import Played, Row, Sent

ROWS: list[Row] = [*vtex.ROWS, *vtex_errors.ROWS, *vtex_statuses.ROWS, *crux.ROWS, *kibo.ROWS, *pattern.ROWS]


@table("row", ROWS)
def test_on_stage(row: Row, kind: Kind, on_stage: OnStage) -> None:
    """In virtual time."""
    stage = row.stage()
    door = on_stage(stage, row.market, **row.settings)

    def sent() -> list[Sent]:
        return [
            Sent(what, call.method, call.target, _lowered(dict(call.headers)), call.body or b"", at)
            for what, call, at in zip(stage.kinds, stage.calls, stage.times, strict=True)
        ]

    row.right(Played(row.market, door, sent))


def _lowered(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Return the scripted server."""
    with serving() as opened:
        yield opened


@pytest.fixture(scope="module", params=WAYS, ids=" ".join)
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    """Return every way in; httpx2 is an extra, and may not be installed."""
    kind, library = request.param
    if library == "httpx2" and not find_spec("httpx2"):
        pytest.skip("httpx2 is not installed")
    opened = Way(kind, library)
    yield opened
    opened.close()


@pytest.mark.long
@table("row", [row for row in ROWS if row.over_sockets])
def test_over_sockets(row: Row, way: Way, server: Server) -> None:
    """The replies come from a real server, through each way in; only the pauses take no time."""
    row.right(way.play(row, server))


def test_no_two_rows_have_one_name() -> None:
    """A row that hides another would not be missed."""
    names = [str(row) for row in ROWS]
    assert sorted(names) == sorted(set(names))
