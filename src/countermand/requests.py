"""What the typed requests have in common: a marketplace, and the type of its answer."""

from typing import ClassVar, Generic, TypeVar

from .decoding import Answer
from .evidence import MarketplaceName

A = TypeVar("A", bound=Answer, covariant=True)


class CancelRequest(Generic[A]):
    """A cancellation of one order at one marketplace, whose typed answer is an `A`."""

    __slots__ = ()
    #: The marketplace's short name, by which a client finds its sub-client.
    marketplace: ClassVar[MarketplaceName]
