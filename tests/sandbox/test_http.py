"""The same worlds over real HTTP on loopback, and the sandbox's front."""

import contextlib
import sys
from collections.abc import Iterator

import httpx
import pytest

from countermand.sandbox import LoseReply, RateLimited, Sandbox
from countermand.sandbox.app import App, asgi_app
from countermand.sandbox.mishaps import Gateway
from countermand.sandbox.server import serve
from countermand.sandbox.world import World
from tests.sandbox.calls import CRUX, KIBO, PATTERN, VTEX
from tests.support.tls import unused

ODD = "a/b?c#d&e%2F f"
ODD_ENCODED = "a%2Fb%3Fc%23d%26e%252F%20f"


@pytest.fixture
def gateway() -> Gateway:
    """Return a way into an empty world."""
    return Gateway(World())


@pytest.fixture
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    """Give an HTTP client of that world, served on loopback."""
    with (
        serve(App(gateway)) as origin,
        httpx.Client(base_url=origin, trust_env=False, verify=unused()) as client,
    ):
        yield client


def test_all_four_marketplaces_answer(gateway: Gateway, client: httpx.Client) -> None:
    """Paths, queries, headers and bodies survive the wire, reserved characters included."""
    world = gateway.world
    world.pattern.add_order(ODD, {1: "new", 2: "picked"})
    world.vtex.add_order(ODD)
    world.crux.add_order("uuid")
    world.crux.accepts_with = 204
    world.kibo.add_order(1010101)
    pattern = client.post("/pattern/v1/orders/cancel_order", params={"market_order_id": ODD}, headers=PATTERN)
    vtex = client.post(f"/vtex/api/oms/pvt/orders/{ODD_ENCODED}/cancel", headers=VTEX, json={"reason": "ä"})
    crux = client.patch("/crux/orders/cancel/", headers=CRUX, json={"order_uuid": "uuid"})
    kibo = client.post(
        "/kibo/api/v2/order/action/cancel",
        headers=KIBO,
        json={"orderId": 1010101, "dispositionReason": "created_by_mistake"},
    )
    assert [reply.status_code for reply in (pattern, vtex, crux, kibo)] == [206, 200, 204, 200]
    assert pattern.json()["market_order_id"] == vtex.json()["orderId"] == ODD
    assert crux.content == b""
    assert kibo.json()["orderState"] == "CANCELED"
    assert kibo.headers["date"] == "Mon, 02 Mar 2026 09:00:00 GMT"


def test_a_body_in_pieces_arrives_whole(gateway: Gateway, client: httpx.Client) -> None:
    """A chunked body is put together."""
    gateway.world.crux.add_order("uuid")
    pieces = iter([b'{"order_', b'uuid": "uu', b'id"}'])
    headers = {**CRUX, "Content-Type": "application/json"}
    assert client.patch("/crux/orders/cancel/", headers=headers, content=pieces).status_code == 200


def test_a_lost_reply_cuts_the_connection(gateway: Gateway, client: httpx.Client) -> None:
    """The client sees the connection end early, although the order was cancelled."""
    gateway.world.vtex.add_order("v")
    gateway.mishap("vtex", LoseReply())
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/vtex/api/oms/pvt/orders/v/cancel", headers=VTEX)
    assert gateway.world.truth("vtex", "v").accepted
    assert client.get("/vtex/api/oms/pvt/orders/v", headers=VTEX).status_code == 200


def test_a_rate_limit_reaches_the_client(gateway: Gateway, client: httpx.Client) -> None:
    """Retry-After arrives as scripted."""
    gateway.mishap("kibo", RateLimited("60"))
    reply = client.get("/kibo/api/v2/order/1", headers=KIBO)
    assert (reply.status_code, reply.content, reply.headers["retry-after"]) == (429, b"", "60")


def test_a_world_can_be_served_alone() -> None:
    """`asgi_app` needs no more than a world; time follows the clock it is given."""
    ticks = iter([0.0, 3.0])
    app = asgi_app(World(), clock=lambda: next(ticks))
    with serve(app) as origin:
        reply = httpx.get(f"{origin}/nowhere", trust_env=False)
    assert (reply.status_code, reply.headers["date"]) == (404, "Mon, 02 Mar 2026 09:00:03 GMT")


def test_nothing_listens_afterwards(gateway: Gateway) -> None:
    """The server is gone when its block is left; another process may have its port by then."""
    with serve(App(gateway)) as origin:
        httpx.get(f"{origin}/pattern", trust_env=False)
        heard = len(gateway.requests)
    assert heard == 1
    with contextlib.suppress(httpx.TransportError):
        httpx.get(f"{origin}/pattern", trust_env=False)
    assert len(gateway.requests) == heard


def test_without_uvicorn_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who lacks the extra is told how to get it."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ImportError, match=r"countermand\[sandbox\]"), Sandbox(http=True):
        pass
