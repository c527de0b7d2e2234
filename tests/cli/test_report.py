"""`countermand report`: the counts, what needs a person, the timeline, and the HTML file."""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from countermand import (
    Cancelled,
    InvalidRequestError,
    OrderNotFoundError,
    Part,
    Refused,
    Requested,
    Unknown,
)
from countermand.bulk.stored import Session, StoredRow
from countermand.cli.findings import NAMED, Findings
from countermand.cli.page import page
from countermand.sandbox import Sandbox

from .conftest import Call

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
VOID = {"meta", "br", "link", "img", "input", "hr"}


def row(
    number: int, ended: Any = None, *, after: float = 0, account: str | None = "ar", **others: Any
) -> StoredRow:
    """Return a row of a journal."""
    from countermand.bulk.records import kind_of

    kept: dict[str, Any] = {
        "row": number,
        "account": account,
        "request": {"request": "cancel", "marketplace": "vtex", "order_id": f"{number}-01"},
        "kind": None if ended is None else kind_of(ended),
        "answer": None if ended is None else ended.to_dict(),
        "asked": None if ended is None else NOON,
        "answered": None if ended is None else NOON + timedelta(seconds=after),
        "duplicate_of": None,
    }
    return StoredRow(**(kept | others))


def of(number: int) -> dict[str, Any]:
    """Return what an outcome says of its order."""
    return {"marketplace": "vtex", "order_id": f"{number}-01", "account": "ar"}


def found(*rows: StoredRow) -> Findings:
    """Return what these rows say."""
    ended = Session(NOON, NOON + timedelta(hours=1))
    accounts = {"ar": ("vtex", "https://ar.example"), "<b>": ("kibo", "https://kibo.example")}
    findings = Findings(Path("run.db"), accounts, [ended, Session(NOON, None)], {"ar": 0.5})
    for each in rows:
        findings.take(each)
    return findings


class Checked(HTMLParser):
    """Holds that every element is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: Counter[str] = Counter()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Hold that nothing is loaded, and remember the element."""
        self.seen[tag] += 1
        assert not {name for name, _ in attrs} & {"src", "href", "onclick"}, (
            "nothing is loaded from elsewhere"
        )
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Hold that it closes the last one that is open."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect the text."""
        self.text.append(data)


def parsed(html: str) -> Checked:
    """Parse HTML strictly."""
    checked = Checked()
    checked.feed(html)
    checked.close()
    assert not checked.open
    return checked


MIXED = (
    row(0, Cancelled(**of(0))),
    row(1, Requested(**of(1), status="handling")),
    row(2, Refused(**of(2), refused=(Part("2-01", "invoiced", "order 2-01 is invoiced"),))),
    row(3, Refused(**of(3), refused=(Part("3-01", "invoiced", "order 3-01 is invoiced"),))),
    row(4, Unknown(**of(4), reason="lost"), after=2),
    row(5, OrderNotFoundError("there is no such order", order_id="5-01"), after=2),
    row(6, asked=NOON),
    row(7),
    row(8, Cancelled(**of(0)), duplicate_of=0),
    row(
        9,
        InvalidRequestError("line 11: order_id 1E+3 is bad", order_id="1E+3"),
        account=None,
        request={"request": "unread", "line": 11, "text": "vtex,1E+3"},
    ),
)


def test_orders_are_counted_once_and_by_what_they_need() -> None:
    """Reasons that differ in the order's id alone are one reason; the most pressing comes first."""
    findings = found(*MIXED)
    assert (findings.rows, findings.orders, findings.duplicates) == (10, 9, 1)
    assert findings.kinds["cancelled"] == 1
    assert [(need.name, need.count) for need in findings.urgent] == [
        ("unknown", 1), ("interrupted", 1), ("error", 1), ("bad", 1), ("refused", 2),
    ]  # fmt: skip
    assert [(need.name, need.count) for need in findings.waiting] == [("requested", 1), ("unsent", 1)]
    (refused,) = findings.urgent[-1].groups
    assert (refused.reason, refused.orders) == ("order … is invoiced", ["2-01", "3-01"])
    (bad,) = findings.urgent[3].groups
    assert (bad.reason, bad.orders) == ("order_id … is bad", ["line 11: vtex,1E+3"])


@pytest.mark.parametrize(
    "said, told",
    [
        ("7-01", "…"),
        ("order 7-01 and (7-01), not 17-01", "order … and (…), not 17-01"),
        ("7-011 or 7-01_b", "7-011 or 7-01_b"),
    ],
)
def test_only_an_orders_own_id_is_left_out_of_a_reason(said: str, told: str) -> None:
    """An id that is part of a longer word is another one."""
    (group,) = found(row(7, Unknown(**of(7), reason=said))).groups.values()
    assert group.reason == told


def test_reasons_that_differ_in_a_time_are_one() -> None:
    """Hundreds of 429s, each with its own time, take no other reason's place; a label has its marketplace beside it."""
    unknown = [row(each, Unknown(**of(each), reason=f"lost; come back in {each}.5 s")) for each in range(100)]
    (need,) = found(*unknown).urgent
    (group,) = need.groups
    assert (group.count, group.reason, group.where) == (100, "lost; come back in … s", "ar (vtex)")


def test_memory_does_not_grow_with_the_run() -> None:
    """Orders that are named, reasons that are told and pieces of the timeline have an upper limit."""
    rows = (
        row(number, Unknown(**of(number), reason=f"why {number // 600}"), after=7 * number)
        for number in range(60_000)
    )
    findings = found(*rows)
    assert len(findings.groups) <= 61
    assert max(len(group.orders) for group in findings.groups.values()) == NAMED
    assert sum(group.count for group in findings.groups.values()) == 60_000
    assert len(findings.timeline) <= 60
    assert sum(piece.kinds.total() for piece in findings.timeline) == 60_000


def test_the_page_is_whole_and_loads_nothing() -> None:
    """It is well formed, has both colour schemes and a viewport, and what it is told stays text."""
    evil = Unknown(**of(1), reason="<script>alert(1)</script>")
    html = page(found(*MIXED, row(10, evil, after=90_000, account="<b>")))
    checked = parsed(html)
    assert "script" not in checked.seen
    assert "b" in checked.seen  # the timeline's columns; an account of that name is text
    assert "<script>alert(1)</script>" in "".join(checked.text)
    assert "prefers-color-scheme: dark" in html
    assert 'name="viewport"' in html
    assert not re.search(r"url\(|@import|https?://(?!ar\.example|kibo\.example)", html)
    assert "nothing for" in html  # a long pause is one mark


def test_a_run_with_nothing_to_do_is_told_so() -> None:
    """A section that is empty says so."""
    html = page(found(row(0, Cancelled(**of(0)))))
    assert "Nothing: every order that was answered is cancelled" in "".join(parsed(html).text)


@pytest.fixture
def ran(call: Call, served: Sandbox) -> Call:
    """A journal `run.db` of four orders."""
    rows = "kibo,1010101,other\nvtex,1172452900791-01,\nvtex,1172452900788-01,\nshop,1,\n"
    Path("orders.csv").write_text(f"marketplace,order_id,reason\n{rows}", encoding="utf-8")
    call("bulk", "orders.csv", "--journal", "run.db", "--yes")
    return call


def test_the_text_report(ran: Call) -> None:
    """Exit code 0: the report was made."""
    answer = ran("report", "run.db")
    assert answer.code == 0
    assert answer.err == ""
    assert "run.db: 4 orders" in answer.out
    assert "1  cancelled" in answer.out
    assert "1 order was refused" in answer.out
    assert "- 1 at sandbox (vtex): The order cannot be canceled in status invoiced" in answer.out
    assert "line 5: shop,1," in answer.out
    assert "Timeline" in answer.out


def test_the_report_as_json_and_html(ran: Call) -> None:
    """Both at once: data on standard output, the page in its file."""
    answer = ran("report", "run.db", "--json", "--html", "report.html")
    told = json.loads(answer.out)
    assert told["kinds"] == {"cancelled": 1, "refused": 1, "requested": 1, "error:invalid_request": 1}
    assert {need["kind"] for need in told["needs_a_person"]} == {"refused", "error:invalid_request"}
    assert told["sessions"][0]["ended"] is not None
    assert "The report is in report.html." in answer.err
    parsed(Path("report.html").read_text(encoding="utf-8"))


def test_a_report_that_cannot_be_written_is_told(ran: Call) -> None:
    """The file's name and why."""
    answer = ran("report", "run.db", "--html", "no-such/report.html")
    assert answer.code == 2
    assert "no-such/report.html: it cannot be written" in answer.err


def test_what_is_no_journal_is_told(ran: Call) -> None:
    """A CSV file in place of a journal is a mistake of usage."""
    assert ran("report", "orders.csv").code == 2
