"""The pace through `cancel_many`, in virtual time: `python -m tests.bulk.pacing` prints the table."""

import asyncio
import json
import random
import sys
from collections.abc import Iterator
from typing import Any

from countermand import AnyRequest, AsyncCountermand, CancelVtexOrder, Vtex
from countermand.engine.walking import walked
from countermand.engine.wire import Call, Clock, Fault, Flow, Reply, Sleep, T
from countermand.sandbox.virtual import VirtualTime
from countermand.sandbox.world import World

from .limits import FixedWindow, Limiter, Played, SlidingWindow, TokenBucket

#: Seconds that an exchange takes, on average.
LATENCY = 0.05


class LimitedDriver:
    """A marketplace that limits its requests, and accepts every cancellation; the limit changes at half time."""

    def __init__(self, limiter: Limiter, half: float, changed: float, *, retry_after: bool) -> None:
        self._time = VirtualTime(World(), lambda _: None)
        self.clock: Clock = self._time.clock
        self.requests = self.refused = 0
        self._limiter, self._half, self._changed = limiter, half, changed
        self._retry_after = retry_after
        self._dice = random.Random(5)

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow in virtual time."""
        with self._time.call(asyncio.get_running_loop()):
            return await walked(flow, self._answer)

    async def _answer(self, step: Call | Sleep) -> Reply | Fault | None:
        if isinstance(step, Sleep):
            await self._time.sleep_async(step.seconds)
            return None
        now = self.clock.monotonic()
        if now >= self._half:
            self._limiter.limit(self._changed)
        wait = self._limiter.wait(now)
        self.requests += 1
        await self._time.sleep_async(LATENCY * self._dice.uniform(0.6, 1.8))
        if wait is not None:
            self.refused += 1
            return Reply(429, {"retry-after": str(int(wait) + 1)} if self._retry_after else {})
        order = step.target.split("/")[-2]
        body = json.dumps({"date": "2026-03-02T09:00:00Z", "orderId": order, "receipt": "r"})
        return Reply(200, {}, body.encode())

    async def aclose(self) -> None:
        """There is nothing to close."""


def requests(orders: int) -> Iterator[AnyRequest]:
    """Return so many requests."""
    return (CancelVtexOrder(f"{number:013d}-01") for number in range(orders))


async def _run(driver: LimitedDriver, orders: int) -> None:
    account = Vtex(account="a", app_key="k", app_token="t")
    async with AsyncCountermand(account, http_client=driver) as client:
        done = 0
        async for result in client.cancel_many(requests(orders), concurrency=16):
            assert result.outcome is not None, result.error
            done += 1
        assert done == orders


def play(limiter: Limiter, rate: float, factor: float, *, retry_after: bool, seconds: float) -> Played:
    """Cancel as many orders as a limit allows in so many seconds, which changes by `factor` at half time."""
    half = seconds / 2
    driver = LimitedDriver(limiter, half, rate * factor, retry_after=retry_after)
    orders = int(rate * half + rate * factor * half)
    asyncio.run(_run(driver, orders))
    least = half + (orders - rate * half) / (rate * factor)
    return Played(driver.clock.monotonic() / least, driver.refused / driver.requests)


KINDS: dict[str, Any] = {
    "token bucket": TokenBucket,
    "fixed, 1 s": FixedWindow,
    "sliding, 1 s": SlidingWindow,
    "fixed, 10 s": lambda rate: FixedWindow(rate, 10.0),
    "sliding, 10 s": lambda rate: SlidingWindow(rate, 10.0),
    "fixed, 60 s": lambda rate: FixedWindow(rate, 60.0),
    "sliding, 60 s": lambda rate: SlidingWindow(rate, 60.0),
}


def main() -> None:
    """Print the table, for the limits that are named (requests a second)."""
    rates = [float(rate) for rate in sys.argv[1:]] or [20.0, 60.0]
    for name, kind in KINDS.items():
        for retry_after in (False, True):
            cells: list[Any] = []
            for rate in rates:
                for factor in (1.0, 2.0, 0.5):
                    played = play(kind(rate), rate, factor, retry_after=retry_after, seconds=600.0)
                    cells.append(f"{played.over_least:.2f} ({played.refused:.1%})")
            told = "with Retry-After" if retry_after else "without"
            print(f"| {name}, {told} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
