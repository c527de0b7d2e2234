"""How many cancellations a second `cancel_many` makes, over a hand-written loop: `python -m tests.benchmarks.bulk`.

The loop is what people write: one `httpx.AsyncClient`, a semaphore, `asyncio.gather`. Both are given their best
concurrency. They take turns in one run, and what counts is the ratio of their best rounds.
"""

import argparse
import asyncio
import json
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

import attrs
import httpx

from countermand import (
    AnyRequest,
    AsyncCountermand,
    CancelCruxOrder,
    CancelKiboOrder,
    CancelPatternOrder,
    CancelVtexOrder,
)

from .calls import KIBO_REASON, REASON, crux_order, kibo_order, pattern_order, plain_calls, vtex_order
from .ours import configuration
from .server import running

PAGE = Path("docs/bulk.md")
MARKS = ("<!-- make bench-bulk writes from here -->", "<!-- to here -->")
RESULTS = Path("build/bench/bulk.json")
#: Where the journals are written: on the disk of the project, because a temporary folder may be in memory.
JOURNALS = Path("build/bench/journals")
#: What is measured, and the least that its ratio may be.
BARS = {
    "50 ms, no journal": 1.5,
    "50 ms, journal": 1.3,
    "quick, no journal": 1.0,
    "quick, journal": 0.7,
}
BY_HAND = (4, 8, 16, 32, 64, 128)
OURS = (4, 8, 16, 32, 64)  # on each of the four accounts
_names = count()


@attrs.frozen
class Measured:
    """The best rounds: requests a second, and the concurrency that gave them."""

    by_hand: float
    by_hand_at: int
    ours: float
    ours_at: int

    @property
    def ratio(self) -> float:
        """Ours over the hand-written loop."""
        return self.ours / self.by_hand


async def by_hand(base: str, orders: int, concurrency: int) -> None:
    """Cancel orders as people do it by hand."""
    calls = islice(cycle(plain_calls(base).values()), orders)
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with httpx.AsyncClient(limits=limits, timeout=30) as client:
        at_once = asyncio.Semaphore(concurrency)

        async def cancel(make: Callable[[], Any]) -> object:
            async with at_once:
                plain = make()
                response = await client.request(
                    plain.method, plain.url, json=plain.json, headers=plain.headers
                )
                response.raise_for_status()
                return response.json() if response.content else None

        results = await asyncio.gather(*(cancel(make) for make in calls))
    assert len(results) == orders


def requests(orders: int) -> Iterator[AnyRequest]:
    """Return the same cancellations as typed requests."""
    makers: list[Callable[[], AnyRequest]] = [
        lambda: CancelPatternOrder(pattern_order()),
        lambda: CancelVtexOrder(vtex_order(), reason=REASON, requested_by_user=False),
        lambda: CancelCruxOrder(crux_order()),
        lambda: CancelKiboOrder(kibo_order(), *KIBO_REASON),
    ]
    return (make() for make in islice(cycle(makers), orders))


async def ours(base: str, orders: int, concurrency: int, journal: Path | None) -> None:
    """Cancel orders with `cancel_many`."""
    done = 0
    async with AsyncCountermand(**configuration(base)) as client:
        async for result in client.cancel_many(requests(orders), concurrency=concurrency, journal=journal):
            assert result.outcome is not None, result.error
            done += 1
    assert done == orders


async def _timed(work: Awaitable[None], orders: int) -> float:
    began = time.perf_counter()
    await work
    return orders / (time.perf_counter() - began)


async def compare(base: str, orders: int, rounds: int, folder: Path) -> dict[str, Measured]:
    """Let them take turns; return what was best, without a journal and with one."""
    best: dict[str, dict[int, float]] = {"by hand": {}, "no journal": {}, "journal": {}}
    for _ in range(rounds):
        for concurrency in BY_HAND:
            found = await _timed(by_hand(base, orders, concurrency), orders)
            best["by hand"][concurrency] = max(found, best["by hand"].get(concurrency, 0))
        for concurrency in OURS:
            for name in ("no journal", "journal"):
                journal = folder / f"run{next(_names)}.db" if name == "journal" else None
                found = await _timed(ours(base, orders, concurrency, journal), orders)
                best[name][concurrency] = max(found, best[name].get(concurrency, 0))
    top = {name: max((rate, at) for at, rate in rates.items()) for name, rates in best.items()}
    hand, hand_at = top.pop("by hand")
    return {name: Measured(hand, hand_at, rate, at) for name, (rate, at) in top.items()}


def measure(orders: int, rounds: int) -> dict[str, Measured]:
    """Measure all four."""
    found: dict[str, Measured] = {}
    shutil.rmtree(JOURNALS, ignore_errors=True)  # those of a run that was killed
    JOURNALS.mkdir(parents=True)
    try:
        for server, delay in (("50 ms", 0.05), ("quick", 0.0)):
            with running(delay) as base:
                for name, one in asyncio.run(compare(base, orders, rounds, JOURNALS)).items():
                    found[f"{server}, {name}"] = one
    finally:
        shutil.rmtree(JOURNALS, ignore_errors=True)
    return found


def write(found: dict[str, Measured]) -> None:
    """Put the table into the page, between its two marks."""
    lines = [
        "| server, journal | `cancel_many` over the loop | at least | by hand | `cancel_many` |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {one.ratio:.2f} | {BARS[name]} | {one.by_hand:.0f}/s at {one.by_hand_at}"
        f" | {one.ours:.0f}/s at {one.ours_at} for each of four accounts |"
        for name, one in found.items()
    ]
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    PAGE.write_text("\n".join((before + MARKS[0], "", *lines, "", MARKS[1] + after)), encoding="utf-8")


def main() -> int:
    """Measure, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=2000, help="orders of each round (default: 2000)")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of each concurrency (default: 2)")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the journals are removed then, too
    try:
        found = measure(given.orders, given.rounds)
    except KeyboardInterrupt:
        return 130
    failed = 0
    for name, one in found.items():
        failed += one.ratio < BARS[name]
        print(
            f"{name:18} {one.ratio:5.2f} (at least {BARS[name]})   by hand {one.by_hand:5.0f}/s at {one.by_hand_at}, "
            f"cancel_many {one.ours:5.0f}/s at {one.ours_at} for each account"
        )
    write(found)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({name: attrs.asdict(one) for name, one in found.items()}), encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
