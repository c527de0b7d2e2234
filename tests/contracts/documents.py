"""Load what the documents show: cases, statuses and requests, as the README of this folder describes them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from attrs import field, frozen

Marketplace: TypeAlias = Literal["pattern", "vtex", "crux", "kibo"]
Request: TypeAlias = Literal["cancel", "read", "login", "group", "invoice"]
#: One word, or several that are all true.
Word: TypeAlias = "str | list[str]"

MARKETPLACES: tuple[Marketplace, ...] = ("pattern", "vtex", "crux", "kibo")
OUTCOMES = frozenset({"Cancelled", "Requested", "PartiallyCancelled", "Refused", "Unknown"})

#: What was known before a read, in the order in which the tables show it.
PRIORS = ("by_id", "after_unknown", "after_requested", "after_refused", "after_cancelled")
DENIALS = ("after_denial", "denied_by_id", "after_old_denial")

FOLDER = Path(__file__).parent

_NO_BODY: Any = object()


@frozen
class Case:
    """One answer of a marketplace, and what a client should make of it as the first, clean one."""

    marketplace: Marketplace
    order_id: str | int
    name: str
    source: str
    request: Request
    status: int
    headers: Mapping[str, str]
    expected: str
    #: The recipe by which the sandbox answers so, or None.
    sandbox: Mapping[str, Any] | None
    release: Literal["v1", "timp"]
    #: Everything else that the case says, by its key.
    facts: Mapping[str, Any] = field(repr=False)
    _json: Any = field(default=_NO_BODY, repr=False)
    _text: str = field(default="", repr=False)

    @property
    def body(self) -> bytes:
        """The body as it comes over the wire."""
        if self._json is not _NO_BODY:
            return json.dumps(self._json, ensure_ascii=False).encode()
        return self._text.encode()

    @property
    def said(self) -> Any:
        """The body's JSON, without a byte order mark; raises ValueError where it has none."""
        return json.loads(self.body.decode("utf-8-sig"))


@frozen
class Row:
    """One status, and the word for it by what was known before."""

    marketplace: Marketplace
    order_id: str | int
    status: str | None
    body: Mapping[str, Any]
    words: Mapping[str, Word]
    documented: bool
    #: Whether a client that lost an answer may ask again when it reads this.
    ask_again: bool
    #: What follows a clean 4xx that does not say why; None where none is documented to do so.
    declined: str | None
    #: The statuses of the parts, where `status` does not tell them.
    parts: tuple[str, ...]
    #: Whether a partial cancellation is final; None for any other word.
    settled: bool | None
    given: str
    why: str
    release: Literal["v1", "timp"]
    denials: Mapping[str, Mapping[str, Any]] = field(repr=False)

    def read_body(self, column: str = "by_id") -> dict[str, Any]:
        """Return what the read answers, with the denial that the column is about."""
        denial = self.denials.get(column)
        return {**self.body, "cancellationRequests": [denial]} if denial else dict(self.body)


def cases(marketplace: Marketplace) -> list[Case]:
    """Return the cases of a marketplace."""
    known = {"name", "source", "request", "status", "headers", "expected", "sandbox", "release", "order_id"}
    loaded = _load(marketplace, "cases.json")
    return [
        Case(
            marketplace,
            case.get("order_id", loaded["order_id"]),
            case["name"],
            case["source"],
            case["request"],
            case["status"],
            case["headers"],
            case["expected"],
            case["sandbox"],
            case.get("release", "v1"),
            {key: value for key, value in case.items() if key not in known | {"body", "text"}},
            case.get("body", _NO_BODY),
            case.get("text", ""),
        )
        for case in loaded["cases"]
    ]


def statuses(marketplace: Marketplace) -> list[Row]:
    """Return the table of a marketplace's statuses."""
    loaded = _load(marketplace, "statuses.json")
    denials = {
        "after_denial": loaded.get("own_denial"),
        "denied_by_id": loaded.get("own_denial"),
        "after_old_denial": loaded.get("old_denial"),
    }
    return [
        Row(
            marketplace,
            loaded["order_id"],
            row["status"],
            row["body"],
            row["words"],
            row["documented"],
            row["ask_again"],
            row.get("declined"),
            tuple(row.get("parts", ())),
            row.get("settled"),
            row.get("given", ""),
            row.get("why", ""),
            row.get("release", "v1"),
            {column: denial for column, denial in denials.items() if denial},
        )
        for row in loaded["rows"]
    ]


def receipt_date() -> str:
    """Return the date of VTEX's receipt that the denials of its table are compared with."""
    return cast("str", _load("vtex", "statuses.json")["receipt_date"])


def requests() -> list[dict[str, Any]]:
    """Return the two calls as VTEX's published description has them."""
    return cast("list[dict[str, Any]]", _load("vtex", "requests.json")["requests"])


def _load(marketplace: str, name: str) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads((FOLDER / marketplace / name).read_text("utf-8")))
