"""One simulated cancellation, made from nothing but its seed, through either door of the SDK."""

import asyncio
import random
from collections.abc import Awaitable
from typing import Any, Literal

from attrs import define, field, frozen

from countermand import AsyncCountermand, Countermand, PartiallyCancelled, Requested, RetryPolicy
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
    #: Seconds to wait for the cancellation to be settled, once it was asked for; or None.
    waits: float | None


@define
class Phase:
    """One call of the SDK: what came of it, when, and with which requests."""

    what: Literal["cancel", "wait"]
    began: float
    timeout: float
    first_passage: int
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

    def began(self, what: Literal["cancel", "wait"], timeout: float) -> Phase:
        """Open a phase."""
        phase = Phase(what, self.network.clock.now, timeout, len(self.network.passages))
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
        waits=rng.choice((10.0, 120.0, 7200.0)) if rng.random() < 0.2 else None,
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


def _client(case: Case, door: Door, network: Network) -> Any:
    settings: dict[str, Any] = case.scene.settings | {
        "timeout": case.timeout,
        "retry": RetryPolicy(attempts=case.attempts),
    }
    if door == "async":
        return AsyncCountermand(**settings, http_client=AsyncVirtualDriver(network))
    driver = VirtualDriver(network, _interruption(case, KeyboardInterrupt))
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
    """Wait for the order's cancellation: the outcome, or an awaitable of it."""
    return getattr(client, scene.marketplace).wait_until_settled(scene.order_id, timeout=timeout)


def _play(run: Run, client: Any) -> None:
    case = run.case
    phase = run.began("cancel", case.timeout)
    try:
        phase.outcome = ask(client, case.scene)
    except BaseException as error:  # noqa: BLE001 - what comes out is what is judged
        phase.error = error
    run.ended(phase)
    if not _goes_on(run):
        return
    assert case.waits is not None
    run.network.forget()  # a caller who waits reads what is not older than the answer it was given
    phase = run.began("wait", case.waits)
    try:
        phase.outcome = wait(client, case.scene, case.waits)
    except BaseException as error:  # noqa: BLE001
        phase.error = error
    run.ended(phase)


async def _play_async(run: Run, client: Any) -> None:
    case = run.case
    phase = run.began("cancel", case.timeout)
    try:
        phase.outcome = await _awaitable(ask(client, case.scene))
    except BaseException as error:  # noqa: BLE001 - what comes out is what is judged
        phase.error = error
    run.ended(phase)
    if not _goes_on(run):
        return
    assert case.waits is not None
    run.network.forget()  # a caller who waits reads what is not older than the answer it was given
    phase = run.began("wait", case.waits)
    try:
        phase.outcome = await _awaitable(wait(client, case.scene, case.waits))
    except BaseException as error:  # noqa: BLE001
        phase.error = error
    run.ended(phase)


async def _awaitable(call: Awaitable[Any]) -> Any:
    return await call


def _goes_on(run: Run) -> bool:
    outcome = run.phases[0].outcome
    return (
        run.case.waits is not None
        and isinstance(outcome, Requested | PartiallyCancelled)
        and not outcome.settled
    )
