"""Looking into a journal, and having rows asked about again."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from countermand import (
    AnyRequest,
    CancelVtexOrder,
    InvalidRequestError,
    JournalError,
    OrderNotFoundError,
    Refused,
    Requested,
    StoredRun,
    Unknown,
    reopen,
)
from countermand.bulk.journal import as_ours
from countermand.sandbox import LoseReply

from .stages import cancel, order, vtex_requests, vtex_sandbox


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the journal goes: a name that a URL has to escape."""
    return tmp_path / "run #1?.db"


def test_a_journal_is_read(path: Path) -> None:
    """Counts, rows, sessions, a timeline."""
    requests = [*vtex_requests(10), CancelVtexOrder("missing-01"), CancelVtexOrder(order(3)), None]
    with vtex_sandbox(9) as sandbox:
        sandbox.world.vtex.add_order(order(9), status="invoiced")
        cancel("blocking", sandbox, requests, journal=path)
    with StoredRun(path) as run:
        assert run.counts() == {
            "requested": 10,
            "refused": 1,
            "error:order_not_found": 1,
            "error:invalid_request": 1,
        }
        assert run.counts_by_account()["sandbox", "refused"] == 1
        assert run.accounts["sandbox"] == ("vtex", "http://localhost/vtex")
        rows = list(run.rows())
        assert [row.row for row in rows] == list(range(13))
        assert isinstance(rows[9].outcome, Refused)
        assert rows[9].account == "sandbox"
        assert isinstance(rows[10].error, OrderNotFoundError)
        assert rows[11].duplicate_of == 3
        assert rows[11].outcome == rows[3].outcome
        assert rows[3].request == requests[3].to_dict()  # type: ignore[union-attr]
        assert all(row.answered is not None for row in rows)
        assert [row.row for row in run.rows("refused", "error:order_not_found")] == [9, 10]
        assert sum(many for _, many in run.timeline()) == 12
        (session,) = run.sessions()
        assert session.ended is not None
        assert session.began <= session.ended


def test_what_is_no_journal(path: Path) -> None:
    """Is said to be none."""
    with pytest.raises(JournalError, match="no such file"):
        StoredRun(path)
    path.write_text("order_id\n")
    with pytest.raises(JournalError, match="no journal"):
        StoredRun(path)


def test_failed_rows_are_sent_again(path: Path) -> None:
    """By the next run, and no others."""
    with vtex_sandbox(3) as sandbox:
        requests = vtex_requests(4)
        results, _ = cancel("blocking", sandbox, requests, journal=path)
        assert sum(result.error is not None for result in results) == 1
        assert reopen(path, "unknown") == 0
        assert reopen(path, "failed") == 1
        sandbox.world.vtex.add_order(order(3))
        sent = len(sandbox.requests)
        again, _ = cancel("blocking", sandbox, vtex_requests(4), journal=path)
        assert len(sandbox.requests) == sent + 1
    assert all(isinstance(result.outcome, Requested) for result in again)
    assert [result.row for result in again if not result.replayed] == [3]


def test_an_input_is_compared_before_it_is_asked_about_again(path: Path) -> None:
    """As a run compares it: the first row that differs, or is missing, is named; more rows may follow."""
    with vtex_sandbox(5) as sandbox:
        cancel("blocking", sandbox, vtex_requests(5), journal=path)

    def failing() -> Iterator[AnyRequest]:
        yield from vtex_requests(2)
        raise LookupError("of the input")

    with StoredRun(path) as run:
        run.compare(vtex_requests(9))
        with pytest.raises(InvalidRequestError, match="ends after 3 rows, and the journal has 5"):
            run.compare(vtex_requests(3))
        with pytest.raises(InvalidRequestError, match="row 1 of the input"):
            run.compare([next(vtex_requests(1)), "an order"])  # type: ignore[list-item]
        with pytest.raises(LookupError):
            run.compare(failing())


def test_nothing_else_is_asked_again(path: Path) -> None:
    """A word that is none of the two changes nothing."""
    with vtex_sandbox(1) as sandbox:
        cancel("blocking", sandbox, vtex_requests(1), journal=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not 'refused'"):
        reopen(path, "refused")  # type: ignore[arg-type]
    assert path.read_bytes() == before


def test_unknown_rows_are_looked_at_first(path: Path) -> None:
    """And not sent again where the order shows the cancellation."""
    with vtex_sandbox(1, decides_after=1.0) as sandbox:
        sandbox.mishap("vtex", *[LoseReply()] * 6)
        results, _ = cancel("blocking", sandbox, vtex_requests(1), journal=path)
        assert isinstance(results[0].outcome, Unknown)
        assert reopen(path, "failed") == 0
        assert reopen(path, "unknown") == 1
        sandbox.advance(60)
        again, _ = cancel("blocking", sandbox, vtex_requests(1), journal=path)
        assert again[0].outcome is not None
        assert again[0].outcome.settled
        assert sum(each.method == "POST" for each in sandbox.requests) == 1


def test_a_journal_that_is_being_read_says_so(path: Path) -> None:
    """SQLite's own words do not say what to close."""
    error = as_ours(sqlite3.OperationalError("database is locked"), path)
    assert "something reads it, such as a StoredRun" in str(error)
