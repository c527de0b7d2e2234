"""Plays a case: opens a door, asks for both orders, and hands what was told to the judge."""

import asyncio
import os
import pickle
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final

from attrs import frozen

from countermand import AsyncCountermand, CountermandError, evidence_of

from .cases import Case
from .doors import FAST, aopened, async_driver, cancel, cancelling, opened, settings, without_bundle
from .handle import FaultServer
from .judge import Told, lateness, verdict
from .leaks import has_credential, shown_by, told_with_locals
from .spec import Report
from .troubles import Around
from .troubles import around as around_of

#: The time that a call has which meets no fault, in seconds.
_CALM_PATIENCE = 2.0
#: When an alarm comes, as parts of a call's time.
ALARMS: Final = (0.02, 0.1, 0.3, 0.6, 0.9)


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


def told(order_id: str, patience: float, began: float, result: Any, around: Around | None = None) -> Told:
    """Describe an outcome, or what was raised."""
    took = time.monotonic() - began
    planned = around is not None and around.planned(result)
    evidence: int | None = None
    if isinstance(result, BaseException):
        ours = isinstance(result, CountermandError)
        names = [name] if (name := getattr(result, "order_id", None)) else []
        outcome, error = "raised", type(result).__name__
        if (known := evidence_of(result)) is not None:
            evidence = sum(one.what == "cancel" and one.sent for one in known.attempts)
            names.append(known.order_id)
    else:
        ours, outcome, error = True, type(result).__name__, ""
        names = [result.order_id, *_named_in(result.answer)]
    settled = bool(getattr(result, "settled", False))
    leaks = tuple(shown_by(result)) if ours else ()
    if planned:
        leaks = ("its traceback with locals",) if has_credential(told_with_locals(result)) else ()
        patience = patience if around is None or around.alarm is None else around.alarm
    facts = (order_id, outcome, error, ours, tuple(names), settled, took, patience, str(result)[:300])
    return Told(*facts, planned, evidence, leaks)


def _named_in(answer: Any) -> list[str]:
    names = ("market_order_id", "order_id", "uuid")
    return [str(getattr(answer, name)) for name in names if hasattr(answer, name)]


def play(server: FaultServer, case: Case) -> Played:
    """Play a case through a blocking door."""
    spec = case.spec
    scene = server.open(spec)
    said: list[Told] = []
    with (
        _around(case, scene.port) as around,
        opened(case.door, around, **settings(spec.marketplace, around.origin, case.login)) as client,
    ):
        for number, order in enumerate(spec.orders):
            patience = _next(case, around, number)
            if number:
                scene.calm()

            def ask(order_id: str = order.order_id, patience: float = patience) -> Told:
                # A dictionary keeps what the call returns before the interpreter can run a signal handler again: an
                # alarm that strikes later than that, in these lines, takes nothing away from the caller.
                kept = defaultdict[str, Any](cancelling(client, spec.marketplace, order_id, patience))
                began = time.monotonic()
                raised: Exception | None = None
                try:
                    with around.alarmed():
                        _ = kept[order_id]
                except Exception as error:  # noqa: BLE001 - whatever comes is to be judged
                    raised = error
                return told(order_id, patience, began, kept.get(order_id, raised), around)

            said.append(in_a_fork(ask) if number and case.trouble.startswith("fork") else ask())
    return _played(case, tuple(said), scene.close(), around)


async def aplay(server: FaultServer, case: Case) -> Played:
    """Play a case through an async door."""
    spec = case.spec
    scene = await server.aopen(spec)
    said: list[Told] = []
    with _around(case, scene.port) as around:
        async with aopened(
            case.door, around, **settings(spec.marketplace, around.origin, case.login)
        ) as client:
            for number, order in enumerate(spec.orders):
                patience = _next(case, around, number)
                if number:
                    await scene.acalm()
                said.append(await _aask(client, case, around, order.order_id, patience))
    return _played(case, tuple(said), await scene.aclose(), around)


def play_in_loops(server: FaultServer, case: Case) -> Played:
    """Play a case through an async door, with an event loop for each call."""
    spec = case.spec
    scene = server.open(spec)
    said: list[Told] = []
    with _around(case, scene.port) as around:
        driver = async_driver(case.door, around)
        configured = settings(spec.marketplace, around.origin, case.login)
        client = AsyncCountermand(**configured, retry=FAST, http_client=driver)
        for number, order in enumerate(spec.orders):
            patience = _next(case, around, number)
            if number:
                scene.calm()
            said.append(asyncio.run(_aask(client, case, around, order.order_id, patience)))
        asyncio.run(client.aclose())
    return _played(case, tuple(said), scene.close(), around)


def play_alone(server: FaultServer, case: Case) -> Played:
    """Play a case in the main thread, with nothing beside it."""
    if case.trouble.startswith("loops"):
        return play_in_loops(server, case)
    return asyncio.run(aplay(server, case)) if case.door.startswith("async") else play(server, case)


async def _aask(client: Any, case: Case, around: Around, order_id: str, patience: float) -> Told:
    began = time.monotonic()
    result: Any
    try:
        result = await cancel(client, case.spec.marketplace, order_id, patience)
    except Exception as error:  # noqa: BLE001 - whatever comes is to be judged
        result = error
    return told(order_id, patience, began, result, around)


@contextmanager
def _around(case: Case, port: int) -> Generator[Around]:
    alarm = case.spec.patience * ALARMS[sum(case.seed.encode()) % len(ALARMS)]
    with around_of(case.trouble, case.door, port, alarm) as around:
        if case.trouble == "certificate: no bundle":
            with without_bundle():
                yield around
        else:
            yield around


def _next(case: Case, around: Around, number: int) -> float:
    """Return the time of the next call, in seconds; after the first one all is calm."""
    if not number:
        return case.spec.patience
    around.calm = True
    return max(case.spec.patience, _CALM_PATIENCE)


def in_a_fork(ask: Callable[[], Told]) -> Told:
    """Make a call in a forked process, and return what it says."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.write(writing, pickle.dumps(ask()))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    found: Told = pickle.loads(said)
    return found


def _played(case: Case, said: tuple[Told, ...], report: Report, around: Around) -> Played:
    spec = case.spec
    planned = [one for plan in spec.script.values() for one in plan]
    seen = {one.fault for one in report.seen}
    outlasting = any(one.kind.outlasts for one in planned)
    exempt = outlasting and not case.door.startswith(("stock", "async"))
    unsent = around.trouble is not None and around.trouble.unsent
    forked = case.trouble.startswith(("fork", "loops"))
    wrong = verdict(spec, said, report, unsent=unsent, forked=forked)
    # Behind what accepts every connection, a server that refuses one looks like one that closes it.
    hidden = bool(spec.script.get("connect")) and case.trouble.startswith(
        ("certificate", "proxy", "fork: ", "loops: ")
    )
    # A hook that raises for a status loses what the reply says: an error then says less than the order's state would.
    calm = not unsent and not hidden and case.trouble != "hook: raises for status"
    late = lateness(spec, said, report, not exempt, calm=calm, unsent=unsent)
    overrun = max(call.overrun for call in said)
    met = tuple(sorted({one.name for one in planned if one.name in seen or one.name == "refused"}))
    met += (case.trouble,) if case.trouble else ()
    about = str(case), case.seed, case.door, spec.marketplace
    return Played(*about, met, said, tuple(wrong), tuple(late), overrun, exempt, len(report.seen))
