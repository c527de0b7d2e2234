"""What a bulk run takes and gives: a row that makes no request, one result for each row, and a view of how it stands."""

from collections.abc import Callable, Mapping
from datetime import datetime
from math import isfinite
from typing import Any, ClassVar, Literal, Self, TypeAlias, cast

import attrs

from ..engine.rules import AnyRequest, CancelRequest
from ..engine.wire import AsyncDriver, Driver
from ..errors import CountermandError
from ..marketplaces.stored import error_from_dict, outcome_from_dict, request_from_dict
from ..outcomes import Outcome

_TAG = "unread"


@attrs.frozen
class UnreadRow(CancelRequest[Any]):
    """A row that makes no request: it is told as an error in its place, and nothing is sent for it.

    Give it to `cancel_many` among the requests, so that no row of an input is lost.

        UnreadRow(InvalidRequestError("line 7: it names no order"), {"line": 7, "text": ";;;"})
    """

    #: What is wrong with it, and the error of its result.
    error: CountermandError
    #: What it is told from other rows by. It is stored as JSON; what JSON has no form for, as text.
    row: dict[str, Any] = attrs.Factory(dict[str, Any])
    account: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what is stored of the row. `result_from_dict` reads it with its result, `request_from_dict` does not."""
        return {**_plain(self.row), "request": _TAG}

    @classmethod
    def of(cls, written: Mapping[str, Any], error: CountermandError) -> Self:
        """Return the row that `to_dict` wrote, with the error of its result."""
        return cls(error, {name: value for name, value in written.items() if name != "request"})


def _plain(value: Any) -> Any:
    """Return what JSON has a form for: `csv.DictReader` keeps surplus cells under None, a spreadsheet has dates."""
    if isinstance(value, Mapping):
        fields = cast("Mapping[object, Any]", value).items()
        return {"" if name is None else str(name): _plain(each) for name, each in fields}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in cast("list[Any]", value)]
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def is_unread(written: object) -> bool:
    """Whether this is what an `UnreadRow` wrote."""
    return isinstance(written, Mapping) and cast("Mapping[str, Any]", written).get("request") == _TAG


def written_of(request: Any) -> dict[str, Any]:
    """Return a request as plain data; anything else becomes an unread row."""
    if not isinstance(request, CancelRequest):
        return {"request": _TAG, "not_a_request": type(request).__name__}
    written: dict[str, Any] = request.to_dict()
    return written


@attrs.frozen
class BulkResult:
    """What became of one request. Exactly one of `outcome` and `error` is set.

        for result in client.cancel_many(requests):
            print(result.request, result.outcome or result.error)

    It is attrs data: `to_dict` writes it, `result_from_dict` reads it back.
    """

    #: The version of the written form.
    SCHEMA: ClassVar[int] = 1

    #: The request, as the input gave it.
    request: AnyRequest
    #: What happened, if the call returned.
    outcome: Outcome[Any] | None = None
    #: Why the order was not touched, if the call raised.
    error: CountermandError | None = None
    #: Whether this comes from the journal: an earlier run was told it.
    replayed: bool = False
    #: The request's place in the input; the first is 0.
    row: int = 0
    #: The row of the same order whose cancellation this tells of, where the input has the order more than once.
    duplicate_of: int | None = None

    def __attrs_post_init__(self) -> None:
        if (self.outcome is None) == (self.error is None):
            raise ValueError("exactly one of outcome and error is set")

    @property
    def ended(self) -> Outcome[Any] | CountermandError:
        """What became of it: the outcome, or the error."""
        ended = self.outcome if self.outcome is not None else self.error
        assert ended is not None
        return ended

    @property
    def settled(self) -> bool:
        """Whether nothing can change any more: a settled outcome. An error leaves the order as it was."""
        return self.outcome is not None and self.outcome.settled

    def to_dict(self) -> dict[str, Any]:
        """Return this as plain data, as JSON has it, for `result_from_dict`. Raises what `outcome.to_dict` raises."""
        return {
            "schema": self.SCHEMA,
            "result": "cancel",
            "request": written_of(self.request),
            "outcome": None if self.outcome is None else self.outcome.to_dict(),
            "error": None if self.error is None else self.error.to_dict(),
            "replayed": self.replayed,
            "row": self.row,
            "duplicate_of": self.duplicate_of,
        }


def told(
    request: AnyRequest, ended: Outcome[Any] | CountermandError, row: int = 0, duplicate_of: int | None = None
) -> BulkResult:
    """Return the result of a call of this run."""
    outcome, error = (None, ended) if isinstance(ended, CountermandError) else (ended, None)
    return BulkResult(request, outcome, error, row=row, duplicate_of=duplicate_of)


def _row(number: object) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise ValueError(f"it is not the result of a bulk run: a row is a whole number, not {number!r}")
    return number


def result_from_dict(data: Mapping[str, Any]) -> BulkResult:
    """Return the result that `result.to_dict()` wrote. Raises `ValueError` for anything else.

        result = result_from_dict(job.result)

    Its outcome or error is read as `outcome_from_dict` and `error_from_dict` read them. What was no request comes back as
    an `UnreadRow`.
    """
    try:
        if data["schema"] > BulkResult.SCHEMA or data["result"] != "cancel":
            raise ValueError("it is no result that this version reads")
        outcome, request = data["outcome"], data["request"]
        error = None if data["error"] is None else error_from_dict(data["error"])
        is_row = is_unread(request)
        first = data["duplicate_of"]
        if not isinstance(data["replayed"], bool):
            raise ValueError("it is not the result of a bulk run: replayed is true or false")
        return BulkResult(
            UnreadRow.of(request, error) if is_row and error is not None else request_from_dict(request),
            None if outcome is None else outcome_from_dict(outcome),
            error,
            data["replayed"],
            _row(data["row"]),
            None if first is None else _row(first),
        )
    except (KeyError, TypeError) as problem:
        raise ValueError(f"it is not the result of a bulk run: {problem!r}") from None


@attrs.frozen
class InFlight:
    """A call that is under way, or one of a stopped run whose result was not taken.

        for call in run.in_flight:
            print(call.account, call.request, call.since)

    A run has them in `in_flight`.
    """

    request: AnyRequest
    row: int
    account: str
    #: When it was begun, in UTC.
    since: datetime
    #: What is known of it after the run was stopped: its outcome, or an `Unknown`; None while it is under way, and for
    #: an order that is certainly untouched.
    outcome: Outcome[Any] | None = None
    #: Why the order is untouched, if the call raised.
    error: CountermandError | None = None


LaneState: TypeAlias = Literal["idle", "running", "waiting", "paused", "stopped"]


@attrs.frozen
class LaneProgress:
    """How one account stands.

    `state` is "running"; "waiting" until an instant that a 429 set; "paused" while nothing can be sent, until the next
    probe; "stopped" for good; or "idle", with nothing to do.

        for lane in run.progress.lanes:
            print(lane.account, lane.state, lane.until, lane.learnt)
    """

    account: str
    marketplace: str
    state: LaneState
    #: Until when the account waits or is paused, in UTC.
    until: datetime | None
    #: Why it waits, is paused or was stopped.
    reason: str | None
    #: Requests a second that the account allows, as far as is known or learnt; None where no limit has shown.
    rate: float | None
    #: Whether `rate` was learnt from 429s, and not configured.
    learnt: bool
    #: Requests that were refused with a 429 and sent again.
    rate_limited: int
    #: Requests that this run has finished.
    done: int
    in_flight: int
    queued: int


@attrs.frozen
class Progress:
    """How a run stands, at one instant.

        print(run.progress.done, run.progress.kinds, run.progress.seconds_left(total))

    A run has it in `progress`.
    """

    #: Requests that were read from the input, those of the journal included, and whether those were all.
    read: int
    input_ended: bool
    #: Results that were given.
    done: int
    #: Of those: how many there are of each kind, such as "cancelled", "requested", "unknown", or "error:rate_limited".
    kinds: Mapping[str, int]
    replayed: int
    duplicates: int
    in_flight: int
    #: Seconds since the run began.
    elapsed: float
    #: Results a second, lately, without those of the journal.
    rate: float
    lanes: tuple[LaneProgress, ...]

    def seconds_left(self, total: int | None = None) -> float | None:
        """Return an estimate of the seconds until all is done; None where it cannot be told.

        `total` is the number of requests, if it is known; without it, those of an input that has ended are counted.
        """
        if total is None:
            total = self.read if self.input_ended else None
        if total is None or self.rate <= 0:
            return None
        return max(0, total - self.done) / self.rate


@attrs.frozen
class Accounts:
    """The accounts of a client, as a bulk run needs them."""

    driver: Driver | AsyncDriver
    #: Finds the sub-client that a request is for; raises `NotConfiguredError` or `InvalidRequestError`.
    find: Callable[[Any], Any]
    #: Finds the sub-client that an outcome is of.
    find_by_outcome: Callable[[Any], Any]
    #: Label → marketplace and base URL, for the journal.
    known: Mapping[str, tuple[str, str]]
    #: Label → known rate, in requests a second.
    rates: Mapping[str, float]

    @property
    def closed(self) -> bool:
        """Whether the client is closed; False for a driver that does not tell."""
        return bool(getattr(self.driver, "closed", False))
