"""A row of an input that makes no request."""

from typing import Any

import attrs

from ..engine.rules import CancelRequest
from ..errors import InvalidRequestError


@attrs.frozen
class UnreadRow(CancelRequest[Any]):
    """A row that makes no request: it is told as an error in its place, and nothing is sent for it.

    Give it to `cancel_many` among the requests, so that no row of an input is lost.

        UnreadRow(InvalidRequestError("line 7: it names no order"), {"line": 7, "text": ";;;"})
    """

    #: What is wrong with it, and the error of its result.
    error: InvalidRequestError
    #: What it is told from other rows by, as JSON has it.
    row: dict[str, Any] = attrs.Factory(dict[str, Any])
    account: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what is stored of the row. `request_from_dict` does not read it."""
        return {"request": "unread", **self.row}
