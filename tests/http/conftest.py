"""Every way to HTTP, for every test that asks for a `seam`."""

from collections.abc import Iterator

import pytest

from tests.support.doors import Doors, OpenDoor

from .seam import SEAMS, Seam


@pytest.fixture(params=SEAMS, ids=str)
def seam(request: pytest.FixtureRequest) -> Seam:
    """Return one of the ways to HTTP."""
    chosen: Seam = request.param
    return chosen


@pytest.fixture
def open_http(seam: Seam, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenDoor]:
    """Return a function that opens a client which goes that way; it is closed after the test."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    doors = Doors(seam.open)
    yield doors
    doors.close()
