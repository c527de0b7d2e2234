"""A hundred thousand faulted cancellations in virtual time: `python -m tests.faults.simulate`.

Every case goes through both doors of the SDK. A failure is told with its seed, from which
`python -m tests.faults.replay SEED` tells the whole story. The exit status is 1 if anything is wrong.
"""

import argparse
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from itertools import islice

from attrs import define, field

from countermand import CountermandError

from . import outages
from .cases import DOORS, Run, play
from .judge import differences, judged
from .promises import MEASURES, Wrong
from .scenes import MARKETPLACES

#: How many seeds a worker takes at a time.
CHUNK = 250
_SHOWN = 20
_KINDS = ("cancel", "read", "login")


@define
class Tally:
    """What a sweep has exercised, and what was wrong."""

    cancellations: int = 0
    #: Looks at an order after the call that cancelled it.
    looks: int = 0
    outcomes: Counter[tuple[str, str]] = field(factory=Counter[tuple[str, str]])
    troubles: Counter[str] = field(factory=Counter[str])
    moods: Counter[str] = field(factory=Counter[str])
    wrong: Counter[str] = field(factory=Counter[str])
    stories: list[tuple[int, Wrong]] = field(factory=list[tuple[int, Wrong]])

    def add(self, other: "Tally") -> None:
        """Add what another sweep has found."""
        self.cancellations += other.cancellations
        self.looks += other.looks
        self.outcomes += other.outcomes
        self.troubles += other.troubles
        self.moods += other.moods
        self.wrong += other.wrong
        self.stories += other.stories

    def note(self, seed: int, problems: Iterable[Wrong]) -> None:
        """Keep what was wrong with a seed."""
        for problem in problems:
            self.wrong[problem.measure] += 1
            self.stories.append((seed, problem))


def sweep(seeds: Iterable[int]) -> Tally:
    """Play every seed through both doors, and judge."""
    tally = Tally()
    for seed in seeds:
        runs = [play(seed, door) for door in DOORS]
        for run in runs:
            _count(tally, run)
            tally.note(seed, judged(run))
        tally.note(seed, differences(*runs))
    return tally


def _count(tally: Tally, run: Run) -> None:
    tally.cancellations += 1
    tally.looks += len(run.phases) - 1
    tally.moods[run.case.mood.name] += 1
    phase = run.phases[0]
    if phase.error is None:
        end = type(phase.outcome).__name__
    else:
        end = "raised" if isinstance(phase.error, CountermandError) else "interrupted"
    tally.outcomes[run.case.scene.marketplace, end] += 1
    for passage in run.network.passages:
        tally.troubles[f"{passage.what}: {passage.trouble.name}"] += 1


def _chunks(first: int, cases: int | None) -> Iterator[range]:
    start = first
    while cases is None or start < first + cases:
        stop = start + CHUNK if cases is None else min(start + CHUNK, first + cases)
        yield range(start, stop)
        start = stop


def simulate(
    first: int, cases: int | None, seconds: float | None, workers: int, brief: bool = False
) -> Tally:
    """Sweep from the seed `first` on: so many cases, or for so many seconds, whichever ends first.

    If it is to be brief, the first failure ends it too.
    """
    tally, began = Tally(), time.monotonic()
    chunks = _chunks(first, cases)
    with ProcessPoolExecutor(workers) as pool:
        coming = {pool.submit(sweep, chunk) for chunk in islice(chunks, 2 * workers)}
        while coming:
            done, coming = wait(coming, return_when=FIRST_COMPLETED)
            for part in done:
                tally.add(part.result())
            enough = (brief and tally.stories) or (seconds is not None and time.monotonic() - began > seconds)
            if not enough:
                coming |= {pool.submit(sweep, chunk) for chunk in islice(chunks, len(done))}
    return tally


def report(tally: Tally, took: float) -> Iterator[str]:
    """Yield the lines of the tables."""
    ends = sorted({end for _, end in tally.outcomes})
    yield f"{tally.cancellations:,} cancellations and {tally.looks:,} later looks in {took:.1f} s"
    yield ""
    yield "| marketplace | " + " | ".join(ends) + " |"
    yield "|---|" + "---:|" * len(ends)
    for marketplace in MARKETPLACES:
        counts = (f"{tally.outcomes[marketplace, end]:,}" for end in ends)
        yield f"| {marketplace} | " + " | ".join(counts) + " |"
    yield ""
    requests, fair = sum(tally.troubles.values()), sum(tally.troubles[f"{what}: fair"] for what in _KINDS)
    yield f"{requests:,} requests, {requests - fair:,} of them struck by {len(tally.troubles) - 3} kinds of trouble:"
    for what in _KINDS:
        groups: Counter[str] = Counter()
        for name, count in tally.troubles.items():
            kind, _, trouble = name.partition(": ")
            if kind == what:
                groups[_group(trouble)] += count
        yield f"  {what}: " + "; ".join(f"{name} {count:,}" for name, count in groups.most_common())
    yield "cases by mood: " + "; ".join(f"{name} {count:,}" for name, count in tally.moods.most_common())
    yield ""
    yield "| measure | bar | measured |"
    yield "|---|---:|---:|"
    for measure in MEASURES:
        yield f"| {measure} | 0 | {tally.wrong[measure]:,} |"


def _group(trouble: str) -> str:
    """Put troubles that differ in a status or in the way of garbling under one word."""
    status, _, rest = trouble.partition(" ")
    if trouble.startswith("body: "):
        return "body garbled"
    if status.endswith(",") and status[:-1].isdigit() and rest.endswith("applied"):
        return f"408, 5xx or 3xx {rest}"
    return f"4xx {rest}" if status.isdigit() and rest and status[0] == "4" else trouble


def main(arguments: list[str] | None = None) -> int:
    """Sweep, measure outages, print the tables, and say whether all of it holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--cases", type=int, default=None, help="how many seeds, each through both doors (100,000)"
    )
    parser.add_argument("--seconds", type=float, default=None, help="stop after so many seconds")
    parser.add_argument("--seed", type=int, default=None, help="the first seed; a fresh one by default")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--brief", action="store_true", help="no outages, and stop at the first failure")
    options = parser.parse_args(arguments)
    first = options.seed if options.seed is not None else secrets.randbelow(10**9)
    cases = options.cases if options.cases is not None or options.seconds is not None else 100_000
    print(f"from seed {first} on", flush=True)
    began = time.monotonic()
    tally = simulate(first, cases, options.seconds, options.workers, options.brief)
    print("\n".join(report(tally, time.monotonic() - began)))
    failed = bool(tally.stories)
    for measure in () if options.brief else outages.measure():
        print(f"| {measure.name} | {measure.bar} | {measure.measured} |")
        failed = failed or not measure.holds
    print()
    for seed, problem in tally.stories[:_SHOWN]:
        print(f"seed {seed}: {problem.text}")
    if len(tally.stories) > _SHOWN:
        print(f"… and {len(tally.stories) - _SHOWN:,} more")
    print("FAILED; tell a story with: make replay SEED=…" if failed else "Everything holds.")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
