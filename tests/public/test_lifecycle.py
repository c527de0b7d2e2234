"""Clients from their opening to their close: context managers, borrowed HTTP clients, the environment."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from countermand import (
    AsyncCountermand,
    Countermand,
    NotSentError,
    RetryPolicy,
)
from tests.support.doors import Door, Kind
from tests.support.markets import MARKETS, PATTERN, Market
from tests.support.stage import Stage, reply
from tests.support.tables import table


def test_a_client_is_a_context_manager() -> None:
    """It closes at the end, and lets exceptions through."""
    stage = Stage()

    def used() -> None:
        with Countermand(http_client=stage.driver) as client:
            assert isinstance(client, Countermand)
            raise KeyError

    with pytest.raises(KeyError):
        used()
    assert stage.closed == 1


def test_an_async_client_is_an_async_context_manager() -> None:
    """With `async with`."""
    stage = Stage()

    async def used() -> None:
        async with AsyncCountermand(http_client=stage.async_driver) as client:
            assert isinstance(client, AsyncCountermand)
            raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(used())
    assert stage.closed == 1


@table("market", MARKETS, ids=lambda market: market.name)
def test_a_closed_client_sends_nothing(market: Market, kind: Kind) -> None:
    """NotSentError; closing twice is closing once."""
    with Door(kind, retry=RetryPolicy.never(), **market.settings) as door:
        door.close()
        door.close()
        for call in (market.cancel, market.read, market.wait):
            with pytest.raises(NotSentError, match="closed") as caught:
                call(door, timeout=0.5)
            about = caught.value.marketplace, caught.value.account, caught.value.order_id
            assert about == (market.name, market.access.label, str(market.arguments[0]))


def own_client(kind: Kind) -> Any:
    """Return an HTTP client of the caller's own."""

    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=PATTERN.accepted.body)

    transport = httpx.MockTransport(handler)
    return httpx.Client(transport=transport) if kind == "sync" else httpx.AsyncClient(transport=transport)


def test_a_callers_own_client_is_left_open(kind: Kind) -> None:
    """It is theirs to close, and theirs to go on with."""
    own = own_client(kind)
    with Door(kind, http_client=own, **PATTERN.settings) as door:
        PATTERN.cancel(door)
    assert not own.is_closed


def test_a_callers_closed_client_sends_nothing(kind: Kind) -> None:
    """NotSentError."""
    own = own_client(kind)
    with Door(kind, http_client=own, retry=RetryPolicy.never(), **PATTERN.settings) as door:
        door.run(own.aclose if kind == "async" else own.close)
        with pytest.raises(NotSentError, match="closed"):
            PATTERN.cancel(door)


def test_the_callers_client_keeps_its_manners(kind: Kind) -> None:
    """Its default headers and its event hooks stay in force; its cookies do too."""
    seen: list[httpx.Request] = []

    def hook(request: httpx.Request) -> None:
        seen.append(request)

    async def async_hook(request: httpx.Request) -> None:
        seen.append(request)

    own = own_client(kind)
    own.headers["x-team"] = "orders"
    own.cookies.set("session", "one")
    own.event_hooks = {"request": [async_hook if kind == "async" else hook]}
    with Door(kind, http_client=own, **PATTERN.settings) as door:
        PATTERN.cancel(door)
    assert seen[0].headers["x-team"] == "orders"
    assert seen[0].headers["cookie"] == "session=one"


EVERYTHING = {
    "COUNTERMAND_PATTERN_TOKEN": "pattern-tok3n",
    "COUNTERMAND_PATTERN_ENVIRONMENT": "staging",
    "COUNTERMAND_VTEX_ACCOUNT": "mystore",
    "COUNTERMAND_VTEX_APP_KEY": "vtex-k3y",
    "COUNTERMAND_VTEX_APP_TOKEN": "vtex-tok3n",
    "COUNTERMAND_CRUX_USERNAME": "shop",
    "COUNTERMAND_CRUX_PASSWORD": "crux-passw0rd",
    "COUNTERMAND_CRUX_RELEASE": "timp",
    "COUNTERMAND_CRUX_BASE_URL": "http://localhost:9/crux",
    "COUNTERMAND_KIBO_TENANT_ID": "12345",
    "COUNTERMAND_KIBO_ACCESS_TOKEN": "kibo-tok3n",
    "PATH": "/usr/bin",
}


@pytest.fixture
def from_env(kind: Kind) -> Any:
    """Return the class method of one door."""
    return (AsyncCountermand if kind == "async" else Countermand).from_env


def test_from_env_configures_what_the_environment_names(kind: Kind, from_env: Any) -> None:
    """Every field of a configuration has its variable."""
    stage = Stage(
        cancel=[market.accepted for market in MARKETS], login=[reply(200, {"auth_token": "fetched"})]
    )
    client = from_env(EVERYTHING, http_client=stage.driver if kind == "sync" else stage.async_driver)
    with Door.to(kind, client) as door:
        for market in MARKETS:
            market.cancel(door)
    pattern, vtex, login, crux, kibo = stage.calls
    assert (pattern.origin, pattern.headers["Authorization"]) == (
        "https://stage-api.pattern.com",
        "Bearer pattern-tok3n",
    )
    assert vtex.origin == "https://mystore.vtexcommercestable.com.br"
    assert (vtex.headers["X-VTEX-API-AppKey"], vtex.headers["X-VTEX-API-AppToken"]) == (
        "vtex-k3y",
        "vtex-tok3n",
    )
    assert login.origin == "http://localhost:9"
    assert json.loads(login.body or b"") == {"username": "shop", "password": "crux-passw0rd"}
    assert (crux.target, crux.headers["Authorization"]) == ("/crux/timp/orders/cancel/", "Token fetched")
    assert kibo.origin == "https://12345-translation.mozu.com"
    assert (kibo.headers["x-vol-tenant"], kibo.headers["Authorization"]) == ("12345", "Bearer kibo-tok3n")


def test_from_env_reads_the_process_environment(from_env: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it is given another."""
    for name in EVERYTHING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COUNTERMAND_KIBO_TENANT_ID", "12345")
    assert repr(from_env()).endswith("for 12345>")
    with pytest.raises(ValueError, match="no account is configured"):
        from_env({})


def test_from_env_passes_options_on(kind: Kind, from_env: Any) -> None:
    """The other arguments of the door."""
    stage = Stage(cancel=[PATTERN.accepted])
    driver = stage.driver if kind == "sync" else stage.async_driver
    client = from_env({"COUNTERMAND_PATTERN_TOKEN": "pattern-tok3n"}, timeout=9.0, http_client=driver)
    with Door.to(kind, client) as door:
        PATTERN.cancel(door)
    assert stage.calls[0].deadline <= 9.0
    assert stage.calls[0].headers["Authorization"] == "Bearer pattern-tok3n"


def test_an_empty_variable_is_no_variable(from_env: Any) -> None:
    """As a shell script may leave it: it configures nothing, and leaves the rest as it is."""
    empty = dict.fromkeys(EVERYTHING, "")
    with pytest.raises(
        ValueError, match=r"no account is configured: .*COUNTERMAND_KIBO_TENANT_ID.* is empty"
    ):
        from_env(empty)
    beside = {"COUNTERMAND_CRUX_TOKEN": "", "COUNTERMAND_CRUX_LABEL": ""}
    login = {"COUNTERMAND_CRUX_USERNAME": "shop", "COUNTERMAND_CRUX_PASSWORD": "crux-passw0rd"}
    assert repr(from_env(beside | login)).endswith("for crux>")


WRONG = {
    "one of three": ({"COUNTERMAND_VTEX_APP_KEY": "sekret-text"}, "COUNTERMAND_VTEX_ACCOUNT"),
    "no tenant": ({"COUNTERMAND_KIBO_CLIENT_SECRET": "sekret-text"}, "COUNTERMAND_KIBO_TENANT_ID"),
    "a line break": ({"COUNTERMAND_PATTERN_TOKEN": "sekret-text\n"}, "token"),
    "no such environment": (
        {"COUNTERMAND_PATTERN_TOKEN": "sekret-text", "COUNTERMAND_PATTERN_ENVIRONMENT": "moon"},
        "environment",
    ),
    "half a login": ({"COUNTERMAND_CRUX_PASSWORD": "sekret-text"}, "username"),
    "http": (
        {"COUNTERMAND_CRUX_TOKEN": "sekret-text", "COUNTERMAND_CRUX_BASE_URL": "http://evil.example"},
        "base_url",
    ),
}


@pytest.mark.parametrize("environ, told", WRONG.values(), ids=WRONG)
def test_a_variable_that_is_missing_or_wrong(environ: dict[str, str], told: str, from_env: Any) -> None:
    """ValueError, which names it, and repeats no credential."""
    with pytest.raises(ValueError, match=told) as caught:
        from_env(environ)
    assert "sekret" not in str(caught.value)
