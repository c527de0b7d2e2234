"""The kinds of calls, requests, pauses and endings that the events name.

They are apart from the events, which a call without hooks does not import.
"""

from enum import StrEnum
from typing import Literal, TypeAlias

#: The kind of a call. `cancel_order` and `cancel` are "cancel"; `get_order` and `order_status` are "read".
CallKind: TypeAlias = Literal["cancel", "read", "check", "wait_until_settled"]
#: The purpose of a request.
What: TypeAlias = Literal["cancel", "read", "login"]


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


class WaitReason(StrEnum):
    """Why a call pauses.

    The members are texts.

        def hook(event):
            if isinstance(event, WaitStarted) and event.why is WaitReason.RATE_LIMIT:
                print(event.until)
    """

    #: The account is rate limited: the marketplace answered 429, or 503 with Retry-After.
    RATE_LIMIT = "rate_limit"
    #: A request got no usable reply, and is repeated.
    RETRY = "retry"
    #: A cancellation got no clear reply: the order is read until its state is conclusive.
    SETTLING = "settling"
    #: `wait_until_settled` waits before it reads the order again.
    POLLING = "polling"
    #: Another call is fetching the account's token.
    TOKEN = "token"  # noqa: S105 - a reason, and no token


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
