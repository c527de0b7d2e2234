"""A long run over real HTTP that watches what must not grow: memory, open files, threads, tasks.

    python -m tests.faults.soak --seconds 600

One blocking and one async client cancel and read orders at all four marketplaces, a mishap in every few calls. What
is open at the end is held against what was open after the first tenth of the run.
"""

import argparse
import asyncio
import gc
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from countermand import AsyncCountermand, Countermand, CountermandError, RetryPolicy
from countermand.sandbox import LoseReply, Mishap, RateLimited, Sandbox, Status

MISHAPS: tuple[Callable[[], Mishap], ...] = (
    LoseReply,
    lambda: RateLimited("0"),
    lambda: Status(503),
    lambda: Status(200, b"<html>", applied=True),
)
RETRY = RetryPolicy(first_pause=0.005, longest_pause=0.02)
#: How much may be gained between the first tenth and the end.
MOST_MEMORY = 16 * 1024 * 1024
MOST_FILES = 4


@attrs.frozen
class Held:
    """What the process holds."""

    memory: int
    files: int
    threads: int

    @classmethod
    def now(cls) -> "Held":
        """Look."""
        gc.collect()
        process = Path("/proc/self")
        resident = int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return cls(resident, len(list((process / "fd").iterdir())), threading.active_count())

    def __str__(self) -> str:
        return f"{self.memory / 1e6:.1f} MB, {self.files} files, {self.threads} threads"


class Soak:
    """The orders of a sandbox, asked for again and again."""

    def __init__(self, sandbox: Sandbox, seed: int) -> None:
        self._sandbox = sandbox
        self._random = random.Random(seed)
        self.endings: Counter[str] = Counter()

    def call(self, door: Countermand | AsyncCountermand) -> Callable[[], Any]:
        """Choose a call, and let a mishap wait for it now and then."""
        order = self._random.choice(Sandbox.ORDERS)
        if self._random.random() < 0.3:
            self._sandbox.mishap(order.marketplace, self._random.choice(MISHAPS)())
        client: Any = getattr(door, order.marketplace)
        reason = ("other", "soak") if order.marketplace == "kibo" else ()
        return lambda: client.cancel_order(order.order_id, *reason, timeout=1.0)

    def blocking(self, door: Countermand) -> None:
        """Make one call, blocking."""
        try:
            self.endings[type(self.call(door)()).__name__] += 1
        except CountermandError as error:
            self.endings[type(error).__name__] += 1

    async def turn(self, door: AsyncCountermand) -> None:
        """Make one call, on the event loop."""
        try:
            self.endings[type(await self.call(door)()).__name__] += 1
        except CountermandError as error:
            self.endings[type(error).__name__] += 1


async def run(seconds: float, seed: int) -> bool:
    """Run for `seconds`; return whether nothing grew."""
    with Sandbox(http=True, speed=0) as sandbox:
        soak = Soak(sandbox, seed)
        ledger: Any = sandbox.world.ledger  # it grows with every request, and is not what is watched
        door = sandbox.client(retry=RETRY)
        async with sandbox.async_client(retry=RETRY) as async_door:
            began = time.monotonic()
            early: Held | None = None
            while (gone := time.monotonic() - began) < seconds:
                await asyncio.gather(*(soak.turn(async_door) for _ in range(16)))
                await asyncio.to_thread(soak.blocking, door)
                ledger.clear()
                if early is None and gone > seconds / 10:
                    early = Held.now()
            late, tasks = Held.now(), len(asyncio.all_tasks())
    assert early is not None
    print(f"{soak.endings.total()} calls in {seconds:.0f} s, seed {seed}:")
    print("  " + ", ".join(f"{name} {count}" for name, count in soak.endings.most_common()))
    print(f"  after a tenth: {early}\n  at the end:    {late}, {tasks} task")
    return (
        late.memory - early.memory <= MOST_MEMORY
        and late.files - early.files <= MOST_FILES
        and late.threads <= early.threads
        and tasks == 1
    )


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    if asyncio.run(run(options.seconds, options.seed)):
        return 0
    print("something grew", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
