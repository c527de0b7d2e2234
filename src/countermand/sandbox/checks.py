"""Validation of the sandbox's arguments, so that a mistake in a test fails where it was made."""

import math
from collections.abc import Container, Iterable
from difflib import get_close_matches
from typing import get_args

from countermand.sandbox.ledger import Marketplace

MARKETPLACES: tuple[Marketplace, ...] = get_args(Marketplace)


def one_of(what: str, value: object, known: Iterable[str]) -> None:
    """Raise ValueError unless `value` is one of the `known` words; name the word that was probably meant."""
    words = sorted(known)
    if value in words:
        return
    text = str(value)
    close = [word for word in words if word.lower() == text.lower()] or get_close_matches(text, words, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"it is one of {', '.join(words)}"
    raise ValueError(f"{what} {value!r} is not known: {hint}")


def status(what: str, value: object, known: Iterable[str]) -> None:
    """Raise ValueError unless an order that is added has a `known` status; say how it can have another one."""
    try:
        one_of(what, value, known)
    except ValueError as error:
        raise ValueError(f"{error} (any other can be set on the order that add_order returns)") from None


def marketplace(name: object) -> None:
    """Raise ValueError unless `name` is one of the four."""
    one_of("the marketplace", name, MARKETPLACES)


def new_order(name: Marketplace, order_id: str, orders: Container[str]) -> None:
    """Raise ValueError if an order cannot be added to `orders`: its id is empty, or there already."""
    if not order_id:
        raise ValueError(f"an order of {name} needs an id")
    if order_id in orders:
        raise ValueError(f"{name} has an order {order_id!r} already")


def not_negative(what: str, value: object) -> float:
    """Return `value` if it is a finite number that is not below zero; raise ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"{what} is a number, zero or more, not {value!r}")
    return value
