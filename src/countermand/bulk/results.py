"""What a bulk run takes and yields: rows that are not requests, one result for each row, and its progress."""

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
    """A row of the input that is not a valid request. It becomes a result with its error, and nothing is sent for it.

    Pass it to `cancel_many` among the requests, so that no row of an input is lost.

        UnreadRow(InvalidRequestError("line 7: order_id is empty"), {"line": 7, "text": ";;;"})
    """

    #: What is wrong with it, and the error of its result.
    error: CountermandError
    #: What identifies the row. It is stored as JSON; a value that JSON cannot represent is stored as text.
    row: dict[str, Any] = attrs.Factory(dict[str, Any])
    account: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data, which `result_from_dict` reads with its result, but not `request_from_dict`."""
        return {**_plain(self.row), "request": _TAG}

    @classmethod
    def of(cls, written: Mapping[str, Any], error: CountermandError) -> Self:
        """Return the row that `to_dict` returned, with the error of its result."""
        return cls(error, {name: value for name, value in written.items() if name != "request"})


def _plain(value: Any) -> Any:
    """Return what JSON can represent: `csv.DictReader` keeps surplus cells under None, a spreadsheet has dates."""
    if isinstance(value, Mapping):
        fields = cast("Mapping[object, Any]", value).items()
        return {"" if name is None else str(name): _plain(each) for name, each in fields}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in cast("list[Any]", value)]
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def is_unread(written: object) -> bool:
    """Return whether this is the plain data of an `UnreadRow`."""
    return isinstance(written, Mapping) and cast("Mapping[str, Any]", written).get("request") == _TAG


def written_of(request: Any) -> dict[str, Any]:
    """Return a request as plain data; anything else becomes an unread row."""
    if not isinstance(request, CancelRequest):
        return {"request": _TAG, "not_a_request": type(request).__name__}
    written: dict[str, Any] = request.to_dict()
    return written


@attrs.frozen
class BulkResult:
    """The result of one request. Exactly one of `outcome` and `error` is set; `ended` is the one that is.

        for result in client.cancel_many(requests):
            print(result.request, result.outcome or result.error)

    `to_dict` returns it as plain data, `result_from_dict` reads that.
    """

    #: The version of the written form.
    SCHEMA: ClassVar[int] = 1

    #: The request, as the input gave it.
    request: AnyRequest
    #: What happened, if the call returned.
    outcome: Outcome[Any] | None = None
    #: Why the order was not touched, if the call raised.
    error: CountermandError | None = None
    #: Whether this comes from the journal: an earlier run received the answer.
    replayed: bool = False
    #: The request's place in the input; the first is 0.
    row: int = 0
    #: The earlier row of the same order whose result this is, if the input names the order more than once.
    duplicate_of: int | None = None

    def __attrs_post_init__(self) -> None:
        if (self.outcome is None) == (self.error is None):
            raise ValueError("exactly one of outcome and error is set")

    @property
    def ended(self) -> Outcome[Any] | CountermandError:
        """The outcome or the error, whichever is set; for `match`."""
        ended = self.outcome if self.outcome is not None else self.error
        assert ended is not None
        return ended

    @property
    def settled(self) -> bool:
        """Whether the outcome is settled, so that it cannot change any more. False for an error."""
        return self.outcome is not None and self.outcome.settled

    def to_dict(self) -> dict[str, Any]:
        """Return this as plain data, which `result_from_dict` reads. Raises what `outcome.to_dict` raises."""
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
    """Return the result with this outcome or error."""
    outcome, error = (None, ended) if isinstance(ended, CountermandError) else (ended, None)
    return BulkResult(request, outcome, error, row=row, duplicate_of=duplicate_of)


def _row(number: object) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise TypeError(f"a row is a whole number, not {number!r}")
    return number


def result_from_dict(data: Mapping[str, Any]) -> BulkResult:
    """Return the result that `result.to_dict()` returned as data. Raises `ValueError` for anything else.

        result = result_from_dict(job.result)

    Outcomes and errors are read as by `outcome_from_dict` and `error_from_dict`. A row that was not a request becomes
    an `UnreadRow`.
    """
    try:
        if data["schema"] > BulkResult.SCHEMA or data["result"] != "cancel":
            raise TypeError("this version does not read it")
        outcome, request = data["outcome"], data["request"]
        error = None if data["error"] is None else error_from_dict(data["error"])
        is_row = is_unread(request)
        first = data["duplicate_of"]
        if not isinstance(data["replayed"], bool):
            raise TypeError("replayed is true or false")
        return BulkResult(
            UnreadRow.of(request, error) if is_row and error is not None else request_from_dict(request),
            None if outcome is None else outcome_from_dict(outcome),
            error,
            data["replayed"],
            _row(data["row"]),
            None if first is None else _row(first),
        )
    except (KeyError, TypeError) as problem:
        said = f"{problem} is missing" if isinstance(problem, KeyError) else problem
        raise ValueError(f"it is not the result of a bulk run: {said}") from None


@attrs.frozen
class InFlight:
    """A call in progress, or a call of a stopped run whose result was not received.

        for call in run.in_flight:
            print(call.account, call.request, call.since)

    A run has them in `in_flight`.
    """

    request: AnyRequest
    row: int
    account: str
    #: When it started, in UTC.
    since: datetime
    #: What is known of it after the run was stopped: its outcome, or an `Unknown`; None while it is in progress, and
    #: if the order is certainly untouched.
    outcome: Outcome[Any] | None = None
    #: Why the order is untouched, if the call raised.
    error: CountermandError | None = None


LaneState: TypeAlias = Literal["idle", "running", "waiting", "paused", "stopped"]


@attrs.frozen
class LaneProgress:
    """The state of one account.

    `state` is "running"; "waiting" until an instant that a 429 set; "paused" while nothing can be sent, until the next
    probe; "stopped" for good; or "idle", with nothing to do.

        for lane in run.progress.lanes:
            print(lane.account, lane.state, lane.until, lane.learnt)
    """

    account: str
    marketplace: str
    state: LaneState
    #: When the account's wait or pause ends, in UTC.
    until: datetime | None
    #: Why it waits, is paused or was stopped.
    reason: str | None
    #: The account's rate in requests a second, as configured or learnt; None if no limit has been observed.
    rate: float | None
    #: Whether `rate` was learnt from 429s, and not configured.
    learnt: bool
    #: Requests that were refused with a 429 and sent again.
    rate_limited: int
    #: Requests that this run has finished at this account.
    done: int
    in_flight: int
    queued: int


@attrs.frozen
class Progress:
    """The progress of a run at one instant.

        print(run.progress.done, run.progress.kinds, run.progress.seconds_left(total))

    A run has it in `progress`.
    """

    #: Requests that were read from the input, those of the journal included, and whether those were all.
    read: int
    input_ended: bool
    #: Results that were yielded.
    done: int
    #: How many of those there are of each kind, such as "cancelled", "requested", "unknown", or "error:rate_limited".
    kinds: Mapping[str, int]
    replayed: int
    duplicates: int
    in_flight: int
    #: Seconds since the run began.
    elapsed: float
    #: The recent rate in results a second, without those from the journal.
    rate: float
    lanes: tuple[LaneProgress, ...]

    def seconds_left(self, total: int | None = None) -> float | None:
        """Return an estimate of the seconds until the run is done; None if there is none.

        `total` is the number of requests, if known. Without it, there is an estimate once the input has ended.
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
        """Whether the client is closed; False for a driver that has no `closed`."""
        return bool(getattr(self.driver, "closed", False))
