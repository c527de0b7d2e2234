"""The calls that are under way, and what is known of them when a run is stopped."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from ..errors import CountermandError
from ..outcomes import Outcome, evidence_of
from .lane import Lane, Ticket
from .results import InFlight


def under_way(lanes: Iterable[Lane]) -> list[InFlight]:
    """Return the calls that are under way."""
    return [
        InFlight(ticket.request, ticket.row, lane.label, ticket.began_at)
        for lane in lanes
        for ticket in lane.in_flight.values()
        if ticket.began_at is not None
    ]


def cut_off(ticket: Ticket, ended: Outcome[Any] | BaseException) -> InFlight:
    """Return a call that was under way when its run was stopped, with what came of it."""
    account: str = ticket.client.account
    began = ticket.began_at or datetime.now(UTC)
    outcome: Any = None
    error: CountermandError | None = None
    if isinstance(ended, CountermandError):
        error = ended
    elif isinstance(ended, BaseException):
        outcome = evidence_of(ended)
    else:
        outcome = ended
    return InFlight(ticket.request, ticket.row, account, began, outcome, error)
