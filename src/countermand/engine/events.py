"""The events that a client passes to its hooks: five kinds in the life of one call.

A call starts with one `CallStarted` and always ends with one `CallEnded`. Between them, each request has a
`RequestStarted` and a `RequestEnded`, and each pause a `WaitStarted`. Input that is refused before the call starts,
such as an invalid order id, causes no event. No event contains a credential, a body or a query string.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

import attrs

from ..errors import CountermandError
from ..outcomes import Outcome
from .kinds import CallKind, WaitReason, What


class RequestEnd(StrEnum):
    """How a request ended.

    The members are texts.

        def hook(event):
            if isinstance(event, RequestEnded) and event.ended is RequestEnd.LOST:
                print(event.url)
    """

    #: A complete reply arrived, with any status.
    ANSWERED = "answered"
    #: A status arrived, but the body is unusable: truncated, too large or not decodable.
    UNREADABLE = "unreadable"
    #: Nothing was sent: no connection, or no time left.
    NOT_SENT = "not_sent"
    #: The request may have reached the marketplace, but no status arrived.
    LOST = "lost"
    #: A foreign exception interrupted it: Ctrl-C, a cancelled task, a timeout of the caller.
    INTERRUPTED = "interrupted"


class CallEnd(StrEnum):
    """How a call ended: one of the five outcomes, a read, an error or an interruption.

    The members are texts.

        def hook(event):
            if isinstance(event, CallEnded) and event.ended is CallEnd.UNKNOWN:
                print(event.outcome)
    """

    CANCELLED = "cancelled"
    REQUESTED = "requested"
    PARTIALLY_CANCELLED = "partially_cancelled"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    #: An order was read, and returned.
    READ = "read"
    #: The call raised a `CountermandError`: the order was not touched.
    ERROR = "error"
    #: A foreign exception interrupted the call; `evidence_of` returns what was known.
    INTERRUPTED = "interrupted"


@attrs.frozen(kw_only=True)
class CallEvent:
    """The base class of all events: the call that they belong to.

    An event of any kind has these fields.

        def hook(event):
            print(event.call_id, event.call, event.marketplace, event.order_id)
    """

    #: The number of the call in this process, the same for all its events.
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
    """A call starts.

    Hooks run in the thread or the task that makes the call.

        def hook(event):
            if isinstance(event, CallStarted):
                print(f"{event.call} {event.order_id} at {event.account}")
    """

    #: The timeout of the call, in seconds.
    timeout: float


@attrs.frozen(kw_only=True)
class RequestStarted(CallEvent):
    """A request is about to be sent.

    Logins are requests too.

        def hook(event):
            if isinstance(event, RequestStarted) and event.number > 1:
                print(f"{event.method} {event.url}, request {event.number} of this call")
    """

    #: "cancel", "read" (the order's state) or "login" (a token is fetched).
    what: What
    #: The number of the request within the call, starting at 1.
    number: int
    #: The HTTP method.
    method: str
    #: The URL without its query.
    url: str


@attrs.frozen(kw_only=True)
class RequestEnded(CallEvent):
    """A request ended, with or without a reply.

    Every `RequestStarted` is followed by one.

        def hook(event):
            if isinstance(event, RequestEnded) and event.ended is RequestEnd.LOST:
                print(f"no answer within {event.seconds:.1f} s")
    """

    what: What
    number: int
    method: str
    url: str
    #: The status code of the reply, or None.
    status: int | None
    #: The duration of the request.
    seconds: float
    ended: RequestEnd
    #: Whether the request may have reached the marketplace.
    sent: bool
    #: The marketplace's request id, if a header of the reply had one.
    request_id: str | None


@attrs.frozen(kw_only=True)
class WaitStarted(CallEvent):
    """The call pauses.

    The pause ends with the next event of the call.

        def hook(event):
            if isinstance(event, WaitStarted) and event.why is WaitReason.RATE_LIMIT:
                print(f"{event.account} is rate limited until {event.until}")
    """

    why: WaitReason
    #: The duration of the pause; None if not known, while another call fetches a token.
    seconds: float | None
    #: The end of the pause in UTC; None if not known.
    until: datetime | None


@attrs.frozen(kw_only=True)
class CallEnded(CallEvent):
    """A call ended: with an outcome, an order, an error, or by an interruption.

    Every `CallStarted` is followed by one.

        def hook(event):
            if isinstance(event, CallEnded) and event.ended is CallEnd.UNKNOWN:
                alert(event.outcome)
    """

    ended: CallEnd
    #: The duration of the call.
    seconds: float
    #: The number of requests that it made.
    requests: int
    #: The outcome that was returned; None for a read, or if an exception was raised.
    outcome: Outcome[Any] | None = None
    #: The error that was raised, or None.
    error: CountermandError | None = None
    #: The foreign exception that interrupted the call, or None.
    interruption: BaseException | None = None


#: The argument of a hook.
Event: TypeAlias = CallStarted | RequestStarted | RequestEnded | WaitStarted | CallEnded

#: A function that is called with every event. It must not block, because the call waits for it. An `Exception` that it
#: raises is logged and otherwise ignored; any other exception, such as KeyboardInterrupt, propagates.
Hook: TypeAlias = Callable[[Event], object]
