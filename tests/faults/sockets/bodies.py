"""Faults of how a body is delivered: cut short, too long, compressed badly, or with something behind it."""

import gzip
import json
import zlib
from functools import cache
from typing import Any

from .exchange import Ending, Exchange, Steps, chunk
from .faults import DONE, EITHER, LOST, fault

_HUGE = 100 * 1024 * 1024
_BLOCK = 64 * 1024


@fault("truncated, with Content-Length", LOST)
def truncate_length(x: Exchange) -> Steps:
    """Fewer bytes than announced."""
    yield x.whole()[: -x.cut(len(x.body))]
    yield Ending.RESET if x.pick % 3 == 0 else Ending.FIN


@fault("truncated, without Content-Length", LOST)
def truncate_close(x: Exchange) -> Steps:
    """The end of the connection is the end of the body, and comes too soon."""
    yield x.head(None, "connection: close") + x.body[: -x.cut(len(x.body))]
    yield Ending.FIN


@fault("chunks cut short", LOST)
def truncate_chunks(x: Exchange) -> Steps:
    """A chunked body without its last chunk, cut inside a chunk, or with a size that is none."""
    body = x.body
    endings = (
        chunk(body),
        chunk(body) + b"0\r\n",
        chunk(body)[: -x.cut(len(body))],
        chunk(body) + b"zz\r\n",
        b"fffffffffffffffff\r\n" + body,
        chunk(body)[:-2] + b"0\r\n\r\n",
        b"-1\r\n" + body,
    )
    yield x.head(None, "transfer-encoding: chunked") + endings[x.pick % len(endings)]
    yield Ending.RESET if x.pick % 2 else Ending.FIN


@fault("chunks, extensions, a trailer", DONE, told="all")
def chunks_whole(x: Exchange) -> Steps:
    """A chunked body as HTTP allows it."""
    body = b"" if x.reply.status == 204 else x.reply.body
    parts = [chunk(body[at : at + 9], ";name=value") for at in range(0, len(body), 9)]
    yield x.head(None, "transfer-encoding: chunked", "trailer: x-checksum") + b"".join(parts)
    yield b"0\r\nx-checksum: 1\r\n\r\n"


@fault("whole, without Content-Length", DONE, told="all")
def until_close(x: Exchange) -> Steps:
    """The end of the connection is the end of the body, as HTTP/1.0 has it."""
    yield x.head(None, "connection: close").replace(b"HTTP/1.1", b"HTTP/1.0", 1) + x.reply.body
    yield Ending.FIN


@fault("gzip bomb", EITHER, weight=0.5)
def gzip_bomb(x: Exchange) -> Steps:
    """Ten gigabytes of spaces around a body, in ten megabytes."""
    head = x.head(None, "content-encoding: gzip", "transfer-encoding: chunked")
    yield head
    yield chunk(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + _deflated(x.body))
    block = chunk(_spaces() * 64)
    for _ in range(160):
        yield block
    yield chunk(b"\x03\x00") + b"0\r\n\r\n"


@fault("small gzip bomb", EITHER)
def small_gzip_bomb(x: Exchange) -> Steps:
    """A valid body and ten megabytes of spaces, in ten kilobytes that are whole."""
    yield x.whole(None, gzip.compress(x.body + b" " * 10_000_000), "content-encoding: gzip")


@fault("bad gzip", EITHER)
def bad_gzip(x: Exchange) -> Steps:
    """Said to be compressed, and is not, or not wholly, or not so."""
    packed = gzip.compress(x.body)
    variants = (
        ("gzip", x.body),
        ("gzip", packed[: x.cut(len(packed))]),
        ("gzip", packed[:12] + b"\xff" * 20 + packed[12:]),
        ("gzip", packed[:-8] + b"\x00" * 8),
        ("br", x.body),
        ("deflate", x.body),
        ("gzip, gzip", gzip.compress(packed)),
        ("zstd", b"\x28\xb5\x2f\xfd" + x.body),
        ("compress", x.body),
        ("\x22gzip\x22", packed),
    )
    encoding, body = variants[x.pick % len(variants)]
    yield x.whole(None, body, f"content-encoding: {encoding}")


@fault("good gzip", DONE, told="all")
def good_gzip(x: Exchange) -> Steps:
    """Compressed although it was not asked for, and whole."""
    if x.reply.status == 204 or not x.reply.body:
        yield x.genuine()
    else:
        packed, name = (gzip.compress(x.body), "gzip") if x.pick % 2 else (zlib.compress(x.body), "deflate")
        yield x.whole(None, packed, f"content-encoding: {name}")


@fault("endless body", LOST, weight=0.5)
def endless_body(x: Exchange) -> Steps:
    """A body that fills whatever takes it: with a length, without, or in chunks; 100 MB at least."""
    chunked = x.pick % 3 == 2
    length = _HUGE if x.pick % 3 == 0 else None
    yield x.head(None, *(("transfer-encoding: chunked",) if chunked else ()), length=length)
    yield chunk(x.body) if chunked else x.body
    block = chunk(b" " * _BLOCK) if chunked else b" " * _BLOCK
    for _ in range(_HUGE // _BLOCK + 1):
        yield block
    yield Ending.FIN


@fault("crumbs", LOST, weight=0.25)
def crumbs(x: Exchange) -> Steps:
    """A chunked body in pieces of two bytes, as fast as the socket takes them: each piece costs more than it holds."""
    yield x.head(None, "transfer-encoding: chunked") + chunk(x.body)
    block = b"2\r\n  \r\n" * 8192
    while True:
        yield block


@fault("surplus bytes", DONE, told="all")
def surplus(x: Exchange) -> Steps:
    """The reply, and behind it bytes that belong to none."""
    yield x.genuine() + (b"\x00garbage", b"\r\n", b"HTTP/1.1 ", b"0\r\n\r\n")[x.pick % 4]


@fault("a forged second reply", DONE, told="all", weight=2.0)
def forged(x: Exchange) -> Steps:
    """The reply, and behind it one that answers the next call, about the next order, before it is made."""
    lie = x.head(200, length=len(body := _forged(x))) + body
    if x.marketplace == "crux" or x.pick % 4 == 3:
        lie = b"HTTP/1.1 204 No Content\r\n\r\n"
    match x.pick % 6:
        case 0:
            yield x.genuine() + lie
        case 1:
            yield x.genuine() + lie * 2
        case 2 if x.reply.status != 204:
            forged_chunks = x.head(200, "transfer-encoding: chunked") + chunk(_forged(x)) + b"00\r\n\r\n"
            content = chunk(x.reply.body) if x.reply.body else b""
            yield x.head(None, "transfer-encoding: chunked") + content + b"0\r\n\r\n" + forged_chunks
        case _:
            yield x.genuine()
            yield (0.0, 0.0, 0.0, 0.0, 0.0003, 0.003)[x.pick % 6]
            yield lie


def _forged(x: Exchange) -> bytes:
    documents: dict[str, Any] = {
        "pattern": {
            "market_order_id": x.next_id,
            "success": True,
            "message": "forged",
            "cancelled_orders": [{"warehouse_order_id": 1, "status": "cancelled"}],
            "non_cancellable_orders": [],
        },
        "vtex": {"date": "2026-01-01T00:00:00.0000000+00:00", "orderId": x.next_id, "receipt": "forged"},
        "crux": {"order_uuid": x.next_id},
        "kibo": {
            "orderID": int(x.next_id) if x.next_id.isdigit() else 0,
            "orderStatus": "CANCELED",
            "orderState": "CANCELED",
        },
    }
    return json.dumps(documents[x.marketplace]).encode()


@cache
def _spaces() -> bytes:
    return _deflated(b" " * 1024 * 1024)


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)
