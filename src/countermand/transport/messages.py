"""Requests and replies in httpx's form: building a request from a call, and reading a body within limits."""

import ssl
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx

from ..engine.wire import CLOCK, LARGEST_BODY, Call, Reply
from . import private
from .agent import user_agent
from .faults import flaw
from .foreign import pass_on_foreign
from .streams import Deadline, Recorder

_ENCODINGS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


@cache
def tls() -> ssl.SSLContext:
    """Return the TLS context that all clients share."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise httpx.ConnectError(
            f"the CA bundle cannot be loaded, see SSL_CERT_FILE and SSL_CERT_DIR: {error}"
        ) from error


@cache
def _no_tls() -> ssl.SSLContext:
    # For http to this machine: loading the CA bundle takes longer than a hundred calls.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def tls_for(origin: str) -> ssl.SSLContext:
    """Return the TLS context for an origin. For http it is one without a CA bundle."""
    return tls() if origin.startswith("https:") else _no_tls()


def standing_headers(call: Call) -> dict[str, str]:
    """Return the headers of `call` that do not depend on the order."""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", **call.headers}
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    if call.method == "GET":
        headers["Cache-Control"] = "no-cache"  # a cache may have an earlier state of the order
    return headers


def whole_headers(call: Call, library: str = "httpx") -> dict[str, str]:
    """Return all headers of `call` except Content-Length, for drivers that add none."""
    host = call.origin.partition("://")[2]
    headers = {"Host": host, "User-Agent": user_agent(library), **standing_headers(call)}
    if call.body is None and call.method != "GET":
        headers["Content-Length"] = "0"
    return headers


def stock_request(call: Call) -> httpx.Request:
    """Return `call` as an httpx request. The constant parts are built once."""
    prepared = call.headers.prepared
    key = call.origin, call.method, call.body is None
    headers: httpx.Headers = prepared.get(key) or prepared.setdefault(key, httpx.Headers(whole_headers(call)))
    deadline = Deadline(max(call.deadline - CLOCK.monotonic(), 0.0))
    deadline.call = call
    request = httpx.Request(
        call.method,
        call.origin + call.target,
        headers=headers,
        stream=httpx.ByteStream(call.body or b""),
        extensions={"timeout": {"connect": deadline, "pool": deadline, "read": deadline, "write": deadline}},
    )
    if call.body is not None:
        request.headers["Content-Length"] = str(len(call.body))
    return request


def plain_headers(headers: Any) -> dict[str, str]:
    """Return httpx headers as a dict by lower-case name: in httpx, every lookup is a linear search."""
    found: dict[str, str] = {}
    for raw, value in headers.raw:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


class Watch:
    """Records from the `trace` events of a caller's client whether sending has started."""

    __slots__ = ("call", "witnessed")

    def __init__(self, call: Call) -> None:
        self.call: Call = call
        #: Whether there was any event. Mocks have none.
        self.witnessed: bool = False

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Record an event. Raise the exception of a signal handler, which httpcore would swallow."""
        if not self.witnessed:
            self.witnessed = True
            self.call.sent = False
        if event.endswith(".started"):
            request = info.get("request")
            if request is None or request.method == b"CONNECT":  # opens a tunnel through a proxy
                return
            if event.endswith("send_request_headers.started"):
                self.call.sent = True
            elif event.endswith("send_request_body.started"):
                request.extensions.pop("trace", None)  # further events are not needed
        elif event.endswith(".failed"):
            pass_on_foreign(info["exception"])

    __call__ = note


class AsyncWatch(Watch):
    """`Watch` for async clients."""

    __slots__ = ()

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:  # type: ignore[override]
        """Record an event."""
        self.note(event, info)


def client_request(client: Any, call: Call, watch: Watch, connect: float, exchange: float | None) -> Any:
    """Return `call` as a request of a caller's client, with the client's default headers and cookies.

    The User-Agent is always ours. `connect` is the timeout for connecting in seconds, `exchange` that of each further
    step, or None.
    """
    prepared = call.headers.prepared
    kind: Any = client.headers.__class__  # of httpx, or of httpx2
    key = kind, call.method, call.body is None
    headers = prepared.get(key)
    if headers is None:
        agent = {"User-Agent": user_agent(kind.__module__.partition(".")[0])}
        headers = prepared.setdefault(key, kind(agent | standing_headers(call)))
    return client.build_request(
        call.method,
        call.origin + call.target,
        headers=headers,
        content=call.body,
        extensions={
            "timeout": {"connect": connect, "pool": connect, "read": exchange, "write": exchange},
            "trace": watch,
        },
    )


class Body:
    """Collects the raw bytes of a body, up to the size limit and the deadline."""

    __slots__ = ("_deadline", "_first", "_rest", "size")

    def __init__(self, deadline: float) -> None:
        self._first = b""
        # A single buffer for everything after the first chunk: many small chunks would use more memory.
        self._rest = bytearray()
        self._deadline = deadline
        self.size: int = 0

    def take(self, chunk: bytes) -> None:
        """Add a chunk; raise `OverflowError` or `TimeoutError` beyond the limits."""
        first = not self.size
        self.size += len(chunk)
        if self.size > LARGEST_BODY:
            raise OverflowError
        if first:
            self._first = chunk
            return
        self._rest += chunk
        if CLOCK.monotonic() > self._deadline:
            raise TimeoutError

    def reply(self, status: int, headers: Mapping[str, str]) -> Reply:
        """Return the reply with these bytes as its body."""
        body = self._first + self._rest if self._rest else self._first
        encoding = (headers.get("content-encoding") or "identity").strip().lower()
        if body and encoding != "identity":
            return _decompressed(status, headers, body, encoding)
        return Reply(status, headers, body)


def read(response: Any, call: Call) -> Reply:
    """Read a blocking response to its end, close it, and return the reply. A failure becomes the reply's flaw.

    Raises foreign exceptions, which are not the HTTP library's.
    """
    body, headers = Body(call.deadline), plain_headers(response.headers)
    try:
        try:
            if not response.is_stream_consumed:  # by a mock, or by an event hook of the caller's client
                for chunk in response.stream:
                    body.take(chunk)
            reply, spoilt = _read(response, call, headers, body)
            if spoilt is not None:
                spoilt.close()
        finally:
            if not response.is_closed:
                response.close()
    except Exception as error:
        return Reply(response.status_code, headers, b"", flaw(error))
    return reply


async def aread(response: Any, call: Call) -> Reply:
    """`read` for async responses."""
    body, headers = Body(call.deadline), plain_headers(response.headers)
    try:
        try:
            if not response.is_stream_consumed:  # by a mock, or by an event hook of the caller's client
                async for chunk in response.stream:
                    body.take(chunk)
            reply, spoilt = _read(response, call, headers, body)
            if spoilt is not None:
                await spoilt.aclose()
        finally:
            if not response.is_closed:
                await response.aclose()
    except Exception as error:
        return Reply(response.status_code, headers, b"", flaw(error))
    return reply


def _read(response: Any, call: Call, headers: Mapping[str, str], body: Body) -> tuple[Reply, Any]:
    """Return the reply, and its connection if that has surplus bytes: the pool must not reuse it."""
    size = body.size
    if response.is_stream_consumed:
        reply = Reply(response.status_code, headers, response.content)
        size = len(reply.body)
    else:
        reply = body.reply(response.status_code, headers)
    stream = response.extensions.get("network_stream")
    if isinstance(stream, Recorder):
        spoilt = stream.has_surplus(call.method, reply.status, headers, size)
    else:
        spoilt = private.has_surplus(response)
    return reply, stream if spoilt else None


def _decompressed(status: int, headers: Mapping[str, str], body: bytes, encoding: str) -> Reply:
    """Decompress a body that we did not ask to be compressed, up to the size limit."""
    window = _ENCODINGS.get(encoding)
    if window is None:
        return Reply(status, headers, b"", "its body has an encoding that was not asked for")
    try:
        inflater = zlib.decompressobj(window)
        plain = inflater.decompress(body, LARGEST_BODY + 1)
    except zlib.error:
        return Reply(status, headers, b"", "its body's compression is broken")
    if len(plain) > LARGEST_BODY or not inflater.eof or inflater.unused_data:
        return Reply(status, headers, b"", "its body's compression is cut short, or its content is too large")
    return Reply(status, headers, plain)
