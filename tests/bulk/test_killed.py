"""A run against a faulty server, killed and resumed. `make bulk-faults` does it at full size."""

import pytest

from .killing import killed
from .stages import KINDS, Kind


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_killed_is_finished_by_the_next(kind: Kind) -> None:
    """Every row is told once, nothing contradicts the ledger, and nothing is sent to Crux twice."""
    found = killed(140, 2, kind=kind, share=0.06, between=(0.6, 1.2), seed=7)
    assert found.kills == 2
    assert found.wrong == []
    assert found.told_twice == []
    assert {"requested", "cancelled", "refused"} <= found.kinds.keys()
