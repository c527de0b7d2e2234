"""What one call, or a derived client, says otherwise: timeout, retry, headers."""

from typing import Any

import attrs
import pytest

from countermand import (
    CancelVtexOrder,
    Crux,
    InvalidRequestError,
    NotSentError,
    Requested,
    RetryPolicy,
    __version__,
)
from countermand.engine.wire import Call, Fault
from tests.support.doors import Door, OnStage
from tests.support.markets import CRUX, KIBO, VTEX, Market
from tests.support.stage import Stage, lost, reply, unsent
from tests.support.tables import table

TRACE = {"X-Trace-Id": "4bf92f3577b34da6"}


def sent(call: Call) -> dict[str, str]:
    """Return a request's headers by lower-case name."""
    return {name.lower(): value for name, value in call.headers.items()}


def every_call(market: Market) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the methods of a sub-client with their arguments."""
    outcome: Requested[Any] = Requested(marketplace=market.name, order_id=str(market.order_id))
    return [
        ("cancel_order", market.arguments),
        ("cancel", (market.request,)),
        (market.reads, (market.order_id,)),
        ("check", (outcome,)),
        ("wait_until_settled", (outcome,)),
        ("wait_until_settled", (market.order_id,)),
    ]


def test_headers_go_with_every_call(market: Market, on_stage: OnStage) -> None:
    """And beside ours, which stay as they are."""
    stage = Stage(cancel=[market.accepted] * 2, read=[market.cancelled] * 4)
    door = on_stage(stage, market)
    for method, arguments in every_call(market):
        door.do(market.name, method, *arguments, headers=TRACE)
        headers = sent(stage.calls[-1])
        assert headers["x-trace-id"] == TRACE["X-Trace-Id"]
        assert headers.items() >= market.credentials.items()


def test_the_client_takes_them_too(market: Market, on_stage: OnStage) -> None:
    """`cancel`, `check` and `wait_until_settled` of the client hand their options on."""
    stage = Stage(cancel=[market.accepted], read=[market.still_open, market.cancelled])
    door = on_stage(stage, market)
    outcome = door.cancel(market.request, headers=TRACE, timeout=5, retry=RetryPolicy.never())
    outcome = door.run(lambda: door.client.check(outcome, headers=TRACE))
    door.run(lambda: door.client.wait_until_settled(outcome, headers=TRACE))
    assert [sent(call)["x-trace-id"] for call in stage.calls] == [TRACE["X-Trace-Id"]] * 3


def test_headers_hold_for_one_call(on_stage: OnStage) -> None:
    """The next one is without them."""
    stage = Stage(cancel=[VTEX.accepted] * 2)
    door = on_stage(stage, VTEX)
    VTEX.cancel(door, headers=TRACE)
    VTEX.cancel(door)
    assert ["x-trace-id" in sent(call) for call in stage.calls] == [True, False]


def test_a_login_goes_without_them(on_stage: OnStage) -> None:
    """It is not the order's, and may go elsewhere."""
    stage = Stage(login=[reply(200, {"auth_token": "t-one"})], cancel=[CRUX.accepted])
    market = attrs.evolve(CRUX, access=Crux(username="shop", password="p4ssword"))
    market.cancel(on_stage(stage, market), headers=TRACE)
    assert ["x-trace-id" in sent(call) for call in stage.calls] == [False, True]


OURS = """Authorization authorization Content-Type Content-Length Host Accept Accept-Encoding User-Agent Connection
    Transfer-Encoding Cookie Expect Proxy-Authorization Range If-None-Match X-HTTP-Method-Override""".split()


@table("name", OURS)
def test_ours_are_refused(name: str, market: Market, on_stage: OnStage) -> None:
    """Nothing is sent, and the error says which header and which order."""
    stage = Stage()
    door = on_stage(stage, market)
    with pytest.raises(InvalidRequestError, match=f"(?i){name}") as caught:
        market.cancel(door, headers={name: "x-secret-value"})
    assert caught.value.order_id == str(market.order_id)
    assert caught.value.marketplace == market.name
    assert "x-secret-value" not in str(caught.value)
    with pytest.raises(InvalidRequestError, match=f"(?i){name}"):
        door.client.with_options(headers={name: "x"})
    assert stage.calls == []


@table(
    "market, name",
    [
        (VTEX, "X-VTEX-API-AppKey"),
        (VTEX, "x-vtex-api-apptoken"),
        (VTEX, "VtexIdclientAutCookie"),
        (KIBO, "X-Vol-Tenant"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_what_says_who_asks_is_refused(market: Market, name: str, on_stage: OnStage) -> None:
    """Each marketplace names its own."""
    stage = Stage()
    door = on_stage(stage, market)
    with pytest.raises(InvalidRequestError, match=name):
        market.cancel(door, headers={name: "x"})
    with pytest.raises(InvalidRequestError, match=name):
        door.client.with_options(headers={name: "x"})
    assert stage.calls == []


BAD: list[Any] = [
    {"X": "a\r\nB: c"},
    {"X": "a\n"},
    {"X": ""},
    {"X": " a"},
    {"X": "ä"},
    {"X": 1},
    {"X": None},
    {"": "a"},
    {"X Y": "a"},
    {"X:": "a"},
    {"Ä": "a"},
    {1: "a"},
    {"X": "a", "x": "b"},
    "X: a",
    ["X"],
    5,
]


@table("headers", BAD, ids=repr)
def test_headers_that_fit_no_line(headers: Any, on_stage: OnStage) -> None:
    """Refused before anything is sent."""
    stage = Stage()
    door = on_stage(stage, VTEX)
    with pytest.raises(InvalidRequestError, match="header"):
        VTEX.cancel(door, headers=headers)
    with pytest.raises(InvalidRequestError, match="header"):
        door.client.with_options(headers=headers)
    assert stage.calls == []


def test_a_timeout_and_a_policy_of_one_call(market: Market, on_stage: OnStage) -> None:
    """They take the place of the client's; None stands for those."""
    stage = Stage(cancel=[unsent()] * 9)
    door = on_stage(stage, market, retry=RetryPolicy(attempts=3, first_pause=0))
    for retry, attempts in ((None, 3), (RetryPolicy(attempts=2, first_pause=0), 2)):
        with pytest.raises(NotSentError) as caught:
            market.cancel(door, retry=retry, timeout=None)
        assert len(caught.value.attempts) == attempts
    with pytest.raises(NotSentError):
        market.cancel(door, retry=RetryPolicy.never(), timeout=4.5)
    assert stage.calls[-1].deadline <= stage.now + 4.5


@table("options", [{"timeout": 0}, {"timeout": "5"}, {"retry": 3}], ids=repr)
def test_options_that_make_no_sense(options: Any, market: Market, on_stage: OnStage) -> None:
    """Refused with the order's id; nothing is sent."""
    stage = Stage()
    door = on_stage(stage, market)
    for method, arguments in every_call(market):
        with pytest.raises(InvalidRequestError) as caught:
            door.do(market.name, method, *arguments, **options)
        assert caught.value.order_id == str(market.order_id)
    assert stage.calls == []


def test_an_option_that_there_is_not(market: Market, on_stage: OnStage) -> None:
    """TypeError, as for any function; hooks are the client's."""
    stage = Stage()
    door = on_stage(stage, market)
    for method, arguments in every_call(market):
        for name in ("timout", "hooks"):
            with pytest.raises(TypeError, match=name):
                door.do(market.name, method, *arguments, **{name: ()})
    assert stage.calls == []


# --- a client with other options ---------------------------------------------------------------------------------------


def derived(door: Door, **options: Any) -> Door:
    """Return a door to the client with these options."""
    return Door.to(door.kind, door.client.with_options(**options))


def test_a_derived_client_has_its_own_options(on_stage: OnStage) -> None:
    """The first one keeps its own; what is not given is as it was; a call's headers go before a client's."""
    stage = Stage(cancel=[VTEX.accepted] * 5)
    door = on_stage(stage, VTEX, timeout=20)
    told: list[Any] = []
    with derived(door, timeout=6, headers={"X-Job": "nightly", "X-Step": "1"}, hooks=[told.append]) as other:
        VTEX.cancel(other)
        assert sent(stage.calls[-1]).items() >= {"x-job": "nightly", "x-step": "1"}.items()
        assert told[0].timeout == 6.0
        VTEX.cancel(other, headers={"x-step": "2"})
        assert sent(stage.calls[-1]).items() >= {"x-job": "nightly", "x-step": "2"}.items()
        count = len(told)
        with derived(other, headers={"X-Job": "daily"}) as third:
            VTEX.cancel(third)
        assert sent(stage.calls[-1]).items() >= {"x-job": "daily", "x-step": "1"}.items()
        assert len(told) == 2 * count - 4
        VTEX.cancel(door)
    assert "x-job" not in sent(stage.calls[-1])
    assert len(told) == count + 4


def test_a_derived_client_shares_the_account(on_stage: OnStage) -> None:
    """The gate that one closes is closed for the other, a token is fetched once, and the budget is one."""
    login = [reply(200, {"auth_token": "t-one"})]
    stage = Stage(login=login, cancel=[reply(429, retry_after="9"), CRUX.accepted])
    market = attrs.evolve(CRUX, access=Crux(username="shop", password="p4ssword"))
    door = on_stage(stage, market, retry=RetryPolicy.never())
    with derived(door, timeout=60) as other:
        assert other.client.accounts == door.client.accounts
        with pytest.raises(Exception, match="come back in 9"):
            market.cancel(door, timeout=5)
        market.cancel(other)
    assert stage.kinds == ["login", "cancel", "cancel"]
    assert stage.sleeps == [9.0]


def test_closing_a_derived_client_closes_nothing(on_stage: OnStage) -> None:
    """The first one works on, and closes both."""
    stage = Stage(cancel=[VTEX.accepted])
    door = on_stage(stage, VTEX)
    with derived(door, timeout=5):
        pass
    assert stage.closed == 0
    VTEX.cancel(door)
    door.close()
    assert stage.closed == 1


def test_a_derived_client_is_of_the_same_class(on_stage: OnStage) -> None:
    """One of the caller's own, too."""
    door = on_stage(Stage(), VTEX)
    kind: Any = type("Mine", (type(door.client),), {})
    with Door.to(door.kind, kind(VTEX.access)) as mine:
        assert type(mine.client.with_options(timeout=3)) is kind


# --- what an error shows of the reply ----------------------------------------------------------------------------------


def test_an_error_shows_some_headers(market: Market, on_stage: OnStage) -> None:
    """Those that help to tell what went wrong: bounded, without credentials, and no others."""
    answer = reply(
        401,
        {"message": "no"},
        date="Mon, 02 Mar 2026 09:00:00 GMT",
        server="gateway " + "x" * 500,
        via=f"1.1 proxy; saw {market.secrets[0]}",
        x_ratelimit_remaining="0",
        x_request_id="r-1",
        set_cookie="session=abc",
        x_internal="1",
    )
    with pytest.raises(Exception, match="401") as caught:
        market.cancel(on_stage(Stage(cancel=[answer] * 2, read=[answer] * 2), market))
    error: Any = caught.value
    assert error.headers == {
        "date": "Mon, 02 Mar 2026 09:00:00 GMT",
        "server": ("gateway " + "x" * 500)[:200],
        "via": "1.1 proxy; saw [redacted]",
        "x-ratelimit-remaining": "0",
        "x-request-id": "r-1",
    }


def test_an_error_without_a_reply_shows_none(on_stage: OnStage) -> None:
    """An empty dict."""
    with pytest.raises(NotSentError) as caught:
        VTEX.cancel(on_stage(Stage(cancel=[unsent()]), VTEX, retry=RetryPolicy.never()))
    assert caught.value.headers == {}


@table("call", ["cancel", "read", "wait"])
def test_an_error_has_the_cause_that_explains_it(call: str, market: Market, on_stage: OnStage) -> None:
    """What the driver made of the library's exception."""
    cause = ConnectionRefusedError(111, "Connection refused")
    fault = Fault(sent=False, detail="no connection", cause=cause)
    stage = Stage(cancel=[fault], read=[fault] * 99)
    door = on_stage(stage, market, retry=RetryPolicy.never())
    with pytest.raises(NotSentError) as caught:
        getattr(market, call)(door, timeout=3)
    assert caught.value.__cause__ is cause


def test_a_lost_read_has_its_cause(on_stage: OnStage) -> None:
    """Of an `OrderUnreadableError` as well; an error without a cause has none."""
    cause = ConnectionResetError(104, "Connection reset by peer")
    stage = Stage(read=[Fault(sent=True, detail="it broke", cause=cause), lost()])
    door = on_stage(stage, VTEX, retry=RetryPolicy.never())
    for expected in (cause, None):
        with pytest.raises(Exception, match="1172-01") as caught:
            VTEX.read(door)
        assert caught.value.__cause__ is expected


def test_the_version_is_there() -> None:
    """In one place."""
    assert __version__.count(".") == 2


def test_requests_name_the_options_account(on_stage: OnStage) -> None:
    """A request object goes through `cancel` with the same options."""
    stage = Stage(cancel=[VTEX.accepted])
    door = on_stage(stage, VTEX)
    door.cancel(CancelVtexOrder("1172-01"), headers=TRACE)
    assert sent(stage.calls[-1])["x-trace-id"] == TRACE["X-Trace-Id"]
