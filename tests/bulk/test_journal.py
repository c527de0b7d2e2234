"""The journal: what it refuses, what it gives back, what is on disk when."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from countermand import (
    AnyRequest,
    BulkResult,
    CancelCruxOrder,
    Cancelled,
    CancelVtexOrder,
    InvalidRequestError,
    JournalError,
    Requested,
    StoredRun,
    Unknown,
    UnreadRow,
    reopen,
    result_from_dict,
)
from countermand.bulk import journal as journals
from countermand.bulk import locking
from countermand.sandbox import Sandbox

from .stages import KINDS, Kind, cancel, order, vtex_requests, vtex_sandbox

pytestmark = pytest.mark.parametrize("kind", KINDS)
CRUX = "521a91e5-058d-4474-aeee-f0c148594a00"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the journal goes."""
    return tmp_path / "run.db"


def test_the_same_again_comes_from_the_journal(kind: Kind, path: Path) -> None:
    """Nothing is asked again, and the results are equal, in the order of the input."""
    with vtex_sandbox(300) as sandbox:
        results, _ = cancel(kind, sandbox, vtex_requests(300), journal=path)
        sent = len(sandbox.requests)
        again, run = cancel(kind, sandbox, vtex_requests(300), journal=path)
        assert len(sandbox.requests) == sent
    assert [result.row for result in again] == list(range(300))
    assert all(result.replayed for result in again)
    assert not any(result.replayed for result in results)
    said = {result.row: result.outcome for result in results}
    for result in again:
        assert result.outcome == said[result.row]
        assert result.outcome is not None
        assert result.outcome.attempts
    assert run.progress.replayed == 300


def test_it_is_one_file_when_it_is_over(kind: Kind, path: Path) -> None:
    """No log, no shared memory, no lock; and readable with any SQLite."""
    with vtex_sandbox(20) as sandbox:
        cancel(kind, sandbox, vtex_requests(20), journal=path)
    assert [each.name for each in path.parent.iterdir()] == ["run.db"]
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute("SELECT count(*) FROM row WHERE kind = 'requested'").fetchone() == (20,)
        assert connection.execute("SELECT count(*) FROM session WHERE ended IS NOT NULL").fetchone() == (1,)
    connection.close()


def test_it_can_be_read_while_it_is_written(kind: Kind, path: Path) -> None:
    """A second connection sees what has been committed; every result that was given is there."""
    seen: list[int] = []

    def look(result: BulkResult) -> bool:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        found = connection.execute("SELECT kind FROM row WHERE row = ?", (result.row,)).fetchone()
        connection.close()
        seen.append(result.row)
        assert found == ("requested",)
        return False

    with vtex_sandbox(40) as sandbox:
        cancel(kind, sandbox, vtex_requests(40), journal=path, until=look)
    assert len(seen) == 40


def test_an_intent_is_on_disk_before_a_byte_is_sent(kind: Kind, path: Path) -> None:
    """Whatever the marketplace has received, the journal has an intent for."""
    intents: list[Any] = []
    with vtex_sandbox(25) as sandbox:
        handle = sandbox._gateway.handle

        def looking(request: Any) -> Any:
            if request.method == "POST":
                row = int(request.path.split("/")[-2].split("-")[0])
                connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
                intents.append(
                    connection.execute("SELECT asked FROM row WHERE row = ?", (row,)).fetchone()[0]
                )
                connection.close()
            return handle(request)

        sandbox._gateway.handle = looking  # type: ignore[method-assign]
        cancel(kind, sandbox, vtex_requests(25), journal=path)
    assert len(intents) == 25
    assert all(intent is not None for intent in intents)


def test_stopping_and_resuming(kind: Kind, path: Path) -> None:
    """Every row is told over the two runs together, and no order is asked about without need."""
    with vtex_sandbox(60) as sandbox:
        first, stopped = cancel(
            kind, sandbox, vtex_requests(60), journal=path, until=lambda result: result.row >= 20
        )
        again, _ = cancel(kind, sandbox, vtex_requests(60), journal=path)
        assert sorted(result.row for result in again) == list(range(60))
        assert all(isinstance(result.outcome, Requested) for result in again)
        replayed = {result.row for result in again if result.replayed}
        assert {result.row for result in first} <= replayed
        asked = [each.path for each in sandbox.requests if each.method == "POST"]
        under_way = {order(one.row) for one in stopped.in_flight}
        repeated = {path.split("/")[-2] for path in asked if asked.count(path) > 1}
        assert repeated <= under_way


def _crash(path: Path, row: int) -> None:
    """Leave a row as a process that was killed leaves it: with an intent, and without an answer."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE row SET answer = NULL, kind = NULL, answered = NULL WHERE row = ?", (row,))
    connection.close()


def test_what_was_in_flight_is_looked_at_first(kind: Kind, path: Path) -> None:
    """Its order shows the cancellation: nothing is sent again."""
    with vtex_sandbox(3, decides_after=0.0) as sandbox:
        cancel(kind, sandbox, vtex_requests(3), journal=path)
        _crash(path, 1)
        before = len(sandbox.requests)
        results, _ = cancel(kind, sandbox, vtex_requests(3), journal=path)
        later = sandbox.requests[before:]
        assert [(each.method, each.path.split("/")[-1]) for each in later] == [("GET", order(1))]
    found = next(result for result in results if result.row == 1)
    assert isinstance(found.outcome, Cancelled)
    assert not found.replayed
    assert [attempt.what for attempt in found.outcome.attempts] == ["cancel", "read"]


def test_what_was_in_flight_is_unknown_where_its_lane_stops(kind: Kind, path: Path) -> None:
    """An earlier run may have asked for it: it is not told to be untouched, nor is a row of the same order."""
    with vtex_sandbox(40) as sandbox:
        cancel(kind, sandbox, vtex_requests(40), journal=path)
        for row in range(40):
            _crash(path, row)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE row SET asked = NULL WHERE row < 30")
        connection.close()
        client: Any = sandbox.client() if kind == "blocking" else sandbox.async_client()
        sandbox.world.vtex.app_token = "another"
        requests = [*vtex_requests(40), CancelVtexOrder(order(3)), CancelVtexOrder(order(35))]
        results, _ = cancel(kind, sandbox, requests, client=client, journal=path)
        told = {result.row: result for result in results}
        assert len(results) == len(told) == 42
        for row in (*range(30, 40), 41):
            unknown = told[row].outcome
            assert isinstance(unknown, Unknown), told[row]
            assert [attempt.what for attempt in unknown.attempts] == ["cancel"]
        assert all(told[row].error is not None for row in (*range(30), 40))
        later, _ = cancel(kind, sandbox, requests, journal=path)
        assert all(isinstance(result.outcome, Requested) for result in later), later


@pytest.mark.parametrize("applied", [True, False])
def test_an_open_order_at_crux_is_never_sent_twice(kind: Kind, path: Path, applied: bool) -> None:
    """Whether the first request arrived or not: an intent without an answer is `Unknown`."""
    with Sandbox(time="virtual") as sandbox:
        sandbox.world.crux.orders[CRUX].suppliers = dict.fromkeys(("line-1", "line-2"), "silent")
        cancel(kind, sandbox, [CancelCruxOrder(CRUX)], journal=path)
        if not applied:
            sandbox.world.crux.orders[CRUX].forwarded = 0
        _crash(path, 0)
        results, _ = cancel(kind, sandbox, [CancelCruxOrder(CRUX)], journal=path)
        assert [type(result.outcome) for result in results] == [Unknown]
        assert sum(each.method == "PATCH" for each in sandbox.requests) == 1
        again, _ = cancel(kind, sandbox, [CancelCruxOrder(CRUX)], journal=path)
        assert again[0].replayed
        assert sum(each.method == "PATCH" for each in sandbox.requests) == 1


def test_an_order_that_never_got_there_is_sent(kind: Kind, path: Path) -> None:
    """At a marketplace where asking twice is harmless, once a request that may be on its way has had time."""
    with vtex_sandbox(1) as sandbox:
        cancel(kind, sandbox, vtex_requests(1), journal=path)
        _crash(path, 0)
        sandbox.world.vtex.orders.clear()
        sandbox.world.vtex.add_order(order(0))
        results, _ = cancel(kind, sandbox, vtex_requests(1), journal=path)
        assert [type(result.outcome) for result in results] == [Requested]
        assert sum(each.method == "POST" for each in sandbox.requests) == 2


def test_duplicates_are_cancelled_once_and_each_told(kind: Kind, path: Path) -> None:
    """In flight, answered, and replayed; another spelling of an id is the same order."""
    other = CRUX.replace("-", "").upper()
    requests: list[AnyRequest] = [
        CancelVtexOrder(order(0)),
        CancelVtexOrder(order(0), reason="twice"),
        CancelCruxOrder(CRUX),
        *vtex_requests(40),
        CancelCruxOrder(other),
        CancelVtexOrder(order(7)),
    ]
    with vtex_sandbox(40) as sandbox:
        results, run = cancel(kind, sandbox, requests, journal=path)
        again, _ = cancel(kind, sandbox, requests, journal=path)
        sent = [each for each in sandbox.requests if each.method != "GET"]
        assert len(sent) == 41
    for told in (results, again):
        by_row = {result.row: result for result in told}
        assert len(told) == len(by_row) == len(requests)
        assert {row: one.duplicate_of for row, one in by_row.items() if one.duplicate_of is not None} == {
            1: 0,
            3: 0,
            43: 2,
            44: 10,
        }
        assert by_row[1].request == requests[1]
        assert by_row[1].outcome == by_row[0].outcome
    assert run.progress.duplicates == 4
    assert all(result.replayed for result in again)


def test_a_row_that_differs_stops_it(kind: Kind, path: Path) -> None:
    """Before anything new is sent, and the message names the row."""
    with vtex_sandbox(30) as sandbox:
        cancel(kind, sandbox, vtex_requests(20), journal=path)
        sent = len(sandbox.requests)
        changed = [*vtex_requests(30)]
        changed[19] = CancelVtexOrder(order(19), reason="another")
        with pytest.raises(InvalidRequestError, match="row 19"):
            cancel(kind, sandbox, changed, journal=path)
        with pytest.raises(InvalidRequestError, match="ends after 5 rows"):
            cancel(kind, sandbox, vtex_requests(5), journal=path)
        assert len(sandbox.requests) == sent
        more, _ = cancel(kind, sandbox, vtex_requests(30), journal=path)
        assert [result.replayed for result in sorted(more, key=lambda one: one.row)] == [True] * 20 + [
            False
        ] * 10


def test_other_accounts_are_refused(kind: Kind, path: Path) -> None:
    """The same label elsewhere, or an account that is missing."""
    with vtex_sandbox(2) as sandbox:
        cancel(kind, sandbox, vtex_requests(2), journal=path)
    with Sandbox(time="virtual") as sandbox:
        missing = dict.fromkeys(("pattern", "crux", "kibo"))
        client = sandbox.client(**missing) if kind == "blocking" else sandbox.async_client(**missing)
        with pytest.raises(JournalError, match="'pattern'"):
            cancel(kind, sandbox, vtex_requests(2), journal=path, client=client)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                "UPDATE meta SET value = replace(value, 'localhost', 'elsewhere') WHERE name = 'accounts'"
            )
        connection.close()
        with pytest.raises(JournalError, match="elsewhere"):
            cancel(kind, sandbox, vtex_requests(2), journal=path)
        assert len(sandbox.requests) == 0


def test_an_account_that_was_added_is_known_from_then_on(kind: Kind, path: Path) -> None:
    """A journal that has rows of it is refused where the account is elsewhere."""
    with vtex_sandbox(2) as sandbox:
        fewer = dict.fromkeys(("pattern", "crux", "kibo"))
        client = sandbox.client(**fewer) if kind == "blocking" else sandbox.async_client(**fewer)
        cancel(kind, sandbox, vtex_requests(1), journal=path, client=client)
        cancel(kind, sandbox, vtex_requests(2), journal=path)
        with StoredRun(path) as run:
            assert run.accounts.keys() == {"pattern", "sandbox", "crux", "12345"}
        client = sandbox.client(**fewer) if kind == "blocking" else sandbox.async_client(**fewer)
        with pytest.raises(JournalError, match="'pattern'"):
            cancel(kind, sandbox, vtex_requests(2), journal=path, client=client)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_journal_that_is_removed_stops_its_run(kind: Kind, path: Path, replaced: bool) -> None:
    """Nothing more is sent: the intent would be in no file that a later run finds."""
    given: list[int] = []

    def remove(result: BulkResult) -> bool:
        given.append(result.row)
        if len(given) == 3:
            path.unlink()
            if replaced:
                path.touch()
        return False

    with vtex_sandbox(200) as sandbox:
        with pytest.raises(JournalError, match="removed or replaced"):
            cancel(kind, sandbox, vtex_requests(200), journal=path, until=remove)
        assert len(sandbox.requests) < 60


def test_a_newer_schema_is_refused(kind: Kind, path: Path) -> None:
    """And nothing is sent."""
    with vtex_sandbox(2) as sandbox:
        cancel(kind, sandbox, vtex_requests(2), journal=path)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE meta SET value = '2' WHERE name = 'schema'")
        connection.close()
        with pytest.raises(JournalError, match="schema 2 is newer"):
            cancel(kind, sandbox, vtex_requests(2), journal=path)


def test_what_is_no_journal_is_refused(kind: Kind, path: Path) -> None:
    """A text, another database, a folder that is not there."""
    with vtex_sandbox(1) as sandbox:
        path.write_text("marketplace,order_id\n" * 100)
        with pytest.raises(JournalError, match="no journal"):
            cancel(kind, sandbox, vtex_requests(1), journal=path)
        assert path.read_text().startswith("marketplace")
        path.unlink()
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE things (name TEXT)")
        connection.close()
        with pytest.raises(JournalError, match="not a journal"):
            cancel(kind, sandbox, vtex_requests(1), journal=path)
        with pytest.raises(JournalError, match="cannot be written"):
            cancel(kind, sandbox, vtex_requests(1), journal=path / "missing" / "run.db")
        assert len(sandbox.requests) == 0


@pytest.mark.parametrize(
    "meta",
    [(), (("schema", "x"),), (("schema", "1"), ("accounts", "{")), (("schema", "1"), ("accounts", "[]"))],
)
def test_a_database_of_somebody_else_is_refused(
    kind: Kind, path: Path, meta: tuple[tuple[str, str], ...]
) -> None:
    """Whatever it has in a table of the same name; nobody waits for the journal then."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE meta (name TEXT, value TEXT)")
        connection.executemany("INSERT INTO meta VALUES (?, ?)", meta)
    with vtex_sandbox(1) as sandbox:
        with pytest.raises(JournalError, match="no journal"):
            cancel(kind, sandbox, vtex_requests(1), journal=path)
        assert len(sandbox.requests) == 0
    with pytest.raises(JournalError, match="no journal"):
        StoredRun(path)


@pytest.mark.parametrize("why", ["another database", "a view", "newer", "other accounts"])
def test_what_is_refused_stays_as_it_is(kind: Kind, path: Path, why: str) -> None:
    """Byte by byte: not even the mode of its log is changed."""
    with vtex_sandbox(1) as sandbox:
        if why in ("newer", "other accounts"):
            cancel(kind, sandbox, vtex_requests(1), journal=path)
        statement = {
            "another database": "CREATE TABLE things (name TEXT)",
            "a view": "CREATE VIEW things AS SELECT 1",
            "newer": "UPDATE meta SET value = '2' WHERE name = 'schema'",
            "other accounts": 'UPDATE meta SET value = \'{"x": ["vtex", ""]}\' WHERE name = \'accounts\'',
        }[why]
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement)
        connection.close()
        before = path.read_bytes()
        with pytest.raises(JournalError):
            cancel(kind, sandbox, vtex_requests(1), journal=path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_an_answer_that_is_damaged_is_told(kind: Kind, path: Path) -> None:
    """And nothing is sent in its place."""
    with vtex_sandbox(2) as sandbox:
        cancel(kind, sandbox, vtex_requests(2), journal=path)
        sent = len(sandbox.requests)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE row SET answer = '{' WHERE row = 0")
        with pytest.raises(JournalError, match="row 0"):
            cancel(kind, sandbox, vtex_requests(2), journal=path)
        assert len(sandbox.requests) == sent


def test_a_second_writer_is_refused(kind: Kind, path: Path) -> None:
    """As long as the first one writes, and by a symlink too."""
    link = path.with_name("link.db")
    link.symlink_to(path)

    def second(_: BulkResult) -> bool:
        for name in (path, link):
            with vtex_sandbox(1) as other, pytest.raises(JournalError, match="another run"):
                cancel("blocking", other, vtex_requests(1), journal=name)
            with pytest.raises(JournalError, match="another run"):
                reopen(name, "failed")
        return True

    with vtex_sandbox(20) as sandbox:
        cancel(kind, sandbox, vtex_requests(20), journal=path, until=second)
        results, _ = cancel(kind, sandbox, vtex_requests(20), journal=path)
        assert len(results) == 20


def test_a_network_file_system_is_refused(kind: Kind, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `mountinfo` tells it."""
    mounts = path.parent / "mountinfo"
    mounts.write_text(
        f"22 1 0:1 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
        f"40 22 0:52 / {path.parent} rw,relatime shared:2 - nfs4 server:/share rw\n"
    )
    monkeypatch.setattr(locking, "MOUNTS", mounts)
    with vtex_sandbox(1) as sandbox, pytest.raises(JournalError, match="nfs4"):
        cancel(kind, sandbox, vtex_requests(1), journal=path)
    assert not path.exists()


class _Full:
    """A connection whose disk is full from the `after`th commit on, until it is `freed`."""

    def __init__(self, connection: sqlite3.Connection, after: int) -> None:
        self._connection = connection
        self._left = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, *values: Any) -> Any:
        if sql == "COMMIT":
            self._left -= 1
            if self._left < 0:
                raise sqlite3.OperationalError("database or disk is full")
        return self._connection.execute(sql, *values)


@pytest.mark.parametrize("after", [2, 5, 9])
def test_a_full_disk_stops_it_and_it_can_be_resumed(
    kind: Kind, path: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is told that is not on disk, nothing more is sent, and nothing is lost."""
    connect = journals._connect
    told: list[BulkResult] = []
    with vtex_sandbox(80, decides_after=0.0) as sandbox:
        with monkeypatch.context() as patch:
            patch.setattr(journals, "_connect", lambda path: _Full(connect(path), after))
            with pytest.raises(JournalError, match="disk is full"):
                cancel(kind, sandbox, vtex_requests(80), journal=path, until=told.append)
        results, _ = cancel(kind, sandbox, vtex_requests(80), journal=path)
        posts = [each.path for each in sandbox.requests if each.method == "POST"]
        assert len(posts) == len(set(posts)) == 80
    assert sorted(result.row for result in results) == list(range(80))
    replayed = {result.row for result in results if result.replayed}
    assert {result.row for result in told} <= replayed


def test_what_was_learnt_is_kept(kind: Kind, path: Path) -> None:
    """The next run with the journal begins with it."""
    with vtex_sandbox(100) as sandbox:
        sandbox.world.vtex.limit(requests=10, per=1.0)
        _, run = cancel(kind, sandbox, vtex_requests(50), journal=path)
        with closing(sqlite3.connect(path)) as connection, connection:
            kept = dict(connection.execute("SELECT account, rate FROM pace"))
        connection.close()
        assert kept.keys() == {"sandbox"}
        assert run.progress.lanes[0].learnt
        _, run = cancel(kind, sandbox, vtex_requests(100), journal=path)
        assert run.progress.lanes[0].learnt


def test_a_poisoned_row_is_replayed_too(kind: Kind, path: Path) -> None:
    """With its error; what is no request at all is compared by its kind."""
    requests: list[Any] = [*vtex_requests(2), 7, CancelVtexOrder("missing-01")]
    with vtex_sandbox(2) as sandbox:
        results, _ = cancel(kind, sandbox, requests, journal=path)
        again, _ = cancel(kind, sandbox, requests, journal=path)
    errors = {one.row: one.error for one in results if one.error}
    assert errors.keys() == {2, 3}
    assert {one.row: one.error for one in again if one.error} == errors


def test_a_result_is_written_and_read_back(kind: Kind, path: Path) -> None:
    """As JSON, equal."""
    with vtex_sandbox(3) as sandbox:
        results, _ = cancel(kind, sandbox, [*vtex_requests(3), CancelVtexOrder("missing-01")], journal=path)
    for result in results:
        written = json.loads(json.dumps(result.to_dict()))
        assert result_from_dict(written) == result
    with pytest.raises(ValueError, match="not the result"):
        result_from_dict({"schema": 1})
    written = results[0].to_dict()
    for name, value in {"row": "1", "replayed": "no", "duplicate_of": "x"}.items():
        with pytest.raises(ValueError, match="not the result"):
            result_from_dict({**written, name: value})


def test_the_result_of_what_is_no_request_is_read_back(kind: Kind, path: Path) -> None:
    """As a row that makes no request, with its error and what it is told by."""
    requests: list[Any] = [UnreadRow(InvalidRequestError("line 7: it names no order"), {"line": 7}), 7]
    with vtex_sandbox(0) as sandbox:
        results, _ = cancel(kind, sandbox, requests, journal=path)
    for result in results:
        again = result_from_dict(json.loads(json.dumps(result.to_dict())))
        assert isinstance(again.request, UnreadRow)
        assert again.request.error == again.error == result.error
        assert again.to_dict() == result.to_dict()
    assert result_from_dict(results[0].to_dict()).request == requests[0]


def test_a_row_that_json_has_no_form_for(kind: Kind, path: Path) -> None:
    """As `csv.DictReader` gives one with too many cells: it is told, stored and replayed, and stops nothing."""
    odd = {"order": "1", None: ["x"], "day": date(2026, 3, 2), "sum": Decimal("1.50"), "share": float("nan")}
    error = InvalidRequestError("it has too many columns")
    requests: list[Any] = [UnreadRow(error, odd), *vtex_requests(1)]  # type: ignore[arg-type]
    with vtex_sandbox(1) as sandbox:
        results, _ = cancel(kind, sandbox, requests, journal=path)
        again, _ = cancel(kind, sandbox, requests, journal=path)
    results.sort(key=lambda result: result.row)
    assert [type(result.outcome) for result in results] == [type(None), Requested]
    assert all(result.replayed for result in again)
    written = json.loads(json.dumps(results[0].to_dict(), allow_nan=False))
    assert result_from_dict(written).to_dict() == results[0].to_dict()
    assert written["request"] == {
        "order": "1", "": ["x"], "day": "2026-03-02", "sum": "1.50", "share": "nan", "request": "unread"
    }  # fmt: skip


def test_what_is_no_request_is_not_looked_into(kind: Kind, path: Path) -> None:
    """An object whose attributes raise is a bad row as any other."""

    class Poisoned:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

    requests: list[Any] = [Poisoned(), *vtex_requests(1)]
    with vtex_sandbox(1) as sandbox:
        results, _ = cancel(kind, sandbox, requests, journal=path)
    assert {result.row: type(result.error) for result in results} == {0: InvalidRequestError, 1: type(None)}


def test_a_run_without_rows(kind: Kind, path: Path) -> None:
    """It ends at once, and so does its repetition."""

    def nothing() -> Iterator[AnyRequest]:
        yield from ()

    with vtex_sandbox(0) as sandbox:
        for _ in range(2):
            assert cancel(kind, sandbox, nothing(), journal=path)[0] == []
