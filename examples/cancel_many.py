"""Cancel many orders at once, on asyncio, and count what became of them.

This runs against the sandbox and needs no credentials. With real marketplaces, the client is
`AsyncCountermand.from_env()`.
"""

import asyncio
from collections import Counter

from countermand import AsyncCountermand, CountermandError
from countermand.sandbox import Sandbox

ORDERS = [f"2000000000{number:03}-01" for number in range(200)]


async def cancel(client: AsyncCountermand, order_id: str, at_once: asyncio.Semaphore) -> str:
    """Cancel one order; an error about one order must not end the others."""
    async with at_once:
        try:
            outcome = await client.vtex.cancel_order(order_id, reason="Out of stock", timeout=60)
        except CountermandError as error:  # raised: this order is untouched
            return type(error).__name__
    return type(outcome).__name__


async def cancel_all(client: AsyncCountermand) -> Counter[str]:
    at_once = asyncio.Semaphore(32)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(cancel(client, order_id, at_once)) for order_id in ORDERS]
    return Counter(task.result() for task in tasks)


async def main() -> None:
    with Sandbox(time="virtual") as sandbox:
        for number, order_id in enumerate(ORDERS[:-3]):  # the last three do not exist
            sandbox.world.vtex.add_order(order_id, status="invoiced" if number % 10 == 0 else "handling")
        async with sandbox.async_client() as client:
            for answer, count in (await cancel_all(client)).most_common():
                print(f"{count:>4} {answer}")


if __name__ == "__main__":
    asyncio.run(main())
