"""What a run writes into its journal and reads from it, as plain data."""

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias

from ..data.shapes import tag_of
from ..engine.rules import AnyRequest
from ..errors import CountermandError, JournalError
from ..marketplaces.stored import error_from_dict, outcome_from_dict
from ..outcomes import Outcome
from .results import BulkResult, written_of


class Insert(NamedTuple):
    """A row of the input is read."""

    row: int
    account: str | None
    #: The same text for every request of one order at one account; None for an invalid request.
    key: str | None
    request: str


class Declare(NamedTuple):
    """A request is about to be sent. `at` is in seconds since 1970, as all times here."""

    row: int
    at: float


class Withdraw(NamedTuple):
    """A request whose intent was stored has left its order untouched."""

    row: int


class Answer(NamedTuple):
    """The answer to a request."""

    row: int
    kind: str
    text: str
    at: float


class Learn(NamedTuple):
    """What a lane has learnt about its account's limit."""

    account: str
    rate: float


class Load(NamedTuple):
    """Read a page of rows from this one on: all, those without an answer, or those of one account."""

    row: int
    only_pending: bool = False
    account: str | None = None


Write: TypeAlias = Insert | Declare | Withdraw | Answer | Learn
Op: TypeAlias = Write | Load


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
    """The journal is open. `rows` is its number of rows, `learnt` are the rates of earlier runs."""

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

    op: Load
    rows: list[Row]


class Broken(NamedTuple):
    """The journal cannot be written any more."""

    error: CountermandError


Event: TypeAlias = Opened | Committed | Loaded | Broken | Closed


def instant(seconds: float | None) -> datetime | None:
    """Return a stored time as a datetime in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def canonical(data: Any) -> str:
    """Return plain data as text that is equal for equal data."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def request_text(request: object) -> str:
    """Return a request as it is stored, and compared when a run is resumed."""
    return canonical(written_of(request))


def kind_of(ended: Outcome[Any] | CountermandError) -> str:
    """Return the name of an answer in counts, such as "cancelled" or "error:rate_limited"."""
    tag = tag_of(type(ended))
    return f"error:{tag}" if isinstance(ended, CountermandError) else tag


def answer_of(row: int, ended: Outcome[Any] | CountermandError, at: float) -> Answer:
    """Return the record of an answer."""
    what = "error" if isinstance(ended, CountermandError) else "outcome"
    return Answer(row, kind_of(ended), canonical({what: ended.to_dict()}), at)


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
