"""Outcomes, errors and requests made by chance from a seed, with the awkward values among them."""

import json
import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import countermand.errors
from countermand import (
    Attempt,
    CancelCruxOrder,
    CancelKiboOrder,
    Cancelled,
    CancelPatternOrder,
    CancelVtexOrder,
    CountermandError,
    CruxLineItem,
    CruxOrder,
    InvalidRequestError,
    KiboOrder,
    Part,
    PartiallyCancelled,
    PatternCancellation,
    PatternOrderStatus,
    RateLimitedError,
    Refused,
    Requested,
    Unknown,
    VtexOrder,
    VtexReceipt,
)
from countermand.engine.decoding import decode
from countermand.marketplaces.pattern import Item, NonCancellableOrder, SubOrder, WarehouseOrder
from countermand.marketplaces.vtex import VtexCancellationRequest

KINDS: list[type[CountermandError]] = [
    kind for name, kind in vars(countermand.errors).items() if name.endswith("Error")
]
TEXTS = (
    "",
    "1172-01",
    "Grüße \N{SNOWMAN}\U0001f6d2",
    'a "quote" \\ and \n\0',
    "null",
    "kind",
    "\ud800",
    "x" * 3000,
)
#: What a marketplace may send in fields that nobody asked for.
EXTRA: tuple[Any, ...] = (
    2**53 + 1,
    2**64 + 1,
    -(10**400),
    0.1,
    1e300,
    -0.0,
    5e-324,
    None,
    True,
    [],
    {},
    [{"kind": "vtex.receipt", "raw": {}, "schema": 2}],
)


def text(rng: random.Random) -> str:
    """Return a text, awkward ones among them."""
    return rng.choice(TEXTS)


def maybe(rng: random.Random, value: Any) -> Any:
    """Return `value`, or None."""
    return value if rng.random() < 0.6 else None


def attempt(rng: random.Random) -> Attempt:
    """Return an attempt, in any time zone."""
    zone = rng.choice((UTC, UTC, timezone(timedelta(hours=-3)), timezone(timedelta(hours=5, minutes=45))))
    return Attempt(
        rng.choice(get_args(Attempt.__annotations__["what"])),
        datetime(2026, 3, 2, tzinfo=zone) + timedelta(microseconds=rng.randrange(10**15)),
        rng.choice((0.0, rng.random() * 100, 1e-9)),
        maybe(rng, rng.choice((200, 409, 503))),
        text(rng),
        rng.random() < 0.5,
        maybe(rng, text(rng)),
        maybe(rng, text(rng)),
    )


def parts(rng: random.Random) -> tuple[Part, ...]:
    """Return up to two parts."""
    return tuple(
        Part(maybe(rng, text(rng)), text(rng), maybe(rng, text(rng))) for _ in range(rng.randrange(3))
    )


def bodies(rng: random.Random) -> Any:
    """Return an answer that was decoded from a body, as a call decodes it."""
    name = f"new {rng.randrange(9)}"
    status = rng.choice(("canceled", "Grüße"))
    line = {"uuid": "l", "line_item_uuid": "t", "status": status}
    model, said = rng.choice(
        (
            (VtexReceipt, {"orderId": "1", "date": "d", "receipt": maybe(rng, "r")}),
            (
                VtexOrder,
                {"orderId": "1", "status": status, "cancellationRequests": [{"reason": "r", "new": 1}]},
            ),
            (KiboOrder, {rng.choice(("orderId", "orderID")): 2**70, "orderStatus": status}),
            (CruxOrder, {"uuid": "u", "line_items": [line]}),
            (PatternOrderStatus, {"market_order_id": "1", "order_status": status}),
        )
    )
    return decode(json.dumps(said | {name: rng.choice(EXTRA)}).encode(), model)


def by_hand(rng: random.Random) -> Any:
    """Return an answer that was built by hand, without a body; or one that its body does not lead to."""
    lines = (CruxLineItem("t", "Cancelled"),)
    timpanogos = {"order_uuid": "u", "line_items": [{"line_item_uuid": "t", "status": "Cancelled"}], "new": 1}
    both = timpanogos | {
        "uuid": "another",
        "line_items": [{"uuid": "l", "line_item_uuid": "t", "status": "Cancelled"}],
    }
    asked = VtexCancellationRequest(denied_by_seller=True, denial_reason=text(rng))
    return rng.choice(
        (
            VtexReceipt("d", text(rng)),
            VtexOrder("1", text(rng), cancellation_requests=(asked, asked)),
            KiboOrder(2**70, order_date=maybe(rng, "d")),
            CruxOrder("u", lines),
            CruxOrder("u", lines).with_body(json.dumps(timpanogos).encode()),
            CruxOrder("u", lines).with_body(json.dumps(both).encode()),
            PatternCancellation(
                "1", True, "m", (WarehouseOrder(2**70, "s"),), (NonCancellableOrder(1, "s"),)
            ),
            PatternOrderStatus("1", "s", (SubOrder("s", (Item("sku", 2),)),)),
        )
    )


def outcome(rng: random.Random) -> Any:
    """Return an outcome of any kind."""
    answer = rng.choice((None, bodies(rng), by_hand(rng)))
    about: dict[str, Any] = {
        "marketplace": answer.kind.partition(".")[0] if answer else rng.choice(("vtex", "kibo")),
        "order_id": text(rng),
        "account": maybe(rng, text(rng)),
        "answer": answer,
        "attempts": tuple(attempt(rng) for _ in range(rng.randrange(4))),
    }
    made: tuple[Any, ...] = (
        Cancelled(**about, cancelled=parts(rng)),
        Requested(**about, status=maybe(rng, text(rng))),
        PartiallyCancelled(**about, cancelled=parts(rng), refused=parts(rng), settled=rng.random() < 0.5),
        Refused(**about, refused=parts(rng)),
        Unknown(**about, reason=text(rng)),
    )
    return rng.choice(made)


def error(rng: random.Random) -> CountermandError:
    """Return an error of any class."""
    kind = rng.choice(KINDS)
    about: dict[str, Any] = {
        "marketplace": maybe(rng, "vtex"),
        "account": maybe(rng, text(rng)),
        "order_id": maybe(rng, text(rng)),
        "status": maybe(rng, 429),
        "request_id": maybe(rng, text(rng)),
        "body": text(rng),
        "headers": {name: text(rng) for name in rng.sample(("date", "via", "server"), 2)},
        "attempts": tuple(attempt(rng) for _ in range(rng.randrange(3))),
    }
    if kind is RateLimitedError:
        about["retry_after"] = maybe(rng, rng.random() * 100)
    if kind is InvalidRequestError:
        about["errors"] = tuple(text(rng) for _ in range(rng.randrange(3)))
    return kind(text(rng), **about)


def request(rng: random.Random) -> Any:
    """Return a request to any marketplace."""
    account = maybe(rng, "brand-ar")
    return rng.choice(
        (
            CancelPatternOrder("1172-01", account=account),
            CancelVtexOrder(
                "1", reason=maybe(rng, "a gift"), requested_by_user=maybe(rng, True), account=account
            ),
            CancelCruxOrder("0b7c2b1e-8f0a-4a53-9a37-0c6f0c9c1d11", account=account),
            CancelKiboOrder(2**62 + 1, "other", maybe(rng, "why"), account=account),
        )
    )
