"""Short words for directed tests: a case in one line, and one call through any door."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from .doors import ASYNC, Login, aopened, cancel, opened, settings
from .faults import Applied, Planned
from .handle import FaultServer, Scene
from .spec import CaseSpec, OrderSpec

_Found = TypeVar("_Found")

#: For each marketplace the ids of its orders: those that are asked for, and last the one that nobody asks for.
IDS = {
    "pattern": ("114-1000001-0000001", "114-1000001-0000002", "114-1000001-0000003", "114-9999999-9999999"),
    "vtex": ("1172450000001-01", "1172450000002-01", "1172450000003-01", "9999999999999-01"),
    "crux": tuple(f"521a91e5-058d-4474-aeee-00000000000{number}" for number in (1, 2, 3, 9)),
    "kibo": ("1010101", "1010102", "1010103", "9090909"),
}

#: Seconds for a call whose deadline is not what is tested: beside busy processes a handshake can take long.
PATIENCE = 60.0


def case(marketplace: str, patience: float = 2.0, **script: Any) -> CaseSpec:
    """Return a case of open orders; `script` names faults by where they strike, and `echo` or `settings`."""
    echo, about = script.pop("echo", False), script.pop("settings", {})
    made_of = {"warehouse_orders": {"1": "new"}} if marketplace == "pattern" else {}
    *asked, other = (OrderSpec(order_id, made_of) for order_id in IDS[marketplace])
    planned: Any = {where: tuple(faults) for where, faults in script.items()}
    return CaseSpec(marketplace, tuple(asked), other, planned, patience, echo, about)


def lost(name: str, applied: Applied = "yes", pick: int = 0, *, always: bool = False) -> Planned:
    """Return a fault."""
    return Planned(name, applied, pick, always)


def ask(door: str, scene: Scene, spec: CaseSpec, *, login: Login = "token", calm: bool = True) -> list[Any]:
    """Cancel every order of a case through one client, in turn; the faults are for the first alone.

    Returns the outcomes, and in the place of an outcome what was raised instead.
    """
    return (
        asyncio.run(_aask(door, scene, spec, login, calm))
        if door in ASYNC
        else _ask(door, scene, spec, login, calm)
    )


def _ask(door: str, scene: Scene, spec: CaseSpec, login: Login, calm: bool) -> list[Any]:
    found: list[Any] = []
    with opened(door, **settings(spec.marketplace, scene.origin, login)) as client:
        patience = spec.patience
        for order in spec.orders:
            try:
                found.append(cancel(client, spec.marketplace, order.order_id, patience))
            except Exception as error:  # noqa: BLE001 - it is the result
                found.append(error)
            if calm:
                scene.calm()
                patience = PATIENCE
    return found


async def _aask(door: str, scene: Scene, spec: CaseSpec, login: Login, calm: bool) -> list[Any]:
    found: list[Any] = []
    async with aopened(door, **settings(spec.marketplace, scene.origin, login)) as client:
        patience = spec.patience
        for order in spec.orders:
            try:
                found.append(await cancel(client, spec.marketplace, order.order_id, patience))
            except Exception as error:  # noqa: BLE001 - it is the result
                found.append(error)
            if calm:
                await scene.acalm()
                patience = PATIENCE
    return found


def patiently(played: Callable[[float], _Found], in_time: Callable[[_Found], bool]) -> _Found:
    """Play a case whose time has to run out; with more of it where a busy machine did not come that far."""
    patience = 0.4
    while not in_time(found := played(patience)) and patience < 9:
        patience *= 3
    return found


def named(results: list[Any]) -> list[str]:
    """Return the names of the outcomes' and the errors' classes."""
    return [type(result).__name__ for result in results]


def wait_for_a_request(server: FaultServer, scene: Scene) -> None:
    """Return once the server has read a request of this case."""
    while not scene.report().seen:
        pass
