"""What a run has its runner do."""

from typing import NamedTuple, TypeAlias

from .lane import Ticket
from .records import Op
from .results import BulkResult


class Send(NamedTuple):
    """Begin a call."""

    ticket: Ticket


class Store(NamedTuple):
    """Give these to the journal."""

    ops: list[Op]


class Read(NamedTuple):
    """Read one row of the input."""


class Wait(NamedTuple):
    """Wait until something happens, until an instant at the longest."""

    until: float | None


class Give(NamedTuple):
    """Give a result to the consumer."""

    result: BulkResult


class End(NamedTuple):
    """All is done; or the run has to stop, with this exception."""

    error: BaseException | None = None


Step: TypeAlias = Send | Store | Read | Wait | Give | End
