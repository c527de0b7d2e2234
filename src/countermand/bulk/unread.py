"""A row of an input that makes no request."""

from collections.abc import Mapping
from typing import Any, Self, cast

import attrs

from ..engine.rules import CancelRequest
from ..errors import CountermandError

_TAG = "unread"


@attrs.frozen
class UnreadRow(CancelRequest[Any]):
    """A row that makes no request: it is told as an error in its place, and nothing is sent for it.

    Give it to `cancel_many` among the requests, so that no row of an input is lost.

        UnreadRow(InvalidRequestError("line 7: it names no order"), {"line": 7, "text": ";;;"})
    """

    #: What is wrong with it, and the error of its result.
    error: CountermandError
    #: What it is told from other rows by, as JSON has it.
    row: dict[str, Any] = attrs.Factory(dict[str, Any])
    account: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what is stored of the row. `result_from_dict` reads it with its result, `request_from_dict` does not."""
        return {**self.row, "request": _TAG}

    @classmethod
    def of(cls, written: Mapping[str, Any], error: CountermandError) -> Self:
        """Return the row that `to_dict` wrote, with the error of its result."""
        return cls(error, {name: value for name, value in written.items() if name != "request"})


def is_unread(written: object) -> bool:
    """Whether this is what an `UnreadRow` wrote."""
    return isinstance(written, Mapping) and cast("Mapping[str, Any]", written).get("request") == _TAG


def written_of(request: Any) -> dict[str, Any]:
    """Return a request as plain data; something that is none becomes a row that makes none."""
    try:
        written: dict[str, Any] = request.to_dict()
    except (AttributeError, TypeError, ValueError):
        return {"request": _TAG, "not_a_request": type(request).__name__}
    return written
