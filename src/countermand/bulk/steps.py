"""The steps that a run asks its runner to execute."""

from typing import NamedTuple, TypeAlias

from .lane import Ticket
from .records import Op
from .results import BulkResult


class Send(NamedTuple):
    """Start a call."""

    ticket: Ticket


class Store(NamedTuple):
    """Submit these to the journal."""

    ops: list[Op]


class Read(NamedTuple):
    """Read one row of the input."""


class Wait(NamedTuple):
    """Wait until something happens, until an instant at the longest."""

    until: float | None


class Give(NamedTuple):
    """Yield a result to the consumer."""

    result: BulkResult


class End(NamedTuple):
    """The run is over, or has to stop with this exception."""

    error: BaseException | None = None


Step: TypeAlias = Send | Store | Read | Wait | Give | End
