"""What `match` over the five answers looks like to a type checker. Checked by `make types`, never run.

Where a case is left out, the line that proves it is marked as an expected error; mypy (warn_unused_ignores)
and pyright (reportUnnecessaryTypeIgnoreComment) fail if the error does not come.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import assert_never, assert_type

from countermand import (
    Cancelled,
    Countermand,
    KiboAnswer,
    Outcome,
    Part,
    PartiallyCancelled,
    PatternAnswer,
    Refused,
    Requested,
    Unknown,
)


def exhaustive(outcome: Outcome[PatternAnswer]) -> str:
    """All five: there is nothing left for `assert_never`."""
    match outcome:
        case Cancelled():
            assert_type(outcome, Cancelled[PatternAnswer])
            assert_type(outcome.answer, PatternAnswer | None)
            return "cancelled"
        case Requested():
            assert_type(outcome.status, str | None)
            return "requested"
        case PartiallyCancelled(cancelled=cancelled, refused=refused):
            assert_type(cancelled, tuple[Part, ...])
            assert_type(refused, tuple[Part, ...])
            assert_type(outcome.settled, bool)
            return "partially cancelled"
        case Refused(refused=refused):
            assert_type(refused, tuple[Part, ...])
            return "refused"
        case Unknown(reason=reason):
            assert_type(reason, str)
            return "unknown"
        case _:
            assert_never(outcome)


def without_assert_never(outcome: Outcome[KiboAnswer]) -> str:
    """A function that returns in all five cases returns in every case."""
    match outcome:
        case Cancelled() | Requested():
            return "good"
        case PartiallyCancelled() | Refused() | Unknown():
            return "bad"


def by_isinstance(outcome: Outcome[PatternAnswer]) -> bool:
    """The same with `isinstance`."""
    if isinstance(outcome, Cancelled | Requested):
        return True
    if isinstance(outcome, PartiallyCancelled | Refused | Unknown):
        return False
    assert_never(outcome)


def without_cancelled(outcome: Outcome[PatternAnswer]) -> None:
    """Leaving `Cancelled` out fails."""
    match outcome:
        case Requested() | PartiallyCancelled() | Refused() | Unknown():
            pass
        case _:
            assert_never(outcome)  # type: ignore[arg-type]


def without_requested(outcome: Outcome[PatternAnswer]) -> None:
    """Leaving `Requested` out fails."""
    match outcome:
        case Cancelled() | PartiallyCancelled() | Refused() | Unknown():
            pass
        case _:
            assert_never(outcome)  # type: ignore[arg-type]


def without_partially_cancelled(outcome: Outcome[PatternAnswer]) -> None:
    """Leaving `PartiallyCancelled` out fails."""
    match outcome:
        case Cancelled() | Requested() | Refused() | Unknown():
            pass
        case _:
            assert_never(outcome)  # type: ignore[arg-type]


def without_refused(outcome: Outcome[PatternAnswer]) -> None:
    """Leaving `Refused` out fails."""
    match outcome:
        case Cancelled() | Requested() | PartiallyCancelled() | Unknown():
            pass
        case _:
            assert_never(outcome)  # type: ignore[arg-type]


def without_unknown(outcome: Outcome[PatternAnswer]) -> None:
    """Leaving `Unknown` out fails."""
    match outcome:
        case Cancelled() | Requested() | PartiallyCancelled() | Refused():
            pass
        case _:
            assert_never(outcome)  # type: ignore[arg-type]


def straight_from_a_call(client: Countermand) -> None:
    """A call's own result is as exhaustive."""
    outcome = client.kibo.cancel_order(1010101, "other")
    match outcome:
        case Cancelled() | Requested() | PartiallyCancelled() | Refused() | Unknown():
            pass
        case _:
            assert_never(outcome)
