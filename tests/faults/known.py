"""What is known of a request and of an order, for the judge: read from the network and the ledger alone."""

import json

from countermand.engine.wire import Fault, Reply
from countermand.sandbox.ledger import Truth

from .cases import Run
from .network import Passage

PENDING_AT_VTEX = {"cancel", "request-cancel", "cancellation-requested", "waiting-for-seller-decision"}


def status(passage: Passage) -> int | None:
    """Return the status that the client was given, or None."""
    return passage.end.status if isinstance(passage.end, Reply) else None


def clean(passage: Passage) -> bool:
    """Whether the answer came as the marketplace gave it."""
    return passage.trouble.name in ("fair", "slow there", "slow back") and isinstance(passage.end, Reply)


def may_be_applied(passage: Passage) -> bool:
    """Whether a client has to reckon with this cancel having been applied, by all that it saw."""
    end = passage.end
    if end is None:
        return True
    if isinstance(end, Fault):
        return end.sent
    return end.status == 408 or not 400 <= end.status < 500


def shows_the_end(passage: Passage) -> bool:
    """Whether this read shows that the order is final, or that a cancellation is in progress."""
    if passage.what != "read" or not isinstance(passage.end, Reply) or passage.end.status != 200:
        return False
    said = json.loads(passage.end.body)
    match passage.marketplace:
        case "pattern":
            return all(part["sub_order_status"] in ("cancelled", "shipped") for part in said["sub_orders"])
        case "vtex":
            return said["status"] in {"canceled", "invoiced", *PENDING_AT_VTEX}
        case "crux":
            return all(
                line["status"] in ("Cancelled", "Rejected", "HasTracking") for line in said["line_items"]
            )
        case _:
            return said["orderStatus"] in ("CANCELED", "SHIPPED", "FULFILLED", "COMPLETED")


def forwarded(truth: Truth | None) -> int:
    """Return how many cancels of the order were accepted."""
    return truth.forwarded if truth is not None else 0


def pending(run: Run, truth: Truth) -> bool:
    """Whether somebody still has to decide on a cancellation of the order, and may do so after all time."""
    if truth.marketplace == "vtex":
        return truth.parts[0].status in PENDING_AT_VTEX
    if truth is run.before:
        return False
    undecided: set[str] = set()
    for entry in run.world.ledger:
        if entry.order_id != truth.order_id:
            continue
        part = entry.detail.partition(":")[0] if truth.marketplace != "kibo" else ""
        if entry.what == "requested":
            undecided.add(part)
        elif entry.what in ("cancelled", "denied", "moved"):
            undecided.discard(part)
    return bool(undecided)


def parts(truth: Truth | None) -> str:
    """Return what the parts of the order end in, in words."""
    if truth is None:
        return "no such order"
    return ", ".join(f"{part.id} {part.status}" for part in truth.eventual_parts)
