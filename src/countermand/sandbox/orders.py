"""Predefined orders: for each marketplace, one order for each way in which a cancellation can end."""

from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from countermand.sandbox.ledger import Marketplace
from countermand.sandbox.world import World


@frozen
class ReadyOrder:
    """A predefined order, the outcome of its first cancel, and the outcome once it has settled.

    They are listed in `Sandbox.ORDERS`.

        print([(order.marketplace, order.order_id, order.story) for order in Sandbox.ORDERS])
    """

    marketplace: Marketplace
    order_id: str | int
    answer: str
    settled: str
    story: str
    made_of: Mapping[str, Any] = field(repr=False)


READY_ORDERS: Final = (
    ReadyOrder(
        "pattern", "114-3941689-8772232", "Requested", "Cancelled",
        "Two warehouses, and both cancel within five seconds.",
        {"warehouse_orders": {1001: "new", 1002: "backordered"}},
    ),
    ReadyOrder(
        "pattern", "114-3941689-8772233", "PartiallyCancelled", "PartiallyCancelled",
        "One warehouse cancels; the other has picked its part.",
        {"warehouse_orders": {1003: "new", 1004: "picked"}},
    ),
    ReadyOrder(
        "pattern", "114-3941689-8772234", "Refused", "Refused",
        "Everything has left the warehouses.",
        {"warehouse_orders": {1005: "departed", 1006: "complete"}},
    ),
    ReadyOrder(
        "pattern", "114-3941689-8772235", "Cancelled", "Cancelled",
        "Cancelled before anybody asked.",
        {"warehouse_orders": {1007: "cancelled"}},
    ),
    ReadyOrder(
        "vtex", "1172452900788-01", "Requested", "Cancelled",
        "The seller agrees within five seconds.",
        {"seller": "accepts"},
    ),
    ReadyOrder(
        "vtex", "1172452900789-01", "Requested", "Refused",
        "The seller denies it within five seconds: the parcel has left.",
        {"seller": "denies"},
    ),
    ReadyOrder(
        "vtex", "1172452900790-01", "Requested", "Requested",
        "The seller never decides.",
        {"seller": "silent"},
    ),
    ReadyOrder(
        "vtex", "1172452900791-01", "Refused", "Refused",
        "Invoiced: it needs a return invoice first.",
        {"status": "invoiced"},
    ),
    ReadyOrder(
        "crux", "521a91e5-058d-4474-aeee-f0c148594a00", "Requested", "Cancelled",
        "Both suppliers confirm within five seconds.",
        {"line_items": ("line-1", "line-2")},
    ),
    ReadyOrder(
        "crux", "521a91e5-058d-4474-aeee-f0c148594a01", "Requested", "PartiallyCancelled",
        "One supplier confirms; the other ships.",
        {"line_items": ("line-3", "line-4"), "suppliers": {"line-3": "confirm", "line-4": "ship"}},
    ),
    ReadyOrder(
        "crux", "521a91e5-058d-4474-aeee-f0c148594a02", "Requested", "Requested",
        "The supplier never answers.",
        {"line_items": ("line-5",), "suppliers": "silent"},
    ),
    ReadyOrder(
        "crux", "521a91e5-058d-4474-aeee-f0c148594a03", "Refused", "Refused",
        "Everything has a tracking number already.",
        {"line_items": {"line-6": "HasTracking"}},
    ),
    ReadyOrder(
        "kibo", 1010101, "Cancelled", "Cancelled",
        "Cancelled at once.",
        {},
    ),
    ReadyOrder(
        "kibo", 1010102, "Requested", "Cancelled",
        "Cancelled within five seconds; the first answer still shows it open.",
        {"cancels_after": 5.0},
    ),
    ReadyOrder(
        "kibo", 1010103, "Refused", "Refused",
        "Shipped.",
        {"state": "SHIPPED"},
    ),
)  # fmt: skip


def seed(world: World) -> None:
    """Add the predefined orders to a world, and reset those that exist.

        world = World()
        seed(world)

    A `Sandbox` does it for its own world.
    """
    for order in READY_ORDERS:
        simulator: Any = world.simulator(order.marketplace)
        simulator.orders.pop(str(order.order_id), None)
        simulator.add_order(order.order_id, **order.made_of)
