"""Tokens that are fetched: when, how often, and by whom (Crux by user name and password, Kibo by OAuth)."""

import threading
from itertools import repeat
from typing import Any

import attrs
import pytest

from countermand import (
    AuthenticationError,
    Cancelled,
    Countermand,
    Crux,
    Kibo,
    NotSentError,
    RateLimitedError,
    Requested,
    RetryPolicy,
    Unknown,
)
from countermand.engine.wire import Reply
from tests.support.doors import Door, OnStage
from tests.support.markets import CRUX, KIBO, Market
from tests.support.stage import After, Stage, lost, reply, unsent


def crux_token(token: str = "t-one") -> Reply:
    """Return what Crux's login answers."""
    return reply(200, {"auth_token": token})


def kibo_token(token: str = "t-one", expires_in: object = 3600) -> Reply:
    """Return what Kibo's OAuth answers."""
    return reply(200, {"access_token": token, "expires_in": expires_in, "token_type": "bearer"})


CRUX_LOGIN = attrs.evolve(CRUX, access=Crux(username="shop", password="p4ssword"))
KIBO_LOGIN = attrs.evolve(KIBO, access=Kibo(tenant_id=12345, client_id="app", client_secret="s3cret-text"))
LOGINS = [(CRUX_LOGIN, crux_token), (KIBO_LOGIN, kibo_token)]
BOTH = pytest.mark.parametrize("market, token", LOGINS, ids=["crux", "kibo"])


def authorizations(stage: Stage) -> list[str | None]:
    """Return the Authorization of every request but the logins."""
    return [
        call.headers.get("Authorization")
        for call, kind in zip(stage.calls, stage.kinds, strict=True)
        if kind != "login"
    ]


@BOTH
def test_a_token_is_fetched_once_and_used(market: Market, token: Any, on_stage: OnStage) -> None:
    """The first call fetches it; those after it have it."""
    stage = Stage(login=[token("t-one")], cancel=[market.accepted], read=[market.still_open])
    door = on_stage(stage, market)
    outcome = market.cancel(door)
    market.read(door)
    assert isinstance(outcome, Requested)
    assert stage.kinds == ["login", "cancel", "read"]
    scheme = "Token" if market.name == "crux" else "Bearer"
    assert authorizations(stage) == [f"{scheme} t-one"] * 2
    assert [attempt.what for attempt in outcome.attempts] == ["login", "cancel"]


@pytest.mark.parametrize(
    "market, token, fresh, stale",
    [
        (CRUX_LOGIN, crux_token(), 6000.0, 7200.0 - 1),
        (KIBO_LOGIN, kibo_token(expires_in=3600), 3000.0, 3600.0 - 1),
        (KIBO_LOGIN, kibo_token(expires_in=60), 29.0, 59.0),
    ],
    ids=["crux", "kibo", "kibo, a minute"],
)
def test_a_token_is_fetched_again_before_its_life_is_over(
    market: Market, token: Reply, fresh: float, stale: float, on_stage: OnStage
) -> None:
    """A token might expire on its way: the last of its life is not used."""
    stage = Stage(login=[token, token], cancel=repeat(market.accepted))
    door = on_stage(stage, market)
    market.cancel(door)
    stage.now = fresh
    market.cancel(door)
    assert stage.kinds == ["login", "cancel", "cancel"]
    stage.now = stale
    market.cancel(door)
    assert stage.kinds[3:] == ["login", "cancel"]


@BOTH
def test_a_login_may_give_the_same_token_again(market: Market, token: Any, on_stage: OnStage) -> None:
    """A known token is redacted from every reply, but not from that of a login."""
    same = token("the-same-t0ken")
    stage = Stage(login=[same, same], cancel=[reply(401), market.accepted])
    assert isinstance(market.cancel(on_stage(stage, market)), Requested)
    assert [text and text.split()[1] for text in authorizations(stage)] == ["the-same-t0ken"] * 2


@BOTH
def test_a_tokens_life_begins_when_it_is_asked_for(market: Market, token: Any, on_stage: OnStage) -> None:
    """A login that takes long gives a token that is older than it looks."""
    stage = Stage(login=[After(10.0, token()), token()], cancel=repeat(market.accepted))
    door = on_stage(stage, market)
    market.cancel(door)
    stage.now = (7200.0 if market.name == "crux" else 3600.0) - 295.0
    market.cancel(door)
    assert stage.kinds.count("login") == 2


@BOTH
def test_a_401_fetches_another_token_once(market: Market, token: Any, on_stage: OnStage) -> None:
    """The token may have been revoked before its time."""
    stage = Stage(login=[token("t-one"), token("t-two")], cancel=[reply(401), market.accepted])
    outcome = market.cancel(on_stage(stage, market))
    assert isinstance(outcome, Requested)
    assert stage.kinds == ["login", "cancel", "login", "cancel"]
    assert [text and text.split()[1] for text in authorizations(stage)] == ["t-one", "t-two"]


@BOTH
def test_a_second_401_raises(market: Market, token: Any, on_stage: OnStage) -> None:
    """Once is enough."""
    stage = Stage(login=[token("t-one"), token("t-two")], cancel=[reply(401), reply(401)])
    with pytest.raises(AuthenticationError) as caught:
        market.cancel(on_stage(stage, market))
    assert caught.value.status == 401
    assert [attempt.what for attempt in caught.value.attempts] == ["login", "cancel", "login", "cancel"]


@BOTH
def test_every_wait_for_a_401_has_an_end(market: Market, token: Any, on_stage: OnStage) -> None:
    """A fresh token that is not accepted either is not the fault of the token."""
    stage = Stage(login=repeat(token()), cancel=[lost(), *repeat(reply(401), 9)], read=repeat(reply(401)))
    outcome = market.cancel(on_stage(stage, market))
    assert isinstance(outcome, Unknown)
    assert stage.kinds.count("login") == 2


@BOTH
def test_a_long_wait_outlives_more_than_one_token(market: Market, token: Any, on_stage: OnStage) -> None:
    """Each that was accepted once may be fetched again."""
    reads = [reply(401), market.still_open, market.still_open, reply(401), market.cancelled]
    stage = Stage(login=repeat(token()), read=reads)
    assert isinstance(market.wait(on_stage(stage, market)), Cancelled)
    assert stage.kinds.count("login") == 3


def test_a_401_with_a_given_token_raises(market: Market, on_stage: OnStage) -> None:
    """There is nothing to fetch another one with."""
    stage = Stage(cancel=[reply(401)])
    with pytest.raises(AuthenticationError):
        market.cancel(on_stage(stage, market))


@BOTH
@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_login_that_is_refused_raises(market: Market, token: Any, status: int, on_stage: OnStage) -> None:
    """Nothing but the login was sent, and its body is not repeated."""
    stage = Stage(login=[reply(status, {"detail": "wrong p4ssword s3cret-text"})])
    with pytest.raises(AuthenticationError) as caught:
        market.cancel(on_stage(stage, market))
    assert (caught.value.status, caught.value.body) == (status, "")
    assert stage.kinds == ["login"]


NO_TOKENS = {
    "nothing": b"",
    "HTML": b"<html>",
    "a list": b"[]",
    "an empty object": b"{}",
    "null": b'{"auth_token": null, "access_token": null, "expires_in": 3600}',
    "a number": b'{"auth_token": 5, "access_token": 5, "expires_in": 3600}',
    "an empty token": b'{"auth_token": "", "access_token": "", "expires_in": 3600}',
    "a line break": b'{"auth_token": "a\\nb", "access_token": "a\\nb", "expires_in": 3600}',
    "letters that no header takes": '{"auth_token": "é", "access_token": "é", "expires_in": 3600}'.encode(),
}


@BOTH
@pytest.mark.parametrize("body", NO_TOKENS.values(), ids=NO_TOKENS)
def test_a_login_without_a_token_raises(market: Market, token: Any, body: bytes, on_stage: OnStage) -> None:
    """NotSentError: the marketplace accepted the login, and yet nothing could be sent."""
    stage = Stage(login=[reply(200, body)])
    with pytest.raises(NotSentError):
        market.cancel(on_stage(stage, market))
    assert stage.kinds == ["login"]


@pytest.mark.parametrize("life", ["3600", True, 0, -1, [], {}], ids=repr)
def test_a_kibo_tokens_lifetime_makes_sense(life: object, on_stage: OnStage) -> None:
    """Or nobody knows when to fetch the next."""
    with pytest.raises(NotSentError):
        KIBO.cancel(on_stage(Stage(login=[kibo_token(expires_in=life)]), KIBO_LOGIN))


@pytest.mark.parametrize(
    "said", [{"access_token": "kibo-one"}, {"access_token": "kibo-one", "expires_in": None}]
)
def test_a_kibo_token_without_a_lifetime_is_used_for_a_short_one(said: object, on_stage: OnStage) -> None:
    """Every field of a login's answer is nullable in the vendor's description."""
    stage = Stage(login=[reply(200, said)] * 2, cancel=[KIBO.accepted] * 3)
    door = on_stage(stage, KIBO_LOGIN)
    KIBO.cancel(door)
    KIBO.cancel(door)
    stage.now += 300.0
    KIBO.cancel(door)
    assert stage.kinds == ["login", "cancel", "cancel", "login", "cancel"]


@BOTH
@pytest.mark.parametrize(
    "trouble", [lost(), unsent(), reply(500), reply(503), reply(408), reply(429, retry_after="3")], ids=str
)
def test_a_login_is_tried_again(market: Market, token: Any, trouble: Any, on_stage: OnStage) -> None:
    """It changes nothing at the marketplace."""
    stage = Stage(login=[trouble, token()], cancel=[market.accepted])
    outcome = market.cancel(on_stage(stage, market))
    assert isinstance(outcome, Requested)
    assert stage.kinds == ["login", "login", "cancel"]


@BOTH
def test_a_login_that_fails_to_the_end(market: Market, token: Any, on_stage: OnStage) -> None:
    """The order is untouched, so it is an error, after the attempts of the policy."""
    policy = RetryPolicy(attempts=3, first_pause=0.0)
    stage = Stage(login=repeat(reply(500)))
    with pytest.raises(NotSentError):
        market.cancel(on_stage(stage, market, retry=policy))
    assert stage.kinds == ["login"] * 3
    stage = Stage(login=[reply(429, retry_after="99")])
    with pytest.raises(RateLimitedError) as caught:
        market.cancel(on_stage(stage, market, retry=policy))
    assert caught.value.retry_after == pytest.approx(99.0)


@BOTH
def test_a_login_spends_the_calls_one_budget(market: Market, token: Any, on_stage: OnStage) -> None:
    """Its deadline lies within the call's."""
    stage = Stage(login=[token()], cancel=[market.accepted])
    market.cancel(on_stage(stage, market), timeout=9.0)
    assert all(call.deadline <= 9.0 for call in stage.calls)


def test_a_login_that_is_refused_later_does_not_make_an_error_of_a_doubt(on_stage: OnStage) -> None:
    """The cancellation may have been applied: not to be able to ask again is Unknown."""
    stage = Stage(
        login=[kibo_token(expires_in=60), reply(401)], cancel=[lost()], read=[After(40.0, KIBO.still_open)]
    )
    outcome = KIBO.cancel(on_stage(stage, KIBO_LOGIN), timeout=120.0)
    assert isinstance(outcome, Unknown)
    assert [attempt.what for attempt in outcome.attempts] == ["login", "cancel", "read", "login"]


def test_a_login_that_is_refused_later_does_not_undo_what_was_seen(on_stage: OnStage) -> None:
    """A wait returns what it last saw, with the login in its evidence."""
    stage = Stage(login=[kibo_token(expires_in=60), reply(401)], read=[After(40.0, KIBO.still_open)])
    outcome = KIBO.wait(on_stage(stage, KIBO_LOGIN), timeout=120.0)
    assert isinstance(outcome, Unknown)
    assert outcome.answer is not None
    assert outcome.answer.order_status == "READY"
    assert [attempt.what for attempt in outcome.attempts] == ["login", "read", "login"]


class TestSingleFlight:
    """Calls that need a token at the same time fetch one."""

    @BOTH
    def test_calls_at_once_share_a_login(self, market: Market, token: Any) -> None:
        """The others wait for it."""
        stage = Stage(login=[token()], cancel=repeat(market.accepted))
        with Door("async", http_client=stage.async_driver, **market.settings) as door:
            calls = [lambda: getattr(door.client, market.name).cancel_order(*market.arguments)] * 20
            outcomes = door.together(*calls)
        assert all(isinstance(outcome, Requested) for outcome in outcomes)
        assert stage.kinds.count("login") == 1
        assert stage.kinds.count("cancel") == 20

    @BOTH
    def test_threads_share_a_login(self, market: Market, token: Any) -> None:
        """One client in many threads: the second waits although the first is slow."""
        barrier = threading.Barrier(8)
        stage = Stage(login=repeat(token()), cancel=repeat(market.accepted))
        client = Countermand(http_client=stage.driver, **market.settings)
        outcomes: list[Any] = []

        def cancel() -> None:
            barrier.wait(timeout=10)
            outcomes.append(getattr(client, market.name).cancel_order(*market.arguments))

        threads = [threading.Thread(target=cancel) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(outcomes) == 8
        assert stage.kinds.count("login") == 1

    @BOTH
    def test_calls_that_all_get_a_401_share_the_next_login(self, market: Market, token: Any) -> None:
        """Whoever comes late finds the new token there."""
        stage = Stage(
            login=[token("t-one"), token("t-two")],
            cancel=[*repeat(reply(401), 5), *repeat(market.accepted, 5)],
        )
        with Door("async", http_client=stage.async_driver, **market.settings) as door:
            calls = [lambda: getattr(door.client, market.name).cancel_order(*market.arguments)] * 5
            outcomes = door.together(*calls)
        assert all(isinstance(outcome, Requested) for outcome in outcomes), outcomes
        assert stage.kinds.count("login") == 2

    @BOTH
    def test_a_401_that_comes_late_takes_the_token_that_is_there(self, market: Market, token: Any) -> None:
        """Another call has fetched it while this one's answer was on its way."""

        def meanwhile() -> Reply:
            market.cancel(door)
            return reply(401)

        stage = Stage(
            login=[token("t-one"), token("t-two")],
            cancel=[reply(401), market.accepted],
            read=[meanwhile, market.still_open],
        )
        with Door("sync", http_client=stage.driver, **market.settings) as door:
            market.read(door)
        assert stage.kinds == ["login", "read", "cancel", "login", "cancel", "read"]
        assert authorizations(stage)[-1] == authorizations(stage)[-2]

    @BOTH
    def test_a_login_that_fails_fails_for_all_who_waited_for_it(self, market: Market, token: Any) -> None:
        """Fifty calls with a wrong password do not make fifty logins, which would lock the account."""
        stage = Stage(login=repeat(reply(401)))
        with Door("async", http_client=stage.async_driver, **market.settings) as door:
            calls = [lambda: getattr(door.client, market.name).cancel_order(*market.arguments)] * 3
            outcomes = door.together(*calls)
        assert [type(outcome) for outcome in outcomes] == [AuthenticationError] * 3
        assert stage.kinds == ["login"]
