"""Faults of what a body says: another text, another type, another order, or no JSON at all."""

import json
from typing import Any

from .exchange import Exchange, Steps
from .faults import DONE, EITHER, LOST, fault


@fault("wrong content type", DONE, told="all")
def wrong_type(x: Exchange) -> Steps:
    """The right body under a wrong name."""
    kinds = ("text/html", "text/plain; charset=utf-16", "image/png", "application/json; charset=klingon", "x")
    yield x.genuine() if not x.reply.body else x.whole(kind=kinds[x.pick % len(kinds)])


@fault("wrong charset", EITHER)
def wrong_charset(x: Exchange) -> Steps:
    """The right text in bytes that are no UTF-8."""
    text = x.body.decode()
    variants = (
        (text.encode("utf-16"), "application/json; charset=utf-16"),
        (text.encode("utf-16-le"), "application/json"),
        (text.encode("utf-32"), "application/json"),
        (b"\x80" + x.body, "application/json"),
        (text.encode("utf-7").replace(b'"', b"+ACI-"), "application/json; charset=utf-7"),
    )
    body, kind = variants[x.pick % len(variants)]
    yield x.whole(None, body, kind=kind)


@fault("latin-1 in a field that nobody asked for", DONE)
def latin(x: Exchange) -> Steps:
    """Bytes that are no UTF-8, where a reader may pass over them."""
    yield x.whole(
        None, _with(x, "remark", "annulée").encode("latin-1"), kind="application/json; charset=latin-1"
    )


@fault("byte order mark", DONE, told="all")
def byte_order_mark(x: Exchange) -> Steps:
    """UTF-8 with a signature, which RFC 8259 allows to ignore."""
    yield x.whole(None, b"\xef\xbb\xbf" + x.body)


@fault("HTML with the status of success", LOST)
def html(x: Exchange) -> Steps:
    """A page that says that all is well, or that nothing is."""
    pages = (
        "<html><body>Sign in</body></html>",
        "<!doctype html><h1>OK</h1>",
        f"<p>{x.order_id} cancelled {x.echo}</p>",
    )
    yield x.whole(200, pages[x.pick % len(pages)].encode(), kind="text/html")


@fault("JSON of another shape", EITHER)
def other_shape(x: Exchange) -> Steps:
    """A list, a scalar, an empty object, two objects, half of one."""
    body = x.body.decode()
    shapes = [f"{body}{body}", f"{body},", "{", f"'{x.order_id}'"]
    if not (x.marketplace == "crux" and (not x.reply.body or x.reply.status != 200)):
        # There no body of a 2xx is documented: one that names no order denies nothing.
        shapes = [f"[{body}]", "null", "true", '"ok"', "42", "{}", *shapes]
    yield x.whole(200, shapes[x.pick % len(shapes)].encode())


@fault("nothing, with the status of success", EITHER, not_at=("crux", "vtex"))
def nothing(x: Exchange) -> Steps:
    """An empty body where one belongs; at Crux and at VTEX it says that the request was received."""
    yield x.whole(200, b" " * (x.pick % 3))


@fault("a name twice", EITHER)
def duplicate_name(x: Exchange) -> Steps:
    """An object that says two things under one name: one as it is, one that is not so."""
    document = x.document
    names = [name for name in document if name in _TELLING]
    name = names[x.pick % len(names)] if names else next(iter(document))
    lie, truth = json.dumps(_lie(x, name, document[name])), json.dumps(document[name])
    rest = json.dumps({key: value for key, value in document.items() if key != name})[1:-1]
    first, second = (truth, lie) if x.pick % 2 else (lie, truth)
    spelled = f"\\u{ord(name[0]):04x}{name[1:]}" if x.pick % 5 == 0 else name
    pairs = [f'"{name}": {first}', rest, f'"{spelled}": {second}']
    yield x.whole(None, ("{" + ", ".join(pair for pair in pairs if pair) + "}").encode())


@fault("no number", EITHER)
def no_number(x: Exchange) -> Steps:
    """NaN and its kin, which are no JSON."""
    words = ("NaN", "Infinity", "-Infinity", "1e", "0x10", "01", ".5", "1_000", "--1")
    yield x.whole(None, _with(x, "total", "WORD").replace('"WORD"', words[x.pick % len(words)]).encode())


@fault("a number of 5,000 digits", EITHER)
def huge_number(x: Exchange) -> Steps:
    """In place of the order's id."""
    document = x.document
    names = [name for name in _NAMES if name in document] or list(document)
    number = "9" * 5000
    if x.marketplace == "crux":  # where an id that is a number names nothing
        yield x.whole(None, f"[{number}]".encode())
        return
    yield x.whole(None, json.dumps(document | {names[0]: "WORD"}).replace('"WORD"', number).encode())


@fault("a number of 5,000 digits, elsewhere", DONE)
def huge_number_elsewhere(x: Exchange) -> Steps:
    """In a field that nobody asked for: valid JSON, though few can hold it."""
    number = ("9" * 5000, "1e400", "-" + "1" * 5000 + ".5")[x.pick % 3]
    yield x.whole(None, _with(x, "weight", "WORD").replace('"WORD"', number).encode())


@fault("100,000 levels", EITHER)
def deep(x: Exchange) -> Steps:
    """Nested beyond any stack, alone."""
    opening, closing = (("[", "]"), ('{"a":', "}"))[x.pick % 2]
    levels = 100_000
    filling = "1" if x.pick % 3 else ""
    yield x.whole(
        None, (opening * levels + (filling or "0") + (closing * levels if x.pick % 5 else "")).encode()
    )


@fault("100,000 levels, elsewhere", EITHER)
def deep_elsewhere(x: Exchange) -> Steps:
    """Nested beyond any stack, in a field that nobody asked for."""
    body = _with(x, "deep", "WORD").replace('"WORD"', "[" * 100_000 + "]" * 100_000)
    yield x.whole(None, body.encode())


@fault("another order's answer", EITHER)
def other_order(x: Exchange) -> Steps:
    """All is well, with an order that nobody asked about."""
    document = x.document
    for name in _NAMES:
        if name in document:
            document[name] = int(x.other_id) if isinstance(document[name], int) else x.other_id
    if not any(name in document for name in _NAMES):
        document["order_uuid"] = x.other_id
    yield x.whole(None, json.dumps(document).encode())


_NAMES = ("market_order_id", "orderId", "orderID", "order_uuid", "uuid")
#: Names whose second value is a lie that matters.
_TELLING = (*_NAMES, "cancelled_orders", "non_cancellable_orders", "status", "orderStatus", "order_status",
            "orderState", "sub_orders", "line_items")  # fmt: skip


def _with(x: Exchange, name: str, value: Any) -> str:
    return json.dumps(x.document | {name: value}, ensure_ascii=False)


def _lie(x: Exchange, name: str, value: Any) -> Any:
    if name in _NAMES:
        return int(x.other_id) if isinstance(value, int) else x.other_id
    if isinstance(value, list):
        return []
    return "invoiced" if name == "status" else "CANCELED"
