"""What a run writes into its journal and reads from it, as plain data."""

import json
from typing import Any, NamedTuple, TypeAlias

from ..engine.rules import AnyRequest
from ..errors import CountermandError, JournalError
from ..marketplaces.stored import error_from_dict, outcome_from_dict
from ..outcomes import Outcome
from .results import BulkResult
from .unread import written_of


class Insert(NamedTuple):
    """A row of the input is read."""

    row: int
    account: str | None
    #: The same text for every request of one order at one account; None for a request that makes no sense.
    key: str | None
    request: str


class Declare(NamedTuple):
    """A request is about to be sent. `at` is in seconds since 1970, as all times here."""

    row: int
    at: float


class Withdraw(NamedTuple):
    """A request that was about to be sent has left its order untouched."""

    row: int


class Answer(NamedTuple):
    """What became of a request."""

    row: int
    kind: str
    text: str
    at: float


class Learn(NamedTuple):
    """What a lane has learnt of its account's limit."""

    account: str
    rate: float


class Load(NamedTuple):
    """Read the rows from this one on, some at a time."""

    row: int


class LoadPending(NamedTuple):
    """Read the rows from this one on that have no answer, some at a time."""

    row: int


class LoadLane(NamedTuple):
    """Read the rows of one account from this one on that have no answer, some at a time."""

    account: str
    row: int


Write: TypeAlias = Insert | Declare | Withdraw | Answer | Learn
Reading: TypeAlias = Load | LoadPending | LoadLane
Op: TypeAlias = Write | Reading


class Row(NamedTuple):
    """One row of a journal."""

    row: int
    account: str | None
    request: str
    asked: float | None
    kind: str | None
    answer: str | None
    #: The first row of the same order, if this is not it.
    first: int | None
    answered: float | None = None


class Opened(NamedTuple):
    """The journal is open. It has so many rows, and what earlier runs have learnt."""

    rows: int
    learnt: dict[str, float]


class Closed(NamedTuple):
    """The journal is closed."""


class Committed(NamedTuple):
    """These are on disk. `duplicates` has the inserted rows of an order that was there before, and its first row."""

    ops: list[Write]
    duplicates: dict[int, Row]


class Loaded(NamedTuple):
    """These are the rows that were asked for; an empty list is the end."""

    op: Reading
    rows: list[Row]


class Broken(NamedTuple):
    """The journal cannot be written any more."""

    error: CountermandError


Event: TypeAlias = Opened | Committed | Loaded | Broken | Closed


def canonical(data: Any) -> str:
    """Return plain data as text that is equal for equal data."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def request_text(request: object) -> str:
    """Return a request as it is stored, and compared when a run is resumed."""
    return canonical(written_of(request))


def kind_of(ended: Outcome[Any] | CountermandError) -> str:
    """Return what an answer is called in counts: "cancelled", or "error:rate_limited"."""
    if isinstance(ended, CountermandError):
        return f"error:{ended.to_dict()['error']}"
    kind: str = ended.to_dict()["outcome"]
    return kind


def answer_of(row: int, ended: Outcome[Any] | CountermandError, at: float) -> Answer:
    """Return the record of what became of a request."""
    written = ended.to_dict()
    if isinstance(ended, CountermandError):
        return Answer(row, f"error:{written['error']}", canonical({"error": written}), at)
    return Answer(row, written["outcome"], canonical({"outcome": written}), at)


def result_of(row: Row, request: AnyRequest, *, replayed: bool, number: int | None = None) -> BulkResult:
    """Return the result that an answered row holds, for the row `number` of the same order."""
    try:
        said = json.loads(row.answer or "{}")
        outcome = outcome_from_dict(said["outcome"]) if "outcome" in said else None
        error = error_from_dict(said["error"]) if "error" in said else None
    except (ValueError, TypeError) as problem:
        raise JournalError(f"the answer of row {row.row} in the journal cannot be read: {problem}") from None
    if number is None or number == row.row:
        return BulkResult(request, outcome, error, replayed, row.row)
    return BulkResult(request, outcome, error, replayed, number, row.row)
