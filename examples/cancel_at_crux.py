"""Cancel orders at Crux Connect, which forwards a cancellation to the suppliers; each confirms or rejects it.

This runs against the sandbox and needs no credentials. With the real Crux Connect, the client is
`Countermand(crux=Crux(username="…", password="…"))`, which fetches its tokens, or `Crux(token="…")`; or
`Countermand.from_env()` with COUNTERMAND_CRUX_USERNAME and COUNTERMAND_CRUX_PASSWORD set.
"""

from countermand import Countermand, Crux, PartiallyCancelled
from countermand.sandbox import Sandbox


def cancel(client: Countermand, order_uuid: str) -> None:
    outcome = client.crux.cancel_order(order_uuid)
    print(outcome)

    if not outcome.settled:
        outcome = client.wait_until_settled(outcome, timeout=600)
        print(f"  {outcome}")
    if isinstance(outcome, PartiallyCancelled):
        for line in outcome.cancelled + outcome.refused:
            print(f"  {line.id}: {line.status}")


def main() -> None:
    with Sandbox(time="virtual") as sandbox:  # what waits here takes no real time
        access = Crux(
            username=sandbox.world.crux.username,
            password=sandbox.world.crux.password,
            base_url=sandbox.base_url("crux"),
        )
        client = sandbox.client(crux=access)
        cancel(client, "521a91e5-058d-4474-aeee-f0c148594a00")  # both suppliers confirm
        cancel(client, "521a91e5-058d-4474-aeee-f0c148594a01")  # one confirms, the other ships
        cancel(client, "521a91e5-058d-4474-aeee-f0c148594a03")  # everything has a tracking number


if __name__ == "__main__":
    main()
