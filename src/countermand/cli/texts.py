"""Requests from texts: what `countermand cancel` and the columns of a CSV file have in common.

Every marketplace's request is filled the same way, a third party's as well: the first field names the order, and the
other columns find their field by its name.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

import attrs

from ..engine.rules import AnyRequest
from ..errors import InvalidRequestError
from ..marketplaces.registry import configuration_of

#: The columns of a CSV file. The first two are always there.
COLUMNS = ("marketplace", "order_id", "account", "reason", "reason_detail", "requested_by_user")
NEEDED = COLUMNS[:2]

#: `1e5` alone is no spreadsheet's work, and may be an id.
_SCIENTIFIC = re.compile(r"[+-]?(?:\d+[eE][+-]|\d*[.,]\d*[eE][+-]?)\d+")
#: Categories of spaces that look like others, or like nothing; of control characters the request itself tells.
_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cf"})
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


@attrs.frozen
class Slots:
    """Where the columns go in a marketplace's request."""

    kind: type[AnyRequest]
    #: Column → field.
    fields: Mapping[str, str]
    #: Fields that a request cannot do without.
    needed: frozenset[str]


@cache
def slots_of(marketplace: str) -> Slots:
    """Return where the columns go at a marketplace."""
    kind: type[Any] = configuration_of(marketplace).stored()[0]
    names = [field.name for field in attrs.fields(kind) if field.name != "account"]
    needed = frozenset(field.name for field in attrs.fields(kind) if field.default is attrs.NOTHING)
    found = {"order_id": names[0]}
    reasons = [name for name in names[1:] if name.endswith("reason")]
    found |= dict(zip(("reason", "reason_detail"), reasons, strict=False))
    found |= {name: name for name in names[1:] if name in COLUMNS}
    return Slots(kind, found, needed)


def request_of(
    marketplace: str, account: str | None, texts: Mapping[str, str | None]
) -> tuple[AnyRequest, tuple[str, ...]]:
    """Return the request that these columns make, and the columns that the marketplace has no place for.

    Raises InvalidRequestError.
    """
    slots = slots_of(marketplace)
    given = {column: text for column, text in texts.items() if text}
    check_id(given.get("order_id", ""))
    values = {
        slots.fields[column]: _flag(text) if column == "requested_by_user" else text
        for column, text in given.items()
        if column in slots.fields
    }
    for column, field in slots.fields.items():
        if field in slots.needed and field not in values:
            raise InvalidRequestError(f"{marketplace} wants {'an' if column[0] in 'aeiou' else 'a'} {column}")
    make: Any = slots.kind
    return make(**values, account=account), tuple(column for column in given if column not in slots.fields)


def check_id(order_id: str) -> None:
    """Raise InvalidRequestError for an order's id that is invalid, or that a spreadsheet has changed."""
    if not order_id.strip():
        raise InvalidRequestError("it names no order: order_id is empty")
    if order_id.strip() != order_id:
        raise InvalidRequestError("order_id has spaces at its ends")
    if order_id.startswith("="):
        raise InvalidRequestError("order_id is a spreadsheet's formula: format its column as text")
    if any(unicodedata.category(each) in _UNSEEN and each != " " for each in order_id):
        raise InvalidRequestError("order_id holds a character that is not seen, such as a non-breaking space")
    if _SCIENTIFIC.fullmatch(order_id):
        raise InvalidRequestError(
            f"order_id {order_id[:100]} is in scientific notation: a spreadsheet has rounded it; format its column as text",
            order_id=order_id[:100],
        )


def _flag(text: str) -> bool:
    said = text.strip().casefold()
    if said in _TRUE:
        return True
    if said in _FALSE:
        return False
    raise InvalidRequestError("requested_by_user must be true or false")
