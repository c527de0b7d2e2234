"""No credential in a repr, a str, a pickle, a log, an exception, or a traceback that prints local variables."""

import copy
import logging
import pickle
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from countermand import (
    Account,
    AsyncCountermand,
    Countermand,
    CountermandError,
    Crux,
    Kibo,
    NotSentError,
    Pattern,
    PatternCancellation,
    PermissionDeniedError,
    RateLimitedError,
    RejectedError,
    RetryPolicy,
    Vtex,
    evidence_of,
)
from countermand.engine.secret import Secret
from countermand.engine.wire import Reply
from tests.support.doors import Door, Kind, OnStage
from tests.support.markets import CRUX, KIBO, MARKETS, PATTERN, Market, pattern_answer
from tests.support.stage import Stage, lost, reply, unsent
from tests.support.tables import table
from tests.support.tls import unused

TESTS = str(Path(__file__).parents[1])
ACCESS = [
    Pattern(token="sekret-one"),
    Vtex(account="a", app_key="sekret-one", app_token="sekret-two"),
    Crux(token="sekret-one"),
    Crux(username="shop", password="sekret-one"),
    Kibo(tenant_id=1, access_token="sekret-one"),
    Kibo(tenant_id=1, client_id="app", client_secret="sekret-one"),
]
each_access = pytest.mark.parametrize("access", ACCESS, ids=lambda access: type(access).__name__)


def story(error: BaseException) -> str:
    """Return everything that can be printed about an exception: its chain, and the variables of every frame.

    The frames of tests are left out: they hold the credentials that the tests made up.
    """
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    link: traceback.TracebackException | None = told
    while link is not None:
        link.stack[:] = [frame for frame in link.stack if not frame.filename.startswith(TESTS)]
        link = link.__cause__ or link.__context__
    return "".join(told.format()) + repr(error) + str(error) + repr(vars(error))


def raised(call: Callable[[], Any]) -> str:
    """Return what can be printed about the exception that `call` raises."""
    try:
        call()
    except BaseException as error:  # noqa: BLE001 - an interruption tells a story too
        return story(error)
    raise AssertionError("nothing was raised")


@each_access
def test_a_configuration_shows_no_secret(access: Any) -> None:
    """Printed, formatted, or as a dict."""
    for text in (repr(access), str(access), f"{access}", f"{access!r}", repr([access])):
        assert "sekret" not in text
        assert type(access).__name__ in text


@each_access
def test_a_configuration_is_not_pickled(access: Any) -> None:
    """It would carry its credentials elsewhere; copies in this process are fine."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(access, protocol)
    assert copy.copy(access) == copy.deepcopy(access) == access


def test_a_secret_shows_nothing() -> None:
    """Only `reveal` does."""
    secret = Secret("sekret-one")
    assert "sekret" not in repr(secret) + str(secret) + f"{secret}" + f"{secret!r:>40}"
    assert secret.reveal() == "sekret-one"
    assert secret == Secret("sekret-one") != Secret("sekret-two")
    assert secret != "sekret-one"
    assert len({secret, Secret("sekret-one")}) == 1
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        secret.__getstate__()


def test_a_secret_can_be_given_ready_wrapped() -> None:
    """It is not wrapped twice."""
    assert Pattern(token=Secret("sekret-one")) == Pattern(token="sekret-one")


@pytest.mark.parametrize("door", [Countermand, AsyncCountermand])
def test_a_client_shows_no_secret(door: Any) -> None:
    """Nor its sub-clients; and it is not pickled."""
    client = door(pattern=ACCESS[0], vtex=ACCESS[1], crux=ACCESS[3], kibo=ACCESS[5])
    assert repr(client) == f"<{door.__name__} for {', '.join(client.accounts)}>"
    shown = repr([client, client.pattern, client.vtex, client.crux, client.kibo])
    assert "sekret" not in shown
    for thing in (client, client.pattern):
        with pytest.raises(TypeError):
            pickle.dumps(thing)


WRONG: dict[str, Callable[[], Any]] = {
    "a line break": lambda: Pattern(token="sekret-one\n"),
    "bytes": lambda: Pattern(token=b"sekret-one"),  # type: ignore[arg-type]
    "by position": lambda: Pattern("sekret-one"),  # type: ignore[call-arg]
    "an argument too many": lambda: Pattern(token="sekret-one", tokens="sekret-two"),  # type: ignore[call-arg]
    "an argument too few": lambda: Vtex(app_key="sekret-one", app_token="sekret-two"),  # type: ignore[call-arg]
    "a bad host": lambda: Vtex(account="a.b", app_key="sekret-one", app_token="sekret-two"),
    "a bad environment": lambda: Pattern(token="sekret-one", environment="moon"),  # type: ignore[arg-type]
    "a bad URL": lambda: Crux(token="sekret-one", base_url="http://evil.example"),
    "a URL with a password": lambda: Crux(token="t", base_url="https://u:sekret-one@host.example"),
    "too much": lambda: Crux(token="sekret-one", password="sekret-two"),
    "too little": lambda: Crux(password="sekret-one"),
    "a bad tenant": lambda: Kibo(tenant_id="x", client_id="c", client_secret="sekret-one"),
    "a tenant that is the secret": lambda: Kibo(tenant_id="sekret-one"),
    "half a login": lambda: Kibo(tenant_id=1, client_secret="sekret-one"),
}


@table("build", WRONG.values(), ids=WRONG)
def test_a_configuration_that_fails_shows_no_secret(build: Callable[[], Any]) -> None:
    """Its frames hold arguments; none of them is left."""
    assert "sekret" not in raised(build)


@pytest.mark.parametrize("door", [Countermand, AsyncCountermand])
@pytest.mark.parametrize(
    "more",
    [
        {"COUNTERMAND_VTEX_APP_TOKEN": "sekret-two"},
        {"COUNTERMAND_PATTERN_ENVIRONMENT": "moon"},
        {"COUNTERMAND_PATTERN_TOKEN": "sekret-one\n"},
    ],
    ids=["missing", "wrong", "a line break"],
)
def test_an_environment_that_fails_shows_no_secret(
    door: Any, more: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the process's own nor one that is given."""
    environ = {"COUNTERMAND_PATTERN_TOKEN": "sekret-one"} | more
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert "sekret" not in raised(door.from_env)
    assert "sekret" not in raised(lambda: door.from_env(environ))


ERRORS: dict[str, Reply] = {
    "401": reply(401),
    "403": reply(403),
    "404": reply(404),
    "405": reply(405),
    "409": reply(409),
    "422": reply(422),
    "429": reply(429, retry_after="999"),
}


@table("answer", ERRORS.values(), ids=ERRORS)
@table("what", ["cancel", "read", "wait"])
def test_an_error_shows_no_secret(answer: Reply, what: str, market: Market, on_stage: OnStage) -> None:
    """Nor do the frames that it came through, although the marketplace echoes the credential."""
    echo = " and ".join(market.secrets)
    headers = {**answer.headers, "x-request-id": f"for-{echo}", "www-authenticate": echo}
    echoing = Reply(
        answer.status, headers, b'{"message": "bad %s", "errors": ["%s"]}' % ((echo.encode(),) * 2)
    )
    stage = Stage(cancel=[echoing], read=[echoing, market.still_open])
    door = on_stage(stage, market, retry=RetryPolicy.never())

    def call() -> Any:
        outcome = getattr(market, what)(door)
        raise LookupError(repr(outcome) + str(outcome))

    told = raised(call)
    assert not any(secret in told for secret in market.secrets)


def test_what_a_marketplace_echoes_is_struck_out(on_stage: OnStage) -> None:
    """From the body of an error, from the id of a request, and from a typed answer."""
    token = PATTERN.secrets[0]
    with pytest.raises(PermissionDeniedError) as caught:
        PATTERN.cancel(
            on_stage(Stage(cancel=[reply(403, f"no {token}", x_request_id=f"r-{token}")]), PATTERN)
        )
    assert caught.value.body == '"no [redacted]"'
    assert caught.value.request_id == "r-[redacted]"
    body = pattern_answer({1: "cancelled"}, {}) | {"message": f"for {token}", token: token}
    outcome = PATTERN.cancel(on_stage(Stage(cancel=[reply(200, body)]), PATTERN))
    assert isinstance(outcome.answer, PatternCancellation)
    assert outcome.answer.message == "for [redacted]"
    assert token.encode() not in pickle.dumps(outcome)


def test_what_a_library_repeats_is_struck_out(on_stage: OnStage) -> None:
    """The text of its exception stands in an error, in an outcome and in the attempts."""
    token = PATTERN.secrets[0]
    with pytest.raises(NotSentError) as caught:
        PATTERN.cancel(
            on_stage(Stage(cancel=[unsent(f"bad header {token}")]), PATTERN), retry=RetryPolicy.never()
        )
    assert "bad header [redacted]" in str(caught.value)
    assert token not in repr(caught.value.attempts)
    stage = Stage(cancel=[lost(f"bad reply to {token}")], read=[reply(500)])
    assert token not in repr(PATTERN.cancel(on_stage(stage, PATTERN), retry=RetryPolicy.never()).to_dict())


def test_a_long_request_id_is_struck_out_before_it_is_cut(on_stage: OnStage) -> None:
    """Half a credential is one too."""
    token = PATTERN.secrets[0]
    answer = reply(403, x_request_id="x" * 195 + token)
    with pytest.raises(PermissionDeniedError) as caught:
        PATTERN.cancel(on_stage(Stage(cancel=[answer]), PATTERN))
    assert token[:5] not in (caught.value.request_id or "")


def test_a_tests_token_spoils_no_answer(on_stage: OnStage) -> None:
    """A token as short as "t" stands in every word; it is no secret, and answers stay readable."""
    stage = Stage(cancel=[PATTERN.accepted])
    outcome = PATTERN.cancel(on_stage(stage, PATTERN, pattern=Pattern(token="e")))
    assert outcome.answer.message == "told"


def test_a_fetched_token_is_struck_out_too(on_stage: OnStage) -> None:
    """As is the password it was fetched with."""
    cases: list[tuple[Market, Any, Any]] = [
        (CRUX, Crux(username="u", password="sekret-one"), {"auth_token": "sekret-two"}),
        (
            KIBO,
            Kibo(tenant_id=1, client_id="c", client_secret="sekret-one"),
            {"access_token": "sekret-two", "expires_in": 60},
        ),
    ]
    for market, access, token in cases:
        stage = Stage(login=[reply(200, token)], cancel=[reply(404, "sekret-one and sekret-two")])
        with pytest.raises(RejectedError) as caught:
            market.cancel(on_stage(stage, market, **{market.name: access}))
        assert caught.value.body == '"[redacted] and [redacted]"'


def test_the_token_before_the_last_is_struck_out_too(on_stage: OnStage) -> None:
    """A late answer may be to a request that carried it."""
    tokens = [reply(200, {"auth_token": f"sekret-{each}"}) for each in ("two", "three")]
    stage = Stage(login=tokens, cancel=[reply(401), reply(403, "sekret-two and sekret-three")])
    with pytest.raises(PermissionDeniedError) as caught:
        CRUX.cancel(on_stage(stage, CRUX, crux=Crux(username="u", password="sekret-one")))
    assert caught.value.body == '"[redacted] and [redacted]"'


def test_a_login_that_fails_shows_no_secret(on_stage: OnStage) -> None:
    """Its request is all credentials, and its answer may repeat them."""
    cases: list[tuple[Market, Any]] = [
        (CRUX, Crux(username="u", password="sekret-one")),
        (KIBO, Kibo(tenant_id=1, client_id="c", client_secret="sekret-one")),
    ]
    answers: list[Any] = [
        reply(401, "sekret-one"),
        reply(500, "sekret-one"),
        reply(200, {"auth_token": "sekret\n", "access_token": "sekret-two", "expires_in": "x"}),
        reply(429, "sekret-one", retry_after="999"),
        lost(),
        KeyboardInterrupt(),
    ]
    for market, access in cases:
        for answer in answers:
            stage = Stage(login=[answer])
            door = on_stage(stage, market, retry=RetryPolicy.never(), **{market.name: access})
            if door.kind == "async" and isinstance(answer, KeyboardInterrupt):
                continue  # it would end the test's own event loop
            assert "sekret" not in raised(partial(market.cancel, door))


class Interruption(BaseException):
    """Like a KeyboardInterrupt, but nobody's."""


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.name)
@pytest.mark.parametrize("own", [False, True], ids=["stock", "own client"])
def test_an_interrupted_call_shows_no_secret(
    market: Market, own: bool, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frames of the HTTP library hold headers in the clear: they are gone from the traceback."""

    def interrupt(transport: Any, request: httpx.Request) -> Any:
        held = dict(request.headers)
        assert any(secret in str(held) for secret in market.secrets)
        raise Interruption

    async def interrupt_async(transport: Any, request: httpx.Request) -> Any:
        return interrupt(transport, request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", interrupt)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", interrupt_async)
    settings: dict[str, Any] = {}
    if own:
        opened: Any = httpx.Client if kind == "sync" else httpx.AsyncClient
        settings["http_client"] = opened(verify=unused())
    caught: list[BaseException] = []

    def call() -> None:
        try:
            market.cancel(door)
        except Interruption as interruption:
            caught.append(interruption)
            raise

    with Door(kind, **market.settings, **settings) as door:
        told = raised(call)
        assert not any(secret in told for secret in market.secrets)
        assert evidence_of(caught[0]) is not None


def test_nothing_is_logged_that_is_secret(caplog: pytest.LogCaptureFixture, kind: Kind) -> None:
    """At any level, by any library underneath, over real HTTP."""
    from countermand.sandbox import RateLimited, Sandbox

    caplog.set_level(logging.DEBUG)
    with Sandbox(http=True) as sandbox:
        sandbox.mishap("kibo", RateLimited("999"))
        world = sandbox.world
        crux = Crux(
            username=world.crux.username,
            password=world.crux.password,
            base_url=sandbox.base_url("crux"),
        )
        client = sandbox.async_client(crux=crux) if kind == "async" else sandbox.client(crux=crux)
        with Door.to(kind, client) as door:
            door.do("pattern", "cancel_order", "114-3941689-8772232")
            door.do("vtex", "cancel_order", "1172452900788-01")
            door.do("crux", "cancel_order", "521a91e5-058d-4474-aeee-f0c148594a00")
            with pytest.raises(RateLimitedError):
                door.do("kibo", "cancel_order", 1010101, "other")
    told = " ".join(f"{record.getMessage()} {record.args} {vars(record)}" for record in caplog.records)
    for secret in (
        "sandbox-pattern-token",
        "sandbox-vtex-token",
        "vtexappkey-sandbox",
        "sandbox-password",
        "sandbox-crux-session",
    ):
        assert secret not in told


@table("market", MARKETS, ids=lambda market: market.name)
def test_pickles_carry_no_secret(market: Market, on_stage: OnStage) -> None:
    """Outcomes, and errors."""
    stage = Stage(cancel=[market.accepted, reply(404)], read=[market.still_open])
    door = on_stage(stage, market)
    pickles = [pickle.dumps(market.cancel(door)), pickle.dumps(market.read(door))]
    with pytest.raises(CountermandError) as caught:
        market.cancel(door)
    pickles.append(pickle.dumps(caught.value))
    assert not any(secret.encode() in each for secret in market.secrets for each in pickles)


def test_a_third_partys_configuration_without_a_repr_shows_its_label() -> None:
    """It may hold its credentials as plain text."""

    @attrs.frozen(kw_only=True, repr=False)
    class Plain(Account[Any, Any]):
        marketplace = "plain"
        key: str
        label: str = "plain"

    assert repr(Plain(key="an-api-key")) == "<Plain plain>"
    assert Plain(key="an-api-key") == Plain(key="an-api-key") != Plain(key="another-key")
