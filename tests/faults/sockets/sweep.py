"""The sweep: many cases over real sockets, several at a time, in processes side by side."""

import asyncio
import multiprocessing
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from .cases import Case, made
from .doors import prepare
from .handle import FaultServer
from .leaks import Ear
from .playing import Played, aplay, play, play_alone

#: Cases that one process plays at a time: in threads, and as many more on an event loop.
LANES = 5


def sweep(seeds: Sequence[str], workers: int = 2, lanes: int = LANES) -> list[Played]:
    """Play the cases of these seeds and return what came of them, in the order of the seeds."""
    began = time.monotonic()
    parts = [seeds[at : at + 100] for at in range(0, len(seeds), 100)]
    played: list[Played] = []
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for some in pool.imap(_part, [(part, lanes) for part in parts]):
            played += some
            if sys.stderr.isatty():
                wrong = sum(bool(one.wrong) for one in played)
                print(
                    f"\r{len(played)} cases, {wrong} wrong, {time.monotonic() - began:.0f} s",
                    end="",
                    file=sys.stderr,
                )
    return played


def _part(work: tuple[Sequence[str], int]) -> list[Played]:
    prepare()
    seeds, lanes = work
    with FaultServer() as server:
        return side_by_side(server, [made(seed) for seed in seeds], lanes)


def side_by_side(server: FaultServer, cases: Sequence[Case], lanes: int = LANES) -> list[Played]:
    """Play cases against one server: those of blocking doors in threads, those of async doors on one event loop.

    Those that need the main thread come afterwards, one at a time.
    """
    waiting: SimpleQueue[Case] = SimpleQueue()
    blocking: list[Case] = []
    for case in cases:
        if case.door.startswith("async") and not case.alone:
            waiting.put(case)
        elif not case.alone:
            blocking.append(case)
    found: dict[str, Played] = {}

    async def lane() -> None:
        for case in _rest(waiting):
            with named(case):
                found[case.seed] = await aplay(server, case)

    def blocked(case: Case) -> Played:
        with named(case):
            return play(server, case)

    async def all_lanes() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(lanes):
                group.create_task(lane())

    with ThreadPoolExecutor(lanes + 1) as threads:
        loop = threads.submit(asyncio.run, all_lanes())
        for one in threads.map(blocked, blocking):
            found[one.seed] = one
        loop.result()
    for case in cases:
        if case.alone:
            with named(case):
                found[case.seed] = play_alone(server, case)
    return [found[case.seed] for case in cases]


@contextmanager
def named(case: Case) -> Generator[None]:
    """Name the case in what breaks the sweep itself."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"{case}; python -m tests.faults.sockets --replay {case.seed}")
        raise


def overheard(seeds: Sequence[str]) -> tuple[list[Played], int, list[str]]:
    """Play cases with a server that echoes credentials and every logger at DEBUG.

    Returns what came of them, how many records were logged, and those that hold a credential.
    """
    with FaultServer() as server, Ear() as ear:
        played = side_by_side(server, [made(seed, echo=1.0) for seed in seeds])
    return played, ear.heard, ear.leaks


def alone(seed: str, *, echo: bool = False) -> Played:
    """Play one case with nothing beside it; with `echo`, at a server that repeats credentials wherever it can."""
    case = made(seed, echo=1.0) if echo else made(seed)
    with FaultServer() as server:
        return play_alone(server, case)


def _rest(waiting: "SimpleQueue[Case]") -> Iterator[Case]:
    while True:
        try:
            yield waiting.get_nowait()
        except Empty:
            return
