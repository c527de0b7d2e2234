"""What is known of a request and of an order, for the judge: read from the network and the ledger alone."""

import json
from typing import Any

from countermand.engine.wire import Fault, Reply
from countermand.sandbox.ledger import Truth

from .cases import Run
from .network import Passage

#: A cancellation is under way, or its denial is (`cancellation-request-denied-ffm`).
PENDING_AT_VTEX = {
    "cancel",
    "canceling",
    "request-cancel",
    "cancellation-requested",
    "cancellation-requested-with-ack",
    "accepting-cancel",
    "waiting-for-seller-decision",
    "cancellation-request-denied-ffm",
}


def status(passage: Passage) -> int | None:
    """Return the status that the client was given, or None."""
    return passage.end.status if isinstance(passage.end, Reply) else None


def clean(passage: Passage) -> bool:
    """Whether the answer came as the marketplace gave it."""
    return passage.trouble.name in ("fair", "slow there", "slow back") and isinstance(passage.end, Reply)


def closes_the_gate(passage: Passage) -> bool:
    """Whether this answer has every call on the account wait: 429, and 503 that says for how long."""
    end = passage.end
    return isinstance(end, Reply) and (
        end.status == 429 or (end.status == 503 and "retry-after" in end.headers)
    )


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
    said = order_in(passage)
    if said is None:
        return False
    match passage.marketplace:
        case "pattern":
            return all(part["sub_order_status"] in ("cancelled", "shipped") for part in said["sub_orders"])
        case "vtex":
            packages = (said.get("packageAttachment") or {}).get("packages") or []
            returned = any(package["type"] == "Input" for package in packages)
            return said["status"] in {"canceled", *PENDING_AT_VTEX} or (
                said["status"] == "invoiced" and not returned
            )
        case "crux":
            return all(_is_final(line) for line in said["line_items"])
        case _:
            words = {str(said.get(key) or "").upper() for key in ("orderState", "orderStatus")}
            return bool(
                words & {"CANCELED", "CANCELLED", "ORDER CANCELED", "SHIPPED", "FULFILLED", "COMPLETED"}
            )


def _is_final(line: dict[str, Any]) -> bool:
    told = str(line.get("line_item_designation") or line["status"])
    return told.rpartition("Name: ")[2] in ("Cancelled", "Rejected", "HasTracking")


def order_in(passage: Passage) -> Any:
    """Return the order in the answer to a read, or None where there is none in it."""
    if passage.what != "read" or not isinstance(passage.end, Reply) or passage.end.status != 200:
        return None
    try:
        said = json.loads(passage.end.body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def shows_progress(passage: Passage) -> bool:
    """Whether this read shows that a cancellation, or its denial, is under way: VTEX alone says so."""
    said = order_in(passage)
    return passage.marketplace == "vtex" and said is not None and said.get("status") in PENDING_AT_VTEX


def forwarded(truth: Truth | None) -> int:
    """Return how many cancels of the order were accepted."""
    return truth.forwarded if truth is not None else 0


def pending(run: Run, truth: Truth) -> bool:
    """Whether somebody still has to decide on a cancellation of the order, and may do so after all time."""
    if truth.marketplace == "vtex" and truth.parts[0].status in PENDING_AT_VTEX:
        return True
    if truth is run.before:
        return False
    undecided: set[str] = set()
    for entry in run.world.ledger:
        if entry.order_id != truth.order_id:
            continue
        part = entry.detail.partition(":")[0] if truth.marketplace in ("pattern", "crux") else ""
        if entry.what == "requested":
            undecided.add(part)
        elif entry.what in ("cancelled", "denied", "moved", "overruled"):
            undecided.discard(part)
    return bool(undecided)


def parts(truth: Truth | None) -> str:
    """Return what the parts of the order end in, in words."""
    if truth is None:
        return "no such order"
    return ", ".join(f"{part.id} {part.status}" for part in truth.eventual_parts)
