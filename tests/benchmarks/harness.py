"""Rounds: every contender takes its turn in each, in an order shuffled anew, and ratios are of one round.

A ratio of two turns that lie a second apart cancels out what the machine was doing meanwhile;
what it does not cancel shows in the spread.
"""

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from . import cold, server
from .worker import Sample, Turn

SLOW = 0.05
"""Seconds that the slow server takes for every answer."""

COLD_TIMES = 5
"""How often a round starts every program anew: one start varies by a quarter, so many are needed."""

_WRONG = {"Unknown", "Refused", "PartiallyCancelled"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One turn in a group's round: who, and at what."""

    contender: str
    case: str
    seconds: float
    in_flight: int = 0
    slow: bool = False

    @property
    def key(self) -> str:
        """Name the entry within its group's results, as `httpx: four`."""
        return f"{self.contender}: {self.case}"


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that are compared with each other, and so measured next to each other, some times a round."""

    name: str
    entries: Sequence[Entry]
    times: int = 1


Round = dict[str, Sample]
"""Each entry's sample, by its key."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of some numbers, and the quartiles around it."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Take the quartiles; one number alone has no spread."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high, len(values))


@dataclass(slots=True)
class Results:
    """What one run measured: each group's rounds, the cold starts, and on what machine."""

    rounds: dict[str, list[Round]]
    cold: list[dict[str, float]]
    about: dict[str, object]

    def ratios(self, group: str, over: str, under: str, quantity: str = "per_call") -> list[float]:
        """Divide two entries' samples, round by round."""
        return [getattr(each[over], quantity) / getattr(each[under], quantity) for each in self.rounds[group]]

    def median(self, group: str, key: str, quantity: str = "per_call") -> float:
        """Give the median of an entry's own samples, in seconds."""
        values: list[float] = [getattr(each[key], quantity) for each in self.rounds[group]]
        return statistics.median(values)

    def cold_ratios(self, over: str, under: str) -> list[float]:
        """Divide two cold starts' numbers, round by round, where both were taken."""
        return [each[over] / each[under] for each in self.cold if over in each and under in each]

    def save(self, path: Path) -> None:
        """Write everything, every sample included, as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Results":
        """Read what `save` wrote."""
        read = json.loads(path.read_text(encoding="utf-8"))
        rounds: dict[str, list[Round]] = {
            group: [{key: Sample(**sample) for key, sample in each.items()} for each in all_rounds]
            for group, all_rounds in read["rounds"].items()
        }
        return cls(rounds, read["cold"], read["about"])


@contextmanager
def _worker(contender: str) -> Generator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.benchmarks.worker", contender]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:
        try:
            yield process
        finally:
            process.kill()


class Rig:
    """Two servers, quick and slow, and a process for every contender."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._workers: dict[str, subprocess.Popen[str]] = {}
        self.fast = stack.enter_context(server.running())
        self.slow = stack.enter_context(server.running(SLOW))

    def take(self, entry: Entry) -> Sample:
        """Let a contender take its turn, and wait for it."""
        if entry.contender not in self._workers:
            self._workers[entry.contender] = self._stack.enter_context(_worker(entry.contender))
        process = self._workers[entry.contender]
        assert process.stdin is not None
        assert process.stdout is not None
        base = self.slow if entry.slow else self.fast
        turn = Turn(entry.case, base, entry.seconds, entry.in_flight)
        process.stdin.write(json.dumps(asdict(turn)) + "\n")
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{entry.key}: the contender's process has ended")
        sample = Sample(**json.loads(line))
        if sample.answer in _WRONG:
            raise RuntimeError(f"{entry.key}: the server said yes, and the answer is {sample.answer}")
        return sample


def measure(groups: Sequence[Group], seconds: float, seed: int, *, least: int = 3) -> Results:
    """Go round after round until the time is over; the first is a warm-up and does not count."""
    shuffled = random.Random(seed)
    results = Results({group.name: [] for group in groups}, [], {})
    with ExitStack() as stack:
        rig, starts = Rig(stack), cold.ColdStarts(stack)
        for group in groups:
            _once(rig, group, shuffled)
        starts.measure(shuffled, with_memory=True)
        order = [group for group in groups for _ in range(group.times)]
        begin, number = time.monotonic(), 0
        while number < least or time.monotonic() - begin < seconds:
            number += 1
            for group in shuffled.sample(order, len(order)):
                results.rounds[group.name].append(_once(rig, group, shuffled))
            for _ in range(COLD_TIMES):
                results.cold.append(starts.measure(shuffled, with_memory=number <= least))
            _say(f"round {number}: {time.monotonic() - begin:.0f} of {seconds:.0f} s")
    return results


def _once(rig: Rig, group: Group, shuffled: random.Random) -> Round:
    turns = shuffled.sample(group.entries, len(group.entries))
    return {entry.key: rig.take(entry) for entry in turns}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
