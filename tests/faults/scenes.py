"""Orders to cancel: for each marketplace, the states and the deciders that a cancellation can meet."""

import random
from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen

from countermand import Crux, Kibo, Pattern, Vtex
from countermand.sandbox.http import SandboxRequest
from countermand.sandbox.ledger import Marketplace
from countermand.sandbox.world import World

from .network import Network

MARKETPLACES: tuple[Marketplace, ...] = ("pattern", "vtex", "crux", "kibo")


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


def stage(world: World, rng: random.Random, marketplace: Marketplace) -> Scene:
    """Put an order into the world, and draw what is special about the order and the account."""
    scene = _SCENES[marketplace](world, rng)
    simulator: Any = world.simulator(marketplace)
    special = rng.random()
    if special < 0.02:
        unknown = scene.order_id + 7 if isinstance(scene.order_id, int) else f"{scene.order_id}7"
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
    status = rng.choices(
        (
            "ready-for-handling",
            "handling",
            "payment-approved",
            "invoiced",
            "canceled",
            "cancel",
            "request-cancel",
            "waiting-for-seller-decision",
        ),
        weights=(6, 6, 3, 3, 1, 1, 1, 1),
    )[0]
    seller: Any = rng.choices(("accepts", "denies", "silent", "stuck"), weights=(5, 3, 1, 1))[0]
    order: Any = world.vtex.add_order(
        "1172452900788-01",
        status=status,
        seller=seller,
        decides_after=rng.choice((0.0, 0.3, 3.0, 5.0, 30.0, 3600.0)),
        waits_in=rng.choice(
            ("waiting-for-seller-decision", "cancellation-requested", "cancel", "request-cancel")
        ),
    )
    world.vtex.add_order("1172452900700-01", status=rng.choice(("canceled", "handling", "invoiced")))
    world.vtex.refuses_with = rng.choice((400, 409, 422))
    headers = {"X-VTEX-API-AppKey": world.vtex.app_key, "X-VTEX-API-AppToken": world.vtex.app_token}
    if order.cancellable and rng.random() < 0.15:
        # Somebody has asked before, and was denied.
        order.seller, order.decides_after, truly = "denies", 0.0, (order.seller, order.decides_after)
        world.handle(SandboxRequest.to("POST", "/vtex/api/oms/pvt/orders/1172452900788-01/cancel", headers))
        order.seller, order.decides_after = truly
    if order.cancellable and rng.random() < 0.25:
        world.vtex.move("1172452900788-01", "invoiced", after=rng.uniform(0, 40))
    settings = Vtex(
        account="sandbox",
        app_key=world.vtex.app_key,
        app_token=world.vtex.app_token,
        base_url=f"{Network.origin}/vtex",
    )
    secrets = (world.vtex.app_key, world.vtex.app_token)
    return Scene("vtex", "1172452900788-01", "1172452900700-01", {"vtex": settings}, secrets)


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
    world.crux.add_order("521a91e5-058d", lines, suppliers=suppliers, decides_after=decides_after)
    world.crux.add_order("521a91e5-0000", {"line-9": rng.choice(("Cancelled", "Allocated", "HasTracking"))})
    world.crux.accepts_with = rng.choice((200, 204))
    if rng.random() < 0.25:
        name = rng.choice(names)
        if lines[name] in ("Allocated", "Unallocated", "Backordered"):
            world.crux.move(
                "521a91e5-058d", rng.choice(("HasTracking", "Rejected")), part=name, after=rng.uniform(0, 40)
            )
    release: Any = rng.choice(("v1", "timp"))
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
    return Scene("crux", "521a91e5-058d", "521a91e5-0000", {"crux": settings}, secrets)


def _kibo(world: World, rng: random.Random) -> Scene:
    state = rng.choices(("READY", "VALIDATED", "SHIPPED", "FULFILLED", "CANCELED"), (8, 4, 2, 1, 1))[0]
    cancels_after = rng.choice((0.0, 0.0, 0.0, 0.3, 5.0, 30.0, None))
    world.kibo.add_order(1010101, state=state, cancels_after=cancels_after)
    world.kibo.add_order(1010102, state=rng.choice(("CANCELED", "READY", "SHIPPED")))
    world.kibo.order_key = rng.choice(("orderID", "orderId"))
    world.kibo.refuses_with = rng.choice((400, 409, 422))
    if state in ("READY", "VALIDATED") and rng.random() < 0.25:
        world.kibo.move(1010101, rng.choice(("SHIPPED", "FULFILLED")), after=rng.uniform(0, 40))
    base_url = f"{Network.origin}/kibo"
    if rng.random() < 0.3:
        world.kibo.require_bearer = True
        world.kibo.sessions.lifetime = rng.choice((3600.0, 600.0, 2.0))
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
