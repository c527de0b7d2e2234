"""Requests from text, for `countermand cancel` and the columns of a CSV file.

Requests of every marketplace, a third party's too, are filled the same way: the first field names the order, and the
other columns are matched to fields by name.
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

#: `1e5` alone is not written by spreadsheets, and may be an id.
_SCIENTIFIC = re.compile(r"[+-]?(?:\d+[eE][+-]|\d*[.,]\d*[eE][+-]?)\d+")
#: Categories of unusual and invisible spaces; the request itself rejects control characters.
_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cf"})
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


@attrs.frozen
class Slots:
    """The fields of a marketplace's request for the columns."""

    kind: type[AnyRequest]
    #: Column → field.
    fields: Mapping[str, str]
    #: Fields that a request requires.
    needed: frozenset[str]


@cache
def slots_of(marketplace: str) -> Slots:
    """Return the fields for the columns at a marketplace."""
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
    """Return the request of these columns, and the columns that the marketplace does not take.

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
            raise InvalidRequestError(
                f"{marketplace} requires {'an' if column[0] in 'aeiou' else 'a'} {column}"
            )
    make: Any = slots.kind
    return make(**values, account=account), tuple(column for column in given if column not in slots.fields)


def check_id(order_id: str) -> None:
    """Raise InvalidRequestError for an order's id that is invalid, or that a spreadsheet has changed."""
    if not order_id.strip():
        raise InvalidRequestError("order_id is empty")
    if order_id.strip() != order_id:
        raise InvalidRequestError("order_id has leading or trailing spaces")
    if order_id.startswith("="):
        raise InvalidRequestError("order_id is a spreadsheet's formula: format its column as text")
    if any(unicodedata.category(each) in _UNSEEN and each != " " for each in order_id):
        raise InvalidRequestError("order_id contains an invisible character, such as a non-breaking space")
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
