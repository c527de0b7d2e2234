"""What both drivers make of a call: headers, httpx's request, the TLS context, the time."""

import ssl
import time
from functools import cache
from typing import Any

import httpx

from ..engine.wire import Call, Clock
from .agent import user_agent

CLOCK = Clock(time.monotonic, time.time)

#: An idle connection is dropped after this many seconds, before most servers drop it: a request sent into a
#: connection that the server is closing is one whose fate is unclear.
KEEPALIVE = 4.0


@cache
def tls() -> ssl.SSLContext:
    """Return the one TLS context of all marketplaces, both doors and all clients."""
    return httpx.create_ssl_context()


@cache
def _no_tls() -> ssl.SSLContext:
    # For http to this machine: loading the certificate authorities costs more than a hundred calls.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def tls_for(origin: str) -> ssl.SSLContext:
    """Return the TLS context for an origin; one that trusts nobody where no TLS is spoken."""
    return tls() if origin.startswith("https:") else _no_tls()


def standing_headers(call: Call) -> dict[str, str]:
    """Return the headers of `call` that do not depend on the order."""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", **call.headers}
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    return headers


def stock_request(call: Call, timeout: float) -> httpx.Request:
    """Return `call` as httpx's request. What does not change from call to call is built once."""
    prepared = call.headers.prepared
    key = call.origin, call.method, call.body is None
    headers: httpx.Headers = prepared.get(key) or prepared.setdefault(key, httpx.Headers(whole_headers(call)))
    request = httpx.Request(
        call.method,
        call.origin + call.target,
        headers=headers,
        stream=httpx.ByteStream(call.body or b""),
        extensions=_timeouts(timeout, timeout),
    )
    if call.body is not None:
        request.headers["Content-Length"] = str(len(call.body))
    return request


def whole_headers(call: Call, library: str = "httpx") -> dict[str, str]:
    """Return the head of `call`, for drivers that add nothing to it; a body's length is still to be added."""
    host = call.origin.partition("://")[2]
    headers = {"Host": host, "User-Agent": user_agent(library), **standing_headers(call)}
    if call.body is None and call.method != "GET":
        headers["Content-Length"] = "0"
    return headers


def client_request(client: Any, call: Call, connect: float, exchange: float | None) -> Any:
    """Return `call` as a request of a caller's own client, which adds its default headers and its cookies.

    The User-Agent is ours, as it is without such a client.

    `connect` is the time in seconds for a connection; `exchange`, for one step of all that follows, if it is watched.
    """
    prepared = call.headers.prepared
    kind: Any = client.headers.__class__  # of httpx, or of httpx2
    key = kind, call.body is None
    headers = prepared.get(key)
    if headers is None:
        agent = {"User-Agent": user_agent(kind.__module__.partition(".")[0])}
        headers = prepared.setdefault(key, kind(agent | standing_headers(call)))
    return client.build_request(
        call.method,
        call.origin + call.target,
        headers=headers,
        content=call.body,
        extensions=_timeouts(connect, exchange),
    )


def _timeouts(connect: float, exchange: float | None) -> dict[str, dict[str, float | None]]:
    return {"timeout": {"connect": connect, "pool": connect, "read": exchange, "write": exchange}}
