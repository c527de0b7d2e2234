"""Measures in virtual time that need more than one case: outages, many calls at once, interruptions."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from typing import Any

from attrs import frozen

from countermand import AsyncCountermand, Countermand, CountermandError, Unknown, evidence_of
from countermand.sandbox.world import World

from . import bodies
from .cases import ask
from .network import FAIR, Network, Trouble
from .scenes import MARKETPLACES, Scene, plain
from .virtual import (
    AsyncVirtualDriver,
    Interruption,
    Schedule,
    VirtualDriver,
    run_virtually,
)


@frozen
class Measure:
    """One figure against its bar."""

    name: str
    bar: str
    measured: str
    holds: bool


def outage(status: int, retry_after: str | None = None) -> Trouble:
    """Return the trouble of a marketplace that answers everything with one status, and applies nothing."""
    headers = {} if retry_after is None else {"retry-after": retry_after}
    return Trouble(str(status), lands=False, alters=bodies.answers(status, b"", headers))


def one_call(marketplace: str, trouble: Trouble, seed: int) -> Counter[str]:
    """Make one call with default settings in which every request meets `trouble`; count its requests by kind."""
    random.seed(seed)
    network, scene = _set_up(marketplace, trouble, seed)
    _quietly(Countermand(**scene.settings, http_client=VirtualDriver(network)), scene)
    return Counter(passage.what for passage in network.passages)


def in_a_row(marketplace: str, trouble: Trouble, calls: int) -> Counter[str]:
    """Make many such calls in a row on one account; count all their requests by kind."""
    random.seed(calls)
    network, scene = _set_up(marketplace, trouble, calls)
    client = Countermand(**scene.settings, http_client=VirtualDriver(network))
    for _ in range(calls):
        _quietly(client, scene)
    return Counter(passage.what for passage in network.passages)


def at_once(marketplace: str, calls: int, seed: int, pause: int = 20) -> tuple[int, int]:
    """Make many calls at once on one account, and have one of them answered 429 with a Retry-After.

    Return how many requests were sent between the arrival of that answer and the end of its Retry-After, and how
    many calls were made in all. Calls begin within three seconds, so some begin when the gate is closed.
    """
    rng = random.Random(seed)
    struck = rng.randrange(1, calls // 2)
    trouble = outage(429, retry_after=str(pause))
    network, scene = _set_up(marketplace, lambda passage: trouble if passage.number == struck else FAIR, seed)
    client = AsyncCountermand(**scene.settings, timeout=60.0, http_client=AsyncVirtualDriver(network))
    schedule = Schedule(network.clock)
    tasks = [schedule.spawn(_awaited(client, scene), rng.uniform(0, 3)) for _ in range(calls)]
    schedule.run()
    for task in tasks:
        if task.error is not None:
            raise task.error
    told = network.passages[struck].ended_at
    assert told is not None
    return sum(told < passage.sent_at < told + pause for passage in network.passages), len(network.passages)


def interrupted(
    marketplace: str, door: str, after: float, trouble: Trouble
) -> tuple[BaseException | None, Network]:
    """Interrupt a call whose requests meet `trouble`; return what came out of it, and the network."""
    network, scene = _set_up(marketplace, trouble, 0)
    at = network.clock.now + after
    try:
        if door == "sync":
            driver = VirtualDriver(network, Interruption(at, KeyboardInterrupt))
            ask(Countermand(**scene.settings, http_client=driver), scene)
        else:
            client = AsyncCountermand(**scene.settings, http_client=AsyncVirtualDriver(network))
            run_virtually(ask(client, scene), network.clock, Interruption(at, asyncio.CancelledError))
    except BaseException as error:  # noqa: BLE001 - whatever comes out
        return error, network
    return None, network


def measure() -> Iterator[Measure]:
    """Yield the figures, each the worst of all marketplaces."""
    limits = (None, "1", "5", "soon")
    for status in (429, 503):
        worst = max(
            one_call(name, outage(status, pause), seed).total()
            for name, pause, seed in product(MARKETPLACES, limits, range(10))
        )
        yield Measure(f"requests of one call under 100 % {status}", "≤ 4", str(worst), worst <= 4)
    for status, what in product((429, 503), ("cancel", "read")):
        most = max(in_a_row(name, outage(status), 1000)[what] for name in MARKETPLACES) / 1000
        name = f"{what}s per call, 1,000 calls in a row under 100 % {status}"
        yield Measure(name, "≤ 1.2", f"{most:.3f}", most <= 1.2)
    beyond = max(at_once(name, 50, seed)[0] for name, seed in product(MARKETPLACES, range(10)))
    name = "requests beyond those in flight before Retry-After is over, 50 calls at once"
    yield Measure(name, "0", str(beyond), beyond == 0)
    missing, interruptions = _without_evidence()
    name = f"interrupted calls that lose the evidence, of {interruptions}"
    yield Measure(name, "0", str(missing), missing == 0)


def _without_evidence() -> tuple[int, int]:
    lost = Trouble("reply lost", loses="the connection broke")
    missing = count = 0
    for name, door, step in product(MARKETPLACES, ("sync", "async"), range(100)):
        error, network = interrupted(name, door, 0.05 * step, lost)
        if error is None or isinstance(error, CountermandError):
            continue
        count += 1
        evidence = evidence_of(error)
        sent = any(passage.what == "cancel" for passage in network.passages)
        if sent and not (isinstance(evidence, Unknown) and len(evidence.attempts) == len(network.passages)):
            missing += 1
    return missing, count


def _set_up(marketplace: str, trouble: Any, seed: int) -> tuple[Network, Scene]:
    world = World()
    # Suppliers who stay silent: once they had decided, further calls would get 422, and read the order.
    scene = plain(world, marketplace, **{"crux": {"suppliers": "silent"}}.get(marketplace, {}))
    chooses = (lambda passage: trouble) if isinstance(trouble, Trouble) else trouble
    return Network(world, seed, chooses), scene


def _quietly(client: Any, scene: Scene) -> None:
    with suppress(CountermandError):
        ask(client, scene)


async def _awaited(client: Any, scene: Scene) -> Any:
    return await ask(client, scene)
