"""Requests as a correct client would send them, for tests that bend one thing at a time."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from countermand.sandbox.http import SandboxReply, SandboxRequest

Headers = Mapping[str, str]

NOTHING: Mapping[str, object] = {}
JSON = {"Content-Type": "application/json; charset=utf-8"}
PATTERN = {"Authorization": "Bearer sandbox-pattern-token"}
VTEX = {"X-VTEX-API-AppKey": "vtexappkey-sandbox", "X-VTEX-API-AppToken": "sandbox-vtex-token"}
CRUX = {"Authorization": "Token sandbox-crux-token"}
KIBO = {"x-vol-tenant": "12345"}


def pattern_cancel(order_id: str, headers: Headers = PATTERN) -> SandboxRequest:
    """Ask Pattern Hub to cancel an order."""
    target = f"/pattern/v1/orders/cancel_order?market_order_id={quote(order_id, safe='')}"
    return SandboxRequest.to("POST", target, headers)


def pattern_status(order_id: str, headers: Headers = PATTERN) -> SandboxRequest:
    """Read an order's status at Pattern Hub."""
    target = f"/pattern/v1/orders/status?market_order_id={quote(order_id, safe='')}"
    return SandboxRequest.to("GET", target, headers)


def vtex_cancel(order_id: str, body: object = None, headers: Headers = VTEX) -> SandboxRequest:
    """Ask VTEX to cancel an order, with a JSON body if there is one."""
    target = f"/vtex/api/oms/pvt/orders/{quote(order_id, safe='')}/cancel"
    if body is None:
        return SandboxRequest.to("POST", target, headers)
    return SandboxRequest.to("POST", target, {**headers, **JSON}, encode(body))


def vtex_get(order_id: str, headers: Headers = VTEX) -> SandboxRequest:
    """Read an order at VTEX."""
    return SandboxRequest.to("GET", f"/vtex/api/oms/pvt/orders/{quote(order_id, safe='')}", headers)


def vtex_group(group: str, headers: Headers = VTEX) -> SandboxRequest:
    """Read the orders of one purchase at VTEX."""
    return SandboxRequest.to("GET", f"/vtex/api/oms/pvt/orders/order-group/{quote(group, safe='')}", headers)


def vtex_invoice(order_id: str, kind: str = "Input", value: int = 4990, **more: object) -> SandboxRequest:
    """Notify VTEX of an invoice: `Output` for a sale, `Input` for a return."""
    body = {
        "type": kind,
        "issuanceDate": "2026-03-02T09:00:00.0000000Z",
        "invoiceNumber": "NF-R1",
        "invoiceValue": value,
        "items": [{"id": "17", "price": value, "quantity": 1}],
    }
    target = f"/vtex/api/oms/pvt/orders/{quote(order_id, safe='')}/invoice"
    return SandboxRequest.to("POST", target, {**VTEX, **JSON}, encode(body | more))


def crux_cancel(order_uuid: str, headers: Headers = CRUX, *, release: str = "") -> SandboxRequest:
    """Ask Crux Connect to cancel an order."""
    body = encode({"order_uuid": order_uuid})
    return SandboxRequest.to("PATCH", f"/crux{release}/orders/cancel/", {**headers, **JSON}, body)


def crux_get(order_uuid: str, headers: Headers = CRUX, *, release: str = "") -> SandboxRequest:
    """Read an order at Crux Connect."""
    return SandboxRequest.to("GET", f"/crux{release}/orders/{quote(order_uuid, safe='')}/", headers)


def crux_login(
    username: str = "sandbox-user", password: str = "sandbox-password", *, release: str = ""
) -> SandboxRequest:
    """Fetch a token from Crux Connect."""
    body = encode({"username": username, "password": password})
    return SandboxRequest.to("POST", f"/crux{release}/organizations/user-login/", JSON, body)


def kibo_cancel(
    order_id: object,
    reason: object = "customer_changed_mind",
    headers: Headers = KIBO,
    more: Mapping[str, object] = NOTHING,
    *,
    key: str = "orderId",
) -> SandboxRequest:
    """Ask Kibo to cancel an order."""
    body = encode({key: order_id, "dispositionReason": reason, **more})
    return SandboxRequest.to("POST", "/kibo/api/v2/order/action/cancel", {**headers, **JSON}, body)


def kibo_get(order_id: int, headers: Headers = KIBO) -> SandboxRequest:
    """Read an order at Kibo."""
    return SandboxRequest.to("GET", f"/kibo/api/v2/order/{order_id}", headers)


def kibo_oauth(**body: object) -> SandboxRequest:
    """Fetch a token from Kibo."""
    asked = {
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
        "grant_type": "client_credentials",
    }
    path = "/kibo/api/platform/applications/authtickets/oauth"
    return SandboxRequest.to("POST", path, JSON, encode(asked | body))


def encode(value: object) -> bytes:
    """Return a value in JSON; bytes stay what they are."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def decode(reply: SandboxReply) -> Any:
    """Return the JSON of a reply."""
    return json.loads(reply.body)
