"""One clock: a test library that freezes `time` after our import freezes no part of a call alone."""

import time

import pytest

from countermand import Requested

from .kinds import KINDS
from .raw import RawServer
from .test_certificates import NO_CONTENT, cancelled


@pytest.mark.parametrize("instant", [0.0, 4e9], ids=["long ago", "far off"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_frozen_clock(kind: str, instant: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """As freezegun does it: the functions of `time` are replaced, and give one instant."""
    if kind == "aiohttp":
        pytest.importorskip("aiohttp")
    with RawServer(NO_CONTENT) as server, monkeypatch.context() as frozen:
        for name in ("monotonic", "time", "perf_counter"):
            frozen.setattr(time, name, lambda: instant)
        outcome = cancelled(kind, server.origin, "http")
        frozen.undo()
        assert isinstance(outcome, Requested), outcome
        assert len(server.requests) == 1
