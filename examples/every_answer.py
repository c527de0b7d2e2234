"""Handle every answer a cancellation can have: leave one out, and mypy and pyright say so.

This runs against the sandbox and needs no credentials. With real marketplaces, the client is
`Countermand.from_env()`.
"""

from typing import assert_never

from countermand import (
    Cancelled,
    CountermandError,
    Outcome,
    PartiallyCancelled,
    Refused,
    Requested,
    RetryPolicy,
    Unknown,
)
from countermand.sandbox import LoseReply, Sandbox, Status


def next_step(outcome: Outcome[object]) -> str:
    match outcome:
        case Cancelled():
            return "refund the customer"
        case Requested():
            return "ask again later: somebody still decides"
        case PartiallyCancelled(refused=parts):
            return "tell the customer what is still coming: " + ", ".join(part.status for part in parts)
        case Refused(refused=parts):
            return "offer a return instead: " + ", ".join(part.reason or part.status for part in parts)
        case Unknown(reason=reason):
            return f"let a person look at the order: {reason}"
        case _:
            assert_never(outcome)


def main() -> None:
    with Sandbox(time="virtual") as sandbox:
        client = sandbox.client(retry=RetryPolicy.never())
        for last_digit in "5234":
            outcome = client.pattern.cancel_order(f"114-3941689-877223{last_digit}")
            print(f"{type(outcome).__name__}: {next_step(outcome)}")

        sandbox.mishap("kibo", LoseReply(), Status(503))  # the answer is lost, and the order cannot be read
        print(f"Unknown: {next_step(client.kibo.cancel_order(1010101, 'created_by_mistake'))}")

        try:
            client.pattern.cancel_order("no such order")
        except CountermandError as error:  # raised means untouched
            print(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
