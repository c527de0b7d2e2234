"""The body of a reply, read within bounds of size and time, from a response of httpx's shape."""

import time
import zlib
from collections.abc import Mapping
from typing import Any

from ..engine.wire import LARGEST_BODY, Reply
from .faults import flaw
from .streams import undecrypted

_ENCODINGS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


class Body:
    """Takes a reply's raw bytes as they come, until there are more than anybody reads or the time is over."""

    __slots__ = ("_deadline", "_first", "_rest", "_size")

    def __init__(self, deadline: float) -> None:
        self._first = b""
        # What comes after the first piece: one buffer, because many small pieces cost more than they hold.
        self._rest = bytearray()
        self._deadline = deadline
        self._size = 0

    def take(self, chunk: bytes) -> None:
        """Add a piece; raise `OverflowError` or `TimeoutError` where it is one too many."""
        first = not self._size
        self._size += len(chunk)
        if self._size > LARGEST_BODY:
            raise OverflowError
        if first:
            self._first = chunk
            return
        self._rest += chunk
        if time.monotonic() > self._deadline:
            raise TimeoutError

    def reply(self, status: int, headers: Mapping[str, str]) -> Reply:
        """Return the reply that these bytes are the body of."""
        body = self._first + self._rest if self._rest else self._first
        encoding = (headers.get("content-encoding") or "identity").strip().lower()
        if body and encoding != "identity":
            return _decompressed(status, headers, body, encoding)
        return Reply(status, headers, body)


def read(response: Any, deadline: float) -> Reply:
    """Read a blocking response to its end, close it, and return it; what goes wrong becomes its flaw."""
    if response.is_stream_consumed:
        return _already_read(response)
    body, headers = Body(deadline), _plain(response.headers)
    try:
        try:
            for chunk in response.stream:
                body.take(chunk)
            if (spoilt := _spoilt_connection(response)) is not None:
                spoilt.close()
        finally:
            response.close()
    except Exception as error:
        return Reply(response.status_code, headers, b"", flaw(error))
    return body.reply(response.status_code, headers)


async def aread(response: Any, deadline: float) -> Reply:
    """Do what `read` does, on an event loop."""
    if response.is_stream_consumed:
        return _already_read(response)
    body, headers = Body(deadline), _plain(response.headers)
    try:
        try:
            async for chunk in response.stream:
                body.take(chunk)
            if (spoilt := _spoilt_connection(response)) is not None:
                await spoilt.aclose()
        finally:
            await response.aclose()
    except Exception as error:
        return Reply(response.status_code, headers, b"", flaw(error))
    return body.reply(response.status_code, headers)


def _spoilt_connection(response: Any) -> Any:
    """Return the connection if something came after the reply, to be closed before the pool may give it away.

    What is left over would be read as the answer to the next request, about another order. h11 holds it; the way
    there has httpx's and httpcore's names, which a test holds.
    """
    link = response.stream
    try:
        link = getattr(link, "_stream", link)  # what a client puts around its transport's stream
        parser = link._httpcore_stream._stream._connection._h11_state
    except AttributeError:  # a mock, HTTP/2, another transport
        return None
    stream = response.extensions.get("network_stream")
    return stream if parser.trailing_data[0] or undecrypted(stream) else None


def _already_read(response: Any) -> Reply:
    """Return a response that a mock made, or that an event hook of the caller's client has read."""
    return Reply(response.status_code, _plain(response.headers), response.content)


def _plain(headers: Any) -> dict[str, str]:
    """Return httpx's headers by lower-case name: httpx goes through all of them for every look-up, and we look often."""
    found: dict[str, str] = {}
    for raw, value in headers.raw:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _decompressed(status: int, headers: Mapping[str, str], body: bytes, encoding: str) -> Reply:
    """Undo a compression that was not asked for, never beyond the bound."""
    window = _ENCODINGS.get(encoding)
    if window is None:
        return Reply(status, headers, b"", "its body has an encoding that was not asked for")
    try:
        inflater = zlib.decompressobj(window)
        plain = inflater.decompress(body, LARGEST_BODY + 1)
    except zlib.error:
        return Reply(status, headers, b"", "its body's compression is broken")
    if len(plain) > LARGEST_BODY or not inflater.eof or inflater.unused_data:
        return Reply(status, headers, b"", "its body's compression is cut short, or hides too much")
    return Reply(status, headers, plain)
