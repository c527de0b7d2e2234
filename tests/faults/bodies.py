"""What a network, or a gateway in it, can do to a reply. Each takes the reply and the passage, and returns another.

The limit: bytes may be lost, doubled or garbled, a reply may be mixed up with another order's, and a gateway may
answer in the marketplace's place. But nobody forges a whole, documented answer about the right order that is a lie:
no client could tell, and a cancellation that rests on such an answer is the marketplace's word, not ours.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from countermand.engine.wire import Reply
from countermand.sandbox.http import SandboxRequest
from countermand.sandbox.world import World

from .network import Alteration, Passage

HTML = b"<!doctype html><html><head><title>Bad gateway</title></head><body>Please stand by.</body></html>"
ELSEWHERE = "https://elsewhere.example/"

#: The fields in which the four marketplaces tell an order's id and its state.
_IDS = ("market_order_id", "orderId", "orderID", "uuid", "order_uuid")
_STATES = {
    b'"order_status":': b'"cancelled"',
    b'"sub_order_status":': b'"cancelled"',
    b'"orderStatus":': b'"CANCELED"',
    b'"orderState":': b'"CANCELED"',
    b'"status":': b'"canceled"',
    b'"success":': b"true",
}


def answers(status: int, body: bytes = HTML, headers: Mapping[str, str] | None = None) -> Alteration:
    """Return what puts this status and body in the reply's place."""
    named = {"content-type": "text/html", **(headers or {})}
    return lambda reply, passage: Reply(status, named, body)


def flawed(flaw: str) -> Alteration:
    """Return what has the body end too early, or not be readable."""

    def alter(reply: Reply, passage: Passage) -> Reply:
        part = reply.body[: passage.random.randrange(len(reply.body) + 1)]
        return Reply(reply.status, reply.headers, part, flaw)

    return alter


def broken_off(flaw: str) -> Alteration:
    """Return what is left when a gateway has said 200, and then has nothing to say."""
    return lambda reply, passage: Reply(200, {}, b"", flaw)


def body(change: Callable[[bytes, Passage], bytes]) -> Alteration:
    """Return what changes the reply's body and nothing else."""
    return lambda reply, passage: Reply(reply.status, reply.headers, change(reply.body, passage))


def html(said: bytes, passage: Passage) -> bytes:
    """A page for people."""
    return HTML


def empty(said: bytes, passage: Passage) -> bytes:
    """Nothing. Crux documents that as its answer to a cancellation, so there it is no fault."""
    return b""


def gateway_json(said: bytes, passage: Passage) -> bytes:
    """A gateway's own error, in JSON, naming no order."""
    return b'{"error":"upstream unavailable"}'


def in_a_list(said: bytes, passage: Passage) -> bytes:
    """JSON, but a list."""
    return b"[" + (said or b"{}") + b"]"


def not_a_number(said: bytes, passage: Passage) -> bytes:
    """A number that JSON does not have."""
    return _with_first(said, b'"score":NaN')


def many_digits(said: bytes, passage: Passage) -> bytes:
    """An integer of five thousand digits in a field that nobody asked for."""
    return _with_first(said, b'"serial":' + b"7" * 5000)


def deep(said: bytes, passage: Passage) -> bytes:
    """A field that nobody asked for, nested very deeply."""
    return _with_first(said, b'"nested":' + b"[" * 5000 + b"]" * 5000)


def not_utf8(said: bytes, passage: Passage) -> bytes:
    """A field's name in another charset."""
    return _with_first(said, b'"descripci\xf3n":1')


def repeated(said: bytes, passage: Passage) -> bytes:
    """The same field twice, once with a lie."""
    for name, lie in _STATES.items():
        if name in said:
            truth_last = passage.random.random() < 0.5
            start = said.index(name)
            stop = min(at for at in (said.find(b",", start), said.find(b"}", start)) if at >= 0)
            pair = [said[start:stop], name + lie]
            return said[:start] + b",".join(reversed(pair) if truth_last else pair) + said[stop:]
    return _with_first(said, b'"order_uuid":"a","order_uuid":"b"')


def of_wrong_type(said: bytes, passage: Passage) -> bytes:
    """One value of another type than documented."""
    return _changed(said, passage, lambda owner, key: owner.__setitem__(key, _other_type(owner[key])))


def without_a_field(said: bytes, passage: Passage) -> bytes:
    """One field is missing, and it is not one that may be: an order without it would say another thing."""
    return _changed(
        said,
        passage,
        lambda owner, key: owner.__setitem__("x", 0) if key in _OPTIONAL else owner.__delitem__(key),
    )


def about_another_id(said: bytes, passage: Passage) -> bytes:
    """The answer names another order."""
    value = _object(said)
    if value is None:
        return b'{"order_uuid":"another-order"}'
    for name in _IDS:
        if name in value:
            value[name] = value[name] + 1 if isinstance(value[name], int) else f"{value[name]}0"
    return _dumped(value)


def about_another_order(world: World, order_id: str, other_id: str) -> Alteration:
    """Return what answers a read with another order, whole."""

    def alter(reply: Reply, passage: Passage) -> Reply:
        target = passage.call.target.replace(quote(order_id, safe=""), quote(other_id, safe=""))
        answer = world.handle(SandboxRequest.to("GET", target, {**passage.call.headers}))
        return Reply(answer.status, {name.lower(): value for name, value in answer.headers}, answer.body)

    return alter


def echoing(reply: Reply, passage: Passage) -> Reply:
    """A gateway's debugging page, which repeats the request with its credentials."""
    headers = "\n".join(f"{name}: {value}" for name, value in passage.call.headers.items())
    said = f"upstream failed for\n{headers}\n\n".encode() + (passage.call.body or b"")
    status = passage.random.choice((400, 403, 404, 422, 500, 502))
    return Reply(status, {"content-type": "text/plain", "x-request-id": headers}, said)


def _object(said: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(said)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _dumped(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _with_first(said: bytes, field: bytes) -> bytes:
    value = said.strip()
    if not value.startswith(b"{"):
        return b"{" + field + b"}"
    return b"{" + field + (b"" if value == b"{}" else b",") + value[1:]


#: Fields that are documented to be missing now and then, and what they say is then said by nothing.
_OPTIONAL = {"packageAttachment", "packages", "type", "orderState", "orderStatus", "line_item_designation"}


def _changed(said: bytes, passage: Passage, change: Callable[[dict[str, Any], str], None]) -> bytes:
    value = _object(said)
    if not value:
        return HTML
    owner = value
    key = passage.random.choice(list(owner))
    while isinstance(inner := owner[key], dict | list) and inner and passage.random.random() < 0.7:
        first = inner[0] if isinstance(inner, list) else inner
        if not isinstance(first, dict) or not first:
            break
        owner = first
        key = passage.random.choice(list(owner))
    change(owner, key)
    return _dumped(value)


def _other_type(value: object) -> object:
    match value:
        case bool():
            return "no"
        case str():
            return 7
        case int() | float():
            return str(value)
        case list():
            return {}
        case dict():
            return []
        case _:
            return {"value": value}
