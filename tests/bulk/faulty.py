"""A marketplace world with faults, served over real HTTP in a process of its own, and a run against it in another.

`python -m tests.bulk.faulty serve N SEED` serves N orders at four marketplaces and prints its origin; a line on its
standard input asks for the ledger's word on every order. `python -m tests.bulk.faulty run ORIGIN N JOURNAL OUT` cancels
them all, and appends each result, one JSON line each, to OUT.
"""

import asyncio
import json
import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from countermand import (
    AnyRequest,
    AsyncCountermand,
    CancelCruxOrder,
    CancelKiboOrder,
    CancelPatternOrder,
    CancelVtexOrder,
    Countermand,
    Crux,
    Kibo,
    Pattern,
    RetryPolicy,
    Vtex,
)
from countermand.sandbox.app import App
from countermand.sandbox.http import SandboxReply, SandboxRequest
from countermand.sandbox.mishaps import Gateway
from countermand.sandbox.server import serve
from countermand.sandbox.world import World

NAMES = ("pattern", "vtex", "crux", "kibo")


def order_id(number: int) -> str | int:
    """Return the id of an order; its number says where it is."""
    match NAMES[number % 4]:
        case "pattern":
            return f"114-{number:07d}"
        case "vtex":
            return f"{number:013d}-01"
        case "crux":
            return f"521a91e5-058d-4474-aeee-{number:012x}"
        case _:
            return number + 1


def request(number: int) -> AnyRequest:
    """Return the request that cancels an order."""
    match NAMES[number % 4]:
        case "pattern":
            return CancelPatternOrder(str(order_id(number)))
        case "vtex":
            return CancelVtexOrder(str(order_id(number)), reason="recall")
        case "crux":
            return CancelCruxOrder(str(order_id(number)))
        case _:
            return CancelKiboOrder(number + 1, "created_by_mistake")


def requests(orders: int) -> Iterator[AnyRequest]:
    """Return a request for every order; every 97th comes once more."""
    for number in range(orders):
        yield request(number)
        if number % 97 == 96:
            yield request(number - 50)


def rows(orders: int) -> list[int]:
    """Return the order of each row of `requests`."""
    return [
        each
        for number in range(orders)
        for each in ([number, number - 50] if number % 97 == 96 else [number])
    ]


def add_order(world: World, number: int) -> None:
    """Add an order; some cannot be cancelled any more."""
    spent = number % 11 == 0
    match NAMES[number % 4]:
        case "pattern":
            world.pattern.add_order(
                str(order_id(number)), {number * 2 + 1: "departed" if spent else "new"}, cancels_after=0.0
            )
        case "vtex":
            world.vtex.add_order(
                str(order_id(number)), status="invoiced" if spent else "handling", decides_after=0.2
            )
        case "crux":
            lines = {f"line-{number}": "HasTracking" if spent else "Allocated"}
            world.crux.add_order(str(order_id(number)), lines, decides_after=0.2)
        case _:
            world.kibo.add_order(number + 1, state="SHIPPED" if spent else "READY")


class FaultyGateway(Gateway):
    """Loses replies, answers 429 and 5xx, by the dice."""

    def __init__(self, world: World, seed: int, share: float) -> None:
        import time

        super().__init__(world, clock=time.monotonic)
        self._dice = random.Random(seed)
        self._share = share

    def handle(self, request: SandboxRequest) -> Any:
        """Answer one request, or lose it, or its answer."""
        with self._lock:
            self._follow_clock()
            world, dice = self.world, self._dice
            if dice.random() >= self._share:
                return world.handle(request)
            match dice.randrange(16):  # a 429 that no limit stands behind is rare
                case 0 if dice.random() < 0.1:
                    return SandboxReply(429, (("retry-after", "1"), ("date", world.http_date())))
                case 0 | 1 | 2 | 3 | 4 | 5:
                    world.handle(request)
                    return "lost"
                case 6 | 7 | 8 | 9:
                    return "lost"
                case 10 | 11 | 12:
                    world.handle(request)
                    return SandboxReply(502, (("content-type", "text/html"),), b"<html>Bad gateway</html>")
                case _:
                    return SandboxReply(500, (("date", world.http_date()),))


def truths(world: World, orders: int) -> Iterator[dict[str, Any]]:
    """Return what became of every order, and what will."""
    world.settle()
    for number in range(orders):
        simulator = world.simulator(NAMES[number % 4])
        order = simulator.orders[str(order_id(number))]
        parts = simulator.parts(order)
        gone = sum(part.cancelled for part in parts)
        yield {
            "cancelled": "all" if gone == len(parts) else "some" if gone else "none",
            "forwarded": order.forwarded,
            "cancels": order.cancels,
        }


def client_at(origin: str, kind: type[Any] = Countermand) -> Any:
    """Return a client of the four marketplaces that are served at `origin`."""
    world = World()
    return kind(
        Pattern(token=min(world.pattern.tokens), base_url=f"{origin}/pattern"),
        Vtex(
            account="sandbox",
            app_key=world.vtex.app_key,
            app_token=world.vtex.app_token,
            base_url=f"{origin}/vtex",
        ),
        Crux(token=min(world.crux.tokens), base_url=f"{origin}/crux"),
        Kibo(tenant_id=world.kibo.tenant_id, base_url=f"{origin}/kibo", auth_url=f"{origin}/kibo"),
        timeout=8.0,
        retry=RetryPolicy(first_pause=0.05, longest_pause=0.2),
    )


def problem(number: int, told: dict[str, Any], truth: dict[str, Any]) -> str | None:
    """Return how a result contradicts the ledger, if it does."""
    if NAMES[number % 4] == "crux" and truth["cancels"] > 1 and truth["forwarded"] > 1:
        return "forwarded twice at Crux"
    if told["error"] is not None:
        return "raised, and forwarded" if truth["forwarded"] else None
    match told["outcome"]["outcome"]:
        case "cancelled":
            return None if truth["cancelled"] == "all" else "cancelled, and it is not"
        case "requested":
            return None if truth["forwarded"] else "requested, and it was not forwarded"
        case "refused":
            return None if truth["cancelled"] == "none" else "refused, and it was cancelled"
        case "partially_cancelled":
            return "partially cancelled, with one part"
        case _:
            return None


def judged(
    orders: int, told: dict[int, dict[str, Any]], truth: list[dict[str, Any]]
) -> tuple[list[str], Counter[str]]:
    """Return everything that is wrong with the results of a run, by row; and how many there are of each kind."""
    wrong: list[str] = []
    kinds: Counter[str] = Counter()
    for row, number in enumerate(rows(orders)):
        result = told.get(row)
        if result is None:
            wrong.append(f"row {row} was not told")
            continue
        kinds[result["outcome"]["outcome"] if result["outcome"] else result["error"]["error"]] += 1
        if (found := problem(number, result, truth[number])) is not None:
            wrong.append(f"row {row}, order {order_id(number)}: {found}")
    return wrong, kinds


async def run_async(origin: str, orders: int, journal: str, out: str, concurrency: int) -> None:
    """Cancel all on the async door."""
    async with client_at(origin, AsyncCountermand) as client:
        with Path(out).open("a", buffering=1, encoding="utf-8") as file:  # noqa: ASYNC230
            async for result in client.cancel_many(
                requests(orders), concurrency=concurrency, journal=journal
            ):
                file.write(json.dumps(result.to_dict()) + "\n")


def run_blocking(origin: str, orders: int, journal: str, out: str, concurrency: int) -> None:
    """Cancel all on the blocking door."""
    with client_at(origin) as client, Path(out).open("a", buffering=1, encoding="utf-8") as file:
        file.writelines(
            json.dumps(result.to_dict()) + "\n"
            for result in client.cancel_many(requests(orders), concurrency=concurrency, journal=journal)
        )


def serve_until_asked(orders: int, seed: int, share: float) -> None:
    """Serve the world; print the origin; once a line comes in, print the truths."""
    world = World()
    for number in range(orders):
        add_order(world, number)
    gateway = FaultyGateway(world, seed, share)
    gateway.requests = _Nothing()
    threading.current_thread().name = "served"
    with serve(App(gateway)) as origin:
        print(origin, flush=True)
        sys.stdin.readline()
    for truth in truths(world, orders):
        print(json.dumps(truth))
    sys.stdout.flush()
    os._exit(0)


class _Nothing(list[Any]):
    def append(self, _: Any) -> None:
        """Keep nothing."""


def main() -> None:
    """Do what the command line asks for."""
    match sys.argv[1:]:
        case ["serve", orders, seed, share]:
            serve_until_asked(int(orders), int(seed), float(share))
        case ["run", kind, origin, orders, journal, out, concurrency]:
            if kind == "async":
                asyncio.run(run_async(origin, int(orders), journal, out, int(concurrency)))
            else:
                run_blocking(origin, int(orders), journal, out, int(concurrency))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
