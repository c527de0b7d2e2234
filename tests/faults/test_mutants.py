"""The planted mutants are kept up to date with the source."""

from .mutants import out_of_date
from .planted import MUTANTS


def test_each_mutant_can_be_planted() -> None:
    """Its old text is in the source once. A mutant that changes nothing would never be caught."""
    assert list(out_of_date(MUTANTS)) == []
