"""What the tests of lanes do with 2,000 orders, at full size: `python -m tests.bulk.whole --orders 100000`.

The network gone for a minute, in virtual time; four accounts, the input sorted by marketplace, one of them under 429.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from countermand import AsyncCountermand, NotSentError
from countermand.bulk.records import kind_of
from countermand.engine.walking import walked
from countermand.engine.wire import CLOCK, Call, Fault, Flow, Reply, Sleep, T
from countermand.sandbox.http import SandboxRequest

from .faulty import NAMES, client_at, problem, request, truths
from .outage import WorldDriver, played, world_of


def network_gone(orders: int, journal: Path | None) -> list[str]:
    """Cancel all while the network is gone for a minute, a third of the way; return what is wrong."""
    world = world_of(orders)
    gone = orders / 2000
    driver = WorldDriver(world, gone=gone, back=gone + 60)
    ran = asyncio.run(played(driver, list(range(orders)), journal=journal))
    told = {result.row: result.to_dict() for result in ran.results}
    wrong = [] if len(told) == len(ran.results) == orders else [f"{len(told)} rows were told of {orders}"]
    wrong += [f"row {each.row} was not sent" for each in ran.results if isinstance(each.error, NotSentError)]
    truth = list(truths(world, orders))
    wrong += [
        f"row {row}: {said}" for row, result in told.items() if (said := problem(row, result, truth[row]))
    ]
    kinds = Counter(kind_of(result.ended) for result in ran.results)
    print(
        f"network gone from {gone:.0f} to {gone + 60:.0f} s of {driver.clock.monotonic():.0f}: {dict(kinds)}"
    )
    return wrong


class RealTime(WorldDriver):
    """Exchanges take 50 ms of real time, because a journal does not wait for virtual time. VTEX answers 429."""

    def __init__(self, orders: int) -> None:
        super().__init__(world_of(orders))
        self.clock = CLOCK

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow."""
        return await walked(flow, self._answer)

    async def _answer(self, step: Call | Sleep) -> Reply | Fault | None:
        await asyncio.sleep(step.seconds if isinstance(step, Sleep) else 0.05)
        if isinstance(step, Sleep):
            return None
        if "/vtex/" in step.target:
            return Reply(429, {"retry-after": "5"}, b"")
        headers = {**step.headers, "content-type": "application/json"}
        answer = self.world.handle(SandboxRequest.to(step.method, step.target, headers, step.body or b""))
        return Reply(answer.status, dict(answer.headers), answer.body)


async def _until_done(driver: RealTime, numbers: list[int], journal: Path, wanted: int) -> dict[str, float]:
    """Cancel until so many orders of the accounts that are not under 429 are; return when each had its last."""

    def kind(*accounts: Any, **settings: Any) -> AsyncCountermand:
        return AsyncCountermand(*accounts, http_client=driver, **settings)

    began, done = time.monotonic(), 0
    last: dict[str, float] = dict.fromkeys(NAMES, 0.0)
    requests = [request(number) for number in numbers]
    async with (
        client_at("http://localhost", kind) as client,  # type: ignore[arg-type]
        client.cancel_many(requests, journal=journal) as run,
    ):
        async for result in run:
            name = NAMES[numbers[result.row] % 4]
            last[name] = time.monotonic() - began
            done += name != "vtex"
            if done == wanted:
                break
    return last


def one_under_429(orders: int) -> list[str]:
    """Cancel sorted by marketplace, the first under 429; return which other account took longer than alone."""
    numbers = sorted(range(orders), key=lambda number: (NAMES[number % 4] != "vtex", number % 4))
    rest = [number for number in numbers if NAMES[number % 4] != "vtex"]
    with tempfile.TemporaryDirectory() as folder:
        alone, among = (
            asyncio.run(_until_done(RealTime(orders), chosen, Path(folder, f"{len(chosen)}.db"), len(rest)))
            for chosen in (rest, numbers)
        )
    over = {name: among[name] / alone[name] for name in NAMES if name != "vtex"}
    told = ", ".join(f"{name} {ratio:.3f}" for name, ratio in over.items())
    print(f"one of four under 429; the other three, time over alone: {told}")
    return [f"{name}: {ratio:.3f}" for name, ratio in over.items() if ratio > 1.1]


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    orders: int = parser.parse_args().orders
    wrong = one_under_429(orders) + network_gone(orders, None)
    with tempfile.TemporaryDirectory() as folder:
        wrong += network_gone(orders, Path(folder, "run.db"))
    for text in wrong[:20]:
        print(text)
    print(f"{len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
