"""What people see while a run goes on, and what programs see of the command line."""

import gc
import io
import subprocess
import sys
import tracemalloc
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest
from rich.console import Console

from countermand import LaneProgress, Progress
from countermand.cli import main
from countermand.cli.accounts import opened
from countermand.cli.display import _Picture, _Snapshot, duration, line
from countermand.cli.rows import Lines, Rows
from countermand.cli.survey import survey
from countermand.cli.terminal import can_ask, is_live, plain
from countermand.sandbox import Sandbox

from .conftest import Call

UNTIL = datetime(2026, 3, 2, 14, 3, 20, tzinfo=UTC)
LANE = LaneProgress(
    account="ar", marketplace="vtex", state="running", until=None, reason=None, rate=None, learnt=False,
    rate_limited=0, done=5, in_flight=2, queued=3,
)  # fmt: skip
WAITING = attrs.evolve(LANE, account="br", state="waiting", until=UNTIL, reason="429", rate=0.5, learnt=True)
STANDS = Progress(
    read=20, input_ended=False, done=10, kinds={"cancelled": 6, "unknown": 1, "error:rate_limited": 3},
    replayed=0, duplicates=0, in_flight=2, elapsed=5.0, rate=2.0, lanes=(LANE, WAITING),
)  # fmt: skip


class Run:
    """A run that stands so."""

    def __init__(self) -> None:
        self.calls = 0

    @property
    def progress(self) -> Progress:
        """How it stands; while it is read, it may be changed by another thread."""
        self.calls += 1
        if self.calls == 2:
            raise RuntimeError("dictionary changed size during iteration")
        return STANDS


def test_a_plain_line_tells_all() -> None:
    """Counts, rate, time left, and the accounts that are not simply running."""
    told = line(STANDS, 1000)
    assert "10 of 1,000: 6 cancelled, 1 unknown, 3 errors; 2/s, 8m 15s left" in told
    assert told.endswith(f"br waiting until {UNTIL.astimezone():%H:%M:%S}: 429")


@pytest.mark.parametrize("width", [40, 110])
def test_the_display_tells_all(width: int) -> None:
    """A snapshot that fails because the run goes on is the last one."""
    snapshot = _Snapshot(Run())
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(_Picture(snapshot, 1000, console).draw())
    text = " ".join(console.export_text().split())
    for said in ("10 of 1,000", "cancelled 6", "refused 0", "unknown 1", "errors 3", "8m 15s left"):
        assert said in text
    assert "ar (vtex) 5 running" in text or width == 110
    if width == 110:
        assert "no limit seen running" in text
        assert f"30.0/min learnt waiting until {UNTIL.astimezone():%H:%M:%S}: 429" in text


@pytest.mark.parametrize("seconds, said", [(0, "0s"), (59.6, "1m 00s"), (470, "7m 50s"), (7200, "2h 00m")])
def test_durations(seconds: float, said: str) -> None:
    """Two units at most."""
    assert duration(seconds) == said


@pytest.mark.parametrize("name, value", [("CI", "true"), ("TERM", "dumb"), ("NOTHING", "")])
def test_the_display_is_for_terminals(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """FORCE_COLOR stands for a terminal here; CI and TERM=dumb win."""
    for each in ("CI", "NO_COLOR"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(name, value)
    assert is_live() == (name == "NOTHING")


def test_a_person_is_asked_where_the_question_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error that goes into a file shows none."""
    for at_stdin, at_stderr in ((True, True), (True, False), (False, True)):
        monkeypatch.setattr("sys.stdin", _Terminal(at_stdin))
        monkeypatch.setattr("sys.stderr", _Terminal(at_stderr))
        assert can_ask() == (at_stdin and at_stderr)


class _Terminal(io.StringIO):
    def __init__(self, there: bool) -> None:
        super().__init__()
        self.isatty = lambda: there  # type: ignore[method-assign]


def test_a_pipe_has_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is captured gets plain lines."""
    for each in ("CI", "FORCE_COLOR"):
        monkeypatch.delenv(each, raising=False)
    assert not is_live()


def test_no_colour_where_none_is_wanted(call: Call, served: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR wins over FORCE_COLOR."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[31m" in call("check", "no-such.json").err
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[31m" not in call("check", "no-such.json").err


def test_a_marketplace_cannot_steer_the_terminal() -> None:
    """Control characters become spaces."""
    assert plain("a\x1b[2Jb\r\nc\u2028d") == "a [2Jb c d"


@pytest.mark.long
def test_the_memory_of_a_survey_does_not_grow(call: Call, served: Sandbox) -> None:
    """Five times the rows, the same peak: what was seen is kept in a file."""
    accounts = opened(None)

    def peak(count: int) -> int:
        rows = "".join(f"vtex,{number:013d}-01\n" for number in range(count))
        Path("orders.csv").write_text(f"marketplace,order_id\n{rows}", encoding="utf-8")
        del rows
        with closing(Lines("orders.csv")) as lines:
            gc.collect()
            tracemalloc.start()
            found = survey(Rows(lines, accounts), accounts)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert found.orders["sandbox"] == count
        return most

    peak(100)
    # What an earlier test left behind may be collected meanwhile: that only adds, so the smaller of two counts.
    small, large = peak(1_000), min(peak(5_000) for _ in range(2))
    accounts.client.close()
    assert large <= small * 1.2


def test_a_missing_extra_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and one line, no traceback."""
    for name in [name for name in sys.modules if name.startswith(("countermand.cli.", "cyclopts"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cyclopts", None)
    assert main([]) == 2
    assert "pip install 'countermand[cli]'" in capsys.readouterr().err


def test_the_package_imports_neither_library() -> None:
    """cyclopts and rich belong to the command line alone."""
    code = "import sys, countermand.client, countermand.bulk.blocking, countermand.cli; "
    code += "print([name for name in ('cyclopts', 'rich') if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes(call: Call, shell: str) -> None:
    """The script knows the commands and their options."""
    answer = call("completion", shell)
    assert answer.code == 0
    assert "bulk" in answer.out
    assert "journal" in answer.out


def test_bash_completes_files_and_choices(call: Call, tmp_path: Path) -> None:
    """The input and the journal are files; `--retry` has two values."""
    script = Path("completion.bash")
    script.write_text(call("completion", "bash").out, encoding="utf-8")
    Path("orders.csv").touch()
    complete = (
        'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); . ./completion.bash; _countermand; echo "${COMPREPLY[*]}"'
    )
    for words, found in (
        ("bulk ord", "orders.csv"), ("bulk orders.csv --journal or", "orders.csv"), ("check or", "orders.csv"),
        ("bulk orders.csv --out or", "orders.csv"), ("bulk orders.csv --retry f", "failed"),
    ):  # fmt: skip
        command = ["bash", "-c", complete, "bash", "countermand", *words.split()]
        assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == found, (
            words
        )


def test_the_sandbox_prints_what_points_a_client_at_it(tmp_path: Path) -> None:
    """It serves until Ctrl-C."""
    import json
    import signal

    from countermand import Countermand

    command = [sys.executable, "-m", "countermand.cli", "sandbox", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        variables = json.loads(process.stdout.readline())
        with Countermand.from_env(variables) as client:
            assert client.kibo.cancel_order(1010101, "other").settled
        process.send_signal(signal.SIGINT)
        assert "Stopped." in process.stderr.read()
    assert process.returncode == 0
