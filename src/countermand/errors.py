"""The exceptions. If a call raises one of them, the call did not touch the order.

CountermandError
├── NotConfiguredError        the client was built without this marketplace
├── InvalidRequestError       refused before sending, or called malformed (Pattern 400, 422; Crux 400); a ValueError too
├── NotSentError              no request left: no connection, no token, no time
├── RateLimitedError          429, and the time to come back lies beyond the deadline
├── JournalError              a bulk run: its journal cannot be used
├── OrderUnreadableError      a read, not a cancellation: no usable answer came back
└── RejectedError             the marketplace answered, and did not do it
    ├── AuthenticationError       401: the credential is not accepted
    ├── PermissionDeniedError     403: the credential may not do this
    └── OrderNotFoundError        404, in the marketplace's own words
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from .data import SCHEMA
from .outcomes import Attempt

if TYPE_CHECKING:
    from .data.shapes import Fields


class CountermandError(Exception):
    """The base class of every error that this package raises about a call.

    If a call raises it, the call did not touch the order.

        try:
            outcome = client.pattern.cancel_order("114-3941689-8772232")
        except CountermandError as error:
            print(error, error.status, error.request_id)
    """

    #: What a reply that leads to this error means, in words.
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
        #: The HTTP status of the last reply, or None.
        self.status = status
        #: The marketplace's own error message, or None. It is also part of `message`.
        self.detail = detail
        #: The marketplace's own error code, or None.
        self.code = code
        #: The marketplace's request id, from a header of the reply, or None.
        self.request_id = request_id
        #: The beginning of the reply's body (at most 2,000 characters), with credentials redacted.
        self.body = body
        #: Some headers of the last reply by lower-case name: the date, the server, Retry-After and other rate limits,
        #: request ids. At most 200 characters each, with credentials redacted. Empty if there was no reply.
        self.headers: dict[str, str] = dict(headers or {})
        #: Every request of this call, and how it ended.
        self.attempts = attempts

    def add(self, text: str) -> None:
        """Add a clause to the message. For the engine alone."""
        self.message = f"{self.message}; {text}"
        super().__init__(self.message)

    def place(self, marketplace: str, account: str | None, order_id: str) -> None:
        """Say which call the error is about, as far as it does not say so itself. For the engine alone."""
        self.marketplace = self.marketplace or marketplace
        self.account = self.account or account
        self.order_id = self.order_id or order_id

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
        """Return the fields that are compared: all but the evidence, as for outcomes."""
        evidence = ("attempts", "headers", "__notes__")
        return {name: value for name, value in vars(self).items() if name not in evidence}

    def __hash__(self) -> int:
        return hash((type(self), self.message, self.marketplace, self.order_id, self.status))

    def to_dict(self) -> dict[str, Any]:
        """Return the error as JSON-compatible data, for `error_from_dict`.

        An error of a third party's class is written as its nearest base class of this module.

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
    """Return the written form of an error class of this module: its constructor's arguments."""
    from .data.shapes import fields_of_arguments, tag_of

    return fields_of_arguments(kind, {"schema": SCHEMA, "error": tag_of(kind)})


def _rebuilt(kind: type[CountermandError], message: str) -> CountermandError:
    return kind.__new__(kind, message)  # a third party's class may take other arguments


class NotConfiguredError(CountermandError):
    """The client was built without the configuration of this marketplace. Nothing was sent.

    The message lists the accounts that the client has.

        try:
            client.vtex
        except NotConfiguredError as error:
            print(error)
    """


class InvalidRequestError(CountermandError, ValueError):
    """The request is malformed.

    Either it was refused before sending, or the marketplace rejected it (Pattern 400 and 422, Crux 400).

        try:
            client.kibo.cancel_order("not a number", "other")
        except InvalidRequestError as error:
            print(error, error.errors)
    """

    meaning = "the request is malformed, and was not applied"

    def __init__(self, message: str, *, errors: tuple[str, ...] = (), **about: Any) -> None:
        super().__init__(message, **about)
        #: The problems that the marketplace listed, in its own words.
        self.errors = errors


class NotSentError(CountermandError):
    """The request was not sent: no connection, no token, or no time left.

    The original exception, if there was one, is its `__cause__`.

        try:
            client.crux.cancel_order("521a91e5-058d-4474-aeee-f0c148594a00")
        except NotSentError as error:
            print(error, error.__cause__)
    """


class RateLimitedError(CountermandError):
    """The rate limit lasts longer than the deadline of this call. The request was not applied.

    Try again after `retry_after` seconds.

        try:
            client.vtex.cancel_order("1172452900788-01", timeout=5)
        except RateLimitedError as error:
            schedule_again(error.retry_after)
    """

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
        #: Where the time comes from: the marketplace's Retry-After header, or else the retry policy.
        self.retry_after_from = retry_after_from


class JournalError(CountermandError):
    """A bulk run's journal cannot be used: it is of other accounts, newer, damaged, in use, or not writable.

    Nothing more was sent. What was under way is settled by the next run with the journal.

        try:
            results = list(client.cancel_many(requests, journal="run.db"))
        except JournalError as error:
            print(error)
    """


class OrderUnreadableError(CountermandError):
    """The order could not be read: no reply, a server error, or a malformed body.

    Only reads raise it, never a cancellation.

        try:
            order = client.vtex.get_order("1172452900788-01")
        except OrderUnreadableError as error:
            print(error)
    """


class RejectedError(CountermandError):
    """The marketplace answered with a status that means the request was not applied.

    `status`, `detail` and `code` hold what it said.

        try:
            client.kibo.cancel_order(1010101, "created_by_mistake")
        except RejectedError as error:
            print(error.status, error.detail)
    """


class AuthenticationError(RejectedError):
    """The marketplace does not accept the credential (401, or a failed login).

    Check the configuration of `account`.

        try:
            client.pattern.order_status("114-3941689-8772232")
        except AuthenticationError as error:
            print(error.account)
    """

    meaning = "the credential is not accepted"


class PermissionDeniedError(RejectedError):
    """The credential is valid but not authorized for this request.

    The status is 403; at Crux Connect also 409, for the wrong type of requester.

        try:
            client.vtex.get_order("1172452900788-01")
        except PermissionDeniedError:
            print('the key needs the permission "View order"')
    """

    meaning = "the credential may not do this"


class OrderNotFoundError(RejectedError):
    """The marketplace has no such order (404, in its own words).

    A 404 that does not come from the marketplace's API, such as a gateway's page, is a plain `RejectedError`. At
    Crux Connect only a read raises it: a 404 to a cancellation means a wrong address there.

        try:
            client.pattern.cancel_order("no-such-order")
        except OrderNotFoundError as error:
            print(error.order_id)
    """

    meaning = "there is no such order"
