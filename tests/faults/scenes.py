"""Orders to cancel: for each marketplace, the states and the deciders that a cancellation can meet."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from attrs import evolve, frozen

from countermand import Crux, Kibo, Pattern, Vtex
from countermand.sandbox.http import SandboxRequest
from countermand.sandbox.ledger import Marketplace
from countermand.sandbox.vtex_order import PENDING
from countermand.sandbox.world import World

from .network import Network

MARKETPLACES: tuple[Marketplace, ...] = ("pattern", "vtex", "crux", "kibo")
CRUX_ORDER, CRUX_OTHER = "521a91e5-058d-4474-aeee-f0c148594a00", "521a91e5-0000-4474-aeee-f0c148594a00"
#: How long a request that VTEX received may take to show in a read, in seconds.
VTEX_SHOWS_WITHIN = 10.0


#: The statuses of an order in which a cancellation, or its denial, is under way.
VTEX_PENDING = tuple(sorted(PENDING))


@frozen
class Scene:
    """An order in a world, another one beside it, and the configuration of a client that can reach them."""

    marketplace: Marketplace
    order_id: str | int
    other_id: str | int
    settings: dict[str, Any]
    secrets: tuple[str, ...]
    #: Whether the account may do what is asked, the order exists, and no limit is in the way.
    permitted: bool = True
    readable: bool = True
    #: What the order is called in the seller, where a receipt of VTEX names it so.
    seller_order_id: str | None = None
    #: How long an accepted cancellation takes to show in a read, in seconds.
    shows_after: float = 0.0


def stage(world: World, rng: random.Random, marketplace: Marketplace) -> Scene:
    """Put an order into the world, and draw what is special about the order and the account."""
    scene = _SCENES[marketplace](world, rng)
    simulator: Any = world.simulator(marketplace)
    special = rng.random()
    if special < 0.02:
        order_id = scene.order_id
        unknown = order_id + 7 if isinstance(order_id, int) else f"{order_id[:-1]}7"
        return evolve(scene, order_id=unknown, permitted=False)
    if special < 0.03:
        simulator.may_cancel = False
        return evolve(scene, permitted=False)
    if special < 0.07:
        simulator.may_read = False
        return evolve(scene, readable=False)
    if special < 0.09:
        simulator.limit(requests=rng.randint(0, 3), per=rng.choice((2.0, 10.0, 60.0)))
        return evolve(scene, permitted=False)
    if special < 0.10:
        _turn_away(simulator)
        return evolve(scene, permitted=False)
    return scene


def plain(world: World, marketplace: str, **order: Any) -> Scene:
    """Put an order into the world that can be cancelled, with nothing special about the account.

    `order` is what the marketplace's `add_order` takes, beyond the order's id.
    """
    scene = _SCENES[marketplace](World(), random.Random(0))
    if marketplace == "pattern":
        order.setdefault("warehouse_orders", {1001: "new"})
    simulator: Any = world.simulator(marketplace)
    simulator.add_order(scene.order_id, **order)
    simulator.add_order(scene.other_id, **order)
    return evolve(scene, settings=_settings(marketplace), secrets=())


def _turn_away(simulator: Any) -> None:
    """Have the marketplace no longer accept the credential (at Crux: take its owner for a supplier)."""
    match simulator.name:
        case "pattern":
            simulator.tokens = {"another"}
        case "vtex":
            simulator.app_token = "another"
        case "crux":
            simulator.requester = "supplier"
        case _:
            simulator.tenant_id = 999


def _pattern(world: World, rng: random.Random) -> Scene:
    statuses = rng.choices(
        ("new", "backordered", "batched", "picked", "departed", "complete", "cancelled"),
        weights=(10, 3, 1, 2, 2, 1, 3),
        k=rng.choice((1, 1, 2, 3)),
    )
    orders: Any = {1001 + number: status for number, status in enumerate(statuses)}
    picked = [number for number in orders if rng.random() < 0.1]
    after = rng.choice((0.0, 0.3, 3.0, 5.0, 30.0, 3600.0, None))
    world.pattern.add_order("114-3941689", orders, cancels_after=after, picked_instead=picked)
    world.pattern.message = rng.choice(("text", "text", "null"))
    world.pattern.empty_lists = rng.choice(("list", "list", "null", "missing"))
    world.pattern.add_order("114-3941600", {2001: "new", 2002: rng.choice(("cancelled", "complete"))})
    if rng.random() < 0.25:
        number = rng.choice(list(orders))
        if orders[number] in ("new", "backordered", "batched"):
            world.pattern.move(
                "114-3941689", rng.choice(("picked", "departed")), part=number, after=rng.uniform(0, 40)
            )
    settings = Pattern(token="sandbox-pattern-token", base_url=f"{Network.origin}/pattern")
    return Scene("pattern", "114-3941689", "114-3941600", {"pattern": settings}, ("sandbox-pattern-token",))


def _vtex(world: World, rng: random.Random) -> Scene:
    order_id, other_id = "1172452900788-01", "1172452900700-01"
    status = rng.choices(
        (
            "ready-for-handling",
            "handling",
            "payment-approved",
            "window-to-cancel",
            "invoice",
            None,
            "invoiced",
            "canceled",
            *VTEX_PENDING,
        ),
        weights=(6, 6, 3, 1, 1, 1, 4, 1, *[1] * len(VTEX_PENDING)),
    )[0]
    seller: Any = rng.choices(("accepts", "denies", "silent", "stuck"), weights=(5, 3, 1, 1))[0]
    vtex = world.vtex
    order: Any = vtex.add_order(
        order_id,
        status=status,
        seller=seller,
        decides_after=rng.choice((0.0, 0.3, 3.0, 5.0, 30.0, 3600.0)),
        waits_in=rng.choice(("cancellation-requested", "cancellation-requested", *VTEX_PENDING)),
        seller_order_id=rng.choice((None, None, None, "00-9001-01")),
        shows_after=rng.choice((0.0, 0.0, 1.0, 5.0, 9.0, VTEX_SHOWS_WITHIN)),
        denied_before={world.now - timedelta(days=400): "last year's reason"} if rng.random() < 0.2 else {},
        returned=status == "invoiced" and rng.random() < 0.5,
        in_error=status == "invoice" and rng.random() < 0.5,
    )
    vtex.add_order(other_id, status=rng.choice(("canceled", "handling", "invoiced")))
    vtex.refuses_with = rng.choice((400, 409, 422))
    vtex.receipts = rng.random() < 0.9
    vtex.receipt_dates = rng.choice(("offset", "zulu", "plain"))
    vtex.order_dates = rng.choice(("offset", "offset", "zulu", "plain"))
    vtex.utc_offset = timedelta(hours=rng.choice((0, -3, 14, -12)))
    vtex.requires_content_type = True
    vtex.error_shape = rng.choice(("own", "own", "problem", "message", "detail", "errors"))
    vtex.byte_order_mark = rng.random() < 0.1
    headers = {
        "Content-Type": "application/json",
        "X-VTEX-API-AppKey": vtex.app_key,
        "X-VTEX-API-AppToken": vtex.app_token,
    }
    if order.cancellable and rng.random() < 0.15:
        # Somebody has asked before, and was denied.
        truly = order.seller, order.decides_after, order.shows_after
        order.seller, order.decides_after, order.shows_after = "denies", 0.0, 0.0
        world.handle(SandboxRequest.to("POST", f"/vtex/api/oms/pvt/orders/{order_id}/cancel", headers))
        order.seller, order.decides_after, order.shows_after = truly
        world.advance(3600.0)
    if order.cancellable and rng.random() < 0.25:
        vtex.move(order_id, "invoiced", after=rng.uniform(0, 40))
    settings = Vtex(
        account="sandbox",
        app_key=vtex.app_key,
        app_token=vtex.app_token,
        base_url=f"{Network.origin}/vtex",
    )
    return Scene(
        "vtex",
        order_id,
        other_id,
        {"vtex": settings},
        (vtex.app_key, vtex.app_token),
        seller_order_id=order.seller_order_id if order.of_another_seller else None,
        shows_after=order.shows_after,
    )


def _crux(world: World, rng: random.Random) -> Scene:
    names = [f"line-{number}" for number in range(rng.choice((1, 1, 2, 3)))]
    lines = {
        name: rng.choices(
            ("Allocated", "Unallocated", "Backordered", "Rejected", "HasTracking", "Cancelled"),
            (8, 2, 2, 1, 2, 1),
        )[0]
        for name in names
    }
    suppliers: Any = {
        name: rng.choices(("confirm", "reject", "ship", "silent"), (5, 2, 2, 1))[0] for name in names
    }
    decides_after = rng.choice((0.0, 0.3, 3.0, 5.0, 30.0, 3600.0))
    world.crux.add_order(CRUX_ORDER, lines, suppliers=suppliers, decides_after=decides_after)
    world.crux.add_order(CRUX_OTHER, {"line-9": rng.choice(("Cancelled", "Allocated", "HasTracking"))})
    world.crux.accepts_with = rng.choice((200, 201, 204))
    world.crux.accepts_body = rng.choice((b"", b"", b"null", b'"OK"', b'{"message": "Received."}'))
    world.crux.designations = rng.choice(("v1", "plain", "null", "numbered"))
    world.crux.refuses_partly_cancelled = rng.random() < 0.3
    world.crux.error_shape = rng.choice(("own", "fields", "empty"))
    if rng.random() < 0.25:
        name = rng.choice(names)
        if lines[name] in ("Allocated", "Unallocated", "Backordered"):
            world.crux.move(
                CRUX_ORDER, rng.choice(("HasTracking", "Rejected")), part=name, after=rng.uniform(0, 40)
            )
    release: Any = rng.choice(("v1", "timp"))
    world.crux.releases = {release}
    base_url = f"{Network.origin}/crux"
    if rng.random() < 0.3:
        world.crux.sessions.lifetime = rng.choice((7200.0, 7200.0, 1.0))
        settings = Crux(
            username=world.crux.username, password=world.crux.password, release=release, base_url=base_url
        )
        secrets: tuple[str, ...] = (world.crux.password, "sandbox-crux-session-")
    else:
        settings = Crux(token="sandbox-crux-token", release=release, base_url=base_url)
        secrets = ("sandbox-crux-token",)
    return Scene("crux", CRUX_ORDER, CRUX_OTHER, {"crux": settings}, secrets)


def _kibo(world: World, rng: random.Random) -> Scene:
    state = rng.choices(("READY", "VALIDATED", "SHIPPED", "FULFILLED", "CANCELED"), (8, 4, 2, 1, 1))[0]
    cancels_after = rng.choice((0.0, 0.0, 0.0, 0.3, 5.0, 30.0, None))
    world.kibo.add_order(1010101, state=state, cancels_after=cancels_after)
    world.kibo.add_order(1010102, state=rng.choice(("CANCELED", "READY", "SHIPPED")))
    world.kibo.order_key = rng.choice(("orderID", "orderId"))
    world.kibo.request_key = rng.choice(("orderId", "orderId", "orderID"))
    world.kibo.order_id_as_text = rng.random() < 0.2
    world.kibo.canceled_word = rng.choice(("CANCELED", "CANCELED", "Order Canceled", "cancelled"))
    world.kibo.cancelled_shows_in = rng.choice(("both", "both", "orderState", "orderStatus"))
    world.kibo.refuses_with = rng.choice((400, 409, 422))
    world.kibo.byte_order_mark = rng.random() < 0.1
    if state in ("READY", "VALIDATED") and rng.random() < 0.25:
        world.kibo.move(1010101, rng.choice(("SHIPPED", "FULFILLED")), after=rng.uniform(0, 40))
    base_url = f"{Network.origin}/kibo"
    if rng.random() < 0.3:
        world.kibo.require_bearer = True
        world.kibo.sessions.lifetime = rng.choice((3600.0, 600.0, 2.0))
        world.kibo.expires_in = rng.choice(("seconds", "seconds", "null", "missing"))
        world.kibo.expired_with = rng.choice((401, 403))
        settings = Kibo(
            tenant_id=world.kibo.tenant_id,
            client_id=world.kibo.client_id,
            client_secret=world.kibo.client_secret,
            base_url=base_url,
            auth_url=base_url,
        )
        secrets: tuple[str, ...] = (world.kibo.client_secret, "sandbox-kibo-session-")
    else:
        settings = Kibo(tenant_id=world.kibo.tenant_id, access_token="sandbox-kibo-token", base_url=base_url)
        secrets = ("sandbox-kibo-token",)
    return Scene("kibo", 1010101, 1010102, {"kibo": settings}, secrets)


def _settings(marketplace: str) -> dict[str, Any]:
    base_url = f"{Network.origin}/{marketplace}"
    match marketplace:
        case "pattern":
            return {"pattern": Pattern(token="sandbox-pattern-token", base_url=base_url)}
        case "vtex":
            settings = Vtex(
                account="sandbox",
                app_key="vtexappkey-sandbox",
                app_token="sandbox-vtex-token",
                base_url=base_url,
            )
            return {"vtex": settings}
        case "crux":
            return {"crux": Crux(token="sandbox-crux-token", base_url=base_url)}
        case _:
            return {"kibo": Kibo(tenant_id=12345, access_token="sandbox-kibo-token", base_url=base_url)}


_SCENES: dict[str, Callable[[World, random.Random], Scene]] = {
    "pattern": _pattern,
    "vtex": _vtex,
    "crux": _crux,
    "kibo": _kibo,
}
