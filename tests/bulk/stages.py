"""Bulk runs in virtual time, on either door."""

import asyncio
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from countermand import AnyRequest, BulkResult, CancelVtexOrder
from countermand.sandbox import Sandbox

Kind = Literal["blocking", "async"]
KINDS: tuple[Kind, ...] = ("blocking", "async")


def order(number: int) -> str:
    """Return the id of an order at VTEX."""
    return f"{number:013d}-01"


def vtex_requests(orders: int, **more: Any) -> Iterator[AnyRequest]:
    """Return a request for each of so many orders at VTEX."""
    return (CancelVtexOrder(order(number), **more) for number in range(orders))


@contextmanager
def vtex_sandbox(orders: int, **more: Any) -> Generator[Sandbox]:
    """Open a sandbox in virtual time with so many orders at VTEX."""
    with Sandbox(time="virtual", allow_unused_mishaps=True) as sandbox:
        for number in range(orders):
            sandbox.world.vtex.add_order(order(number), **more)
        yield sandbox


def cancel(
    kind: Kind,
    sandbox: Sandbox,
    requests: Iterable[Any],
    *,
    until: Callable[[BulkResult], object] = lambda _: False,
    client: Any = None,
    **more: Any,
) -> tuple[list[BulkResult], Any]:
    """Cancel many on one of the two doors; stop early after the first result that `until` holds for.

    Return the results, and what gave them.
    """
    if kind == "blocking":
        return _blocking(client or sandbox.client(), requests, until, more)
    return asyncio.run(_async(client or sandbox.async_client(), requests, until, more))


def _blocking(client: Any, requests: Any, until: Any, more: dict[str, Any]) -> tuple[list[BulkResult], Any]:
    results: list[BulkResult] = []
    with client.cancel_many(requests, **more) as run:
        for result in run:
            results.append(result)
            if until(result):
                break
    return results, run


async def _async(
    client: Any, requests: Any, until: Any, more: dict[str, Any]
) -> tuple[list[BulkResult], Any]:
    results: list[BulkResult] = []
    async with client.cancel_many(requests, **more) as run:
        async for result in run:
            results.append(result)
            if until(result):
                break
    assert len(asyncio.all_tasks()) == 1, asyncio.all_tasks()
    return results, run
