"""What the tests of the simulated marketplaces share."""

import pytest

from countermand.sandbox.world import World


@pytest.fixture
def world() -> World:
    """Return an empty world."""
    return World()
