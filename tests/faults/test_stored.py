"""What simulated calls leave behind is written and read back: a slice of `python -m tests.faults.stored`."""

from .stored import count


def test_whatever_a_call_leaves_comes_back_equal_and_shows_no_credential() -> None:
    """Outcomes, errors, evidence and requests of a slice."""
    first = 413_000
    found = count(range(first, first + 250))
    again = f"python -m tests.faults.stored --seed {first} --calls 500"
    assert (found.unequal, found.shown) == ([], []), again
    assert found.calls >= 500, again
    assert min(found.outcomes, found.errors, found.requests) > 20, again
