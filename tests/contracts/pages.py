"""Print the tables of documented statuses and replies as pages of the documentation.

`python -m tests.contracts.pages` writes `docs/marketplaces/*.md`; a test compares them with what it would write.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from .documents import MARKETPLACES, Case, Marketplace, Row, cases, statuses

PAGES = Path(__file__).parents[2] / "docs" / "marketplaces"

PARTLY = "PartiallyCancelled"
TITLES = {"pattern": "Pattern Hub", "vtex": "VTEX OMS", "crux": "Crux Connect", "kibo": "Kibo OMS"}
ABOUT = {
    "pattern": """\
A cancellation asks the warehouses; each decides later. A 200 says that every warehouse order was initiated for
cancellation, a 206 that some were, a 409 that none could be. Asking twice is harmless. The status read carries no
warehouse order ids: parts keep the ids that the cancellation's answer named, where the counts allow it.""",
    "vtex": """\
A cancellation is a notification: the platform, or the seller, decides later, and a seller may deny it. A second
cancellation while a first one waits for the seller confirms it before the seller decides, so countermand reads first, and
asks again only when the order is still open ten seconds after a request whose reply was lost. A denial counts if it is
newer than the receipt. An invoiced order wants a return invoice first; with one, a request that was received may still
be carried out.""",
    "crux": """\
A cancellation is forwarded to the suppliers, every time it is sent; each confirms or rejects it later, line by line. So
it is never sent twice. `Rejected` is a supplier's answer to the allocation of a line, not to its cancellation: the line
will not ship. A 422 does not say why: the order is read, and its lines tell.""",
    "kibo": """\
The whole order is cancelled, mostly at once; the answer is the order. Either of its state and its status that says
`CANCELED` is enough. A tenant that answers 400 to `orderId` is asked once more with `orderID`, and remembered. Asking
twice is harmless.""",
}
COLUMNS = {
    "declined": "after a clean 4xx",
    "after_unknown": "after a lost answer (`Unknown`)",
    "after_requested": "while waiting (`Requested`)",
    "after_refused": "after `Refused`",
    "after_cancelled": "after `Cancelled`",
    "after_denial": "after a denial newer than the receipt",
    "by_id": "by id alone",
    "denied_by_id": "by id, latest request denied",
}
#: What a clean 2xx means, whatever the order's status is.
CLEAN = {
    "pattern": "On a clean answer nothing is read: its two lists decide, see below.",
    "vtex": "On a clean answer with a receipt for this order nothing is read: it is `Requested`, see below.",
    "crux": "On a clean 2xx nothing is read: it is `Requested`, see below.",
    "kibo": "A clean 2xx has the order: `Cancelled` where the first column says so, else `Requested`; see below.",
}
KINDS = {
    "cancel": "the cancellation",
    "read": "a read of the order",
    "login": "a login",
    "group": "a read of an order group",
    "invoice": "an invoice",
}


def page(marketplace: Marketplace) -> str:
    """Return a marketplace's page."""
    return "\n".join(_lines(marketplace)) + "\n"


def _lines(marketplace: Marketplace) -> Iterator[str]:
    rows, replies = statuses(marketplace), cases(marketplace)
    columns = [column for column in COLUMNS if any(_words(row, column) for row in rows)]
    yield f"# {TITLES[marketplace]}"
    yield ""
    yield ABOUT[marketplace]
    yield ""
    yield "The tests run every line below, against the SDK and against the sandbox (`tests/contracts/`). A line marked"
    yield "*undocumented* stands for all statuses that no document names."
    yield ""
    yield "## What a status means"
    yield ""
    yield "What a status means depends on what was known before the read. `after a clean 4xx`: the cancellation was declined,"
    yield "and the reply does not say why. `ask again`: whether a cancellation may be sent again if its answer was lost."
    yield ""
    yield CLEAN[marketplace]
    yield ""
    yield f"| status | {' | '.join(COLUMNS[column] for column in columns)} | ask again |"
    yield f"|---|{'---|' * len(columns)}---|"
    for row in rows:
        words = " | ".join(_word(row, column) for column in columns)
        yield f"| {_status(row)} | {words} | {'yes' if row.ask_again else 'no'} |"
    yield ""
    yield "## What a reply means"
    yield ""
    yield "As the first, clean answer. After an unclear attempt, a 4xx is a hint only, and the order is read."
    yield ""
    yield "| reply | to | status | what countermand makes of it | source |"
    yield "|---|---|---|---|---|"
    for case in replies:
        yield f"| {_named(case)} | {KINDS[case.request]} | {case.status} | {_expected(case)} | {case.source} |"


def _status(row: Row) -> str:
    text = "*null*" if row.status is None else f"`{row.status}`" if row.status else "*empty*"
    if row.marketplace == "crux":
        text += " (Timpanogos)" if row.release == "timp" else " (v1)"
    if row.parts:
        text += f" with {', '.join(f'`{part}`' for part in row.parts)}"
    notes = [note for note in (row.given, "" if row.documented else "*undocumented*", row.why) if note]
    return _cell(f"{text}: {'; '.join(notes)}" if notes else text)


def _words(row: Row, column: str) -> list[str]:
    word = row.declined if column == "declined" else row.words.get(column)
    return [] if word is None else [word] if isinstance(word, str) else word


def _word(row: Row, column: str) -> str:
    final = {True: ", final", False: ", not final"}
    words = _words(row, column)
    told = [
        f"`{each}`{final[row.settled] if row.settled is not None and each == PARTLY else ''}"
        for each in words
    ]
    return _cell(" or ".join(told))


def _named(case: Case) -> str:
    name = case.name.replace("-", " ")
    return _cell(f"{name}: {case.facts['why']}" if "why" in case.facts else name)


def _expected(case: Case) -> str:
    told = f"`{case.expected}`" if case.expected[0].isupper() else case.expected
    if (then := case.facts.get("then")) is not None:
        ways = [f"{each.get('read') or each['cancel']} → `{each['expected']}`" for each in then]
        told += ": " + ", ".join(way.replace("-", " ") for way in ways)
    return _cell(told)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> int:
    """Write every page."""
    PAGES.mkdir(exist_ok=True)
    for marketplace in MARKETPLACES:
        (PAGES / f"{marketplace}.md").write_text(page(marketplace), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
