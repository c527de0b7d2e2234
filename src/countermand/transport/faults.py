"""What an HTTP library's exception says about the request: did it leave, or not?

Exceptions are told apart by the phase that their class names, never by a parent class: `PoolTimeout` and
`ConnectTimeout` were not sent, `ReadTimeout` may have been, and all three are `TimeoutException`. The names are
the same in httpx, httpx2 and httpcore, so a caller's own client of any of them is understood.
"""

from ..engine.wire import Fault

_NOT_SENT = {
    "ConnectError": "no connection",
    "ConnectTimeout": "no connection in time",
    "PoolTimeout": "no free connection in time",
    "ProxyError": "the proxy refused the connection",
    "UnsupportedProtocol": "the URL's scheme is not supported",
    # aiohttp's own
    "ClientConnectorError": "no connection",
    "ClientConnectorDNSError": "no connection: the host name was not found",
    "ClientConnectorCertificateError": "no connection: the certificate is not valid",
    "ClientConnectorSSLError": "no connection: TLS failed",
    "ClientProxyConnectionError": "the proxy refused the connection",
    "ConnectionTimeoutError": "no connection in time",
}
_MAY_BE_SENT = {
    "ReadTimeout": "no answer in time",
    "WriteTimeout": "could not be sent in time",
    "ReadError": "the connection broke while the answer was awaited",
    "WriteError": "the connection broke while it was being sent",
    "RemoteProtocolError": "the connection was closed, or what came back is not HTTP",
    "DecodingError": "the body's encoding is broken",
    # aiohttp's own
    "ServerDisconnectedError": "the connection was closed without an answer",
    "ClientOSError": "the connection broke",
    "ClientPayloadError": "the body was cut short",
    "HttpProcessingError": "what came back is not HTTP",
    "ClientConnectionResetError": "the connection broke while it was being sent",
    "SocketTimeoutError": "no answer in time",
    "TimeoutError": "no answer in time",
}
_EXPLAINED = ("ConnectError", "ClientConnectorError")


def fault(error: Exception, *, connected: bool = True) -> Fault:
    """Return what `error`, raised by an HTTP library for one request, means for that request.

    `connected` is False where the driver had no connection yet, and so knows that nothing was sent.
    """
    name = type(error).__name__
    if not connected and isinstance(error, TimeoutError):
        return Fault(sent=False, detail=f"{_NOT_SENT['ConnectTimeout']} ({name})")
    for known in type(error).__mro__:
        if (detail := _NOT_SENT.get(known.__name__)) is not None:
            # aiohttp's own text tells of TLS where there is none.
            reason = str(getattr(error, "os_error", error))[:200]
            explained = f": {reason}" if known.__name__ in _EXPLAINED and reason else ""
            return Fault(sent=False, detail=f"{detail} ({name}{explained})")
        if (detail := _MAY_BE_SENT.get(known.__name__)) is not None:
            return Fault(sent=connected, detail=f"{detail} ({name})")
    return Fault(sent=connected, detail=f"it failed ({name})")


def flaw(error: Exception) -> str:
    """Return why a body cannot be used, when `error` came after the status."""
    if isinstance(error, OverflowError):
        return "its body is too large"
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return "its body did not end in time"
    return f"its body is not whole ({type(error).__name__})"


def without_frames(interruption: BaseException, outer: BaseException | None) -> BaseException:
    """Drop the frames below this room: they belong to HTTP libraries, whose variables hold headers in the clear.

    `outer` is what the caller was handling when the call began; it, and what is behind it, is the caller's own.
    """
    link: BaseException | None = interruption
    seen: set[int] = {id(outer)}
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return interruption
