"""Bad input: found before a byte is sent, and no credential is ever repeated."""

import json
from typing import Any

import attrs
import httpx
import pytest

from countermand import (
    AsyncCountermand,
    CancelKiboOrder,
    CancelVtexOrder,
    Countermand,
    CountermandError,
    Crux,
    InvalidRequestError,
    Kibo,
    Pattern,
    Vtex,
)
from countermand.engine.rules import CancelRequest
from tests.support.doors import Kind, OnStage
from tests.support.markets import CRUX, KIBO, MARKETS, PATTERN, VTEX, Market
from tests.support.stage import Stage
from tests.support.tables import table

BAD_TEXTS: list[Any] = [
    "",
    " ",
    "\t",
    "\u00a0",
    ".",
    "..",
    "a\nb",
    "a\rb",
    "a\x00b",
    "\x1b[31m",
    "a\x7f",
    "a\x85b",
    "a\u2028b",
    "\ud800",
    "x" * 1025,
    None,
    114,
    1.5,
    True,
    b"114",
    ["114"],
]
BAD_NUMBERS: list[Any] = [
    0, -1, True, False, 1.0, 1.5, float("nan"), float("inf"), "", None, b"1", [1], 2**63, 10**400,
    "007", "0", "+1", "-1", " 1", "1 ", "1\n", "1.0", "1e3", "0x1", "1_0", "\u0661", "\uff11", str(2**63), "9" * 5000,
]  # fmt: skip
NO_UUIDS: list[Any] = [
    "521a91e5", "521a91e5-058d-4474-aeee-f0c148594a0", "521a91e5-058d-4474-aeee-f0c148594a000",
    "521a91e5-058d4474-aeee-f0c148594a00", "521a91e5058d-4474-aeee-f0c148594a00", "{521a91e5-058d-4474-aeee-f0c148594a00}",
    "urn:uuid:521a91e5-058d-4474-aeee-f0c148594a00", "g21a91e5-058d-4474-aeee-f0c148594a00",
    "521a91e5_058d_4474_aeee_f0c148594a00", " 521a91e5-058d-4474-aeee-f0c148594a00", "\uff1521a91e5058d4474aeeef0c148594a00",
]  # fmt: skip
WITH_TEXT = (PATTERN, VTEX, CRUX)


def bad_ids() -> list[Any]:
    """Return every bad id at every marketplace."""
    texts = [(market, bad) for market in WITH_TEXT for bad in BAD_TEXTS]
    uuids = [(CRUX, bad) for bad in NO_UUIDS]
    return [*texts, *uuids, *((KIBO, bad) for bad in BAD_NUMBERS)]


def told(value: object) -> str | None:
    """Name a parameter briefly."""
    return value.name if isinstance(value, Market) else ascii(value)[:20]


@table("market, bad", bad_ids(), ids=told)
def test_a_bad_id_is_not_sent(market: Market, bad: Any, on_stage: OnStage) -> None:
    """Whatever is called with it: cancel_order, a request, the read, wait_until_settled."""
    stage = Stage()
    door = on_stage(stage, market)
    field = attrs.fields(type(market.request))[0].name
    calls: list[tuple[Any, ...]] = [
        ("cancel_order", bad, *market.arguments[1:]),
        (market.reads, bad),
        ("wait_until_settled", bad),
    ]
    for call in calls:
        with pytest.raises(InvalidRequestError) as caught:
            door.do(market.name, *call)
        assert caught.value.marketplace == market.name
        assert caught.value.attempts == ()
        assert isinstance(caught.value, ValueError)
    with pytest.raises(InvalidRequestError):
        attrs.evolve(market.request, **{field: bad})
    assert stage.calls == []


BAD_TIMEOUTS: list[Any] = [0, -1, float("nan"), float("inf"), "30", b"30", True, [], 1e9, 10**400]


@table("timeout", BAD_TIMEOUTS, ids=told)
def test_a_bad_timeout_is_not_sent(timeout: Any, market: Market, on_stage: OnStage) -> None:
    """A positive, finite number of seconds, for a client and for a call."""
    stage = Stage()
    door = on_stage(stage, market)
    for call in (market.cancel, market.read, market.wait):
        with pytest.raises(InvalidRequestError):
            call(door, timeout=timeout)
    with pytest.raises(InvalidRequestError):
        door.cancel(market.request, timeout=timeout)
    with pytest.raises(InvalidRequestError):
        on_stage(stage, market, timeout=timeout)
    assert stage.calls == []


def test_no_timeout_is_the_clients(market: Market, on_stage: OnStage) -> None:
    """For a cancellation and for a read."""
    stage = Stage(cancel=[market.accepted], read=[market.cancelled])
    door = on_stage(stage, market)
    market.cancel(door, timeout=None)
    market.read(door, timeout=None)
    assert len(stage.calls) == 2


@table("label", ["", 5, b"eu", "a\n"], ids=told)
def test_a_request_names_its_account_by_a_label(market: Market, label: Any) -> None:
    """It is refused where it is built; the error carries the order."""
    with pytest.raises(InvalidRequestError, match="account must be the label") as caught:
        attrs.evolve(market.request, account=label)
    assert (caught.value.marketplace, caught.value.order_id) == (market.name, str(market.order_id))


LINE_BREAKS = ["sek\nret-text", "sekret-text\n", "sekret-text\r\nX-Evil: 1", "\x00sekret-text", "sekret-téxt"]
NO_HEADERS: list[Any] = [*LINE_BREAKS, " sekret-text", "sekret-text ", "", b"sekret-text", 5, ["sekret-text"]]
ACCESS: dict[str, Any] = {
    "Pattern.token": lambda bad: Pattern(token=bad),
    "Vtex.app_key": lambda bad: Vtex(account="a", app_key=bad, app_token="t"),
    "Vtex.app_token": lambda bad: Vtex(account="a", app_key="k", app_token=bad),
    "Crux.token": lambda bad: Crux(token=bad),
    "Kibo.access_token": lambda bad: Kibo(tenant_id=1, access_token=bad),
}


@table("bad", NO_HEADERS, ids=told)
@table("build", ACCESS.values(), ids=ACCESS)
def test_a_credential_that_fits_no_header(build: Any, bad: Any) -> None:
    """ValueError, which names the field and does not repeat the value."""
    with pytest.raises(ValueError, match="must be") as caught:
        build(bad)
    assert "sek" not in str(caught.value)
    assert "sek" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@table(
    "build",
    [
        lambda: Pattern(token=None),  # type: ignore[arg-type]
        lambda: Vtex(account="a", app_key=None, app_token="t"),  # type: ignore[arg-type]
        lambda: Vtex(account="a", app_key="k", app_token=None),  # type: ignore[arg-type]
        Crux,
        lambda: Crux(username="u"),
        lambda: Crux(password="p"),
        lambda: Crux(username="", password="p"),
        lambda: Crux(username="u", password=""),
        lambda: Crux(token="t", username="u", password="p"),
        lambda: Crux(token="t", password="p"),
        lambda: Kibo(tenant_id=1, client_id="c"),
        lambda: Kibo(tenant_id=1, client_secret="s"),
        lambda: Kibo(tenant_id=1, client_id="", client_secret="s"),
        lambda: Kibo(tenant_id=1, access_token="t", client_id="c", client_secret="s"),
        lambda: Pattern(token="t", environment="sandbox"),  # type: ignore[arg-type]
        lambda: Crux(token="t", environment="staging"),  # type: ignore[arg-type]
        lambda: Crux(token="t", release="v2"),  # type: ignore[arg-type]
        lambda: Kibo(tenant_id=1, environment="staging"),  # type: ignore[arg-type]
    ],
)
def test_a_configuration_that_makes_no_sense(build: Any) -> None:
    """ValueError, where it is built."""
    with pytest.raises(ValueError, match=r"\w") as caught:
        build()
    assert "Attribute(" not in str(caught.value)


HOSTS: list[Any] = [
    "evil.example", "a.b", "a/b", "a\\b", "a?b", "a#b", "a@b", "a:80", "a b", "", " ", "-a", "a-", "a\n", "%2e",
    "é", "a_b/", "..", "x" * 64, None, 5, True, b"a",
]  # fmt: skip


@table("bad", HOSTS, ids=told)
def test_an_account_cannot_choose_the_host(bad: Any) -> None:
    """Letters, digits and hyphens, in one label; an environment is one of VTEX's own."""
    with pytest.raises(ValueError, match="host name"):
        Vtex(account=bad, app_key="k", app_token="t")
    with pytest.raises(ValueError, match="environment must be one of vtexcommercestable, vtexcommercebeta"):
        Vtex(account="a", environment=bad, app_key="k", app_token="t")


TENANTS: list[Any] = [
    "evil.example/", "1/", "1.2", "1@evil", "1#", "-1", -1, "+1", "", " ", " 1", "1 ", "1\n", "0x1", "1e3", "x",
    "\uff11", "\u0661", "²", True, False, 1.0, 1.5, None, b"1", [1], "1" * 64,
]  # fmt: skip


@table("bad", TENANTS, ids=told)
def test_a_tenant_is_digits(bad: Any) -> None:
    """It is part of the host's name too."""
    with pytest.raises(ValueError, match="must be digits"):
        Kibo(tenant_id=bad)


BAD_URLS: list[Any] = [
    "http://api.pattern.com", "http://192.168.0.1", "http://10.0.0.1:80", "http://0.0.0.0", "http://[::2]",
    "http://127.0.0.1.evil.example", "http://localhost.evil.example", "http://evil.example#localhost",
    "http://evil.example\\@localhost", "http://localhost@evil.example", "http://127.0.0.1@evil.example/",
    "https://user:sekret@host.example", "https://user@host.example", "https://@host.example",
    "https://host.example?x=1", "https://host.example?", "https://host.example#f", "https://host.example#",
    "https://", "https:///path", "https://:443", "//host.example", "host.example", "/path", "", " ",
    "ftp://host.example", "file:///etc/passwd", "javascript:alert(1)", "ws://localhost",
    "https://host.example:99999", "https://host.example:x", "https://[::1", "https://host .example",
    "https://host.example/a b", "https://host.example/\n", "https://host\x00.example", "https://hôst.example",
    "https://host.example\\path", 5, b"https://host.example",
]  # fmt: skip
GOOD_URLS = [
    "https://host.example", "https://host.example/", "https://host.example/a/b", "https://host.example:8443/",
    "HTTPS://HOST.example", "http://localhost", "http://localhost:8000/x", "http://127.0.0.1:9/", "http://[::1]:9",
    "http://127.9.9.9", "https://192.168.0.1", "https://[2001:db8::1]",
]  # fmt: skip
URL_FIELDS: dict[str, Any] = {
    "Pattern": lambda url: Pattern(token="t", base_url=url),
    "Vtex": lambda url: Vtex(account="a", app_key="k", app_token="t", base_url=url),
    "Crux": lambda url: Crux(token="t", base_url=url),
    "Kibo": lambda url: Kibo(tenant_id=1, base_url=url),
    "Kibo's auth_url": lambda url: Kibo(tenant_id=1, auth_url=url),
}


@table("build", URL_FIELDS.values(), ids=URL_FIELDS)
@table("url", BAD_URLS, ids=told)
def test_a_bad_base_url(url: Any, build: Any) -> None:
    """https, or http to this machine; a host; no user, no query, no fragment."""
    with pytest.raises(ValueError, match="url") as caught:
        build(url)
    assert "sekret" not in str(caught.value)


@table("build", URL_FIELDS.values(), ids=URL_FIELDS)
@table("url", GOOD_URLS)
def test_a_good_base_url(url: str, build: Any) -> None:
    """It is used as it is."""
    assert url in (build(url).url, getattr(build(url), "auth_url", None))


@pytest.mark.parametrize("door", [Countermand, AsyncCountermand])
def test_a_client_without_any_marketplace_is_empty_and_not_wrong(door: Any) -> None:
    """It says so when it is printed."""
    assert repr(door(http_client=Stage().driver if door is Countermand else Stage().async_driver)) == (
        f"<{door.__name__} for no account>"
    )


@table("market", MARKETS, ids=lambda market: market.name)
def test_a_message_names_the_field(market: Market, on_stage: OnStage) -> None:
    """In the marketplace's own word."""
    field = attrs.fields(type(market.request))[0].name
    with pytest.raises(CountermandError, match=field):
        on_stage(Stage(), market).do(market.name, market.reads, None)


@pytest.mark.parametrize("given", [1010101, "1010101"])
def test_a_kibo_id_is_an_integer_or_its_canonical_decimal_text(given: Any, on_stage: OnStage) -> None:
    """Which is what `outcome.order_id` is; the wire carries the integer."""
    stage = Stage(cancel=[KIBO.accepted] * 2, read=[KIBO.cancelled] * 2)
    door = on_stage(stage, KIBO)
    door.cancel(CancelKiboOrder(given, "other"))
    door.do("kibo", "cancel_order", given, "other")
    door.do("kibo", "get_order", given)
    door.do("kibo", "wait_until_settled", given)
    assert [call.body for call in stage.calls[:2]] == [
        b'{"orderId": 1010101, "dispositionReason": "other"}'
    ] * 2
    assert [call.target for call in stage.calls[2:]] == ["/api/v2/order/1010101"] * 2


@pytest.mark.parametrize(
    "good",
    [
        "521a91e5-058d-4474-aeee-f0c148594a00",
        "521A91E5-058D-4474-AEEE-F0C148594A00",
        "521a91e5058d4474aeeef0c148594a00",
    ],
)
def test_a_crux_uuid_is_sent_as_it_is_given(good: str, on_stage: OnStage) -> None:
    """With or without hyphens, in either case."""
    stage = Stage(cancel=[CRUX.accepted], read=[CRUX.cancelled])
    door = on_stage(stage, CRUX)
    assert door.do("crux", "cancel_order", good).order_id == good
    assert door.do("crux", "get_order", good).uuid == CRUX.order_id
    assert json.loads(stage.calls[0].body or b"") == {"order_uuid": good}


class Lookalike:
    """Names every marketplace, and has nothing else of a request."""

    marketplace = property(lambda self: "pattern")
    order_id = "114-1"


@table("wrong", [None, "114-1", 5, object(), Lookalike(), CancelRequest(), CancelVtexOrder], ids=told)
def test_what_is_no_request_is_not_sent(wrong: Any, market: Market, on_stage: OnStage) -> None:
    """Nor is a request for another marketplace."""
    stage = Stage()
    door = on_stage(stage, market)
    if wrong is not CancelVtexOrder:
        with pytest.raises(InvalidRequestError, match="request"):
            door.cancel(wrong)
    with pytest.raises(InvalidRequestError, match="request"):
        door.do(market.name, "cancel", wrong if wrong is not CancelVtexOrder else _of_another(market))
    assert stage.calls == []


def _of_another(market: Market) -> Any:
    return next(other.request for other in MARKETS if other is not market)


@table("wrong", [{}, "sekret-text", Pattern, 5], ids=["a dict", "a text", "a class", "a number"])
def test_a_configuration_of_another_kind(wrong: Any, market: Market, on_stage: OnStage) -> None:
    """It is told by its type, and not repeated."""
    others = [other.access for other in MARKETS if other is not market]
    for value in (wrong, *others):
        with pytest.raises(InvalidRequestError, match=f"{market.name} must be") as caught:
            on_stage(Stage(), market, **{market.name: value})
        assert "sekret" not in str(caught.value)


@table("wrong", ["httpx", 5, object()], ids=["a text", "a number", "an object"])
def test_an_http_client_of_another_kind(wrong: Any, market: Market, on_stage: OnStage) -> None:
    """It is found out when the client is opened, not in the middle of a cancellation."""
    with pytest.raises(InvalidRequestError, match="http_client"):
        on_stage(Stage(), market, http_client=wrong)


def test_an_http_client_of_the_other_door(kind: Kind, on_stage: OnStage) -> None:
    """A blocking client for the async door, or the other way round."""
    wrong = httpx.Client(verify=False) if kind == "async" else httpx.AsyncClient(verify=False)
    with pytest.raises(InvalidRequestError, match="http_client"):
        on_stage(Stage(), PATTERN, http_client=wrong)


def test_an_id_in_place_of_an_outcome_is_told_what_takes_one(market: Market, on_stage: OnStage) -> None:
    """`check` wants the outcome; the message names `look`, which takes an id."""
    door = on_stage(Stage(), market)
    with pytest.raises(InvalidRequestError, match=r"an outcome of \w+ is wanted, not str; .*look\(id\)"):
        door.do(market.name, "check", "1172452900788-01")
