"""How a marketplace answers about one order, as data: the replies that it documents."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from countermand.engine.wire import Call, Reply
from countermand.outcomes import Requested

Kind: TypeAlias = Literal["cancel", "read", "login"]


@frozen(kw_only=True)
class Counterpart:
    """How a marketplace answers about one order, as it documents it.

    All replies but those named `another_…` are about the order that the request names. A reply is made by hand,
    `Reply(200, {}, b'{"order": "A-1"}')`, or taken from a simulation or a recording.
    """

    #: The answer to a cancellation that is accepted.
    accepted: Reply
    #: Which outcome `accepted` is: `Requested` if the decision is pending, `Cancelled` if it is final.
    accepted_means: type[Any] = Requested
    #: The order, read: it is cancelled.
    cancelled: Reply
    #: The order, read: without any cancellation request.
    still_open: Reply
    #: Another order's accepted cancellation. None only where `accepted` has no body, and so names no order.
    another_accepted: Reply | None = None
    #: Another order, read: it is cancelled.
    another_cancelled: Reply
    #: The answer to a read, and to a cancellation, where there is no such order.
    not_found: Reply
    #: The answer to the cancellation of an order that cannot be cancelled; None if none is documented.
    refused: Reply | None = None
    #: That order, read; None if no state is documented for it.
    blocked: Reply | None = None
    #: Another order's refusal; None where `refused` names no order.
    another_refused: Reply | None = None
    #: The answer to the cancellation of an order that is cancelled already; None if it is `accepted` once more.
    repeated: Reply | None = None
    #: Whether asking twice is harmless: the order is cancelled once or not at all.
    repeatable: bool
    #: The answer to a login, for an account that signs in.
    login: Reply | None = None
    #: The credentials that the account was made of, 8 characters or longer. A login's token belongs here too.
    secrets: tuple[str, ...] = field(repr=False)
    #: What a request is for. By default a login is what carries no headers, a read what is a GET.
    kind_of: Callable[[Call], Kind] | None = field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.secrets or any(len(secret) < 8 for secret in self.secrets):
            raise ValueError("secrets must name the account's credentials, each of 8 characters or more")
        if self.accepted.body and self.another_accepted is None:
            raise ValueError("another_accepted is wanted: `accepted` has a body, which has to name the order")
