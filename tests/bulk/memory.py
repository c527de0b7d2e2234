"""Peak memory of a run over its size: `python -m tests.bulk.memory` compares 1,000 requests with 100,000.

With `--sockets` a served sandbox answers, at four marketplaces, over real connections.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from countermand import AsyncCountermand, CancelKiboOrder, CancelVtexOrder, Countermand, Kibo, Vtex
from countermand.engine.wire import Call, Clock, Fault, Flow, Reply, Sleep, T

from . import faulty


class _Instant:
    """A driver that answers at once, as a marketplace would."""

    clock = Clock(time.monotonic, time.time)

    def answer(self, step: Call | Sleep) -> Reply | Fault | None:
        if isinstance(step, Sleep):
            return None
        if step.target.endswith("/order/action/cancel"):
            number = json.loads(step.body or b"{}")["orderId"]
            said: dict[str, Any] = {"orderID": number, "orderState": "CANCELED", "orderStatus": "CANCELED"}
        else:
            order = step.target.split("/")[-2]
            said = {"date": "2026-03-02T09:00:00Z", "orderId": order, "receipt": "r"}
        return Reply(200, {}, json.dumps(said).encode())


class _Blocking(_Instant):
    def run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                step = flow.send(self.answer(step))
        except StopIteration as end:
            result: T = end.value
            return result

    def close(self) -> None:
        pass


class _Async(_Instant):
    async def run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                await asyncio.sleep(0)
                step = flow.send(self.answer(step))
        except StopIteration as end:
            result: T = end.value
            return result

    async def aclose(self) -> None:
        pass


def _requests(orders: int) -> Any:
    for number in range(orders):
        yield CancelVtexOrder(f"{number:013d}-01") if number % 2 else CancelKiboOrder(number + 1, "other")


def peak(kind: str, orders: int, journal: str | None, origin: str | None) -> float:
    """Run in this process; return its peak memory in MB."""
    accounts = (Vtex(account="a", app_key="k", app_token="t"), Kibo(tenant_id=1))
    requests = _requests(orders) if origin is None else faulty.requests(orders)
    client: Any
    if kind == "blocking":
        client = faulty.client_at(origin) if origin else Countermand(*accounts, http_client=_Blocking())
        with client:
            done = sum(1 for _ in client.cancel_many(requests, journal=journal))
    else:

        async def run() -> int:
            client: Any = (
                faulty.client_at(origin, AsyncCountermand)
                if origin
                else AsyncCountermand(*accounts, http_client=_Async())
            )
            async with client:
                done = 0
                async for _ in client.cancel_many(requests, journal=journal):
                    done += 1
                return done

        done = asyncio.run(run())
    assert done >= orders
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(kind: str, orders: int, *, journal: bool, sockets: bool = False) -> float:
    """Run in a process of its own; return its peak memory in MB."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        origin = "-"
        if sockets:
            serve = [sys.executable, "-m", "tests.bulk.faulty", "serve", str(orders), "1", "0"]
            server = stack.enter_context(subprocess.Popen(serve, stdin=-1, stdout=-1, text=True))
            stack.callback(server.kill)
            assert server.stdout is not None
            origin = server.stdout.readline().strip()
        path = str(Path(folder, "run.db")) if journal else "-"
        command = [sys.executable, "-m", "tests.bulk.memory", "--one", kind, str(orders), path, origin]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=4, metavar=("KIND", "ORDERS", "JOURNAL", "ORIGIN"))
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--sockets", action="store_true", help="over real connections")
    given = parser.parse_args()
    if given.one:
        kind, orders, *files = given.one
        print(peak(kind, int(orders), *(None if each == "-" else each for each in files)))
        return 0
    failed = False
    for kind in ("blocking", "async"):
        for journal in (False, True):
            few, many = (
                measured(kind, orders, journal=journal, sockets=given.sockets)
                for orders in (1000, given.orders)
            )
            failed |= many / few > 1.1
            name = f"{kind}, {'with a' if journal else 'no'} journal"
            print(f"{name}: {few:.1f} MB at 1,000, {many:.1f} MB at {given.orders:,}: {many / few:.3f}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
