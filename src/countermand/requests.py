"""What the typed requests have in common: a marketplace, and the type of its answer."""

from typing import ClassVar, Generic, TypeVar

from .engine.decoding import Answer
from .outcomes import MarketplaceName

A = TypeVar("A", bound=Answer, covariant=True)


class CancelRequest(Generic[A]):
    """A cancellation of one order at one marketplace, whose typed answer is an `A`."""

    __slots__ = ()
    #: The marketplace's short name, by which a client finds its sub-client.
    marketplace: ClassVar[MarketplaceName]


def marketplace_of(request: object) -> MarketplaceName | None:
    """Return the marketplace that a request is for; None if it is no typed request."""
    typed = CancelRequest in type(request).__mro__
    return getattr(request, "marketplace", None) if typed else None
