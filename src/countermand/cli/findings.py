"""The findings of a report: counts, what needs a person and why, and a timeline. Memory does not grow with the run."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from ..bulk.results import is_unread
from ..bulk.stored import Session, StoredRow, StoredRun
from .terminal import plain, several

#: Kinds of answers, in the order of a report; errors follow.
KINDS = ("cancelled", "requested", "partially_cancelled", "refused", "unknown")
#: Groups of orders with one reason, and orders that are listed in each.
_GROUPS, NAMED = 60, 500
#: The most pieces that a timeline has.
_PIECES = 60
#: Lengths of a piece, in seconds.
_LENGTHS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 6 * 3600, 86400)

#: A time in a reason, such as "come back in 29.6 s", which differs from order to order.
_SECONDS = re.compile(r"\b\d+\.\d+ s\b")

#: What orders may need, the most urgent first: their title in singular and plural, and what to do about them.
NEEDS: Mapping[str, tuple[str, str, str]] = {
    "unknown": (
        "order is unknown",
        "orders are unknown",
        "Look at these orders at the marketplace first: the request may have arrived. `--retry unknown` reads each again.",
    ),
    "interrupted": (
        "call was interrupted",
        "calls were interrupted",
        "It is not known whether these requests arrived. Run the same command again: it reads these orders first.",
    ),
    "partially_cancelled": (
        "order is cancelled in part",
        "orders are cancelled in part",
        "Some parts of these orders are not cancelled: decide about those.",
    ),
    "error": (
        "order failed, untouched",
        "orders failed, untouched",
        "These orders are untouched. Correct what the reason names; `--retry failed` then sends them again.",
    ),
    "bad": (
        "bad row",
        "bad rows",
        "These rows are not valid requests, and nothing was sent for them. Correct them in a separate file.",
    ),
    "refused": (
        "order was refused",
        "orders were refused",
        "The marketplace refused to cancel these orders, for the reason given.",
    ),
    "requested": (
        "order is pending",
        "orders are pending",
        "No action is needed: a warehouse, a seller or a supplier has yet to decide. Look again later with `check`.",
    ),
    "unsent": (
        "row was not sent",
        "rows were not sent",
        "These rows have not been sent yet. The same command again sends them.",
    ),
}
_WORD = re.compile(r"\w")
#: Those that need no person yet.
_WAITING = ("requested", "unsent")


@attrs.define
class Group:
    """Orders of one account with the same kind and reason."""

    kind: str
    account: str
    reason: str
    marketplace: str = ""
    count: int = 0
    orders: list[str] = attrs.Factory(list[str])

    @property
    def where(self) -> str:
        """The account, with its marketplace where its label does not say it; empty for a row of no account."""
        return (
            self.account if self.account in ("", self.marketplace) else f"{self.account} ({self.marketplace})"
        )

    @property
    def need(self) -> str:
        """What to do about them: a key of `NEEDS`."""
        if self.kind.startswith("error:"):
            return "error" if self.account else "bad"
        return self.kind


@attrs.frozen
class Need:
    """Orders that need the same action, by account and reason."""

    #: A key of `NEEDS`.
    name: str
    groups: list[Group]

    @property
    def count(self) -> int:
        """How many orders."""
        return sum(group.count for group in self.groups)

    @property
    def title(self) -> str:
        """Their number and title."""
        return several(self.count, *NEEDS[self.name][:2])

    @property
    def todo(self) -> str:
        """What to do about them."""
        return NEEDS[self.name][2]


@attrs.frozen
class Piece:
    """One piece of the timeline."""

    began: datetime
    kinds: Counter[str]


@attrs.define
class Findings:
    """The contents of a report."""

    path: Path
    #: Label → marketplace and base URL.
    accounts: Mapping[str, tuple[str, str]]
    sessions: list[Session]
    rates: Mapping[str, float]
    rows: int = 0
    duplicates: int = 0
    #: Number of orders of each kind: the outcomes, "error:…", "interrupted" and "unsent".
    kinds: Counter[str] = attrs.Factory(Counter[str])
    by_account: dict[str, Counter[str]] = attrs.Factory(dict[str, Counter[str]])
    groups: dict[tuple[str, str, str], Group] = attrs.Factory(dict[tuple[str, str, str], Group])
    #: Length of a timeline's piece in seconds, and the answers by piece.
    length: int = 1
    _pieces: dict[int, Counter[str]] = attrs.Factory(dict[int, Counter[str]])

    @property
    def orders(self) -> int:
        """The number of rows, without duplicates."""
        return self.rows - self.duplicates

    @property
    def urgent(self) -> list[Need]:
        """What needs a person, the most urgent first."""
        return [need for need in self._needs() if need.name not in _WAITING]

    @property
    def waiting(self) -> list[Need]:
        """What needs no person yet."""
        return [need for need in self._needs() if need.name in _WAITING]

    def _needs(self) -> list[Need]:
        by_need: dict[str, list[Group]] = {name: [] for name in NEEDS}
        for group in sorted(self.groups.values(), key=lambda group: -group.count):
            by_need[group.need].append(group)
        return [Need(name, groups) for name, groups in by_need.items() if groups]

    @property
    def timeline(self) -> list[Piece]:
        """The answers over time; pieces without any are left out."""
        return [
            Piece(datetime.fromtimestamp(number * self.length, UTC).astimezone(), self._pieces[number])
            for number in sorted(self._pieces)
        ]

    def take(self, row: StoredRow) -> None:
        """Count a row."""
        self.rows += 1
        if row.duplicate_of is not None:
            self.duplicates += 1
            return
        kind = row.kind or ("interrupted" if row.asked is not None else "unsent")
        account = row.account or ""
        self.kinds[kind] += 1
        self.by_account.setdefault(account, Counter())[kind] += 1
        if row.answered is not None:
            self._note(row.answered, kind)
        if kind != "cancelled":
            self._group(row, kind, account)

    def _note(self, at: datetime, kind: str) -> None:
        self._pieces.setdefault(int(at.timestamp() // self.length), Counter())[kind] += 1
        while len(self._pieces) > _PIECES and self.length < _LENGTHS[-1]:
            self._lengthen()

    def _lengthen(self) -> None:
        longer = _LENGTHS[_LENGTHS.index(self.length) + 1]
        pieces: dict[int, Counter[str]] = {}
        for number, kinds in self._pieces.items():
            pieces.setdefault(number * self.length // longer, Counter()).update(kinds)
        self.length, self._pieces = longer, pieces

    def _group(self, row: StoredRow, kind: str, account: str) -> None:
        order, reason = _about(row)
        key = kind, account, reason
        if key not in self.groups and len(self.groups) >= _GROUPS:
            key = kind, account, "other reasons"
        group = self.groups.setdefault(key, Group(*key, self.accounts.get(account, ("", ""))[0]))
        group.count += 1
        if len(group.orders) < NAMED:
            group.orders.append(order)


def findings(path: Path) -> Findings:
    """Read a journal, which a run may be writing. Raises `JournalError`."""
    with StoredRun(path) as run:
        found = Findings(path, run.accounts, run.sessions(), run.rates())
        for row in run.rows():
            found.take(row)
    return found


def moment(at: datetime) -> str:
    """Return a time in this machine's time zone."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def words_of(kind: str) -> str:
    """Return a kind as text."""
    return "not sent yet" if kind == "unsent" else kind.replace("error:", "error: ").replace("_", " ")


def ordered(found: Findings) -> list[str]:
    """Return the kinds that occur, answers first."""
    others = sorted(kind for kind in found.kinds if kind not in KINDS)
    return [kind for kind in (*KINDS, *others) if found.kinds[kind]]


def _about(row: StoredRow) -> tuple[str, str]:
    """Return the name of an order and the reason for its state, both from plain data, which is faster than objects."""
    answer: Mapping[str, Any] = row.answer or {}
    known = plain(answer.get("order_id") or "")
    if is_unread(row.request):
        order = plain(f"line {row.request.get('line')}: {row.request.get('text')}")
        said = plain(answer.get("message", "")).partition(": ")[2]
    else:
        order = known = known or plain(_order_in(row.request))
        said = plain(_reason(answer))
    said = _SECONDS.sub("… s", said)
    return order, _without(said, known) if known else said


def _without(said: str, order: str) -> str:
    """Return a reason with "…" for its order's id. A pattern for each order would take longer than all else."""
    at = said.find(order)
    while at >= 0:
        end = at + len(order)
        if not (_WORD.match(said[:at][-1:]) or _WORD.match(said, end)):
            said = f"{said[:at]}…{said[end:]}"
        at = said.find(order, at + 1)
    return said


def _order_in(request: Mapping[str, Any]) -> str:
    return next((str(value) for name, value in request.items() if "order" in name and value), "")


def _reason(answer: Mapping[str, Any]) -> str:
    said = answer.get("message") or answer.get("reason")  # of an error, of an Unknown
    whys = dict.fromkeys(part["reason"] or part["status"] for part in answer.get("refused", ()))
    return said or "; ".join(whys) or answer.get("status") or ""
