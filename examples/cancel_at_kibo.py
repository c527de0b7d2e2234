"""Cancel orders at Kibo OMS, which cancels a whole order, usually at once.

This runs against the sandbox and needs no credentials. With the real Kibo, the client is
`Countermand(kibo=Kibo(tenant_id=12345, client_id="…", client_secret="…"))`, which fetches its tokens; or
`Countermand.from_env()` with COUNTERMAND_KIBO_TENANT_ID and the like set.
"""

from countermand import Cancelled, Countermand, InvalidRequestError
from countermand.sandbox import Sandbox


def cancel(client: Countermand, order_id: int) -> None:
    # Besides "other", a reason stands alone: client.kibo.cancel_order(order_id, "customer_changed_mind")
    outcome = client.kibo.cancel_order(order_id, "other", "Ordered twice")
    print(outcome)

    if not outcome.settled:  # the order came back, and is not cancelled yet
        outcome = client.wait_until_settled(outcome, timeout=600)
        print(f"  {outcome}")
    if isinstance(outcome, Cancelled) and outcome.answer is not None:
        order = outcome.answer
        print(f"  {order.order_status}, {order.raw['total']} {order.order_currency}")


def main() -> None:
    with Sandbox(time="virtual") as sandbox:  # what waits here takes no real time
        client = sandbox.client()
        cancel(client, 1010101)  # cancelled at once
        cancel(client, 1010102)  # the answer still shows it open
        cancel(client, 1010103)  # shipped
        try:
            client.kibo.cancel_order(1010104, "customer_changed_mind", "Ordered twice")
        except InvalidRequestError as error:  # found before a byte was sent
            print(error)


if __name__ == "__main__":
    main()
