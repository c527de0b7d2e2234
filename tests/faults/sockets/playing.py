"""Plays a case: opens a door, asks for both orders, and hands what was told to the judge."""

import time
from typing import Any

from attrs import frozen

from countermand import CountermandError

from .cases import Case
from .doors import aopened, cancel, opened, settings
from .handle import FaultServer
from .judge import Told, lateness, verdict
from .leaks import shown_by

#: The time that a call has which meets no fault, in seconds.
_CALM_PATIENCE = 2.0


@frozen
class Played:
    """What came of a case."""

    case: str
    seed: str
    door: str
    marketplace: str
    faults: tuple[str, ...]
    told: tuple[Told, ...]
    wrong: tuple[str, ...]
    #: What is wrong unless the machine was merely busy.
    late: tuple[str, ...]
    overrun: float
    #: Whether a timeout of the caller's own client bounds it worse than the deadline does.
    exempt: bool
    requests: int


def told(order_id: str, patience: float, began: float, result: Any) -> Told:
    """Describe an outcome, or what was raised."""
    took = time.monotonic() - began
    if isinstance(result, BaseException):
        ours = isinstance(result, CountermandError)
        names = [name] if (name := getattr(result, "order_id", None)) else []
        outcome, error = "raised", type(result).__name__
    else:
        ours, outcome, error = True, type(result).__name__, ""
        names = [result.order_id, *_named_in(result.answer)]
    settled = bool(getattr(result, "settled", False))
    leaks = tuple(shown_by(result)) if ours else ()
    return Told(
        order_id, outcome, error, ours, tuple(names), settled, took, patience, str(result)[:300], leaks
    )


def _named_in(answer: Any) -> list[str]:
    names = ("market_order_id", "order_id", "uuid")
    return [str(getattr(answer, name)) for name in names if hasattr(answer, name)]


def play(server: FaultServer, case: Case) -> Played:
    """Play a case through a blocking door."""
    spec = case.spec
    scene = server.open(spec)
    said: list[Told] = []
    with opened(case.door, **settings(spec.marketplace, scene.origin, case.login)) as client:
        for number, order in enumerate(spec.orders):
            patience = spec.patience
            if number:
                scene.calm()
                patience = max(patience, _CALM_PATIENCE)
            began = time.monotonic()
            result: Any
            try:
                result = cancel(client, spec.marketplace, order.order_id, patience)
            except Exception as error:  # noqa: BLE001 - whatever comes is to be judged
                result = error
            said.append(told(order.order_id, patience, began, result))
    return _played(case, tuple(said), scene.close())


async def aplay(server: FaultServer, case: Case) -> Played:
    """Play a case through an async door."""
    spec = case.spec
    scene = await server.aopen(spec)
    said: list[Told] = []
    async with aopened(case.door, **settings(spec.marketplace, scene.origin, case.login)) as client:
        for number, order in enumerate(spec.orders):
            patience = spec.patience
            if number:
                await scene.acalm()
                patience = max(patience, _CALM_PATIENCE)
            began = time.monotonic()
            result: Any
            try:
                result = await cancel(client, spec.marketplace, order.order_id, patience)
            except Exception as error:  # noqa: BLE001 - whatever comes is to be judged
                result = error
            said.append(told(order.order_id, patience, began, result))
    return _played(case, tuple(said), await scene.aclose())


def _played(case: Case, said: tuple[Told, ...], report: Any) -> Played:
    spec = case.spec
    planned = [one for plan in spec.script.values() for one in plan]
    seen = {one.fault for one in report.seen}
    outlasting = any(one.kind.outlasts for one in planned)
    exempt = outlasting and not case.door.startswith(("stock", "async"))
    wrong, late = verdict(spec, said, report), lateness(spec, said, report, not exempt)
    overrun = max(call.overrun for call in said)
    met = tuple(sorted({one.name for one in planned if one.name in seen or one.name == "refused"}))
    about = str(case), case.seed, case.door, spec.marketplace
    return Played(*about, met, said, tuple(wrong), tuple(late), overrun, exempt, len(report.seen))
