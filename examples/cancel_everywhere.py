"""Cancel orders at all four marketplaces, and print what became of each. `make demo` runs this.

The marketplaces are simulated: `Sandbox` serves them over real HTTP on this machine, in virtual time, so that nobody
has to wait for a warehouse. The code for the real ones is the same, with `Countermand.from_env()` in place of
`sandbox.client()`.
"""

import os
import sys
from collections.abc import Sequence

from countermand import (
    Attempt,
    CancelCruxOrder,
    CancelKiboOrder,
    Cancelled,
    CancelPatternOrder,
    CancelVtexOrder,
    Outcome,
    Part,
    PartiallyCancelled,
    Refused,
    Requested,
    Unknown,
)
from countermand.sandbox import LoseReply, RateLimited, Sandbox

Request = CancelPatternOrder | CancelVtexOrder | CancelCruxOrder | CancelKiboOrder

REQUESTS: list[Request] = [
    CancelPatternOrder("114-3941689-8772232"),
    CancelPatternOrder("114-3941689-8772233"),
    CancelVtexOrder("1172452900788-01", reason="Out of stock", requested_by_user=False),
    CancelVtexOrder("1172452900789-01", reason="Customer changed mind", requested_by_user=True),
    CancelVtexOrder("1172452900790-01", reason="Created by mistake"),
    CancelVtexOrder("1172452900791-01"),
    CancelCruxOrder("521a91e5-058d-4474-aeee-f0c148594a00"),
    CancelCruxOrder("521a91e5-058d-4474-aeee-f0c148594a01"),
    CancelKiboOrder(1010101, "customer_changed_mind"),
    CancelKiboOrder(1010103, "other", "Ordered twice"),
]

COLUMNS = "{:<12} {:<20} {} {:<37} {}"
COLOURS = {Cancelled: 32, Requested: 33, PartiallyCancelled: 36, Refused: 31, Unknown: 35}


def main() -> None:
    with Sandbox(http=True, time="virtual") as sandbox, sandbox.client() as client:
        sandbox.mishap("vtex", RateLimited(1))  # the first request there is answered with 429
        sandbox.mishap("kibo", LoseReply())  # and here it is carried out, but its answer does not arrive
        sandbox.world.pattern.move("114-3941689-8772233", "departed", part=1004, after=8)

        headings("what was answered")
        outcomes: list[Outcome[object]] = []
        for request in REQUESTS:
            outcomes.append(client.cancel(request))
            row(outcomes[-1])

        headings("what became of it")
        for outcome in outcomes:
            if not outcome.settled:
                # For twenty seconds at most: one of the sellers never decides.
                row(client.wait_until_settled(outcome, timeout=20), seen=len(outcome.attempts))


# The rest is about looks.


def headings(answer: str) -> None:
    line = COLUMNS.format("marketplace", "order", f"{answer:<19}", "parts", "attempts")
    print("\n" + painted(line.upper(), 2))


def row(outcome: Outcome[object], seen: int = 0) -> None:
    """Print a line about an outcome, without the attempts that were seen before."""
    answer = painted(f"{type(outcome).__name__:<19}", COLOURS[type(outcome)])
    order = shortened(outcome.order_id)
    print(
        COLUMNS.format(outcome.marketplace, order, answer, parts(outcome), attempts(outcome.attempts[seen:])),
        flush=True,
    )


def parts(outcome: Outcome[object]) -> str:
    """Say what became of each part, in the marketplace's words, or what stands in its way."""
    if isinstance(outcome, Unknown):
        return outcome.reason
    if isinstance(outcome, Requested):
        return outcome.status or ""
    words = [named(part, outcome, part.status if outcome.settled else "begun") for part in outcome.cancelled]
    if isinstance(outcome, PartiallyCancelled | Refused):
        for part in outcome.refused:
            reason = part.reason or part.status
            brief = isinstance(outcome, PartiallyCancelled) or part.status in reason
            words.append(named(part, outcome, part.status if brief else reason))
    return ", ".join(words)


def named(part: Part, outcome: Outcome[object], words: str) -> str:
    return words if part.id in (None, outcome.order_id) else f"{part.id} {words}"


def attempts(made: Sequence[Attempt]) -> str:
    """Say what was sent and how it was answered, with the pauses in between."""
    words: list[str] = []
    ended: float | None = None
    for attempt in made:
        began = attempt.at.timestamp()
        if ended is not None and began - ended > 0.1:
            words.append(f"{began - ended:.0f} s")
        ended = began + attempt.took
        whole = attempt.ended == f"answered {attempt.status}"
        words.append(f"{attempt.what} {attempt.status if whole else 'lost'}")
    polled = words.count("read 200")
    return f"read 200, {polled} times" if polled > 2 else ", ".join(words)


def shortened(order_id: str) -> str:
    return order_id if len(order_id) < 20 else f"{order_id[:8]}...{order_id[-8:]}"


def painted(text: str, colour: int) -> str:
    plain = os.environ.get("NO_COLOR") or not sys.stdout.isatty()
    return text if plain else f"\033[{colour}m{text}\033[0m"


if __name__ == "__main__":
    main()
