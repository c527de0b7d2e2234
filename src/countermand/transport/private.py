"""All uses of private names of other libraries: the purpose of each, and the behaviour if it is missing.

Tests check each name with the oldest and the newest versions of the libraries. All of them fail closed: without the
name, the connection is closed after the reply, or the first use raises a clear error.

| name | purpose | if missing |
|---|---|---|
| `httpx.HTTPTransport._pool` | a stock transport over our own streams | `RuntimeError` before anything is sent |
| `httpcore.ConnectionPool._optional_thread_lock` | a signal handler's exception cannot leave it locked | `RuntimeError` before anything is sent |
| `_stream`, `_httpcore_stream`, `_connection`, `_h11_state` of a response | a caller's connection is kept only without surplus bytes | it is closed after each reply |
| `_stream` of httpcore's async streams, `_protocol.read_queue` and `_read_bio` of anyio's | the same, for data that anyio has buffered or not yet decrypted | it is closed after each reply |
| `aiohttp.ClientRequest(method, url, loop=, ssl=)` | aiohttp's connector without its session | `RuntimeError` before anything is sent |
| `ResponseHandler._parser` | an aiohttp connection is kept only if no head has started on it | it is not reused |
| `BaseConnector._conns` | connections of another event loop or process are dropped without touching it | `RuntimeError` before anything is sent |
"""

from contextlib import nullcontext
from typing import Any


def install_pool(transport: Any, pool: Any) -> None:
    """Replace the pool of an httpx transport: httpx has no argument for a network backend."""
    if not hasattr(transport, "_pool"):
        raise RuntimeError("this version of httpx keeps its pool under another name than _pool")
    transport._pool = pool


def without_lock(pool: Any) -> Any:
    """Return a blocking pool, for one call at a time, that takes no lock of its own.

    An exception of a signal handler between taking the lock and entering its block leaves it locked. httpcore then waits
    for it for ever, to clean up after that exception.
    """
    if not hasattr(pool, "_optional_thread_lock"):
        raise RuntimeError(
            "this version of httpcore keeps its lock under another name than _optional_thread_lock"
        )
    pool._optional_thread_lock = nullcontext()
    return pool


def has_surplus(response: Any) -> bool:
    """Whether a response of a caller's client has surplus bytes, or that cannot be determined.

    They would be read as the reply to the next request, about another order.
    """
    stream = response.extensions.get("network_stream")
    if stream is None or response.extensions.get("http_version") == b"HTTP/2":
        return False  # a mock has no connection, and HTTP/2 has stream ids
    link = response.stream
    try:
        link = getattr(link, "_stream", link)  # the client's wrapper of the transport's stream
        if link._httpcore_stream._stream._connection._h11_state.trailing_data[0]:
            return True
        inner: Any = getattr(stream, "_stream", None)  # anyio's
        if inner is None:
            tls = stream.get_extra_info("ssl_object")
            return tls is not None and tls.pending() > 0
        from anyio.abc import SocketStream

        plain: Any = SocketStream
        if isinstance(inner, plain):
            return bool(inner._protocol.read_queue)
        return bool(inner._read_bio.pending or inner.transport_stream._protocol.read_queue)
    except AttributeError:
        return True


def client_request(aiohttp: Any, url: Any, loop: Any, tls: Any) -> Any:
    """Return the request object that aiohttp's connector needs, for its origin only."""
    try:
        return aiohttp.ClientRequest("GET", url, loop=loop, ssl=tls)
    except TypeError as error:
        raise RuntimeError("this version of aiohttp makes its requests in another way") from error


def has_begun(protocol: Any) -> bool:
    """Whether a head has started on an idle aiohttp connection, or that cannot be determined."""
    try:
        # The parser buffers it, and returns it at EOF.
        parser = protocol._parser
        return parser is not None and bool(parser.feed_eof())
    except AttributeError:
        return True


def forget_connections(connector: Any) -> None:
    """Drop the idle connections of a connector without closing them.

    Closing them would touch the event loop that they belong to, after a fork that of another process.
    """
    try:
        connector._conns.clear()
    except AttributeError as error:
        raise RuntimeError("this version of aiohttp keeps its connections elsewhere") from error
