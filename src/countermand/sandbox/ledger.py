"""What really happened: the record against which the word of an SDK is judged.

Nothing here is computed by SDK code: the simulated marketplaces write it themselves.
"""

from datetime import datetime
from typing import Literal

from attrs import frozen

Marketplace = Literal["pattern", "vtex", "crux", "kibo"]

What = Literal[
    # Requests.
    "login",
    "read",
    "cancel received",
    "turned away",  # at the door: rate limit, path, method, credential, permission, body, unknown order
    "mishap",  # a scripted fault that struck before, or instead of, the marketplace
    # Effects.
    "requested",  # the cancel was passed on to whoever decides
    "refused",  # the order, or a part, cannot be cancelled; nothing changed
    "confirmed",  # a supplier or seller agreed
    "denied",  # a warehouse, supplier or seller did not cancel after all
    "overruled",  # a further cancel confirmed the one the seller was still deciding on, over the seller's head
    "cancelled",  # the order, or a part, is cancelled
    "moved",  # the order, or a part, went on its way
]

Extent = Literal["all", "some", "none"]


@frozen
class Entry:
    """One line of the ledger."""

    at: datetime
    marketplace: Marketplace
    order_id: str | None
    what: What
    detail: str = ""


@frozen
class Part:
    """A part of an order (a warehouse order, a line item, or the order itself) in the marketplace's own words."""

    id: str
    status: str
    cancelled: bool


@frozen
class Truth:
    """What has become of one order, and what will have become of it once everything scheduled has landed."""

    marketplace: Marketplace
    order_id: str
    cancels: int
    """Cancel requests that got past the door."""
    forwarded: int
    """Cancel requests that set something in motion; at Crux, how often the suppliers were asked."""
    parts: tuple[Part, ...]
    eventual_parts: tuple[Part, ...]
    landed: bool
    """Nothing is scheduled any more. Whoever stays silent for ever has nothing scheduled."""

    @property
    def accepted(self) -> bool:
        """Whether any cancel request was accepted, and so may have changed the order."""
        return self.forwarded > 0

    @property
    def cancelled(self) -> Extent:
        """How much of the order is cancelled now."""
        return _extent(self.parts)

    @property
    def eventually(self) -> Extent:
        """How much of the order will be cancelled in the end."""
        return _extent(self.eventual_parts)


def _extent(parts: tuple[Part, ...]) -> Extent:
    cancelled = sum(part.cancelled for part in parts)
    if cancelled == 0:
        return "none"
    return "all" if cancelled == len(parts) else "some"
