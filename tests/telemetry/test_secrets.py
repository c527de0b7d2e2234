"""No credential in an event, a log record or the traceback of a hook, whatever a gateway repeats."""

import logging
import traceback
from contextlib import suppress
from typing import Any

import attrs
import pytest

from countermand import Crux, Event, Kibo, RetryPolicy
from tests.support.doors import OnStage
from tests.support.markets import CRUX, KIBO, MARKETS, Market
from tests.support.stage import Answer, Stage, reply

PASSWORD, TOKEN = "p4ssword-of-the-shop", "t0ken-that-was-fetched"
LOGINS = [
    (CRUX, Crux(username="shop", password=PASSWORD), {"auth_token": TOKEN}),
    (
        KIBO,
        Kibo(tenant_id=12345, client_id="app", client_secret=PASSWORD),
        {"access_token": TOKEN, "expires_in": 3600},
    ),
]


def echoes(*secrets: str) -> list[Answer]:
    """Return replies that repeat credentials wherever there is room for them."""
    all_of_them = " ".join(secrets)
    said = {
        "message": all_of_them,
        "error": {"message": all_of_them, "code": all_of_them},
        "detail": all_of_them,
    }
    headers = {
        "x_request_id": all_of_them,
        "x_vol_correlation": all_of_them,
        "x_vtex_operation_id": all_of_them,
        "date": all_of_them,
        "via": all_of_them,
        "server": all_of_them,
    }
    return [reply(status, said, **headers) for status in (400, 401, 404, 409, 422, 500, 200, 429)]


def everything(told: list[Any], records: list[logging.LogRecord]) -> str:
    """Return all that can be read off events and records."""
    texts = [repr(event) + repr(attrs.asdict(event, recurse=False)) for event in told]
    texts += [f"{event.error} {vars(event.error)!r}" for event in told if getattr(event, "error", None)]
    texts += [f"{record.getMessage()} {vars(record)!r}" for record in records]
    return "\n".join(texts)


def play(market: Market, stage: Stage, on_stage: OnStage) -> list[Any]:
    """Make the calls of a marketplace; return what a hook was told."""
    told: list[Any] = []
    door = on_stage(stage, market, hooks=[told.append], retry=RetryPolicy.never())
    for call in (market.cancel, market.read, market.wait):
        with suppress(Exception):
            call(door, timeout=5)
    return told


@pytest.mark.parametrize("number", range(8))
def test_events_and_records(
    number: int, market: Market, on_stage: OnStage, caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG, with every status of a reply that repeats the request's credentials."""
    caplog.set_level(logging.DEBUG, "countermand")
    answer = echoes(*market.secrets, *market.credentials.values())[number]
    told = play(market, Stage(cancel=[answer] * 9, read=[answer] * 99), on_stage)
    text = everything(told, caplog.records)
    assert len(told) >= 4
    assert caplog.records
    assert not [secret for secret in market.secrets if secret in text]


@pytest.mark.parametrize("market, access, token", LOGINS, ids=["crux", "kibo"])
def test_logins(
    market: Market, access: Any, token: object, on_stage: OnStage, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither what a login sends nor what it brings, when it works and when it is refused."""
    caplog.set_level(logging.DEBUG, "countermand")
    market = attrs.evolve(market, access=access)
    for login in (reply(200, token), *echoes(PASSWORD)[:6]):
        answer = echoes(PASSWORD, TOKEN)[5]
        stage = Stage(login=[login] * 9, cancel=[answer] * 9, read=[answer] * 99)
        text = everything(play(market, stage, on_stage), caplog.records)
        assert PASSWORD not in text
        assert TOKEN not in text


def test_the_traceback_of_a_hook(on_stage: OnStage, caplog: pytest.LogCaptureFixture) -> None:
    """With the variables of its frames, which error trackers print."""

    def hook(event: Event) -> None:
        raise LookupError(type(event).__name__)

    for market in MARKETS:
        market.cancel(on_stage(Stage(cancel=[market.accepted]), market, hooks=[hook]))
    failures = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert len(failures) == 4 * len(MARKETS)
    text = "".join(
        "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        for error in failures
        if error is not None
    )
    assert "LookupError" in text
    assert not [secret for market in MARKETS for secret in market.secrets if secret in text]
