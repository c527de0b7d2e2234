"""Cancel orders at VTEX OMS, where the platform or the seller decides, and may decline.

This runs against the sandbox and needs no credentials. With the real VTEX, the client is
`Countermand(vtex=Vtex(account="mystore", app_key="…", app_token="…"))`, or `Countermand.from_env()` with
COUNTERMAND_VTEX_ACCOUNT, COUNTERMAND_VTEX_APP_KEY and COUNTERMAND_VTEX_APP_TOKEN set.
"""

from countermand import Countermand, OrderNotFoundError, VtexReceipt
from countermand.sandbox import Sandbox


def cancel(client: Countermand, order_id: str) -> None:
    try:
        outcome = client.vtex.cancel_order(order_id, reason="Out of stock", requested_by_user=False)
    except OrderNotFoundError as error:
        print(error)
        return
    print(outcome)

    if isinstance(outcome.answer, VtexReceipt):  # VTEX has received the notification, and no more
        print(f"  receipt {outcome.answer.receipt} of {outcome.answer.date}")
        print(f"  {client.wait_until_settled(outcome, timeout=600)}")


def main() -> None:
    with Sandbox(time="virtual") as sandbox:  # what waits here takes no real time
        client = sandbox.client()
        cancel(client, "1172452900788-01")  # the seller agrees
        cancel(client, "1172452900789-01")  # the seller denies it
        cancel(client, "1172452900791-01")  # invoiced: it needs a return invoice first
        cancel(client, "1172452900000-01")  # no such order

        order = client.vtex.get_order("1172452900789-01")
        print(order.status, [request.denial_reason for request in order.cancellation_requests or ()])


if __name__ == "__main__":
    main()
