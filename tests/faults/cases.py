"""One simulated cancellation, made from nothing but its seed, through either door of the SDK."""

import asyncio
import random
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, Literal, TypeAlias

from attrs import define, field, frozen

from countermand import AsyncCountermand, Countermand, RetryPolicy, evidence_of
from countermand.sandbox.ledger import Truth
from countermand.sandbox.world import World

from .network import Network, Passage
from .scenes import MARKETPLACES, Scene, stage
from .virtual import (
    AsyncVirtualDriver,
    Interruption,
    VirtualClock,
    VirtualDriver,
    run_virtually,
)
from .weather import Mood, Weather
from .weather import mood as draw_mood

DOORS: tuple["Door", ...] = ("sync", "async")
Door = Literal["sync", "async"]


What: TypeAlias = Literal["cancel", "check", "wait"]


@frozen
class Look:
    """A look at the order, after the call that cancels it."""

    what: What
    #: Seconds that pass before it.
    after: float
    timeout: float
    #: Whether it starts from what is known; else from the order's id alone.
    from_outcome: bool
    #: Whether another client looks, with a driver of its own.
    by_another: bool


@frozen
class Case:
    """What a seed says about the call itself; the world and the weather are drawn from the same seed."""

    seed: int
    mood: Mood
    scene: Scene
    timeout: float
    attempts: int
    #: Seconds after which the caller is interrupted, or None.
    interrupted_after: float | None
    #: What is done afterwards, in turn.
    looks: tuple[Look, ...]


@define
class Phase:
    """One call of the SDK: what came of it, when, and with which requests."""

    what: What
    began: float
    timeout: float
    first_passage: int
    #: The outcome that a look started from, or None.
    prior: Any = None
    outcome: Any = None
    error: BaseException | None = None
    ended: float = 0.0
    passages: list[Passage] = field(factory=list[Passage])

    @property
    def deadline(self) -> float:
        """The instant past which nothing may be sent and nobody may wait."""
        return self.began + self.timeout


@define
class Run:
    """A case as it went through one door, after all late effects have landed."""

    case: Case
    door: Door
    world: World
    network: Network
    before: Truth | None
    #: How many lines the ledger had before the call.
    already: int
    phases: list[Phase] = field(factory=list[Phase])
    after: Truth | None = None

    def began(self, what: What, timeout: float, prior: Any = None) -> Phase:
        """Open a phase."""
        phase = Phase(what, self.network.clock.now, timeout, len(self.network.passages), prior)
        self.phases.append(phase)
        return phase

    def ended(self, phase: Phase) -> None:
        """Close a phase."""
        phase.ended = self.network.clock.now
        phase.passages = self.network.passages[phase.first_passage :]


def play(seed: int, door: Door) -> Run:
    """Play the case of `seed` through a door."""
    run, client = set_up(seed, door)
    if door == "sync":
        _play(run, client)
    else:
        run_virtually(
            _play_async(run, client), run.network.clock, _interruption(run.case, asyncio.CancelledError)
        )
    run.network.settle()
    run.after = truth(run.world, run.case.scene)
    return run


def set_up(seed: int, door: Door) -> tuple[Run, Any]:
    """Return a case that has not begun yet, and the client for it."""
    rng = random.Random(seed)
    random.seed(seed)  # the pauses between attempts are drawn from the common source
    world = World()
    scene = stage(world, rng, MARKETPLACES[seed % 4])
    mood = draw_mood(rng)
    case = Case(
        seed=seed,
        mood=mood,
        scene=scene,
        # The least of them is shorter than some answers take, which is a fault of its own.
        timeout=rng.choice((30.0, 30.0, 30.0, 60.0, 10.0, 5.0, 2.0, 2.0 if mood.name == "fair" else 0.3)),
        attempts=rng.choice((4, 4, 4, 4, 1, 2, 8)),
        interrupted_after=rng.uniform(0.0, 8.0) if rng.random() < 0.05 else None,
        looks=_looks(rng) if rng.random() < 0.5 else (),
    )
    before = truth(world, scene)
    clock = VirtualClock()
    if rng.random() < 0.1:
        clock.jump(clock.now + rng.uniform(0, 20), rng.choice((3600.0, -3600.0)))
    simulator = world.simulator(scene.marketplace)
    forwarded = before.forwarded if before else 0

    def accepted() -> bool:
        order = simulator.orders.get(str(scene.order_id))
        return order is not None and order.forwarded > forwarded

    weather = Weather(case.mood, rng, world, str(scene.order_id), str(scene.other_id), accepted)
    network = Network(world, seed, weather, clock, remember=(scene.marketplace, str(scene.order_id)))
    return Run(case, door, world, network, before, len(world.ledger)), _client(case, door, network)


def truth(world: World, scene: Scene) -> Truth | None:
    """Return what has become of the order, or None if there is no such order."""
    try:
        return world.truth(scene.marketplace, scene.order_id)
    except KeyError:
        return None


def _client(case: Case, door: Door, network: Network, *, fresh: bool = False) -> Any:
    settings: dict[str, Any] = case.scene.settings | {
        "timeout": case.timeout,
        "retry": RetryPolicy(attempts=case.attempts),
    }
    if door == "async":
        return AsyncCountermand(**settings, http_client=AsyncVirtualDriver(network))
    driver = VirtualDriver(network, None if fresh else _interruption(case, KeyboardInterrupt))
    return Countermand(**settings, http_client=driver)


def _interruption(case: Case, kind: type[BaseException]) -> Interruption | None:
    if case.interrupted_after is None:
        return None
    return Interruption(VirtualClock().now + case.interrupted_after, kind)


def ask(client: Any, scene: Scene) -> Any:
    """Cancel the scene's order: the outcome, or an awaitable of it."""
    match scene.marketplace:
        case "pattern":
            return client.pattern.cancel_order(scene.order_id)
        case "vtex":
            return client.vtex.cancel_order(scene.order_id, reason="a gift", requested_by_user=True)
        case "crux":
            return client.crux.cancel_order(scene.order_id)
        case _:
            return client.kibo.cancel_order(scene.order_id, "customer_changed_mind")


def wait(client: Any, scene: Scene, timeout: float) -> Any:
    """Wait for the order's cancellation by its id: the outcome, or an awaitable of it."""
    return getattr(client, scene.marketplace).wait_until_settled(scene.order_id, timeout=timeout)


def look(client: Any, scene: Scene, what: What, prior: Any, timeout: float) -> Any:
    """Look at the order, from an outcome or by its id: the outcome, or an awaitable of it."""
    if prior is None:
        return wait(client, scene, timeout)
    if what == "check":
        return client.check(prior, timeout=timeout)
    return client.wait_until_settled(prior, timeout=timeout)


def _looks(rng: random.Random) -> tuple[Look, ...]:
    looks: list[Look] = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        what: What = rng.choice(("check", "wait"))
        looks.append(
            Look(
                what,
                after=rng.choice((0.0, 0.0, 1.0, 5.0, 60.0, 3600.0, 5 * 86_400.0)),
                timeout=rng.choice((5.0, 30.0)) if what == "check" else rng.choice((10.0, 120.0, 7200.0)),
                from_outcome=rng.random() < 0.8,
                by_another=rng.random() < 0.7,
            )
        )
    return tuple(looks)


def _course(run: Run, client: Any) -> Generator[tuple[Phase, Callable[[], Any]], None, None]:
    """Yield each call of a case, and its phase, which is to be given what came of it."""
    case, scene = run.case, run.case.scene
    phase = run.began("cancel", case.timeout)
    yield phase, lambda: ask(client, scene)
    run.ended(phase)
    if case.interrupted_after is not None and evidence_of(phase.error) is None:
        return  # the interruption may still be to come
    known = phase.outcome if phase.error is None else evidence_of(phase.error)
    for each in case.looks:
        run.network.clock.move_to(run.network.clock.now + each.after)
        run.network.forget()  # a caller who looks reads what is not older than the answer it was given
        asked = _client(case, run.door, run.network, fresh=True) if each.by_another else client
        prior = known if each.from_outcome else None
        phase = run.began(each.what if prior is not None else "wait", each.timeout, prior)
        yield phase, partial(look, asked, scene, phase.what, prior, each.timeout)
        run.ended(phase)
        if prior is not None and phase.error is None:
            known = phase.outcome


def _play(run: Run, client: Any) -> None:
    for phase, call in _course(run, client):
        try:
            phase.outcome = call()
        except BaseException as error:  # noqa: BLE001 - what comes out is what is judged
            phase.error = error


async def _play_async(run: Run, client: Any) -> None:
    for phase, call in _course(run, client):
        try:
            phase.outcome = await call()
        except BaseException as error:  # noqa: BLE001 - what comes out is what is judged
            phase.error = error
