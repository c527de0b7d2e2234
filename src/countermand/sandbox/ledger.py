"""The ledger: what really happened at the marketplaces, to compare with what an SDK reports.

No SDK code computes it; the simulated marketplaces write it themselves.
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
    "turned away",  # before any effect: rate limit, path, method, credential, permission, body, unknown order
    "mishap",  # a scripted fault that occurred before, or in place of, the marketplace
    # Effects.
    "requested",  # the cancel was forwarded to the warehouse, seller or supplier
    "refused",  # the order, or a part, cannot be cancelled; nothing changed
    "confirmed",  # a supplier or seller agreed
    "denied",  # a warehouse, supplier or seller did not cancel after all
    "overruled",  # a second cancel confirmed the one on which the seller had not decided yet
    "cancelled",  # the order, or a part, is cancelled
    "moved",  # the order, or a part, got another status
]

Extent = Literal["all", "some", "none"]


@frozen
class Entry:
    """One line of the ledger.

    They are in the order in which things happened.

        print([(entry.what, entry.detail) for entry in sandbox.world.ledger])
    """

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
    """The state of one order now, and its state after all scheduled events.

    Whatever a client was told.

        assert sandbox.world.truth("kibo", 1010101).cancelled == "none"
    """

    marketplace: Marketplace
    order_id: str
    cancels: int
    """Cancel requests that the marketplace processed."""
    forwarded: int
    """Cancel requests that had an effect; at Crux, how often they were forwarded to the suppliers."""
    parts: tuple[Part, ...]
    eventual_parts: tuple[Part, ...]
    landed: bool
    """No event is scheduled. A supplier or seller that never decides has none."""

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
