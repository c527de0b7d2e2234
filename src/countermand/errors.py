"""What is raised. Raised means untouched: the order was not touched by the call that raised.

CountermandError
├── NotConfiguredError        the client was built without this marketplace
├── InvalidRequestError       refused before sending, or called malformed (Pattern 400, 422; Crux 400); a ValueError too
├── NotSentError              no request left: no connection, no token, no time
├── RateLimitedError          429, and the time to come back lies beyond the deadline
├── OrderUnreadableError      a read, not a cancellation: no usable answer came back
└── RejectedError             the marketplace answered, and did not do it
    ├── AuthenticationError       401: the credential is not accepted
    ├── PermissionDeniedError     403: the credential may not do this
    └── OrderNotFoundError        404
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from .data import SCHEMA
from .outcomes import Attempt

if TYPE_CHECKING:
    from .data.shapes import Fields


class CountermandError(Exception):
    """The parent of every exception that this package raises about a call."""

    #: What an answer that leads to this error means, in words.
    meaning: ClassVar[str] = "not applied"

    def __init__(
        self,
        message: str,
        *,
        marketplace: str | None = None,
        account: str | None = None,
        order_id: str | None = None,
        status: int | None = None,
        detail: str | None = None,
        code: str | None = None,
        request_id: str | None = None,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        attempts: tuple[Attempt, ...] = (),
    ) -> None:
        super().__init__(message)
        #: What went wrong, in words.
        self.message: str = message
        #: "pattern", "vtex", "crux", "kibo", or None when no marketplace is concerned.
        self.marketplace = marketplace
        #: The label of the account, or None when no account is concerned.
        self.account = account
        #: The order, as text.
        self.order_id = order_id
        #: The HTTP status that came back last, or None.
        self.status = status
        #: What the marketplace said went wrong, in its own words, or None. It is part of the message, too.
        self.detail = detail
        #: The marketplace's own code of the problem, or None.
        self.code = code
        #: The marketplace's own identifier of the request, from the headers that name one.
        self.request_id = request_id
        #: The beginning of the reply's body (at most 2,000 characters), credentials struck out.
        self.body = body
        #: Some headers of the reply that came back last, by lower-case name: its date, who answered, Retry-After and
        #: other rate limits, ids. At most 200 characters each, credentials struck out; empty where none came back.
        self.headers: dict[str, str] = dict(headers or {})
        #: Every request this call made, and how it ended.
        self.attempts = attempts

    def add(self, text: str) -> None:
        """Add a clause to the message. For the engine alone."""
        self.message = f"{self.message}; {text}"
        self.args = (self.message,)

    def __str__(self) -> str:
        where = " ".join(
            part for part in (self.marketplace, f"order {self.order_id}" if self.order_id else None) if part
        )
        text = f"{where}: {self.message}" if where else self.message
        return f"{text} (request id {self.request_id})" if self.request_id else text

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={value!r}"
            for name, value in vars(self).items()
            if name not in ("message", "body", "headers")
        )
        return f"{type(self).__name__}({self.message!r}, {shown})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._said() == other._said()

    def _said(self) -> dict[str, Any]:
        """Return what counts when errors are compared: like outcomes, all but the attempts, and the headers."""
        evidence = ("attempts", "headers", "__notes__")
        return {name: value for name, value in vars(self).items() if name not in evidence}

    def __hash__(self) -> int:
        return hash((type(self), self.message, self.marketplace, self.order_id, self.status))

    def to_dict(self) -> dict[str, Any]:
        """Return this as plain data, as JSON has it, for `error_from_dict`.

        An error of a third party's own class is written as the nearest of ours that it derives from.

            job.failure = error.to_dict()
        """
        return self.__countermand_shape__().write(self, "$")

    @classmethod
    def __countermand_shape__(cls) -> "Fields":
        return _shape(next(kind for kind in cls.__mro__ if kind.__module__ == __name__))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.message), vars(self)


@cache
def _shape(kind: type[CountermandError]) -> "Fields":
    """Return how errors of a class of this module are written: by the arguments they are made with."""
    from .data.shapes import fields_of_arguments, tag_of

    return fields_of_arguments(kind, {"schema": SCHEMA, "error": tag_of(kind)})


def _rebuilt(kind: type[CountermandError], message: str) -> CountermandError:
    return kind(message)


class NotConfiguredError(CountermandError):
    """The client was built without the configuration of this marketplace. Nothing was sent."""


class InvalidRequestError(CountermandError, ValueError):
    """The request is malformed: found before sending, or said by the marketplace (Pattern 400 and 422, Crux 400)."""

    meaning = "the request is malformed, and was not applied"

    def __init__(self, message: str, *, errors: tuple[str, ...] = (), **about: Any) -> None:
        super().__init__(message, **about)
        #: What the marketplace listed as wrong, in its own words.
        self.errors = errors


class NotSentError(CountermandError):
    """The request did not leave: no connection, no token for it, or no time left to send it."""


class RateLimitedError(CountermandError):
    """The marketplace asks to come back later than this call's deadline allows. The request was not applied."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        retry_after_from: Literal["marketplace", "policy"] = "marketplace",
        **about: Any,
    ) -> None:
        super().__init__(message, **about)
        #: Seconds until a request may be made again.
        self.retry_after = retry_after
        #: Who says so: the marketplace, in a Retry-After header, or the policy, where it sent none.
        self.retry_after_from = retry_after_from


class OrderUnreadableError(CountermandError):
    """The order's state could not be read: no answer, a server error, or a body that makes no sense."""


class RejectedError(CountermandError):
    """The marketplace answered with a code that means the request was not applied."""


class AuthenticationError(RejectedError):
    """The marketplace does not accept the credential (401, or a login that failed)."""

    meaning = "the credential is not accepted"


class PermissionDeniedError(RejectedError):
    """The credential is known and may not do this (403; at Crux also 409, the wrong type of requester)."""

    meaning = "the credential may not do this"


class OrderNotFoundError(RejectedError):
    """The marketplace knows no such order (404)."""

    meaning = "there is no such order"
