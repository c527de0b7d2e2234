"""The kinds of drivers that a request goes through, and fixtures that go through them.

kind = every_driver
"""

import pytest

KINDS = ("stock", "async stock", "httpx", "async httpx", "httpx2", "async httpx2", "aiohttp")

#: Those over a caller's own client.
BORROWED = tuple(kind for kind in KINDS if "httpx" in kind)


@pytest.fixture(params=KINDS)
def every_driver(request: pytest.FixtureRequest) -> str:
    """Go through every driver."""
    if request.param == "aiohttp":
        pytest.importorskip("aiohttp")
    return str(request.param)


@pytest.fixture(params=BORROWED)
def every_borrowed_driver(request: pytest.FixtureRequest) -> str:
    """Go through the drivers over a caller's own client."""
    return str(request.param)
