"""Validation of the sandbox's arguments, so that a mistake in a test fails where it was made."""

import math
from collections.abc import Callable, Container, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeAlias, TypeVar, get_args

from countermand.sandbox.ledger import Marketplace

T = TypeVar("T")

#: Raises ValueError, with the name of what is checked, unless a value is one of those that are meant.
Check: TypeAlias = Callable[[str, object], object]

MARKETPLACES: tuple[Marketplace, ...] = get_args(Marketplace)


class UnknownOrderError(KeyError, ValueError):
    """There is no such order in the sandbox."""

    def __str__(self) -> str:
        return str(self.args[0])  # that of a KeyError is a repr


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


def order(name: Marketplace, order_id: object, orders: Mapping[str, T]) -> T:
    """Return an order; raise `UnknownOrderError` if there is none, with the id that was probably meant."""
    found = orders.get(str(order_id))
    if found is None:
        close = get_close_matches(str(order_id), orders, n=1)
        raise UnknownOrderError(
            f"{name} has no order {order_id!r}" + (f": did you mean {close[0]!r}?" if close else "")
        )
    return found


def new_order(name: Marketplace, order_id: object, orders: Container[str]) -> None:
    """Raise ValueError if an order cannot be added to `orders`: its id is not text, empty, or there already."""
    if not isinstance(order_id, str):
        raise ValueError(f"the id of an order of {name} is text, not {order_id!r}")
    if not order_id:
        raise ValueError(f"an order of {name} needs an id")
    if order_id in orders:
        raise ValueError(f"{name} has an order {order_id!r} already")


def not_negative(what: str, value: object) -> float:
    """Return `value` if it is a finite number that is not below zero; raise ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"{what} is a number, zero or more, not {value!r}")
    return value


def _that_is(told: str, is_valid: Callable[[Any], bool]) -> Check:
    def check(what: str, value: object) -> None:
        if not is_valid(value):
            raise ValueError(f"{what} is {told}, not {value!r}")

    return check


flag: Check = _that_is("True or False", lambda value: isinstance(value, bool))
text: Check = _that_is("text", lambda value: isinstance(value, str))
whole: Check = _that_is("a whole number, zero or more", lambda value: type(value) is int and value >= 0)
#: The status of a reply.
status_code: Check = _that_is(
    "a number from 200 to 599", lambda value: type(value) is int and 200 <= value <= 599
)


def words(*known: str) -> Check:
    """Return the check for one of the `known` words."""
    return lambda what, value: one_of(what, value, known)


def kind(*types: type) -> Check:
    """Return the check for an instance of one of the `types`."""
    names = " or ".join(each.__name__ for each in types)
    return _that_is(f"a {names}", lambda value: isinstance(value, types))


def or_none(check: Check) -> Check:
    """Return the same check, which lets None pass."""
    return lambda what, value: None if value is None else check(what, value)


#: A number of seconds, zero or more, or None for never.
after: Check = or_none(not_negative)


def attribute(owner: str, knobs: Mapping[str, Check], name: str, value: object) -> None:
    """Check an attribute of a simulated marketplace that is set: AttributeError for a name that it does not have."""
    if name not in knobs:
        close = get_close_matches(name, knobs, n=1)
        hint = f": did you mean {close[0]!r}?" if close else ""
        raise AttributeError(f"{owner} has no attribute {name!r}{hint}")
    knobs[name](f"{owner}.{name}", value)
