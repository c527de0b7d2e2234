"""A contender's process: started once, it makes calls when it is told to, and answers with their times.

It reads one `Turn` a line from standard input and writes one `Sample` a line to standard output.
"""

import asyncio
import json
import math
import sys
import time
from dataclasses import asdict, dataclass

from .calls import AsyncCall, Call, in_turn
from .contenders import ASYNC, SYNC

MARKETPLACES = ("pattern", "vtex", "crux", "kibo")


@dataclass(frozen=True, slots=True)
class Turn:
    """What to do: a case of a sync contender, or so many calls in flight of an async one, for so long."""

    case: str
    base: str
    seconds: float
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """What was done, in seconds of the clock and of this process's CPU."""

    calls: int
    wall: float
    cpu: float
    answer: str
    """The type of one answer, so that a reader sees what a contender gives."""

    @property
    def per_call(self) -> float:
        """Seconds from call to call; with many in flight, the inverse of the throughput."""
        return self.wall / self.calls

    @property
    def cpu_per_call(self) -> float:
        """Seconds of the client's CPU for one call."""
        return self.cpu / self.calls


def run(call: Call, seconds: float) -> Sample:
    """Make calls one after another, some unmeasured ones first."""
    answer = call()
    for _ in range(4):
        call()
    calls = 0
    wall, cpu = time.perf_counter(), time.process_time()
    end = wall + seconds
    while (now := time.perf_counter()) < end:
        call()
        calls += 1
    return Sample(calls, now - wall, time.process_time() - cpu, type(answer).__name__)


def run_beside(call: Call, other: Call, seconds: float) -> Sample:
    """Make two calls in turn; the CPU is what the first one takes more.

    Between calls that are all small, a small call finds its memory in the processor's caches, which it does not beside
    large ones: what a large answer adds is not what one long series of calls takes more than another.
    """
    answer = call()
    other()
    calls, more = 0, 0.0
    began = time.perf_counter()
    while (now := time.perf_counter()) < began + seconds:
        start = time.process_time()
        call()
        middle = time.process_time()
        other()
        more += middle - start - (time.process_time() - middle)
        calls += 1
    return Sample(calls, now - began, more, type(answer).__name__)


async def run_async(call: AsyncCall, in_flight: int, seconds: float) -> Sample:
    """Keep so many calls in flight: each lane makes one after another until the time is over.

    The clock runs from one call's end to another's, with all lanes busy before, between and after:
    neither the connections that are opened at first nor the lanes that run dry at last are counted.
    """
    done = 0
    began = last = cpu = burnt = 0.0
    end = math.inf

    async def lane() -> object:
        nonlocal done, began, last, cpu, burnt, end
        while True:
            answer = await call()
            now = time.perf_counter()
            if now >= end and done >= 2 * in_flight:
                burnt = burnt or time.process_time() - cpu
                return answer
            done += 1
            last = now
            if done == in_flight:
                began, end, cpu = now, now + seconds, time.process_time()

    answers = await asyncio.gather(*(lane() for _ in range(in_flight)))
    return Sample(done - in_flight, last - began, burnt, type(answers[0]).__name__)


class Contender:
    """One contender: its sync clients are kept, and every async turn is a burst from a client of its own.

    How bare httpx fares with many in flight depends on how long it has been at it: after some seconds
    against a quick server it has let go of most connections. A new client each time has no such past.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._sync: dict[str, dict[str, Call]] = {}
        self._runner = asyncio.Runner()

    def take(self, turn: Turn) -> Sample:
        """Take a turn."""
        if turn.in_flight:
            return self._runner.run(self._take_async(turn))
        if turn.base not in self._sync:
            made = dict(SYNC[self._name](turn.base))
            if made.keys() >= set(MARKETPLACES):
                made["four"] = in_turn([made[marketplace] for marketplace in MARKETPLACES])
            self._sync[turn.base] = made
        calls = self._sync[turn.base]
        name, _, beside = turn.case.partition(" beside ")
        if beside:
            return run_beside(calls[name], calls[beside], turn.seconds)
        return run(calls[name], turn.seconds)

    async def _take_async(self, turn: Turn) -> Sample:
        async with ASYNC[self._name](turn.base, turn.in_flight) as call:
            return await run_async(call, turn.in_flight, turn.seconds)


def main() -> None:
    """Take turns until standard input ends."""
    contender = Contender(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(asdict(contender.take(Turn(**json.loads(line))))), flush=True)


if __name__ == "__main__":
    main()
