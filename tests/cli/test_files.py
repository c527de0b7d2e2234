"""Files and streams that are missing, full, closed, or the wrong ones: told in one line, and nothing is lost."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from countermand import JournalError, StoredRun, reopen
from countermand.bulk.locking import Lock
from countermand.sandbox import Sandbox

from .conftest import Call

ORDERS = "marketplace,order_id,reason\nkibo,1010101,other\nvtex,1172452900791-01,\n"
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no full device here")


@pytest.fixture
def orders(call: Call, served: Sandbox) -> Path:
    """A file of two orders."""
    path = Path("orders.csv")
    path.write_text(ORDERS, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "out", ["orders.csv", "sub/../orders.csv", "link.csv", "run.db", "run.db-wal", "accounts.toml"]
)
@pytest.mark.parametrize("began", [False, True])
def test_results_are_not_written_over_what_the_run_needs(
    call: Call, orders: Path, out: str, began: bool
) -> None:
    """The input, the journal and the accounts stay as they are, by whatever name, and nothing is sent."""
    Path("sub").mkdir()
    Path("link.csv").symlink_to("orders.csv")
    Path("accounts.toml").write_text(
        '[accounts.kibo]\nmarketplace = "kibo"\ntenant_id = 1\n', encoding="utf-8"
    )
    if began:
        call("bulk", "orders.csv", "--journal", "run.db", "--yes")
    before = {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    config = ["--config", "accounts.toml"] if out == "accounts.toml" else []
    answer = call("bulk", "orders.csv", "--journal", "run.db", "--yes", "--out", out, *config)
    assert answer.code == 2
    assert f"{out}: nothing was done: it would overwrite " in answer.err
    assert before == {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}


@pytest.mark.parametrize("out", ["results.csv", "results.jsonl"])
def test_a_run_that_is_refused_leaves_the_results_of_another_alone(
    call: Call, orders: Path, out: str
) -> None:
    """The same command, typed again while the first one runs, must not cut the file that this one writes."""
    command = ("bulk", "orders.csv", "--journal", "run.db", "--yes", "--out", out)
    call(*command)
    before = Path(out).read_bytes()
    lock = Lock(Path("run.db"))
    lock.acquire()
    answer = call(*command)
    lock.release()
    assert answer.code == 2
    assert "another run is writing it" in answer.err
    assert Path(out).read_bytes() == before
    call(*command)
    assert Path(out).read_bytes().count(b"\n") == before.count(b"\n")


def test_a_report_is_not_written_over_its_journal(call: Call, orders: Path) -> None:
    """The journal is what cannot be made again."""
    call("bulk", "orders.csv", "--journal", "run.db", "--yes")
    before = Path("run.db").read_bytes()
    assert call("report", "run.db", "--html", "run.db").code == 2
    assert Path("run.db").read_bytes() == before


def run(*arguments: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "countermand.cli", *arguments]
    return subprocess.run(command, text=True, check=False, stdout=stdout, stderr=subprocess.PIPE)


@needs_full
@pytest.mark.parametrize("out", [["--out", "full.jsonl"], ["--json"]])
def test_results_that_cannot_be_written_stop_the_run(call: Call, orders: Path, out: list[str]) -> None:
    """It says why, and the command that resumes; the same run with space gives every result."""
    Path("full.jsonl").symlink_to(FULL)
    with FULL.open("wb") as full:
        answer = run("bulk", "orders.csv", "--journal", "run.db", "--yes", *out, stdout=full.fileno())
    assert answer.returncode == 1
    assert "the results cannot be written: No space left on device" in answer.stderr
    assert "To resume:\n  countermand bulk orders.csv --journal run.db" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert call("bulk", "orders.csv", "--journal", "run.db", "--yes", "--json").out.count("\n") == 2


@needs_full
@pytest.mark.parametrize("out", ["/dev/full", "-"])
def test_a_file_without_room_for_its_first_line_is_refused(orders: Path, out: str) -> None:
    """Nothing is sent, and no journal is begun."""
    with FULL.open("wb") as full:
        answer = run("bulk", "orders.csv", "--journal", "run.db", "--yes", "--out", out, stdout=full.fileno())
    assert answer.returncode == 2
    assert f"countermand: {out}: it cannot be written: No space left on device\n" in answer.stderr
    assert not Path("run.db").exists()


@needs_full
@pytest.mark.parametrize("command", [["accounts"], ["--help"], ["completion", "bash"]])
def test_a_full_standard_output_is_told(orders: Path, command: list[str]) -> None:
    """One line, and exit code 1."""
    with FULL.open("wb") as full:
        answer = run(*command, stdout=full.fileno())
    assert (answer.returncode, answer.stderr) == (1, "countermand: No space left on device\n")


def test_data_is_utf8_whatever_the_locale_says(call: Call, orders: Path) -> None:
    """A pipe of a system whose encoding has no Japanese gets it all the same."""
    orders.write_text("marketplace,order_id\nvtex,日本-01\n", encoding="utf-8")
    bulk = ["bulk", "orders.csv", "--journal", "run.db", "--yes", "--out", "-"]
    for command in (bulk, ["report", "run.db"]):
        answer = subprocess.run(
            [sys.executable, "-m", "countermand.cli", *command],
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
        )
        assert "日本-01" in answer.stdout.decode("utf-8")
        assert b"Traceback" not in answer.stderr


@pytest.mark.skipif(os.name == "nt", reason="a shell is wanted")
@pytest.mark.parametrize("closed, told", [("2>&-", 2), (">&-", 0), ("<&-", 2)])
def test_a_closed_stream_is_no_crash(orders: Path, closed: str, told: int) -> None:
    """What would be said there is lost, and nothing else."""
    command = f"'{sys.executable}' -m countermand.cli bulk orders.csv --journal run.db --yes --json {closed}"
    answer = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert answer.returncode == 1  # one order is refused
    assert answer.stdout.count("\n") == told
    assert "Traceback" not in answer.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a named pipe is wanted")
def test_an_input_that_is_a_pipe_is_read_once(call: Call, orders: Path) -> None:
    """`<(…)` in a shell gives such a name."""
    os.mkfifo("pipe")
    with subprocess.Popen(["sh", "-c", "cat orders.csv > pipe"]):
        answer = call("bulk", "pipe", "--journal", "run.db", "--yes", "--json")
    assert answer.out.count("\n") == 2


def test_a_file_may_be_called_as_standard_input_is(call: Call, orders: Path) -> None:
    """`./-` is a file."""
    orders.rename("-")
    assert call("bulk", "./-", "--dry-run").code == 0


def test_an_input_that_is_a_folder_is_told(call: Call, orders: Path) -> None:
    """It is there, and cannot be read."""
    answer = call("bulk", ".", "--journal", "run.db", "--yes")
    assert (answer.code, answer.err) == (2, "countermand: .: could not be read: Is a directory\n")


def test_a_run_that_was_killed_while_it_made_its_journal_goes_on(call: Call, orders: Path) -> None:
    """The file is there, and has no tables yet."""
    for making in ("", "PRAGMA journal_mode = WAL"):
        connection = sqlite3.connect("run.db")
        connection.execute(making)
        connection.close()
        Path("run.db").touch()
        assert "0 orders" in call("report", "run.db").out
        answer = call("bulk", "orders.csv", "--journal", "run.db", "--yes", "--json")
        assert answer.out.count("\n") == 2
        Path("run.db").unlink()


def test_a_journal_that_is_damaged_inside_is_told(call: Call, orders: Path) -> None:
    """The first page is whole, so it opens; what is read later is an error of ours."""
    Path("orders.csv").write_text(ORDERS + "kibo,1,other\n" * 100, encoding="utf-8")
    call("bulk", "orders.csv", "--journal", "run.db", "--yes")
    content = Path("run.db").read_bytes()
    Path("run.db").write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))
    for command in (["report", "run.db"], ["bulk", "orders.csv", "--journal", "run.db", "--yes"]):
        answer = call(*command)
        assert answer.code == 2
        assert "countermand: the journal run.db: it cannot be read" in answer.err


def test_a_journal_that_another_program_locks_is_told(
    call: Call, orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not called damaged."""
    call("bulk", "orders.csv", "--journal", "run.db", "--yes")
    connect = sqlite3.connect
    holder = connect("run.db")
    holder.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **more: connect(*given, **{**more, "timeout": 0}))
    assert "another program has locked it (database is locked)" in call("report", "run.db").err
    holder.close()


def test_a_folder_that_cannot_be_written_is_told(call: Call, orders: Path) -> None:
    """A lock file that cannot be made is an error of ours at every way in."""
    call("bulk", "orders.csv", "--journal", "run.db", "--yes")
    Path("run.db.lock").mkdir()
    with pytest.raises(JournalError, match="it cannot be written"):
        reopen("run.db", "failed")
    answer = call("bulk", "orders.csv", "--journal", "run.db", "--yes", "--retry", "failed")
    assert (answer.code, "Traceback" in answer.err) == (2, False)
    shutil.rmtree("run.db.lock")


def test_a_journal_of_sqlites_own_name_is_a_file(call: Call, orders: Path) -> None:
    """`:memory:` would be a journal that is lost with the process."""
    call("bulk", "orders.csv", "--journal", ":memory:", "--yes")
    with StoredRun(":memory:") as stored:
        assert sum(stored.counts().values()) == 2
