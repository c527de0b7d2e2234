"""What a client tells its hooks: five events in the life of one call.

A call begins with one `CallStarted` and ends with one `CallEnded`, whatever becomes of it. Between them, each request
is a `RequestStarted` and a `RequestEnded`, and each pause is a `WaitStarted`. What is refused before the call begins,
such as an id that can name no order, is no event. No event holds a credential, a body or a query string.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, TypeAlias

import attrs

from ..errors import CountermandError
from ..outcomes import Outcome

#: Which call it is. `cancel_order` and `cancel` are "cancel"; `get_order` and `order_status` are "read".
CallKind: TypeAlias = Literal["cancel", "read", "check", "wait_until_settled"]
#: What a request is for.
What: TypeAlias = Literal["cancel", "read", "login"]


class RequestEnd(StrEnum):
    """How a request ended."""

    #: A whole reply came, whatever its status.
    ANSWERED = "answered"
    #: A status came, and a body that cannot be used: cut short, too large, not decodable.
    UNREADABLE = "unreadable"
    #: Nothing was sent: no connection, or no time.
    NOT_SENT = "not_sent"
    #: It may have reached the marketplace, and no status came.
    LOST = "lost"
    #: An exception that is not ours passed through: Ctrl-C, a cancelled task, the caller's own timeout.
    INTERRUPTED = "interrupted"


class WaitReason(StrEnum):
    """Why a call pauses."""

    #: The account's gate is closed: the marketplace answered 429, or 503 with Retry-After.
    RATE_LIMIT = "rate_limit"
    #: A request got no usable answer, and is made again.
    RETRY = "retry"
    #: A cancellation got no clear answer: the order is read again, until its state decides.
    SETTLING = "settling"
    #: `wait_until_settled` lets time pass before it reads the order again.
    POLLING = "polling"
    #: Another call is fetching the account's token.
    TOKEN = "token"  # noqa: S105 - a reason, and no token


class CallEnd(StrEnum):
    """How a call ended: which of the five outcomes it returned, or what else."""

    CANCELLED = "cancelled"
    REQUESTED = "requested"
    PARTIALLY_CANCELLED = "partially_cancelled"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    #: An order was read, and returned.
    READ = "read"
    #: An error of `countermand.errors` was raised: the order was not touched.
    ERROR = "error"
    #: An exception that is not ours passed through; `evidence_of` says what was known.
    INTERRUPTED = "interrupted"


@attrs.frozen(kw_only=True)
class CallEvent:
    """What all events say: of which call they are."""

    #: The number of the call in this process; all events of one call have the same.
    call_id: int
    call: CallKind
    #: "pattern", "vtex", "crux", "kibo", or the name of a third party's marketplace.
    marketplace: str
    #: The label of the account.
    account: str
    #: The order, as text.
    order_id: str


@attrs.frozen(kw_only=True)
class CallStarted(CallEvent):
    """A call begins; all its events come in the thread, or the task, that made it.

    def hook(event):
        if isinstance(event, CallStarted):
            print(f"{event.call} {event.order_id} at {event.account}")
    """

    #: The seconds that the call may take.
    timeout: float


@attrs.frozen(kw_only=True)
class RequestStarted(CallEvent):
    """A request is about to be sent.

    def hook(event):
        if isinstance(event, RequestStarted) and event.number > 1:
            print(f"{event.method} {event.url}, request {event.number} of this call")
    """

    #: "cancel", "read" (the order's state) or "login" (a token is fetched).
    what: What
    #: Which request of the call it is, from 1 on.
    number: int
    #: The HTTP method.
    method: str
    #: The URL without its query.
    url: str


@attrs.frozen(kw_only=True)
class RequestEnded(CallEvent):
    """A request ended.

    def hook(event):
        if isinstance(event, RequestEnded) and event.ended is RequestEnd.LOST:
            print(f"no answer within {event.seconds:.1f} s")
    """

    what: What
    number: int
    method: str
    url: str
    #: The status code that came back, or None.
    status: int | None
    #: How long it took.
    seconds: float
    ended: RequestEnd
    #: Whether it may have reached the marketplace.
    sent: bool
    #: The marketplace's own identifier of the request, where a header named one.
    request_id: str | None


@attrs.frozen(kw_only=True)
class WaitStarted(CallEvent):
    """The call pauses.

    def hook(event):
        if isinstance(event, WaitStarted) and event.why is WaitReason.RATE_LIMIT:
            print(f"{event.account} may be asked again at {event.until}")
    """

    why: WaitReason
    #: How long; None where nobody knows, which is while another call fetches a token.
    seconds: float | None
    #: Until when, in UTC; None where nobody knows.
    until: datetime | None


@attrs.frozen(kw_only=True)
class CallEnded(CallEvent):
    """A call ended: with an outcome, with an order that was read, with an error, or by an interruption.

    def hook(event):
        if isinstance(event, CallEnded) and event.ended is CallEnd.UNKNOWN:
            page_somebody(event.outcome)
    """

    ended: CallEnd
    #: How long the call took.
    seconds: float
    #: How many requests it made.
    requests: int
    #: What was returned; None for a read, and when an exception was raised.
    outcome: Outcome[Any] | None = None
    #: The error that was raised, or None.
    error: CountermandError | None = None
    #: The exception that passed through, or None.
    interruption: BaseException | None = None


#: What a hook is given.
Event: TypeAlias = CallStarted | RequestStarted | RequestEnded | WaitStarted | CallEnded

#: A function that is given every event. It must not block: the call waits for it. What it raises is logged, and
#: changes nothing, unless it is no `Exception` (Ctrl-C is not).
Hook: TypeAlias = Callable[[Event], object]
