"""`countermand bulk`: what is refused, told, asked, sent, resumed and retried."""

import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from countermand import CancelKiboOrder, CancelPatternOrder, CancelVtexOrder
from countermand.bulk import journal
from countermand.bulk.records import Answer
from countermand.cli.bulk import without_retry
from countermand.sandbox import LoseReply, RateLimited, Sandbox, Status

from .conftest import Call

PATTERN, VTEX, INVOICED = "114-3941689-8772232", "1172452900788-01", "1172452900791-01"
CRUX, SILENT = "521a91e5-058d-4474-aeee-f0c148594a00", "521a91e5-058d-4474-aeee-f0c148594a02"
HEADER = "marketplace,order_id,account,reason\n"
GOOD = f"{HEADER}pattern,{PATTERN},,\nvtex,{VTEX},sandbox,recall\nkibo,1010101,,other\n"


def write(text: str | bytes, name: str = "orders.csv") -> str:
    """Write an input file."""
    Path(name).write_bytes(text.encode() if isinstance(text, str) else text)
    return name


def results(text: str) -> dict[int, dict[str, str]]:
    """Return the rows of a CSV file of results by line."""
    return {int(row["line"]): row for row in csv.DictReader(io.StringIO(text))}


def posts(sandbox: Sandbox) -> int:
    """Return how many cancellations have arrived."""
    return sum(request.method in ("POST", "PATCH") for request in sandbox.requests)


def test_every_row_has_its_result(call: Call, served: Sandbox) -> None:
    """The results name line, account, order and answer; standard output is theirs alone."""
    answer = call("bulk", write(GOOD), "--journal", "run.db", "--out", "-", "--yes")
    told = results(answer.out)
    assert [
        (row["marketplace"], row["account"], row["order_id"], row["result"])
        for _, row in sorted(told.items())
    ] == [
        ("pattern", "pattern", PATTERN, "requested"),
        ("vtex", "sandbox", VTEX, "requested"),
        ("kibo", "12345", "1010101", "cancelled"),
    ]
    assert answer.code == 3
    assert "3 orders to cancel:" in answer.err
    assert f"sandbox          1  vtex, {served.base_url('vtex')}" in answer.err
    assert "It cannot be taken back." in answer.err
    assert "3 of 3: 1 cancelled, 2 requested, 0 errors" in answer.err


@pytest.mark.parametrize(
    "rows, code",
    [
        ("kibo,1010101,,other\n", 0),
        (f"kibo,1010101,,other\nvtex,{VTEX},,\n", 3),
        (f"vtex,{INVOICED},,\nvtex,{VTEX},,\n", 1),
        ("kibo,1010101,,other\nkibo,7,,other\n", 1),
        ("kibo,1010101,,other\nshop,7,,\n", 1),
    ],
)
def test_the_exit_code_tells_the_worst(call: Call, served: Sandbox, rows: str, code: int) -> None:
    """One failure wins over any number of open orders, bad rows included."""
    assert call("bulk", write(HEADER + rows), "--journal", "run.db", "--yes").code == code


BAD = {
    "too few columns": (b"vtex,1", "it has 2 columns, but the first line has 4"),
    "too many columns": (b"vtex,1,,,x", "it has 5 columns, but the first line has 4"),
    "unknown marketplace": (b"vtx,1,,", "there is no marketplace 'vtx', did you mean vtex?"),
    "unknown account": (b"vtex,1,brand,", "no account has the label 'brand'"),
    "another marketplace's account": (b"vtex,1,crux,", "the account 'crux' is at crux, not at vtex"),
    "no id": (b"vtex,,,", "order_id is empty"),
    "a bad id": (b"crux,1,,", "order_uuid must be a UUID"),
    "leading zeros where a number is wanted": (b"kibo,007,,other", "order_id must be an integer"),
    "spaces": (b"vtex, 1,,", "order_id has leading or trailing spaces"),
    "scientific notation": (b"pattern,5.57e+92,,", "order_id 5.57e+92 is in scientific notation"),
    "scientific notation with a comma": (b'pattern,"1,17E+12",,', "is in scientific notation"),
    "scientific notation without a sign": (b"pattern,5.57E92,,", "is in scientific notation"),
    "scientific notation without decimals": (b"pattern,1.E+5,,", "is in scientific notation"),
    "no reason where one is needed": (b"kibo,1,,", "kibo requires a reason"),
    "broken UTF-8": (b"vtex,1\xff2,,", "it is not UTF-8 (byte 7 of the line)"),
    "10 MB": (b"vtex," + b"1" * 10_000_000 + b",,", "the line is too long: 10,000,00"),
    "an open quotation mark": (b'vtex,"1,,', "a quotation mark is not closed on its line"),
    "a formula": (b'vtex,"=""0012""",,', "order_id is a spreadsheet's formula"),
    "a non-breaking space": (b"vtex,00\xc2\xa012,,", "order_id contains an invisible character"),
    "a NUL": (b"vtex,1\x002,,", "order_id holds a control character"),
}


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("row, problem", BAD.values(), ids=BAD)
def test_a_bad_row_is_told_and_stops_nothing(
    call: Call, served: Sandbox, row: bytes, problem: str, end: bytes
) -> None:
    """With its line number, among the results too; the rows around it are cancelled. A byte order mark changes nothing."""
    lines = [
        b"\xef\xbb\xbf" + HEADER.strip().encode(),
        b"kibo,1010101,,other",
        row,
        b"",
        f"vtex,{VTEX},,".encode(),
    ]
    name = write(end.join(lines) + end)
    answer = call("bulk", name, "--journal", "run.db", "--out", "-", "--yes")
    told = results(answer.out)
    assert told.keys() == {2, 3, 5}
    assert (told[2]["result"], told[5]["result"]) == ("cancelled", "requested")
    assert told[3]["result"] == "error:invalid_request"
    assert told[3]["message"].startswith("line 3: ")
    assert problem in told[3]["message"]
    assert f"{told[3]['message']}\n" in answer.err
    assert answer.code == 1
    assert posts(served) == 2


def test_a_row_of_no_account_names_its_order(call: Call, served: Sandbox) -> None:
    """In the results, for whoever mends it."""
    name = write(f"{HEADER}vtex,{VTEX},nobody,\n")
    answer = call("bulk", name, "--journal", "run.db", "--out", "-", "--yes")
    told = results(answer.out)[2]
    assert (told["marketplace"], told["account"], told["order_id"]) == ("vtex", "nobody", VTEX)
    assert (
        results(call("bulk", name, "--journal", "run.db", "--out", "-", "--yes").out)[2]["order_id"] == VTEX
    )


def test_strict_sends_nothing_beside_a_bad_row(call: Call, served: Sandbox) -> None:
    """The row is told, and not even a journal is begun."""
    answer = call("bulk", write(f"{GOOD}vtex,,,\n"), "--journal", "run.db", "--yes", "--strict")
    assert (answer.code, answer.out) == (2, "")
    assert "line 5: order_id is empty" in answer.err
    assert not served.requests
    assert not Path("run.db").exists()


@pytest.mark.parametrize(
    "header, problem",
    [
        ("marketplace,order_id,acount\n", "did you mean account? There is no column 'acount'"),
        ("marketplace,order\n", "did you mean order_id?"),
        ("marketplace,reason\n", "missing: order_id"),
        ("marketplace,order_id,order_id\n", "the column order_id is there twice"),
        ("vtex,1\n", "There is no column 'vtex'"),
        ("", "it contains no orders"),
        ("marketplace,order_id\n", "it contains no orders"),
        (
            f"marketplace,order_id\rvtex,{VTEX}\r",
            "orders.csv: the first line: invalid CSV: a line ends in a carriage return",
        ),
    ],
)
def test_a_bad_header_stops_it(call: Call, served: Sandbox, header: str, problem: str) -> None:
    """A misspelt column would be a column that is left out."""
    answer = call("bulk", write(header), "--journal", "run.db", "--yes")
    assert answer.code == 2
    assert problem in answer.err


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_separators_of_spreadsheets_are_read(call: Call, served: Sandbox, delimiter: str) -> None:
    """Commas, semicolons and tabs; names in any case, an empty last column, an empty row."""
    text = f"MARKETPLACE,Order_ID,requested_by_user,\nVTEX,{VTEX},TRUE,\n,,,\n".replace(",", delimiter)
    assert call("bulk", write(text), "--dry-run").code == 0


def test_ids_are_text(call: Call, served: Sandbox) -> None:
    """Leading zeros are kept."""
    served.world.vtex.add_order("0012-01")
    answer = call("bulk", write(f"{HEADER}vtex,0012-01,,\n"), "--journal", "run.db", "--out", "-", "--yes")
    assert results(answer.out)[2]["order_id"] == "0012-01"
    assert served.world.truth("vtex", "0012-01").forwarded == 1


def test_requests_as_json_lines(call: Call, served: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """From standard input as well; a line that is no request is a bad row."""
    good = [
        CancelKiboOrder(1010101, "other"),
        CancelVtexOrder(VTEX, requested_by_user=True, account="sandbox"),
    ]
    lines = [request.to_json() for request in good]
    lines[1:1] = ['{"order_id": 1', '{"schema": 1}', CancelPatternOrder("1.5E+3").to_json()]
    stdin = io.TextIOWrapper(io.BytesIO("\n".join(lines).encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    answer = call("bulk", "-", "--journal", "run.db", "--json", "--yes")
    told = {data["line"]: data for data in map(json.loads, answer.out.splitlines())}
    assert told.keys() == {1, 2, 3, 4, 5}
    assert told[1]["outcome"]["outcome"] == "cancelled"
    assert told[5]["request"]["requested_by_user"] is True
    assert "line 2: invalid JSON" in told[2]["error"]["message"]
    assert "line 3: " in told[3]["error"]["message"]
    assert "scientific notation" in told[4]["error"]["message"]


@pytest.mark.parametrize("first", [b'{"request": "\xff"}', b"{" * 200_000, b"[]"])
def test_a_first_line_of_json_may_be_bad(call: Call, served: Sandbox, first: bytes) -> None:
    """It is a bad row as any other: what it begins with, or the file's name, tells what the file is."""
    good = json.dumps(CancelPatternOrder(PATTERN).to_dict()).encode()
    answer = call(
        "bulk", write(first + b"\n" + good, "orders.jsonl"), "--journal", "run.db", "--out", "-", "-y"
    )
    assert answer.code == 1
    told = results(answer.out)
    assert (told[1]["result"], told[2]["result"]) == ("error:invalid_request", "requested")
    assert "line 1: " in told[1]["message"]


def test_a_duplicate_is_cancelled_once_and_told(call: Call, served: Sandbox) -> None:
    """Another spelling of the id is the same order."""
    text = f"{HEADER}crux,{CRUX},,\nkibo,1010101,,other\ncrux,{CRUX.replace('-', '').upper()},,\n"
    answer = call("bulk", write(text), "--journal", "run.db", "--out", "-", "--yes")
    told = results(answer.out)
    assert told[4]["duplicate_of_line"] == "2"
    assert told[4]["result"] == told[2]["result"] == "requested"
    assert "1 duplicate row" in answer.err
    assert posts(served) == 2
    dry = call("bulk", "orders.csv", "--dry-run")
    assert dry.out == "line 4: the same order as line 2, which is cancelled once\n"


def test_a_column_that_is_not_sent_is_told(call: Call, served: Sandbox) -> None:
    """A reason that a marketplace takes none of is no bad row, and is not dropped in silence."""
    answer = call("bulk", write(f"{HEADER}pattern,{PATTERN},,recall\n"), "--dry-run")
    assert answer.code == 0
    assert "note: pattern takes no reason: in 1 row it is not sent" in answer.err


def test_a_dry_run_sends_nothing(call: Call, served: Sandbox) -> None:
    """0 if every row is good; otherwise 1, and each bad row is data."""
    assert call("bulk", write(GOOD), "--dry-run").code == 0
    answer = call("bulk", write(f"{GOOD}vtex,,,\n"), "--dry-run")
    assert (answer.code, answer.out) == (1, "line 5: order_id is empty\n")
    as_json = call("bulk", "orders.csv", "--dry-run", "--json")
    assert json.loads(as_json.out)["line"] == 5
    assert not served.requests


@pytest.mark.parametrize("text", ["", HEADER])
def test_a_file_without_an_order_is_refused(call: Call, served: Sandbox, text: str) -> None:
    """A dry run says what a run says."""
    for more in (["--dry-run"], ["--journal", "run.db", "--yes"]):
        answer = call("bulk", write(text), *more)
        assert answer.code == 2
        assert "it contains no orders" in answer.err


def test_nobody_to_ask_means_no(call: Call, served: Sandbox) -> None:
    """Without a terminal nothing is sent unless --yes is given."""
    answer = call("bulk", write(GOOD), "--journal", "run.db")
    assert answer.code == 2
    assert "--yes" in answer.err
    assert not served.requests


@pytest.mark.parametrize("said, code", [("", 2), ("n", 2), ("x", 2), ("y", 3), ("YES", 3)])
def test_it_asks_and_no_is_the_default(
    call: Call, served: Sandbox, monkeypatch: pytest.MonkeyPatch, said: str, code: int
) -> None:
    """Nothing but a yes begins to send."""
    monkeypatch.setattr("countermand.cli.bulk.can_ask", lambda: True)
    monkeypatch.setattr("builtins.input", lambda: said)
    answer = call("bulk", write(GOOD), "--journal", "run.db")
    assert answer.code == code
    assert "Go on? [y/N]" in answer.err
    assert bool(served.requests) == (code == 3)


def test_a_journal_is_needed(call: Call, served: Sandbox) -> None:
    """A run that could not be resumed is not begun."""
    answer = call("bulk", write(GOOD), "--yes")
    assert answer.code == 2
    assert "--journal is needed" in answer.err


def test_the_same_command_replays(call: Call, served: Sandbox) -> None:
    """What was answered is not asked again, and nobody is asked for what is done."""
    first = call("bulk", write(GOOD), "--journal", "run.db", "--out", "-", "--yes")
    sent = posts(served)
    again = call("bulk", "orders.csv", "--journal", "run.db", "--out", "-")
    assert again.code == first.code
    assert {row["replayed"] for row in results(again.out).values()} == {"true"}
    assert posts(served) == sent
    assert "run.db has 3 rows of this run; 3 are answered" in again.err


def test_another_input_is_refused(call: Call, served: Sandbox) -> None:
    """The line of the first row that differs is told, and what to do."""
    call("bulk", write(GOOD), "--journal", "run.db", "--yes")
    sent = len(served.requests)
    answer = call("bulk", write(GOOD.replace("1010101", "1010102")), "--journal", "run.db", "--yes")
    assert answer.code == 2
    assert "line 4: the input has changed since the journal was begun" in answer.err
    assert len(served.requests) == sent


def test_other_accounts_are_refused(call: Call, served: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal belongs to the accounts that it was begun with."""
    call("bulk", write(GOOD), "--journal", "run.db", "--yes")
    monkeypatch.setenv("COUNTERMAND_KIBO_LABEL", "kibo-de")
    answer = call("bulk", "orders.csv", "--journal", "run.db", "--yes")
    assert answer.code == 2
    assert "an account '12345', which this client does not have" in answer.err


def test_errors_are_retried(call: Call, served: Sandbox) -> None:
    """`--retry failed` sends again what failed, bad rows excepted, and nothing else."""
    text = f"{HEADER}kibo,1010101,,other\nkibo,77,,other\nvtex,,,\n"
    assert call("bulk", write(text), "--journal", "run.db", "--yes").code == 1
    served.world.kibo.add_order(77)
    sent = posts(served)
    answer = call("bulk", "orders.csv", "--journal", "run.db", "--out", "-", "--yes", "--retry", "failed")
    told = results(answer.out)
    assert (told[3]["result"], told[3]["replayed"]) == ("cancelled", "false")
    assert (told[2]["replayed"], told[4]["replayed"]) == ("true", "true")
    assert posts(served) == sent + 1
    assert "1 failed row will be sent again" in answer.err


@pytest.mark.parametrize(
    "text, line",
    [
        (f"{HEADER}vtex,other,,\n", 2),
        (f"{HEADER}vtex,missing,,\nvtex,other,,\n", 3),
        (f"{HEADER}vtex,missing,,\n", 2),
    ],
)
def test_retrying_with_another_input_takes_nothing_back(
    call: Call, served: Sandbox, text: str, line: int
) -> None:
    """What the journal knows of its orders is kept."""
    name = write(f"{HEADER}vtex,missing,,\nvtex,missing-too,,\n")
    call("bulk", name, "--journal", "run.db", "--yes")
    before = Path("run.db").read_bytes()
    answer = call("bulk", write(text), "--journal", "run.db", "--yes", "--retry", "failed")
    assert answer.code == 2
    assert f"is line {line}: the input has changed since the journal was begun" in answer.err
    assert "give it a journal of its own" in answer.err
    assert Path("run.db").read_bytes() == before


def test_a_message_does_not_begin_within_an_id(call: Call, served: Sandbox) -> None:
    """Also where the id has a colon."""
    served.world.vtex.add_order("a: b")
    answer = call("bulk", write(f"{HEADER}vtex,a: b,,\n"), "--journal", "run.db", "--out", "-", "--yes")
    assert results(answer.out)[2]["message"] == "cancellation requested"


def test_a_journal_that_breaks_while_calls_are_under_way_can_be_resumed(
    call: Call, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something was sent, though nothing was told: exit code 1, and not 2, and the command that resumes."""

    def full(connection: sqlite3.Connection, ops: Iterable[Any]) -> dict[int, Any]:
        if any(isinstance(op, Answer) for op in ops):
            raise sqlite3.OperationalError("database or disk is full")
        return write_journal(connection, ops)

    write_journal = journal.write
    name = write(f"{HEADER}vtex,{VTEX},,\n")
    with monkeypatch.context() as patch:
        patch.setattr(journal, "write", full)
        answer = call("bulk", name, "--journal", "run.db", "--yes")
    assert answer.code == 1
    assert posts(served) == 1
    assert (
        "disk is full); nothing more was sent: 0 of 1 rows are done.\n  line 2 was under way: " in answer.err
    )
    assert f"To resume:\n  countermand bulk {name} --journal run.db --yes\n" in answer.err
    assert call("bulk", name, "--journal", "run.db", "--yes").code == 3
    assert posts(served) == 1


def test_unknown_orders_are_read_and_never_sent_twice_at_crux(
    call: Call, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--retry unknown` looks first."""
    monkeypatch.setenv("COUNTERMAND_TIMEOUT", "1")
    served.mishap("crux", LoseReply(), *[Status(500)] * 20)
    assert call("bulk", write(f"{HEADER}crux,{CRUX},,\n"), "--journal", "run.db", "--yes").code == 1
    sent = posts(served)
    while served._gateway._mishaps["crux"]:
        served._gateway._mishaps["crux"].pop()
    served.advance(10)
    answer = call("bulk", "orders.csv", "--journal", "run.db", "--out", "-", "--yes", "--retry", "unknown")
    assert results(answer.out)[2]["result"] == "cancelled"
    assert posts(served) == sent


def test_there_is_nothing_to_retry_without_a_journal(call: Call, served: Sandbox) -> None:
    """A misspelt journal begins no new run."""
    answer = call("bulk", write(GOOD), "--journal", "run.db", "--yes", "--retry", "failed")
    assert answer.code == 2
    assert not served.requests


def test_an_interrupted_run_tells_how_to_resume(call: Call, served: Sandbox, tmp_path: Path) -> None:
    """Ctrl-C: exit code 130, what is done, and the very command, without --retry; it finishes the run."""
    served.mishap("vtex", RateLimited(3600))
    name = write(GOOD)
    command = [
        sys.executable,
        "-m",
        "countermand.cli",
        "bulk",
        name,
        "--journal",
        "run it.db",
        "--json",
        "-y",
    ]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ.copy(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(2):  # the third waits for an hour
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        err = process.stderr.read()
    assert process.returncode == 130
    assert "Interrupted: 2 of 3 rows are done." in err
    assert f"To resume:\n  countermand bulk {name} --journal 'run it.db' --json -y\n" in err
    answer = call("bulk", name, "--journal", "run it.db", "--out", "-", "--yes")
    assert answer.code == 3
    assert [row["replayed"] for _, row in sorted(results(answer.out).items())] == ["true", "false", "true"]


def test_an_interruption_before_anything_is_sent_says_so(
    call: Call, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C at the question: exit code 130, and the command."""

    def interrupted() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("countermand.cli.bulk.can_ask", lambda: True)
    monkeypatch.setattr("builtins.input", interrupted)
    name = write(GOOD)
    answer = call("bulk", name, "--journal", "run.db")
    assert (answer.code, answer.out) == (130, "")
    assert (
        f"Interrupted: nothing was sent. To begin again:\n  countermand bulk {name} --journal run.db\n"
        in answer.err
    )
    assert not served.requests


@pytest.mark.parametrize("many", ["0", "-1"])
def test_a_concurrency_that_is_none_takes_nothing_back(call: Call, served: Sandbox, many: str) -> None:
    """It is refused before the journal is touched."""
    name = write(f"{HEADER}vtex,missing,,\n")
    call("bulk", name, "--journal", "run.db", "--yes")
    before = Path("run.db").read_bytes()
    answer = call("bulk", name, "--journal", "run.db", "--yes", "--retry", "failed", "--concurrency", many)
    assert answer.code == 2
    assert Path("run.db").read_bytes() == before


def test_the_command_that_resumes_does_not_retry_again() -> None:
    """What was taken back once is pending, and the rest has been answered since."""
    command = ["bulk", "a.csv", "--retry", "failed", "--yes", "--retry=unknown", "--out", "x"]
    assert without_retry(command) == ["bulk", "a.csv", "--yes", "--out", "x"]


def test_no_credential_is_told(call: Call, served: Sandbox) -> None:
    """Nowhere: not by any command, nor in any file that it writes."""
    text = f"{HEADER}pattern,{PATTERN},,\nvtex,{VTEX},,\ncrux,{CRUX},,\nkibo,7,,other\nshop,,,\n"
    told = [
        call("accounts"), call("accounts", "--json"), call("status", "vtex", VTEX, "--json"),
        call("bulk", write(text), "--journal", "run.db", "--out", "out.jsonl", "--json", "--yes"),
        call("report", "run.db"), call("report", "run.db", "--json", "--html", "report.html"),
    ]  # fmt: skip
    said = "".join(each.out + each.err for each in told).encode()
    said += b"".join(path.read_bytes() for path in Path().iterdir())
    world = served.world
    for secret in (*world.pattern.tokens, world.vtex.app_key, world.vtex.app_token, *world.crux.tokens):
        assert secret.encode() not in said
    assert b"out.jsonl" not in said
    assert Path("out.jsonl").read_text(encoding="utf-8").count("\n") == 5
