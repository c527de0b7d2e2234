"""How much memory a hostile body costs: `python -m tests.faults.sockets.memory DOOR FAULT PICK` measures one, here.

A process of its own measures each: a call without a fault first, so that everything is loaded; then what the peak of
the process's memory rises by, and then, once more, the peak of what Python itself allocates.
"""

import asyncio
import gc
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any, Final

from .doors import ASYNC, aopened, cancel, opened, prepare, settings
from .faults import Planned
from .handle import FaultServer
from .spec import CaseSpec, OrderSpec

#: The most that a hostile body may cost, in bytes.
BAR: Final = 32 * 1024 * 1024
#: The bodies, by fault and variant.
HOSTILE: Final = (
    ("gzip bomb", 0),
    ("small gzip bomb", 0),
    ("endless body", 0),
    ("endless body", 1),
    ("endless body", 2),
    ("crumbs", 0),
    ("endless head", 0),
    ("1xx flood", 0),
    ("100,000 levels", 0),
    ("100,000 levels", 1),
    ("100,000 levels, elsewhere", 0),
    ("a number of 5,000 digits", 0),
    ("drip the body, chunked", 0),
)
#: The time that the call has: what comes in small pieces needs some until it weighs.
_PATIENCE = {"crumbs": 20.0, "1xx flood": 5.0}
_TOP = Path(__file__).parents[3]


def measured(door: str, fault: str, pick: int) -> dict[str, Any]:
    """Return what one body costs, measured in a process of its own."""
    command = [sys.executable, "-m", "tests.faults.sockets.memory", door, fault, str(pick)]
    environment = {"PYTHONPATH": f"{_TOP}:{_TOP / 'src'}"}
    done = subprocess.run(command, cwd=_TOP, env=environment, stdout=subprocess.PIPE, check=True, timeout=120)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _measure(door: str, fault: str, pick: int) -> dict[str, Any]:
    patience = _PATIENCE.get(fault, 1.5)
    orders = tuple(OrderSpec(str(number)) for number in (101, 102, 103))
    planned = Planned(fault, "no", pick, always=True)
    spec = CaseSpec("kibo", orders, OrderSpec("909"), {}, patience)
    hostile = CaseSpec("kibo", orders, OrderSpec("909"), {"cancel": (planned,), "read": (planned,)}, patience)
    found: dict[str, Any] = {"door": door, "fault": fault, "pick": pick, "patience": patience}
    with FaultServer() as server:
        scenes = server.open(spec).origin, server.open(hostile).origin
        if door in ASYNC:
            asyncio.run(_acalls(door, scenes, found))
        else:
            _calls(door, scenes, found)
    return found


def _calls(door: str, scenes: tuple[str, str], found: dict[str, Any]) -> None:
    calm, hostile = scenes
    with opened(door, **settings("kibo", calm)) as client:
        cancel(client, "kibo", "101", 5.0)
    with opened(door, **settings("kibo", hostile)) as client:
        before = _reset_peak()
        found["told"] = type(cancel(client, "kibo", "102", found["patience"])).__name__
        found["resident"] = _peak() - before
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        cancel(client, "kibo", "103", found["patience"])
        found["traced"] = tracemalloc.get_traced_memory()[1] - before


async def _acalls(door: str, scenes: tuple[str, str], found: dict[str, Any]) -> None:
    calm, hostile = scenes
    async with aopened(door, **settings("kibo", calm)) as client:
        await cancel(client, "kibo", "101", 5.0)
    async with aopened(door, **settings("kibo", hostile)) as client:
        before = _reset_peak()
        found["told"] = type(await cancel(client, "kibo", "102", found["patience"])).__name__
        found["resident"] = _peak() - before
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        await cancel(client, "kibo", "103", found["patience"])
        found["traced"] = tracemalloc.get_traced_memory()[1] - before


def _reset_peak() -> int:
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    return _peak()


def _peak() -> int:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    prepare()
    print(json.dumps(_measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
