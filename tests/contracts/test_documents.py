"""The data itself: whole, without a contradiction, and with a line for everything that is documented."""

import json

import pytest

from countermand.sandbox.http import SandboxRequest
from countermand.sandbox.world import World
from tests.sandbox.calls import VTEX
from tests.support.tables import table

from .documents import (
    DENIALS,
    MARKETPLACES,
    OUTCOMES,
    PRIORS,
    Case,
    Marketplace,
    Row,
    cases,
    receipt_date,
    requests,
    statuses,
)

CASES = [case for marketplace in MARKETPLACES for case in cases(marketplace)]
ROWS = [row for marketplace in MARKETPLACES for row in statuses(marketplace)]

EXPECTED = OUTCOMES | {
    "settled by reading",
    "asked again as orderID",
    "order",
    "orders",
    "receipt",
    "token",
    "unreadable",
    "InvalidRequestError",
    "RateLimitedError",
    "RejectedError",
    "AuthenticationError",
    "PermissionDeniedError",
    "OrderNotFoundError",
}
FACTS = {
    "never", "then", "detail", "code", "cancelled", "refused", "settled", "retry_after", "retry_after_from", "decoded",
    "words", "receipt_date", "reason", "lifetime", "path", "why", "order_status",
}  # fmt: skip

VTEX_STATUSES = """
canceled cancel canceling request-cancel cancellation-requested cancellation-requested-with-ack accepting-cancel
waiting-for-seller-decision cancellation-request-denied-ffm invoiced Invoiced invoice order-created on-order-completed
on-order-completed-ffm payment-pending payment-approved payment-denied approve-payment window-to-cancel
window-to-change-payment window-to-change-seller waiting-for-authorization waiting-for-fulfillment
waiting-ffmt-authorization waiting-for-manual-authorization waiting-for-mkt-authorization
waiting-for-order-authorization authorize-fulfillment waiting-seller-handling ready-for-handling start-handling
handling ready-for-invoicing order-accepted replaced
""".split()
PATTERN_STATUSES = {"cancelled", "complete", "partially shipped", "processing", "error", "pending"}
PATTERN_PARTS = {"shipped", "cancelled", "processing", "backordered", "error", "pending"}
CRUX_V1 = {"Unallocated", "Allocated", "Rejected", "HasTracking", "NeedsTracking", "Backordered", "Cancelled"}
CRUX_ALLOCATIONS = {"Unallocated", "Partial", "Allocated"}
CRUX_DESIGNATIONS = {"HasTracking", "NeedsTracking", "Backordered", "Rejected", "Cancelled"}


def ids(each: Case | Row) -> str:
    """Name a case or a row in a test's id."""
    return f"{each.marketplace}-{each.name if isinstance(each, Case) else each.status}"


@table("case", CASES, ids=ids)
def test_a_case_is_whole(case: Case) -> None:
    """It has a source and a known word, says nothing unknown, and refers to cases that exist."""
    names = [each.name for each in cases(case.marketplace)]
    assert names.count(case.name) == 1
    assert case.source
    assert case.expected in EXPECTED
    assert set(case.facts) <= FACTS
    assert all(name == name.lower() for name in case.headers)
    for then in case.facts.get("then", ()):
        assert then.get("read", then.get("cancel")) in names
        assert then["expected"] in EXPECTED
    if case.expected == "order":
        assert set(case.facts["words"]) == set(PRIORS)
    if case.expected in {"order", "orders", "receipt", "token"}:
        assert case.said
    if "detail" in case.facts:
        assert case.facts["detail"] in json.dumps(case.said, ensure_ascii=False) or "field" in case.name


@table("row", ROWS, ids=ids)
def test_a_row_has_a_word_for_every_prior(row: Row) -> None:
    """A known word in every column; where a part of the order is cancelled, whether that is final."""
    columns = {*PRIORS, "after_denial", "denied_by_id"} if row.marketplace == "vtex" else {*PRIORS}
    assert set(row.words) == columns
    said = {word for word in row.words.values() if isinstance(word, str)}
    assert said <= OUTCOMES
    assert (row.settled is not None) is ("PartiallyCancelled" in said)
    assert not row.ask_again or "Cancelled" not in said


@table("row", ROWS, ids=ids)
def test_the_words_keep_the_promises(row: Row) -> None:
    """What the issue promises of every status: by id nothing is known, and what was known is not forgotten."""
    words = row.words
    open_order = words["by_id"] == "Unknown"
    assert words["after_unknown"] == words["by_id"]  # nothing is known then, either
    assert words["after_cancelled"] == ("Cancelled" if words["by_id"] == "Cancelled" else "Unknown")
    if open_order:
        assert (words["after_requested"], words["after_refused"]) == ("Requested", "Refused")
    else:
        assert words["after_requested"] == words["by_id"]
    if row.marketplace == "crux":
        assert not row.ask_again
    if words["by_id"] == "Requested":  # somebody decides already: a second request would decide for them
        assert not row.ask_again


def test_every_documented_status_has_a_row() -> None:
    """All statuses of the documents, and no row that is called documented without being so."""
    vtex = [row for row in statuses("vtex") if row.documented]
    assert {row.status for row in vtex} == {*VTEX_STATUSES, None, ""}
    assert {row.given for row in vtex if row.status == "invoiced"} >= {
        "with a return invoice",
        "without a return invoice",
    }
    pattern = statuses("pattern")
    assert {row.status for row in pattern} == PATTERN_STATUSES
    assert {part["sub_order_status"] for row in pattern for part in row.body["sub_orders"]} == PATTERN_PARTS
    crux = [(row.release, line) for row in statuses("crux") for line in row.body["line_items"]]
    assert {line["status"] for release, line in crux if release == "v1"} == CRUX_V1
    timp = {
        (line["status"], line.get("line_item_designation")) for release, line in crux if release == "timp"
    }
    assert timp >= {(status, shown) for status in CRUX_ALLOCATIONS for shown in (None, *CRUX_DESIGNATIONS)}
    numbered = {str(shown).rpartition(" ")[2] for _, shown in timp if str(shown).startswith("ID: ")}
    assert numbered == CRUX_DESIGNATIONS
    kibo = {
        (row.body.get("orderState", "missing"), row.body.get("orderStatus", "missing"))
        for row in statuses("kibo")
    }
    for word in ("CANCELED", "OPEN", "SHIPPED"):
        assert (word, word) in kibo
        assert kibo & {(None, word), (word, None)}
        assert kibo & {("missing", word), (word, "missing")}
    for word in ("shipped", "Order Canceled"):
        assert (word, word) in kibo
    assert {("OPEN", "CANCELED"), ("CANCELED", "OPEN")} <= kibo


def test_a_denial_is_newer_or_older_than_the_receipt() -> None:
    """The entries that the columns about denials add are dated on either side of the receipt."""
    row = statuses("vtex")[0]
    (own,) = row.read_body("after_denial")["cancellationRequests"]
    (old,) = row.read_body("after_old_denial")["cancellationRequests"]
    assert old["cancellationRequestDenyDate"] < receipt_date() < own["cancellationRequestDenyDate"]
    assert "cancellationRequests" not in row.read_body("after_requested")
    assert set(DENIALS) == set(row.denials)


@pytest.mark.parametrize("name, status", [("cancel", 200), ("read", 200)])
def test_the_sandbox_takes_vtexs_own_description_of_a_call(name: str, status: int) -> None:
    """A request made from the description alone is accepted where every header is required."""
    (call,) = [each for each in requests() if each["name"] == name]
    world = World()
    world.vtex.requires_content_type = True
    world.vtex.add_order("1172452900788-01")
    headers = {header["name"]: header["value"] for header in call["headers"]}
    path = call["path"].replace("{orderId}", "1172452900788-01")
    assert {each["name"] for each in call["authentication"]} == set(VTEX)
    request = SandboxRequest.to(call["method"], f"/vtex{path}", {**VTEX, **headers})
    assert world.handle(request).status == status
    assert status in call["answers"]


@pytest.mark.parametrize("marketplace", MARKETPLACES)
def test_a_case_that_the_sandbox_does_not_give_is_no_document_of_a_marketplace(
    marketplace: Marketplace,
) -> None:
    """Only what is wrong by nature (another's order, a page, a server error) has no recipe."""
    missing = [case for case in cases(marketplace) if case.sandbox is None]
    assert all(case.expected in {"settled by reading", "unreadable"} for case in missing)
