"""Faults of the connection and of the head: broken, silent, slow, or not HTTP at all."""

from collections.abc import Iterator

from .exchange import Ending, Exchange, Steps, chunk
from .faults import DONE, LOST, UNDONE, fault

#: Seconds between two bytes of a drip.
DRIP = 0.02


@fault("reset before accept", UNDONE, where=("connect",))
def reset_on_accept(x: Exchange) -> Steps:
    """The connection is reset as soon as it stands; nothing was read."""
    yield Ending.RESET


@fault("refused", UNDONE, where=("connect",), told="no")
def refused(x: Exchange) -> Steps:
    """Nobody listens: from the start, or once the first request is answered."""
    yield Ending.RESET


@fault("reset unread", UNDONE)
def reset_unread(x: Exchange) -> Steps:
    """The request lies in the server's buffer, unread, when the connection is reset."""
    yield Ending.RESET


@fault("reset", LOST)
def reset(x: Exchange) -> Steps:
    """A reset after the request was read."""
    yield Ending.RESET


@fault("fin", LOST)
def fin(x: Exchange) -> Steps:
    """A FIN without a reply."""
    yield Ending.FIN


@fault("half-closed", LOST)
def half_closed(x: Exchange) -> Steps:
    """A FIN without a reply, and the other direction stays open."""
    yield Ending.HALF


@fault("stall before the head", LOST)
def stall_before_head(x: Exchange) -> Steps:
    """Silence."""
    yield Ending.HOLD


@fault("stall inside the head", LOST)
def stall_inside_head(x: Exchange) -> Steps:
    """A part of the head, and silence."""
    head = x.head(length=len(x.body))
    yield head[: x.cut(len(head))]
    yield Ending.HOLD


@fault("stall inside the body", LOST)
def stall_inside_body(x: Exchange) -> Steps:
    """A part of the body, and silence."""
    yield x.whole()[: -x.cut(len(x.body))]
    yield Ending.HOLD


@fault("late head, then silence", LOST, outlasts=True)
def late_head(x: Exchange) -> Steps:
    """The head comes when half of the time is over, the body never."""
    yield x.patience * 0.4
    yield x.head(length=len(x.body))
    yield Ending.HOLD


@fault("reset inside the head", LOST)
def reset_inside_head(x: Exchange) -> Steps:
    """A part of the head, and a reset."""
    head = x.head(length=len(x.body))
    yield head[: x.cut(len(head))]
    yield Ending.RESET


@fault("fin inside the head", LOST)
def fin_inside_head(x: Exchange) -> Steps:
    """A part of the head, and a FIN."""
    head = x.head(length=len(x.body))
    yield head[: x.cut(len(head))]
    yield Ending.FIN


@fault("drip the head", LOST, outlasts=True)
def drip_head(x: Exchange) -> Steps:
    """A head without end, a byte at a time."""
    yield from dripped(x.head().removesuffix(b"\r\n") + b"x-padding: ")
    while True:
        yield from dripped(b"a")


@fault("drip the body", LOST)
def drip_body(x: Exchange) -> Steps:
    """A body without end, a byte at a time."""
    yield x.head(length=1_000_000)
    yield from dripped(x.body)
    while True:
        yield from dripped(b" ")


@fault("drip the body, chunked", LOST)
def drip_chunks(x: Exchange) -> Steps:
    """A chunked body without end, a byte in each chunk."""
    yield x.head(None, "transfer-encoding: chunked")
    for byte in x.body + b" " * 1_000_000:
        yield chunk(bytes([byte]))
        yield DRIP


@fault("drip it all, in time", DONE, told="all")
def drip_whole(x: Exchange) -> Steps:
    """The whole reply, in pieces of seven bytes."""
    reply = x.genuine()
    for at in range(0, len(reply), 7):
        yield reply[at : at + 7]
        yield 0.001


@fault("1xx for ever", LOST, outlasts=True)
def interim_forever(x: Exchange) -> Steps:
    """Interim responses, one after the other."""
    while True:
        yield _INTERIM[x.pick % len(_INTERIM)]
        yield DRIP


@fault("1xx flood", LOST, outlasts=True, weight=0.25)
def interim_flood(x: Exchange) -> Steps:
    """Interim responses as fast as the socket takes them, each with a head that is worth storing."""
    block = b"HTTP/1.1 103 Early Hints\r\nlink: </" + b"a" * 8000 + b">\r\n\r\n"
    while True:
        yield block * 8


@fault("1xx, then the reply", DONE, told="all")
def interim_whole(x: Exchange) -> Steps:
    """A few interim responses, as HTTP allows."""
    yield b"".join(_INTERIM)
    yield x.genuine()


@fault("101", LOST)
def switching(x: Exchange) -> Steps:
    """A switch of protocols that nobody asked for."""
    yield b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: order/1\r\n\r\n"
    yield x.body
    yield Ending.FIN if x.pick % 2 else Ending.HOLD


@fault("endless head", LOST, weight=0.5)
def endless_head(x: Exchange) -> Steps:
    """Header lines as fast as the socket takes them."""
    yield x.head().removesuffix(b"\r\n")
    while True:
        yield b"x-padding: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 500


@fault("not HTTP", LOST)
def not_http(x: Exchange) -> Steps:
    """Another protocol's words, or noise."""
    yield _NOT_HTTP[x.pick % len(_NOT_HTTP)].replace(b"ECHO", x.echo.encode())
    yield Ending.FIN if x.pick % 2 else Ending.HOLD


@fault("ill-formed head", LOST)
def bad_head(x: Exchange) -> Steps:
    """A head that breaks the grammar; whoever forgives that finds half a body."""
    lines = _BAD_LINES[x.pick % len(_BAD_LINES)].replace(b"ECHO", x.echo.encode())
    yield x.head().removesuffix(b"\r\n") + lines + b"\r\n\r\n" + x.body[: -x.cut(len(x.body))]
    yield Ending.FIN


@fault("closed after the reply", DONE, told="all")
def idle_close(x: Exchange) -> Steps:
    """The reply, and a FIN that nobody announced: the next call finds a dead connection."""
    yield x.genuine()
    yield Ending.FIN


@fault("reset after the reply", DONE, told="all")
def idle_reset(x: Exchange) -> Steps:
    """The reply, a moment, and a reset."""
    yield x.genuine()
    yield 0.005
    yield Ending.RESET


def dripped(data: bytes) -> Iterator[bytes | float]:
    """Yield a byte at a time, with pauses."""
    for byte in data:
        yield bytes([byte])
        yield DRIP


_INTERIM = (
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 102 Processing\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n",
)
_NOT_HTTP = (
    b"\x15\x03\x01\x00\x02\x02\x28",  # a TLS alert
    b"220 mail.example ESMTP ECHO\r\n",
    b"HTTP/2.0 500 ECHO\r\n\r\n",
    b"HTTP/1.1 abc ECHO\r\n\r\n",
    b"HTTP/1.1 99 Too Low\r\n\r\n",
    b"HTTP/1.1 2000 Too High ECHO\r\n\r\n",
    b"ECHO\r\n\r\n",
    b"\x00" * 64,
    bytes(range(256)),
    b"<html>ECHO</html>",
    b"\r\n" * 2000,
)
_BAD_LINES = (
    b"content-length: -5 ECHO",
    b"content-length: 5\r\ncontent-length: 6",
    b"content-length: 99999999999999999999999999999999",
    b"content-length: \xb2",
    b"transfer-encoding: gzip, ECHO",
    b"transfer-encoding: chunked, chunked",
    b"no colon here ECHO",
    b" folded: ECHO\r\n\tmore",
    b"a header: ECHO",
    b"nul: a\x00b ECHO",
    b": nameless ECHO",
    b"x: " + b"y" * 200_000,
)
