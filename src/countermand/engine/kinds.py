"""The kinds of calls, requests and pauses. They are apart from the events, which a call without hooks does not import."""

from enum import StrEnum
from typing import Literal, TypeAlias

#: The kind of a call. `cancel_order` and `cancel` are "cancel"; `get_order` and `order_status` are "read".
CallKind: TypeAlias = Literal["cancel", "read", "check", "wait_until_settled"]
#: The purpose of a request.
What: TypeAlias = Literal["cancel", "read", "login"]


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
