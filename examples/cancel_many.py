"""Cancel many orders at once, on asyncio, and count what became of them.

This runs against the sandbox and needs no credentials. With real marketplaces, the client is
`AsyncCountermand.from_env()`, and `journal="run.db"` lets the same script finish a run that was interrupted.
"""

import asyncio
from collections import Counter

from countermand import AsyncCountermand, CancelVtexOrder
from countermand.sandbox import Sandbox

ORDERS = [f"2000000000{number:03}-01" for number in range(200)]


async def cancel_all(client: AsyncCountermand) -> Counter[str]:
    requests = (CancelVtexOrder(order_id, reason="Out of stock") for order_id in ORDERS)
    async with client.cancel_many(requests, concurrency=32) as results:
        # An error about one order leaves the others alone; raised means that this order is untouched.
        return Counter([type(result.outcome or result.error).__name__ async for result in results])


async def main() -> None:
    with Sandbox() as sandbox:
        for number, order_id in enumerate(ORDERS[:-3]):  # the last three do not exist
            sandbox.world.vtex.add_order(order_id, status="invoiced" if number % 10 == 0 else "handling")
        async with sandbox.async_client() as client:
            for answer, count in (await cancel_all(client)).most_common():
                print(f"{count:>4} {answer}")


if __name__ == "__main__":
    asyncio.run(main())
