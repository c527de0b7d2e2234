"""The logger `countermand`: what is written at which level, with which fields, and COUNTERMAND_LOG."""

import json
import logging
import os
import subprocess
import sys
from typing import Any

import pytest

from countermand import NotSentError, RetryPolicy, Unknown
from tests.support.doors import OnStage
from tests.support.markets import MARKETS, VTEX, Market
from tests.support.stage import After, Stage, lost, reply, unsent

LOG = "countermand"


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return level and text of every record of ours."""
    return [(one.levelname, one.getMessage()) for one in caplog.records if one.name == LOG]


def test_an_outcome_is_one_line_at_info(
    market: Market, on_stage: OnStage, caplog: pytest.LogCaptureFixture
) -> None:
    """It says what became of the order, and what it took."""
    caplog.set_level(logging.INFO, LOG)
    stage = Stage(cancel=[After(1.5, market.accepted)])
    outcome = market.cancel(on_stage(stage, market))
    assert lines(caplog) == [("INFO", f"{outcome} (cancel, 1 request, 1.500 s)")]


def test_a_record_has_the_events_fields(on_stage: OnStage, caplog: pytest.LogCaptureFixture) -> None:
    """As attributes, all of them values that JSON knows."""
    caplog.set_level(logging.DEBUG, LOG)
    stage = Stage(cancel=[reply(429, retry_after="2"), VTEX.accepted])
    VTEX.cancel(on_stage(stage, VTEX, retry=RetryPolicy(first_pause=0)))
    usual = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
    found = [
        {name: value for name, value in vars(one).items() if name not in usual} for one in caplog.records
    ]
    about = {"call": "cancel", "marketplace": "vtex", "account": "mystore", "order_id": "1172-01"}
    assert all(fields.items() >= about.items() for fields in found)
    first, *_, last = found
    assert first.items() >= {"what": "cancel", "number": 1, "status": 429, "ended": "answered"}.items()
    assert last.items() >= {"ended": "requested", "requests": 2}.items()
    assert any(fields.get("why") == "rate_limit" and "until" in fields for fields in found)
    assert json.dumps(found)


def test_requests_and_pauses_are_debug(on_stage: OnStage, caplog: pytest.LogCaptureFixture) -> None:
    """One line each, and one for a read, which has no outcome."""
    caplog.set_level(logging.DEBUG, LOG)
    stage = Stage(read=[reply(500), VTEX.cancelled])
    VTEX.read(on_stage(stage, VTEX, retry=RetryPolicy(first_pause=0)))
    about = "vtex order 1172-01"
    assert lines(caplog) == [
        ("DEBUG", f"{about}: read, GET {VTEX.read_url}: answered 500 (0.000 s)"),
        ("DEBUG", f"{about}: waiting for 0.0 s (retry)"),
        ("DEBUG", f"{about}: read, GET {VTEX.read_url}: answered 200 (0.000 s)"),
        ("DEBUG", f"{about}: read (read, 2 requests, 0.000 s)"),
    ]


def test_what_asks_for_attention_is_a_warning(
    market: Market, on_stage: OnStage, caplog: pytest.LogCaptureFixture
) -> None:
    """An `Unknown`, and a pause of more than five seconds, whatever the level below is; nothing else is logged."""
    caplog.set_level(logging.WARNING, LOG)
    stage = Stage(cancel=[reply(429, retry_after="6"), *[lost()] * 9], read=[reply(403)] * 9)
    door = on_stage(stage, market, retry=RetryPolicy(first_pause=0))
    outcome = market.cancel(door)
    assert isinstance(outcome, Unknown)
    (wait_level, wait), (level, said) = lines(caplog)
    assert (wait_level, level) == ("WARNING", "WARNING")
    assert wait.endswith("waiting for 6.0 s (rate limit)")
    assert said.startswith(str(outcome))


def test_an_unknown_is_a_warning_without_anything_before_it(
    on_stage: OnStage, caplog: pytest.LogCaptureFixture
) -> None:
    """No pause has to have been logged first."""
    caplog.set_level(logging.WARNING, LOG)
    stage = Stage(cancel=[After(1.5, lost())], read=[reply(403)] * 2)
    door = on_stage(stage, VTEX, retry=RetryPolicy.never())
    outcome = VTEX.cancel(door)
    assert isinstance(outcome, Unknown)
    assert lines(caplog) == [("WARNING", f"{outcome} (cancel, 2 requests, 1.500 s)")]
    caplog.clear()
    outcome = door.do("vtex", "check", outcome)
    assert lines(caplog) == [("WARNING", f"{outcome} (check, 1 request, 0.000 s)")]


def test_looking_at_an_open_order_is_silent_at_the_level_of_warnings(
    market: Market, on_stage: OnStage, caplog: pytest.LogCaptureFixture
) -> None:
    """That is the level of a program that has not set one up."""
    caplog.set_level(logging.WARNING, LOG)
    door = on_stage(Stage(read=[market.still_open]), market)
    assert isinstance(door.do(market.name, "look", market.order_id), Unknown)
    assert lines(caplog) == []


def test_looking_at_an_open_order_is_no_warning(
    market: Market, on_stage: OnStage, caplog: pytest.LogCaptureFixture
) -> None:
    """By its id alone it is `Unknown`, but nobody is known to have cancelled it; who checks an `Unknown` is warned."""
    caplog.set_level(logging.INFO, LOG)
    stage = Stage(cancel=[lost()], read=[market.still_open, reply(403), market.still_open])
    door = on_stage(stage, market, retry=RetryPolicy.never())
    assert isinstance(door.do(market.name, "look", market.order_id), Unknown)
    assert [level for level, _ in lines(caplog)] == ["INFO"]
    caplog.clear()
    outcome = market.cancel(door)
    assert isinstance(door.do(market.name, "check", outcome), Unknown)
    assert [level for level, _ in lines(caplog)] == ["WARNING", "WARNING"]


def test_a_short_pause_and_polling_are_no_warnings(
    on_stage: OnStage, caplog: pytest.LogCaptureFixture
) -> None:
    """Who waits for an outcome has asked for the pauses."""
    caplog.set_level(logging.WARNING, LOG)
    stage = Stage(read=[VTEX.still_open] * 12 + [VTEX.cancelled])
    VTEX.wait(on_stage(stage, VTEX), timeout=600)
    assert max(stage.sleeps) > 30
    assert lines(caplog) == []


def test_an_interruption_is_a_warning_if_something_may_have_been_sent(
    on_stage: OnStage, caplog: pytest.LogCaptureFixture
) -> None:
    """Before that it is told at INFO."""
    for market in MARKETS:
        stage = Stage(cancel=[KeyboardInterrupt()])
        with pytest.raises(KeyboardInterrupt):
            market.cancel(on_stage(stage, market))
    assert {level for level, _ in lines(caplog)} == {"WARNING"}
    assert all("interrupted by KeyboardInterrupt" in said for _, said in lines(caplog))
    assert len(lines(caplog)) == len(MARKETS)


def test_an_error_is_told_at_info(on_stage: OnStage, caplog: pytest.LogCaptureFixture) -> None:
    """Its text and its class: the caller gets the exception itself."""
    caplog.set_level(logging.INFO, LOG)
    with pytest.raises(NotSentError) as caught:
        VTEX.cancel(on_stage(Stage(cancel=[unsent()]), VTEX, retry=RetryPolicy.never()))
    assert lines(caplog) == [("INFO", f"{caught.value}; NotSentError (cancel, 1 request, 0.000 s)")]


def test_a_marketplace_cannot_begin_another_line(on_stage: OnStage, caplog: pytest.LogCaptureFixture) -> None:
    """Its words may hold a line break or a terminal's escape; the log has neither."""
    caplog.set_level(logging.DEBUG, LOG)
    forged = {"error": {"code": "1", "message": "no\nCRITICAL root: all is lost\x1b[2J\u2028"}}
    with pytest.raises(Exception, match="all is lost"):
        VTEX.cancel(on_stage(Stage(cancel=[reply(404, forged)], read=[reply(404, forged)]), VTEX))
    assert any("all is lost" in said for _, said in lines(caplog))
    assert all(said.isprintable() for _, said in lines(caplog))


def test_a_hook_and_the_log_are_told_alike(on_stage: OnStage, caplog: pytest.LogCaptureFixture) -> None:
    """Neither keeps the other from it."""
    caplog.set_level(logging.INFO, LOG)
    told: list[Any] = []
    VTEX.cancel(on_stage(Stage(cancel=[VTEX.accepted]), VTEX, hooks=[told.append]))
    assert len(told) == 4
    assert len(lines(caplog)) == 1


PROGRAM = """
import logging, sys
from countermand.sandbox import Sandbox
if "handler" in sys.argv:
    logging.basicConfig(stream=sys.stdout, level=logging.DEBUG)
with Sandbox(time="virtual") as sandbox:
    sandbox.client().vtex.cancel_order("1172452900788-01")
"""


def script(level: str, *arguments: str) -> tuple[str, str]:
    """Run a script under COUNTERMAND_LOG; return what it wrote to stdout and to stderr."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"COUNTERMAND_LOG": level},
    )
    return done.stdout, done.stderr


@pytest.mark.parametrize(
    "level, count", [("", 0), ("error", 0), ("warning", 0), ("info", 1), ("INFO", 1), ("debug", 2)]
)
def test_an_environment_variable_turns_it_on_for_scripts(level: str, count: int) -> None:
    """It writes to stderr, each line once."""
    _, written = script(level)
    ours = [line for line in written.splitlines() if " countermand: " in line]
    assert len(ours) == count, written


def test_an_application_with_handlers_is_left_to_them() -> None:
    """The level holds, and no line is written twice."""
    printed, written = script("debug", "handler")
    assert " countermand: " not in written
    assert sum(":countermand:" in line for line in printed.splitlines()) == 2


def test_a_level_that_there_is_not() -> None:
    """It is warned about, and nothing is turned on."""
    _, written = script("verbose")
    assert "COUNTERMAND_LOG must be one of debug, info, warning, error" in written
    assert " countermand: " not in written


def test_without_any_logging_nothing_is_written() -> None:
    """A library does not write to stderr unless it was asked to: the logger has a handler that does nothing."""
    handlers = logging.getLogger(LOG).handlers
    assert any(isinstance(handler, logging.NullHandler) for handler in handlers)
