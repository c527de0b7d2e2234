"""Every private name of a library that this package uses, what it buys, and what happens when it is gone.

Tests hold each of them against the oldest and the newest versions of the libraries. A name that is gone never costs
a promise: the connection is closed after the reply, or the first use says clearly what is missing.

| name | buys | gone |
|---|---|---|
| `httpx.HTTPTransport._pool` | a stock transport over streams of our own | `RuntimeError` before anything is sent |
| `_stream`, `_httpcore_stream`, `_connection`, `_h11_state` of a response | a caller's connection is kept only when nothing came behind the reply | it is closed after each reply |
| `_stream` of httpcore's async streams, `_protocol.read_queue` and `_read_bio` of anyio's | the same, for what anyio has read and not handed on, or not decrypted | it is closed after each reply |
| `aiohttp.ClientRequest(method, url, loop=, ssl=)` | aiohttp's connector without aiohttp's session | `RuntimeError` before anything is sent |
| `ResponseHandler._parser` | an aiohttp connection is kept only when no head has begun on it | it is not used again |
| `BaseConnector._conns` | connections of another event loop, or process, are dropped without reaching into it | `RuntimeError` before anything is sent |
"""

from typing import Any


def install_pool(transport: Any, pool: Any) -> None:
    """Let an httpx transport send through `pool`: httpx has no argument for a network backend."""
    if not hasattr(transport, "_pool"):
        raise RuntimeError("this version of httpx keeps its pool under another name than _pool")
    transport._pool = pool


def has_surplus(response: Any) -> bool:
    """Whether something was read behind a reply of a caller's own client, or that cannot be found out.

    What is left over would be read as the answer to the next request, about another order.
    """
    stream = response.extensions.get("network_stream")
    if stream is None or response.extensions.get("http_version") == b"HTTP/2":
        return False  # a mock has no connection; HTTP/2 numbers its replies
    link = response.stream
    try:
        link = getattr(link, "_stream", link)  # what a client puts around its transport's stream
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
    """Return what aiohttp's connector wants to know of a request: where it goes."""
    try:
        return aiohttp.ClientRequest("GET", url, loop=loop, ssl=tls)
    except TypeError as error:
        raise RuntimeError("this version of aiohttp makes its requests in another way") from error


def has_begun(protocol: Any) -> bool:
    """Whether an idle connection of aiohttp's holds the beginning of a head, or that cannot be found out."""
    try:
        # The parser keeps it to itself, and gives it away at the end.
        parser = protocol._parser
        return parser is not None and bool(parser.feed_eof())
    except AttributeError:
        return True


def forget_connections(connector: Any) -> None:
    """Drop a connector's idle connections without closing them.

    Closing would reach into the event loop they belong to, across a fork into another process's.
    """
    try:
        connector._conns.clear()
    except AttributeError as error:
        raise RuntimeError("this version of aiohttp keeps its connections elsewhere") from error
