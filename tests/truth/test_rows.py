"""Every row of the tables: on a stage through both doors, and over sockets through every kind of client."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.support.doors import Kind, OnStage

from . import crux, kibo, pattern, vtex, vtex_errors, vtex_statuses
from .loopback import WAYS, Server, Way, serving
from .rows import Played, Row, Sent

ROWS: list[Row] = [*vtex.ROWS, *vtex_errors.ROWS, *vtex_statuses.ROWS, *crux.ROWS, *kibo.ROWS, *pattern.ROWS]

rows = pytest.mark.parametrize("row", ROWS, ids=str)


@rows
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


@pytest.fixture(scope="module")
def ways() -> Iterator[list[Way]]:
    """Return every way in; httpx2 is an extra, and may not be installed."""
    opened = [Way(kind, library) for kind, library in WAYS if library != "httpx2" or find_spec("httpx2")]
    yield opened
    for way in opened:
        way.close()


@pytest.mark.parametrize("row", [row for row in ROWS if row.over_sockets], ids=str)
def test_over_sockets(row: Row, ways: list[Way], server: Server) -> None:
    """The replies come from a real server, through every way in; only the pauses take no time."""
    for way in ways:
        try:
            row.right(way.play(row, server))
        except BaseException as error:
            error.add_note(f"through {way}")
            raise


def test_no_two_rows_have_one_name() -> None:
    """A row that hides another would not be missed."""
    names = [str(row) for row in ROWS]
    assert sorted(names) == sorted(set(names))
