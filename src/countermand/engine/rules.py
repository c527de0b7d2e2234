"""What one marketplace says of itself: how it is asked, and what its replies mean.

The methods of `Rules` are plain functions from a reply to a value: they do no input or output, and know nothing of
attempts, deadlines or retries. What a reply or an order says is a `Finding`; the call adds its facts at the end.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeAlias, TypeVar

from ..data import SCHEMA, Storable
from ..errors import AuthenticationError, CountermandError, OrderNotFoundError, PermissionDeniedError
from ..outcomes import Cancelled, Part, PartiallyCancelled, Refused, Requested, Unknown
from .auth import Auth
from .decoding import Answer
from .retry import Throttle
from .wire import Call, Reply
from .words import names_its_error

if TYPE_CHECKING:
    from ..data.shapes import Fields
    from .operation import Operation

A = TypeVar("A", covariant=True)
T = TypeVar("T")
C = TypeVar("C", bound=Answer)
O = TypeVar("O", bound=Answer)  # noqa: E741  the order, as a read answers it
I = TypeVar("I")  # noqa: E741  what names an order: text, or an integer at Kibo
R = TypeVar("R")

#: Status codes that mean "not applied", and the error for each.
Rejections: TypeAlias = dict[int, type[CountermandError]]

#: The codes that mean "not applied" wherever they are answered, and the error for each.
REJECTIONS: Rejections = {401: AuthenticationError, 403: PermissionDeniedError, 404: OrderNotFoundError}


class CancelRequest(Storable, Generic[A]):
    """A cancellation of one order at one marketplace, whose outcome carries an `A`.

    Each marketplace has a class of its own: `CancelPatternOrder`, `CancelVtexOrder` and so on.
    """

    __slots__ = ()
    #: The marketplace's short name.
    marketplace: ClassVar[str]
    #: The label of the account to ask; None for the only account of the marketplace.
    account: str | None

    @classmethod
    def __countermand_shape__(cls) -> "Fields":
        from ..data.shapes import fields_of

        return fields_of(cls, {"schema": SCHEMA, "request": "cancel", "marketplace": cls.marketplace})


#: Any typed request, of a third party's marketplace as well.
AnyRequest: TypeAlias = CancelRequest[Any]


class Finding(NamedTuple, Generic[A]):
    """What a reply or an order says: an outcome to which the call's facts are still to be added.

    `conclusive` says of an order whether it shows what became of a cancellation: its state is final, or the
    marketplace itself shows a cancellation in progress. An order that is merely still open shows neither. `askable`
    is False for an open order whose state forbids to ask for the cancellation again.
    """

    kind: type[Any]
    answer: A | None
    facts: Mapping[str, Any]
    conclusive: bool = True
    askable: bool = True

    @property
    def settled(self) -> bool:
        """Whether nothing can change any more."""
        settled: bool = self.facts.get("settled", self.kind.settled)
        return settled


def cancelled(answer: T | None, parts: tuple[Part, ...] = ()) -> Finding[T]:
    """Return the finding that the whole order is cancelled."""
    return Finding(Cancelled, answer, {"cancelled": parts})


def requested(answer: T | None, status: str | None = None, *, conclusive: bool = True) -> Finding[T]:
    """Return the finding that somebody still decides; not `conclusive` where the order is merely open."""
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
    """Return the finding that nothing more can be known."""
    return Finding(Unknown, answer, {"reason": reason}, conclusive=False)


def by_parts(
    answer: T,
    parts: tuple[Part, ...],
    is_cancelled: Callable[[str], bool],
    is_final: Callable[[str], bool],
    status: str,
) -> Finding[T]:
    """Return what the statuses of an order's parts add up to; `status` is the order's own, in words."""
    gone = tuple(part for part in parts if is_cancelled(part.status))
    rest = tuple(part for part in parts if not is_cancelled(part.status))
    settled = all(is_final(part.status) for part in rest)
    if not rest:
        return cancelled(answer, gone)
    if gone:
        return partially_cancelled(answer, gone, rest, settled=settled)
    return refused(answer, rest) if settled else requested(answer, status, conclusive=False)


class Doubt(NamedTuple):
    """A reply that decides nothing by itself: the order is read."""

    reason: str
    #: There when the marketplace says that it did nothing.
    error: CountermandError | None = None
    #: What holds unless the order's state says otherwise.
    believed: Finding[Any] | None = None
    #: What the reply means together with an order whose state says nothing; it returns None where it means nothing.
    confirm: Callable[[Any], Finding[Any] | None] | None = None
    #: What holds if the order cannot be read.
    fallback: Finding[Any] | None = None
    #: Whether the cancellation may be asked for again while the order is open.
    askable: bool = True


#: What a reply to a cancellation means.
Verdict: TypeAlias = Finding[A] | Doubt | CountermandError


class Rules(Generic[I, R, C, O]):
    """One marketplace, as one account sees it. Subclass it for a marketplace of your own.

    The type parameters are what names an order, the typed request, and what a cancellation and a read answer.
    """

    #: The marketplace's short name.
    name: ClassVar[str]
    #: What names the order in a request. Requests check themselves when they are built.
    order_of: ClassVar["attrgetter[Any]"] = attrgetter("order_id")
    #: The lower-case names of the headers that say who asks, beside Authorization; a call's own may not have them.
    own_headers: ClassVar[frozenset[str]] = frozenset()
    #: Whether asking twice is harmless: the order is cancelled once or not at all.
    repeatable: ClassVar[bool] = False
    #: Seconds that a request which arrived may take to show in a read. Before that, an open order says nothing, and
    #: the cancellation is not asked for again.
    shows_after: ClassVar[float] = 0.0
    #: Seconds to wait after a 429 that names no time; None for the retry policy's own pause.
    rate_limit_pause: ClassVar[float | None] = None
    #: Statuses of a part in which no cancellation, of now or of before, changes anything any more.
    beyond_cancelling: ClassVar[frozenset[str]] = frozenset()
    #: Headers of a reply that name the request on the marketplace's side, by lower-case name, the most telling first.
    request_id_headers: ClassVar[tuple[str, ...]] = ("x-request-id", "x-correlation-id", "request-id")
    #: Status codes that mean "not applied", and the error for each. Other 4xx are settled by reading.
    rejections: ClassVar[Rejections] = REJECTIONS

    def __init__(self, label: str, auth: Auth) -> None:
        #: The account's label.
        self.label: str = label
        #: How requests of this account are authenticated.
        self.auth: Auth = auth
        #: The gate and the retry budget that all calls on this account share.
        self.throttle: Throttle = Throttle()

    def check_order_id(self, order_id: object) -> I:
        """Return `order_id` if it can name an order here; raise `InvalidRequestError` otherwise."""
        raise NotImplementedError

    def order_key(self, order_id: I) -> str:
        """Return a text that is the same for every spelling of one order's id."""
        return str(order_id)

    def cancel_call(self, request: R, operation: "Operation[I, R]") -> Call:
        """Return the HTTP request that asks for the cancellation."""
        raise NotImplementedError

    def read_call(self, operation: "Operation[I, R]") -> Call:
        """Return the HTTP request that reads the order."""
        raise NotImplementedError

    def knows_no_order(self, reply: Reply, asked: Call) -> bool:
        """Return whether a 404 is the marketplace's own word that there is no such order."""
        return names_its_error(reply)

    def reword(self, reply: Reply, operation: "Operation[I, R]") -> bool:
        """Set `operation.wording` to another way to say the same; return whether there is one worth trying.

        Called at most once a call, after a clean 4xx. `cancel_call` says it as `operation.wording` tells.
        """
        return False

    def judge(self, reply: Reply, operation: "Operation[I, R]") -> Verdict[C] | None:
        """Return what a reply to the cancellation means where this marketplace documents it; None for the rest.

        Called for every whole reply but 401, 408, 429, 3xx and 5xx. May raise `DecodingError`.
        """
        raise NotImplementedError

    def order(self, reply: Reply, operation: "Operation[I, R]") -> O:
        """Return the order in a 200 reply; raise `DecodingError` for anything else, another order included."""
        raise NotImplementedError

    def state(self, order: O, operation: "Operation[I, R]") -> Finding[O]:
        """Return what an order's state says about its cancellation."""
        raise NotImplementedError

    def named(self, answer: Any) -> tuple[Part, ...]:
        """Return the parts whose cancellation an answer says was begun; empty where it names none."""
        return ()
