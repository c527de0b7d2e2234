"""Cancel an order at Pattern Hub, and wait until its warehouses have decided.

This runs against the sandbox and needs no credentials. With the real Pattern Hub, the client is
`Countermand(pattern=Pattern(token="…"))`, or `Countermand.from_env()` with COUNTERMAND_PATTERN_TOKEN set.
"""

from countermand import Countermand, PartiallyCancelled, Refused
from countermand.sandbox import Sandbox


def cancel(client: Countermand, market_order_id: str) -> None:
    outcome = client.pattern.cancel_order(market_order_id)
    print(outcome)

    if not outcome.settled:  # Pattern Hub has asked the warehouses; they decide afterwards
        outcome = client.wait_until_settled(outcome, timeout=600)
        print(outcome)

    if isinstance(outcome, PartiallyCancelled | Refused):
        for part in outcome.refused:
            print(f"  not cancelled: {part.id}, {part.status}: {part.reason}")


def main() -> None:
    with Sandbox(time="virtual") as sandbox:  # what waits here takes no real time
        sandbox.world.pattern.move("114-3941689-8772233", "departed", part=1004, after=10)
        client = sandbox.client()
        cancel(client, "114-3941689-8772232")  # two warehouses, and both cancel
        cancel(client, "114-3941689-8772233")  # one cancels, the other ships
        cancel(client, "114-3941689-8772234")  # everything has left already

        status = client.pattern.order_status("114-3941689-8772233")
        print(status.order_status, [part.sub_order_status for part in status.sub_orders])


if __name__ == "__main__":
    main()
