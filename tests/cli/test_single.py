"""`countermand cancel`, `check`, `status` and `accounts`."""

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from countermand import Countermand
from countermand.cli.codes import Exit, code_of, worst
from countermand.errors import AuthenticationError, InvalidRequestError, NotConfiguredError
from countermand.outcomes import Cancelled, Part, PartiallyCancelled, Refused, Requested, Unknown
from countermand.sandbox import LoseReply, RateLimited, Sandbox

from .conftest import Call

OF: dict[str, Any] = {"marketplace": "vtex", "order_id": "1"}
PART = (Part("1", "new"),)


@pytest.mark.parametrize(
    "ended, code",
    [
        (Cancelled(**OF), 0),
        (Requested(**OF), 3),
        (PartiallyCancelled(**OF, cancelled=PART, refused=PART, settled=True), 1),
        (PartiallyCancelled(**OF, cancelled=PART, refused=PART, settled=False), 3),
        (Refused(**OF, refused=PART), 1),
        (Unknown(**OF, reason="lost"), 1),
        (AuthenticationError("no"), 1),
        (InvalidRequestError("no"), 2),
        (NotConfiguredError("no"), 2),
    ],
)
def test_every_end_has_its_exit_code(ended: object, code: int) -> None:
    """0 settled and done, 1 refused, unknown or failed, 2 usage, 3 open."""
    assert code_of(ended) == code  # type: ignore[arg-type]


def test_a_failure_wins_over_what_is_open() -> None:
    """1 wins over 3."""
    assert worst(Exit.FAILED, Exit.OPEN) == worst(Exit.OPEN, Exit.USAGE) == Exit.FAILED
    assert worst(Exit.DONE, Exit.OPEN) == Exit.OPEN
    assert worst(Exit.DONE, Exit.DONE) == Exit.DONE


@pytest.mark.parametrize(
    "words, code, said",
    [
        ("kibo 1010101 --reason created_by_mistake", 0, "kibo order 1010101: cancelled\n"),
        ("VTEX 1172452900788-01 --reason recall", 3, "vtex order 1172452900788-01: cancellation requested\n"),
        (
            "vtex 1172452900788-01 --account sandbox",
            3,
            "vtex order 1172452900788-01: cancellation requested\n",
        ),
        ("vtex 1172452900791-01", 1, "vtex order 1172452900791-01: refused: "),
    ],
)
def test_an_order_is_cancelled(call: Call, served: Sandbox, words: str, code: int, said: str) -> None:
    """Standard output has the outcome and nothing else; standard error has nothing."""
    answer = call("cancel", *words.split())
    assert answer.code == code
    assert answer.out.startswith(said)
    assert answer.out.count("\n") == 1
    assert answer.err == ""


@pytest.mark.parametrize(
    "words, said",
    [
        ("cancel vtx 1", "there is no marketplace 'vtx', did you mean vtex?"),
        ("cancel pattern 1 --reason recall", "pattern takes no reason"),
        ("cancel kibo 1010101", "kibo requires a reason"),
        ("cancel kibo 5.57e+92 --reason other", "scientific notation"),
        ("cancel crux 1", "must be a UUID"),
        ("cancel vtex -", "holds a control character"),
        ("cancel vtex 1 --account sandbx", "no account has the label 'sandbx', did you mean sandbox?"),
        ("cancel vtex 1 --account crux", "the account 'crux' is at crux, not at vtex"),
        ("cancel vtex", "requires an argument"),
        ("cancel vtex 1 --wat", "Unknown option"),
        ("cancle vtex 1", "cancle"),
        ("check no-such-file.json", "could not be read"),
        ("report no-such.db", "there is no such file"),
        ("bulk no-such.csv --dry-run", "there is no such file"),
        ("status vtex 1 --config no-such.toml", "could not be read"),
    ],
)
def test_nonsense_is_refused_before_anything_is_sent(
    call: Call, served: Sandbox, words: str, said: str
) -> None:
    """Exit code 2, a message for people, no data, and no request."""
    answer = call(*words.split())
    assert (answer.code, answer.out) == (2, "")
    assert said in " ".join(answer.err.replace("│", " ").split())
    assert not served.requests


def test_an_outcome_is_stored_and_looked_at_again(call: Call, served: Sandbox) -> None:
    """What `cancel --json` writes is what `check` reads, days later."""
    stored = call("cancel", "vtex", "1172452900788-01", "--json")
    Path("outcome.json").write_text(stored.out, encoding="utf-8")
    served.advance(10)
    checked = call("check", "outcome.json", "--json")
    assert checked.code == 0
    assert json.loads(checked.out)["outcome"] == "cancelled"


def test_several_outcomes_are_looked_at(call: Call, served: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """One a line, from standard input too; a failure among them wins."""
    orders = ["1172452900788-01", "1172452900789-01", "1172452900790-01"]
    text = "".join(call("cancel", "vtex", order, "--json").out for order in orders)
    served.advance(10)
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    checked = call("check", "-")
    assert [line.partition(": ")[2].partition(":")[0] for line in checked.out.splitlines()] == [
        "cancelled",
        "refused",
        "cancellation requested, now cancellation-requested",
    ]
    assert checked.code == 1


@pytest.mark.parametrize("wait", [[], ["--wait"]])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_what_is_known_of_an_interrupted_cancellation_is_told(
    call: Call, served: Sandbox, tmp_path: Path, wait: list[str], name: str
) -> None:
    """A request that has been sent is never lost: its outcome is written, for `check`, and the exit code is 130."""
    if not wait:
        served.mishap("vtex", LoseReply(), RateLimited(20))  # the read waits
    words = ["cancel", "vtex", "1172452900790-01", "--json", *wait]
    command = [sys.executable, "-m", "countermand.cli", *words]
    with subprocess.Popen(command, cwd=tmp_path, text=True, stdout=PIPE, stderr=PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        if wait:
            assert "waiting until it has settled" in process.stderr.readline()
        while len(served.requests) < 1 + (not wait):
            time.sleep(0)
        process.send_signal(getattr(signal, name))
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted. What is known of it" in err
    assert json.loads(out)["outcome"] == ("requested" if wait else "unknown")
    Path("outcome.json").write_text(out, encoding="utf-8")
    assert call("check", "outcome.json").out.startswith("vtex order 1172452900790-01: ")


def test_an_interruption_that_leaves_the_order_untouched_says_so(
    call: Call, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no outcome then."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Countermand, "cancel", interrupted)
    answer = call("cancel", "vtex", "1172452900790-01", "--json")
    assert answer == (130, "", "Interrupted: the order is untouched.\n")


def test_a_timeout_that_is_none_is_told_before_anything_is_sent(call: Call, served: Sandbox) -> None:
    """Otherwise the order would be cancelled, and the command would say that it was called wrongly."""
    answer = call("cancel", "vtex", "1172452900788-01", "--wait", "--timeout", "-1")
    assert (answer.code, answer.out) == (2, "")
    assert "timeout must be a positive number" in answer.err
    Path("x.json").write_text("{}", encoding="utf-8")
    assert call("check", "x.json", "--wait", "--timeout", "nan").code == 2
    assert not served.requests


def test_an_outcome_of_another_program_is_read(
    call: Call, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a byte order mark, from standard input too, and with a separator of lines within a text."""
    written = json.loads(call("cancel", "vtex", "1172452900788-01", "--reason", "a\u2028b", "--json").out)
    text = "\ufeff" + f"{json.dumps(written, ensure_ascii=False)}\n" * 2
    written["reason"] = "a\u2028b"
    Path("x.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    for name in ("x.json", "-"):
        answer = call("check", name)
        assert (answer.code, answer.out.count("\n")) == (3, 2)


def test_a_file_of_something_else_is_told(call: Call, served: Sandbox) -> None:
    """The line that is no outcome is named."""
    Path("x.json").write_text('{"schema": 1}', encoding="utf-8")
    answer = call("check", "x.json")
    assert answer.code == 2
    assert "x.json, line 1: not an outcome" in answer.err


def test_waiting_sees_the_end(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--wait` follows a cancellation until it has settled."""
    with Sandbox(http=True, speed=1000, allow_unused_mishaps=True) as sandbox:
        for name, value in sandbox.environ.items():
            monkeypatch.setenv(name, value)
        answer = call("cancel", "pattern", "114-3941689-8772232", "--wait")
    assert answer.code == 0
    assert answer.out == "pattern order 114-3941689-8772232: cancelled\n"
    assert "waiting until it has settled" in answer.err


def test_a_failed_call_is_told_to_people_and_programs(
    call: Call, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is JSON on standard output with `--json`, and words on standard error."""
    monkeypatch.setenv("COUNTERMAND_VTEX_APP_TOKEN", "wrong")
    answer = call("cancel", "vtex", "1172452900788-01", "--json")
    assert answer.code == 1
    assert json.loads(answer.out)["error"] in ("authentication", "permission_denied")
    assert "vtex order 1172452900788-01" in answer.err
    assert "wrong" not in answer.out + answer.err


def test_status_reads_and_cancels_nothing(call: Call, served: Sandbox) -> None:
    """An open order shows no cancellation; its own fields are listed."""
    answer = call("status", "vtex", "1172452900788-01")
    assert answer.code == 0
    assert answer.out.splitlines()[0] == (
        "vtex order 1172452900788-01: the order is open and shows no cancellation"
    )
    assert "  status: ready-for-handling" in answer.out
    assert [request.method for request in served.requests] == ["GET"]
    assert (
        json.loads(call("status", "vtex", "1172452900788-01", "--json").out)["answer"]["kind"] == "vtex.order"
    )


def test_the_status_of_no_order_is_an_error(call: Call, served: Sandbox) -> None:
    """Exit code 1, and nothing on standard output."""
    answer = call("status", "kibo", "7")
    assert (answer.code, answer.out) == (1, "")
    assert "kibo order 7" in answer.err


def test_a_rate_limit_beyond_the_deadline_is_a_failure(
    call: Call, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """COUNTERMAND_TIMEOUT is the deadline of a call."""
    monkeypatch.setenv("COUNTERMAND_TIMEOUT", "5")
    served.mishap("kibo", RateLimited(60))
    assert call("cancel", "kibo", "1010101", "--reason", "other").code == 1


def test_accounts_are_listed_without_secrets(call: Call, served: Sandbox) -> None:
    """Label, marketplace and URL; a base URL stands in place of the environment."""
    answer = call("accounts")
    assert answer.code == 0
    titles, *rows = [line.split() for line in answer.out.splitlines()]
    assert titles == ["account", "marketplace", "environment", "url", "rate"]
    assert ["sandbox", "vtex", "-", served.base_url("vtex"), "-"] in rows
    told = [json.loads(line) for line in call("accounts", "--json").out.splitlines()]
    assert {each["account"] for each in told} == {"pattern", "sandbox", "crux", "12345"}
    assert told[0].keys() == {"account", "marketplace", "environment", "url", "rate"}


def test_accounts_come_from_a_file(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--config` names it; several accounts of one marketplace want to be told apart."""
    monkeypatch.setenv("TOKEN", "t")
    fields = 'marketplace = "vtex"\naccount = "{}"\napp_key = "k"\napp_token = {{ env = "TOKEN" }}\n'
    text = f"[accounts.ar]\n{fields.format('brand-ar')}rate = '100/min'\n[accounts.br]\n{fields.format('brand-br')}"
    path = tmp_path / "accounts.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    answer = call("accounts", "--config", "accounts.toml")
    assert (
        "ar       vtex         vtexcommercestable  https://brand-ar.vtexcommercestable.com.br  100/min"
        in answer.out
    )
    refused = call("cancel", "vtex", "1", "--config", "accounts.toml")
    assert refused.code == 2
    assert "several accounts at vtex: say which, ar or br" in refused.err
