"""The public interface: every name, both doors alike, signatures, and what the docstrings promise."""

import inspect
import subprocess
import sys
from functools import partial
from typing import Any, Unpack, get_args, get_origin, get_type_hints

import attrs
import pytest

import countermand
from countermand import (
    Account,
    AsyncCountermand,
    CallOptions,
    CancelCruxOrder,
    CancelKiboOrder,
    Cancelled,
    CancelPatternOrder,
    CancelVtexOrder,
    Countermand,
    CountermandError,
    Crux,
    InvalidRequestError,
    Kibo,
    NotConfiguredError,
    Outcome,
    PartiallyCancelled,
    Pattern,
    Refused,
    RejectedError,
    Requested,
    RetryPolicy,
    Unknown,
    Vtex,
)
from countermand.marketplaces.base import AsyncSubClient, SubClient
from tests.support.doors import Kind, OpenDoor
from tests.support.markets import MARKETS, Market
from tests.support.stage import Stage
from tests.support.tables import table

FIXED = """
    Countermand AsyncCountermand
    Pattern Vtex Crux Kibo RetryPolicy
    CancelPatternOrder CancelVtexOrder CancelCruxOrder CancelKiboOrder
    Cancelled Requested PartiallyCancelled Refused Unknown Outcome
    CountermandError NotSentError AuthenticationError PermissionDeniedError OrderNotFoundError
    InvalidRequestError RateLimitedError RejectedError NotConfiguredError
""".split()
HEAVY = "httpx httpx2 httpcore aiohttp ssl asyncio cattrs tenacity msgspec anyio uvicorn"


@table("name", FIXED)
def test_a_fixed_name_can_be_imported(name: str) -> None:
    """Others write against these."""
    assert name in vars(countermand)["__all__"]
    assert getattr(countermand, name) is not None


def test_the_list_of_names_is_sorted_and_true() -> None:
    """Everything in it is there, and nothing is named twice."""
    assert vars(countermand)["__all__"] == sorted(set(vars(countermand)["__all__"]))
    assert all(hasattr(countermand, name) for name in vars(countermand)["__all__"])


def test_a_star_import_leaves_a_modules_own_version_alone() -> None:
    """The version is public, and no part of a star import."""
    assert "__version__" not in vars(countermand)["__all__"]
    assert countermand.__version__


def test_a_name_that_is_not_there() -> None:
    """Names are brought when they are asked for; a misspelt one fails as in any module, and all are listed."""
    with pytest.raises(AttributeError, match="Countermnd"):
        _ = getattr(countermand, "Countermn" + "d")
    assert set(vars(countermand)["__all__"]) <= set(dir(countermand))


def test_the_import_is_light() -> None:
    """No HTTP library, TLS, event loop, converter or retry engine comes with the name alone."""
    program = f"import sys, countermand; print(sorted(set('{HEAVY}'.split()) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_marketplace_that_is_not_used_is_not_loaded() -> None:
    """Its module comes with its configuration."""
    program = """
import sys
from countermand import Countermand, Pattern, Vtex
client = Countermand(pattern=Pattern(token="t"), vtex=Vtex(account="a", app_key="k", app_token="t"))
assert client.pattern is client.pattern
ours = [name.rpartition(".")[2] for name in sys.modules if name.startswith("countermand.marketplaces.")]
print(*sorted({"pattern", "vtex", "crux", "kibo"} & {*ours}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["pattern", "vtex"]


def test_of_two_that_come_first_one_opens_the_room(
    open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads may use a marketplace for the first time at once: their calls share one gate and one budget."""
    client = open_door(**{market.name: market.access for market in MARKETS}).client
    room: Any = sys.modules["countermand.marketplaces.pattern"]
    real: Any = room.PatternRules
    others: list[Any] = []

    def rules(configuration: Pattern) -> Any:
        if not others:
            others.append(None)
            others[0] = client.pattern  # as another thread would do in the midst of this one
        return real(configuration)

    monkeypatch.setattr(room, "PatternRules", rules)
    assert client.pattern is others[0]
    assert client.pattern is client.pattern


def parameters(function: Any) -> dict[str, tuple[Any, Any]]:
    """Return the kind and the default of each parameter."""
    found = inspect.signature(function).parameters
    return {name: (each.kind.name, each.default) for name, each in found.items()}


@pytest.mark.parametrize("door", [Countermand, AsyncCountermand])
def test_a_door_opens_with_these_arguments(door: Any) -> None:
    """All by name, and none is needed."""
    told = {name: default for name, (kind, default) in parameters(door).items() if kind == "KEYWORD_ONLY"}
    assert set(told) == {"pattern", "vtex", "crux", "kibo", "timeout", "retry", "hooks", "http_client"}
    assert told.pop("timeout") == 30.0
    assert told.pop("retry") == RetryPolicy()
    assert told.pop("hooks") == ()
    assert set(told.values()) == {None}


METHODS: dict[str, dict[str, list[tuple[str, Any]]]] = {
    "pattern": {
        "cancel_order": [("market_order_id", inspect.Parameter.empty)],
        "order_status": [("market_order_id", inspect.Parameter.empty)],
    },
    "vtex": {
        "cancel_order": [
            ("order_id", inspect.Parameter.empty),
            ("reason", None),
            ("requested_by_user", None),
        ],
        "get_order": [("order_id", inspect.Parameter.empty)],
    },
    "crux": {
        "cancel_order": [("order_uuid", inspect.Parameter.empty)],
        "get_order": [("order_uuid", inspect.Parameter.empty)],
    },
    "kibo": {
        "cancel_order": [
            ("order_id", inspect.Parameter.empty),
            ("disposition_reason", inspect.Parameter.empty),
            ("disposition_other_reason", None),
        ],
        "get_order": [("order_id", inspect.Parameter.empty)],
    },
}


@table("market", MARKETS, ids=lambda market: market.name)
def test_a_sub_clients_methods(market: Market, kind: Kind, open_door: OpenDoor) -> None:
    """Their parameters and defaults; every call takes `CallOptions` by name."""
    stage = Stage()
    driver = stage.driver if kind == "sync" else stage.async_driver
    client = getattr(open_door(http_client=driver, **market.settings).client, market.name)
    for method, expected in METHODS[market.name].items():
        told = parameters(getattr(client, method))
        assert told.pop("options")[0] == "VAR_KEYWORD"
        assert [(name, default) for name, (_, default) in told.items()] == expected
    assert parameters(client.wait_until_settled)["timeout"] == ("KEYWORD_ONLY", 600.0)
    assert parameters(client.wait_until_settled)["options"][0] == "VAR_KEYWORD"
    assert parameters(client.cancel)["options"][0] == "VAR_KEYWORD"
    assert get_type_hints(client.cancel)["options"] == Unpack[CallOptions]
    assert repr(client).startswith("<")


def public(kind: type) -> set[str]:
    """Return the public names of a class."""
    return {name for name in dir(kind) if not name.startswith("_")}


def pairs() -> list[tuple[type, type]]:
    """Return each blocking class and its twin on an event loop."""
    access = {market.name: market.access for market in MARKETS}
    with Countermand(**access) as one:
        two = AsyncCountermand(**access)
        subclients = [(type(getattr(one, name)), type(getattr(two, name))) for name in access]
    return [(Countermand, AsyncCountermand), (SubClient, AsyncSubClient), *subclients]


#: What they take and give differs: an async iterable is taken and given as well, and an intent is awaited.
BULK = {"cancel_many", "settle_many", "settle"}


@pytest.mark.parametrize("blocking, asynchronous", pairs(), ids=lambda kind: kind.__name__)
def test_the_two_doors_are_alike(blocking: Any, asynchronous: Any) -> None:
    """The same names and parameters; one differs by `await` alone, and by aclose for close."""
    assert {"aclose" if name == "close" else name for name in public(blocking)} == public(asynchronous)
    for name in public(blocking):
        one = inspect.getattr_static(blocking, name)
        two = inspect.getattr_static(asynchronous, "aclose" if name == "close" else name)
        assert type(one) is type(two)
        if name in BULK:
            assert list(inspect.signature(one).parameters) == list(inspect.signature(two).parameters)
        elif inspect.isfunction(one) and one is not two:
            assert not inspect.iscoroutinefunction(one)
            assert inspect.iscoroutinefunction(two)
            assert parameters(one) == parameters(two)
            assert [str(each.annotation) for each in inspect.signature(one).parameters.values()] == [
                str(each.annotation).replace("AsyncIntent", "Intent")
                for each in inspect.signature(two).parameters.values()
            ]
            assert get_type_hints(one).get("return") == get_type_hints(two).get("return")


REQUESTS: list[tuple[type, list[str]]] = [
    (CancelPatternOrder, ["market_order_id"]),
    (CancelVtexOrder, ["order_id", "reason", "requested_by_user"]),
    (CancelCruxOrder, ["order_uuid"]),
    (CancelKiboOrder, ["order_id", "disposition_reason", "disposition_other_reason"]),
]


@pytest.mark.parametrize("request_type, fields", REQUESTS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_request_is_frozen(request_type: Any, fields: list[str]) -> None:
    """With the parameters of `cancel_order`."""
    assert [field.name for field in attrs.fields(request_type)] == [*fields, "account"]
    order_id = "521a91e5-058d-4474-aeee-f0c148594a00" if request_type is CancelCruxOrder else "1"
    request = request_type(*[order_id] * (2 if request_type is CancelKiboOrder else 1))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(request, fields[0], "2")
    assert request == attrs.evolve(request)
    assert hash(request) == hash(attrs.evolve(request))


CONFIGURATIONS: list[Any] = [
    Pattern(token="t"),
    Vtex(account="a", app_key="k", app_token="t"),
    Crux(token="t"),
    Kibo(tenant_id=1),
]


@pytest.mark.parametrize("access", CONFIGURATIONS, ids=lambda access: type(access).__name__)
def test_a_configuration_is_frozen_attrs_by_name(access: Any) -> None:
    """`environment` is production unless said otherwise, `base_url` overrides."""
    assert attrs.has(type(access))
    assert access.environment == ("vtexcommercestable" if isinstance(access, Vtex) else "production")
    assert access.base_url is None
    for field in attrs.fields(type(access)):
        assert field.kw_only
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(access, field.name, "another")


def test_the_answers_are_five() -> None:
    """A closed union, generic in the marketplace's own answer."""
    answers = [get_origin(each) for each in get_args(Outcome)]
    assert answers == [Cancelled, Requested, PartiallyCancelled, Refused, Unknown]


def test_the_tree_of_errors() -> None:
    """One parent; what the marketplace answered stands together; bad input is a ValueError too."""
    kinds = [getattr(countermand, name) for name in vars(countermand)["__all__"] if name.endswith("Error")]
    assert all(issubclass(kind, CountermandError) for kind in kinds)
    assert {kind.__name__ for kind in kinds if issubclass(kind, RejectedError)} == {
        "RejectedError",
        "AuthenticationError",
        "PermissionDeniedError",
        "OrderNotFoundError",
    }
    assert issubclass(InvalidRequestError, ValueError)


@table("market", MARKETS, ids=lambda market: market.name)
def test_what_was_not_configured(market: Market, kind: Kind, open_door: OpenDoor) -> None:
    """Every way to it says so, and names it; nothing is sent."""
    stage = Stage()
    others = {each.name: each.access for each in MARKETS if each is not market}
    door = open_door(http_client=stage.driver if kind == "sync" else stage.async_driver, **others)
    with pytest.raises(NotConfiguredError, match=market.name) as caught:
        market.cancel(door)
    assert caught.value.marketplace == market.name
    unknown = Unknown[Any](marketplace=market.name, order_id=str(market.arguments[0]), reason="lost")
    for call, given in (door.client.cancel, market.request), (door.client.check, unknown):
        with pytest.raises(NotConfiguredError, match=market.name) as caught:
            door.run(partial(call, given))
        assert caught.value.order_id == str(market.arguments[0])
    labelled = attrs.evolve(market.request, account="no-such-account")
    with pytest.raises(NotConfiguredError) as caught:
        door.cancel(labelled)
    about = caught.value.marketplace, caught.value.account, caught.value.order_id
    assert about == (market.name, "no-such-account", str(market.arguments[0]))
    assert stage.calls == []
    assert market.name not in repr(door.client)


@table("market", MARKETS, ids=lambda market: market.name)
def test_a_sub_client_serves_its_own_account(market: Market, kind: Kind, open_door: OpenDoor) -> None:
    """A request or an outcome that names another one is refused: its order may have the same id as one here."""
    stage = Stage()
    access: Any = attrs.evolve(market.access, label="mine")
    door = open_door(
        http_client=stage.driver if kind == "sync" else stage.async_driver, **{market.name: access}
    )
    client = door.client["mine"]
    unknown = Unknown[Any](
        marketplace=market.name, order_id=str(market.arguments[0]), account="another", reason="lost"
    )
    request = attrs.evolve(market.request, account="another")
    for call, given in (
        (client.cancel, request),
        (client.check, unknown),
        (client.wait_until_settled, unknown),
    ):
        with pytest.raises(InvalidRequestError, match="another"):
            door.run(partial(call, given))
    assert stage.calls == []


class Brand(Vtex):
    """A configuration of the caller's own, derived from one of ours."""


def test_a_class_is_the_key_of_its_own_accounts(open_door: OpenDoor) -> None:
    """An account of a base class, or of another class with the same marketplace, is none of them."""
    base: Any = Vtex(account="a", app_key="vtex-key", app_token="vtex-token")
    derived = Brand(account="b", app_key="vtex-key", app_token="vtex-token")
    assert open_door(vtex=derived).client[Vtex].account == "b"
    with pytest.raises(NotConfiguredError, match="without an account at vtex; there is a"):
        _ = open_door(vtex=base).client[Brand]
    both = Countermand(base, derived)
    assert both[Brand].account == "b"
    with pytest.raises(NotConfiguredError, match="several accounts at vtex: a, b"):
        _ = both[Vtex]
    both.close()


def test_a_base_class_is_no_key(open_door: OpenDoor) -> None:
    """It names no marketplace."""
    with pytest.raises(TypeError, match="an account, its class or its label"):
        _ = open_door().client[Account]


DOCUMENTED = [
    getattr(countermand, name)
    for name in vars(countermand)["__all__"]
    if name not in {"Outcome", "DispositionReason"}
]


@table("thing", DOCUMENTED, ids=lambda thing: getattr(thing, "__name__", str(thing)))
def test_everything_public_is_documented(thing: Any) -> None:
    """A class, and every method and property of it that has a body of its own."""
    if not inspect.isclass(thing):
        return
    assert inspect.getdoc(thing)
    assert not (thing.__doc__ or "").startswith("Method generated by attrs")
    for name in public(thing):
        member = inspect.getattr_static(thing, name)
        if inspect.isfunction(member) or isinstance(member, property | classmethod | staticmethod):
            assert inspect.getdoc(getattr(thing, name)) or inspect.getdoc(member), f"{thing.__name__}.{name}"


@pytest.mark.parametrize("blocking, asynchronous", pairs(), ids=lambda kind: kind.__name__)
def test_every_method_is_documented(blocking: Any, asynchronous: Any) -> None:
    """At both doors."""
    for kind in (blocking, asynchronous):
        for name in public(kind):
            assert inspect.getdoc(getattr(kind, name)), f"{kind.__name__}.{name}"


SOURCES = {
    "pattern": "https://developer.pattern.com/",
    "vtex": "https://developers.vtex.com/",
    "crux": "https://docs.cruxconnect.com/",
    "kibo": "https://docs.kibocommerce.com/",
}


@pytest.mark.parametrize("name, source", SOURCES.items())
def test_what_a_marketplace_does_is_cited(name: str, source: str) -> None:
    """A docstring that states a marketplace's behaviour has the address of the vendor's page."""
    subclient: Any = next(one for one, _ in pairs() if one.__name__ == f"{name.capitalize()}Client")
    domain = ".".join(source.split("/")[2].split(".")[-2:])
    assert domain in (inspect.getdoc(inspect.getmodule(subclient)) or "")
    assert source in (inspect.getdoc(subclient.cancel_order) or "")
