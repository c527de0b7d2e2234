"""A world on the far side of a network that can be gone, in virtual time."""

import asyncio
import random
from typing import Any

import attrs

from countermand import AsyncCountermand, BulkResult
from countermand.engine.walking import walked
from countermand.engine.wire import Call, Clock, Fault, Flow, Reply, Sleep, T
from countermand.sandbox.http import SandboxRequest
from countermand.sandbox.virtual import VirtualTime
from countermand.sandbox.world import World

from .faulty import NAMES, add_order, client_at, request


class WorldDriver:
    """Exchanges take `latency` seconds. The network is gone from `gone` until `back`."""

    def __init__(self, world: World, *, latency: float = 0.05, gone: float = 0.0, back: float = 0.0) -> None:
        self._time = VirtualTime(world, world.advance)
        self.clock: Clock = self._time.clock
        self.world = world
        #: When each request was sent, and to which marketplace.
        self.sent: list[tuple[float, str]] = []
        self._latency, self._gone, self._back = latency, gone, back
        self._dice = random.Random(3)

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow in virtual time."""
        with self._time.call(asyncio.get_running_loop()):
            return await walked(flow, self._answer)

    def _is_gone(self) -> bool:
        return self._gone <= self.clock.monotonic() < self._back

    async def _answer(self, step: Call | Sleep) -> Reply | Fault | None:
        if isinstance(step, Sleep):
            await self._time.sleep_async(step.seconds)
            return None
        await asyncio.sleep(0)
        if self._is_gone():
            return Fault(sent=False, detail="no connection")
        self.sent.append((self.clock.monotonic(), step.target.split("/")[1]))
        await self._pass()
        if self._is_gone():
            return Fault(sent=True, detail="no answer in time")
        headers = {**step.headers, "content-type": "application/json"}
        answer = self.world.handle(SandboxRequest.to(step.method, step.target, headers, step.body or b""))
        await self._pass()
        if self._is_gone():
            return Fault(sent=True, detail="the connection broke")
        return Reply(answer.status, dict(answer.headers), answer.body)

    async def _pass(self) -> None:
        await self._time.sleep_async(self._latency / 2 * self._dice.uniform(0.8, 1.4))

    async def aclose(self) -> None:
        """There is nothing to close."""


@attrs.define
class Ran:
    """What came of a run."""

    results: list[BulkResult]
    driver: WorldDriver
    #: When the last result of each marketplace was given.
    last: dict[str, float]
    progress: Any


async def played(driver: WorldDriver, numbers: list[int], **more: Any) -> Ran:
    """Cancel the orders of these numbers on the async door."""

    def kind(*accounts: Any, **settings: Any) -> AsyncCountermand:
        return AsyncCountermand(*accounts, http_client=driver, **settings)

    ran = Ran([], driver, {}, None)
    async with client_at("http://localhost", kind) as client:  # type: ignore[arg-type]
        run = client.cancel_many([request(number) for number in numbers], **more)
        async for result in run:
            ran.results.append(result)
            ran.last[NAMES[numbers[result.row] % 4]] = driver.clock.monotonic()
        ran.progress = run.progress
    return ran


def world_of(orders: int) -> World:
    """Return a world with so many orders."""
    world = World()
    for number in range(orders):
        add_order(world, number)
    return world
