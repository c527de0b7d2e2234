"""The rules of one marketplace: the requests to it, and what its replies mean.

The methods of `Rules` map a request or a reply to a value. They do no I/O, and know nothing about attempts, deadlines
or retries. What a reply or an order means is a `Finding`, from which the call makes its outcome.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeAlias, TypeVar

from ..data import SCHEMA, Storable
from ..errors import AuthenticationError, CountermandError, OrderNotFoundError, PermissionDeniedError
from ..outcomes import Cancelled, Part, PartiallyCancelled, Refused, Requested, Unknown
from .decoding import Answer
from .retry import Throttle
from .words import names_its_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..data.shapes import Fields
    from .auth import Auth
    from .operation import Operation
    from .wire import Call, Reply

A = TypeVar("A", covariant=True)
T = TypeVar("T")
C = TypeVar("C", bound=Answer)
O = TypeVar("O", bound=Answer)  # noqa: E741  the answer to a read: the order
I = TypeVar("I")  # noqa: E741  the order id: text, or an integer at Kibo
R = TypeVar("R")

#: Status codes that mean "not applied", and the error for each.
Rejections: TypeAlias = dict[int, type[CountermandError]]

#: The codes that mean "not applied" at every marketplace, and the error for each.
REJECTIONS: Rejections = {401: AuthenticationError, 403: PermissionDeniedError, 404: OrderNotFoundError}


class CancelRequest(Storable, Generic[A]):
    """A request to cancel one order. The `answer` of its outcome is an `A`.

    Each marketplace has its own class: `CancelPatternOrder`, `CancelVtexOrder` and so on.

        outcome = client.cancel(CancelVtexOrder("1172452900788-01", account="brand-ar"))
    """

    __slots__ = ()
    #: The marketplace's short name.
    marketplace: ClassVar[str]
    #: The label of the account to use; None for the only account of the marketplace.
    account: str | None

    @classmethod
    def __countermand_shape__(cls) -> Fields:
        from ..data.shapes import fields_of

        return fields_of(cls, {"schema": SCHEMA, "request": "cancel", "marketplace": cls.marketplace})


#: Any typed request, including those of third-party marketplaces.
AnyRequest: TypeAlias = CancelRequest[Any]


class Finding(NamedTuple, Generic[A]):
    """What a reply or an order means: an outcome without the facts of the call.

    `conclusive` says whether an order shows what became of a cancellation: its state is final, or it shows a pending
    cancellation. An order that is merely open is inconclusive. `askable` is False for an open order whose state
    forbids asking for the cancellation again.
    """

    kind: type[Any]
    answer: A | None
    facts: Mapping[str, Any]
    conclusive: bool = True
    askable: bool = True

    @property
    def settled(self) -> bool:
        """Whether the state is final."""
        settled: bool = self.facts.get("settled", self.kind.settled)
        return settled


def cancelled(answer: T | None, parts: tuple[Part, ...] = ()) -> Finding[T]:
    """Return the finding that the whole order is cancelled."""
    return Finding(Cancelled, answer, {"cancelled": parts})


def requested(answer: T | None, status: str | None = None, *, conclusive: bool = True) -> Finding[T]:
    """Return the finding that the decision is pending; not `conclusive` if the order is merely open."""
    return Finding(Requested, answer, {"status": status}, conclusive)


def partially_cancelled(
    answer: T | None, parts: tuple[Part, ...], rest: tuple[Part, ...], *, settled: bool
) -> Finding[T]:
    """Return the finding that `parts` are (being) cancelled and `rest` are not."""
    facts = {"cancelled": parts, "refused": rest, "settled": settled}
    return Finding(PartiallyCancelled, answer, facts, settled)


def refused(answer: T | None, parts: tuple[Part, ...]) -> Finding[T]:
    """Return the finding that nothing was cancelled."""
    return Finding(Refused, answer, {"refused": parts})


def unknown(reason: str, answer: T | None = None) -> Finding[T]:
    """Return the finding that the outcome is not known."""
    return Finding(Unknown, answer, {"reason": reason}, conclusive=False)


def by_parts(
    answer: T,
    parts: tuple[Part, ...],
    is_cancelled: Callable[[str], bool],
    is_final: Callable[[str], bool],
    status: str,
) -> Finding[T]:
    """Return the finding for an order from the statuses of its parts; `status` is the order's own.

    Without parts, nothing says that the order is cancelled: it counts as open.
    """
    gone = tuple(part for part in parts if is_cancelled(part.status))
    rest = tuple(part for part in parts if not is_cancelled(part.status))
    settled = all(is_final(part.status) for part in rest)
    if gone and not rest:
        return cancelled(answer, gone)
    if gone:
        return partially_cancelled(answer, gone, rest, settled=settled)
    return refused(answer, rest) if rest and settled else requested(answer, status, conclusive=False)


class Doubt(NamedTuple):
    """A reply that is not conclusive: the order has to be read."""

    reason: str
    #: Set if the marketplace says that it did nothing.
    error: CountermandError | None = None
    #: The finding unless the order's state says otherwise.
    believed: Finding[Any] | None = None
    #: Returns what the reply means together with an inconclusive order, or None if it means nothing.
    confirm: Callable[[Any], Finding[Any] | None] | None = None
    #: The finding if the order cannot be read.
    fallback: Finding[Any] | None = None
    #: Whether the cancellation may be asked for again while the order is open.
    askable: bool = True


#: What a reply to a cancellation means.
Verdict: TypeAlias = Finding[A] | Doubt | CountermandError


class Rules(Generic[I, R, C, O]):
    """The rules of one marketplace, for one account. Subclass it for a marketplace of your own.

    The type parameters are the order id, the request, and the answers to a cancellation and to a read.
    """

    #: The marketplace's short name.
    name: ClassVar[str]
    #: Returns the order id of a request. Requests check themselves when they are built.
    order_of: ClassVar[attrgetter[Any]] = attrgetter("order_id")
    #: Lower-case names of the authentication headers besides Authorization. A caller cannot set them.
    own_headers: ClassVar[frozenset[str]] = frozenset()
    #: Whether repeating a request is harmless: the order is cancelled once or not at all.
    repeatable: ClassVar[bool] = False
    #: Seconds until a request that arrived is visible in a read. Before that, an open order proves nothing, and the
    #: cancellation is not repeated.
    shows_after: ClassVar[float] = 0.0
    #: Seconds to wait after a 429 without Retry-After; None for the pause of the retry policy.
    rate_limit_pause: ClassVar[float | None] = None
    #: Statuses of a part on which a cancellation, current or earlier, has no effect.
    beyond_cancelling: ClassVar[frozenset[str]] = frozenset()
    #: Lower-case names of the headers with the marketplace's request id, in order of preference.
    request_id_headers: ClassVar[tuple[str, ...]] = ("x-request-id", "x-correlation-id", "request-id")
    #: Status codes that mean "not applied", and the error for each. After any other 4xx the order is read.
    rejections: ClassVar[Rejections] = REJECTIONS

    def __init__(self, label: str, auth: Auth) -> None:
        #: The account's label.
        self.label: str = label
        #: How requests of this account are authenticated.
        self.auth: Auth = auth
        #: The gate and the retry budget, shared by all calls of this account.
        self.throttle: Throttle = Throttle()

    def check_order_id(self, order_id: object) -> I:
        """Return `order_id` if it is a valid order id; raise `InvalidRequestError` otherwise."""
        raise NotImplementedError

    def order_key(self, order_id: I) -> str:
        """Return a text that is the same for every spelling of one order's id."""
        return str(order_id)

    def cancel_call(self, request: R, operation: Operation[I, R]) -> Call:
        """Return the HTTP request that asks for the cancellation."""
        raise NotImplementedError

    def read_call(self, operation: Operation[I, R]) -> Call:
        """Return the HTTP request that reads the order."""
        raise NotImplementedError

    def knows_no_order(self, reply: Reply, asked: Call) -> bool:
        """Return whether a 404 comes from the marketplace itself, and so means that there is no such order."""
        return names_its_error(reply)

    def reword(self, reply: Reply, operation: Operation[I, R]) -> bool:
        """Set `operation.wording` to another form of the request; return whether it is worth trying.

        Called at most once per call, after an unambiguous 4xx. `cancel_call` then uses `operation.wording`.
        """
        return False

    def judge(self, reply: Reply, operation: Operation[I, R]) -> Verdict[C] | None:
        """Return what a documented reply to the cancellation means, and None for any other.

        Called for every complete reply except 401, 408, 429, 3xx and 5xx. May raise `DecodingError`.
        """
        raise NotImplementedError

    def order(self, reply: Reply, operation: Operation[I, R]) -> O:
        """Return the order in a 200 reply; raise `DecodingError` for anything else, including another order."""
        raise NotImplementedError

    def state(self, order: O, operation: Operation[I, R]) -> Finding[O]:
        """Return what an order's state says about its cancellation."""
        raise NotImplementedError

    def named(self, answer: Any) -> tuple[Part, ...]:
        """Return the parts whose cancellation was initiated according to an answer, if it lists any."""
        return ()
