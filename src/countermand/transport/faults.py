"""What an exception says about its request: was it sent, and is the exception the library's or foreign?

The streams of a stock driver, and the `trace` events of a caller's client, show whether the request was sent. If
neither saw anything (a mock, another transport), the name of the exception's class decides, never a base class:
after `PoolTimeout` and `ConnectTimeout` nothing was sent, after `ReadTimeout` it may have been, and all three are
`TimeoutException`. The names are the same in httpx, httpx2 and httpcore.
"""

from typing import Any

from ..engine.wire import BODY_LOST, Call, Fault, Reply
from .foreign import foreign_cause, is_foreign, is_http, is_of_another_library, of_libraries, pass_on

_NOT_SENT = {
    "ConnectError": "no connection",
    "ConnectTimeout": "no connection in time",
    "PoolTimeout": "no free connection in time",
    "ProxyError": "the proxy refused the connection",
    "UnsupportedProtocol": "the URL's scheme is not supported",
    "InvalidURL": "the URL is not valid",
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
#: Exceptions whose messages come from this machine, and give the reason.
_EXPLAINED = (
    *("ConnectError", "ProxyError"),
    *("ClientConnectorError", "ClientConnectorDNSError", "ClientConnectorSSLError"),
    "ClientConnectorCertificateError",
)
_PLAIN = (OSError, UnicodeError, RuntimeError)


def settled(
    error: Exception, call: Call, *, request: object = None, witnessed: bool = False
) -> Fault | Reply:
    """Return the result of an exchange that raised `error`. Foreign exceptions are raised, after setting `call.sent`.

    `request` is the request of the caller's client, or None without such a client. `witnessed` says whether `call.sent`
    was observed, not assumed.

    If a hook raised `HTTPStatusError` for this request, the result is a reply with the status and headers of its
    response, and with the body if it was read. If not, the body is empty and the flaw is `BODY_LOST`.
    """
    ours = request is None
    if is_http(error) and request is not None:
        about = _request_of(error)
        ours = about is request
        if not ours and (about is not None or is_foreign(error)):
            pass_on(error)
        if is_of_another_library(error, request):
            pass_on(error)
        response = getattr(error, "response", None)
        if response is not None:
            return _judged(response)
    theirs = foreign_cause(error)
    if theirs is not None:
        pass_on(theirs)
    known = next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _TOLD), "")
    if known in _NOT_SENT and ours and not witnessed:
        call.sent = False
    detail = _TOLD.get(known, "it failed")
    if not call.sent and isinstance(error, TimeoutError):
        detail = _NOT_SENT["ConnectTimeout"]
    elif not call.sent and known not in _NOT_SENT:
        detail = f"{detail}, before anything was sent" if known else "it could not be sent"
    return Fault(
        call.sent,
        f"{detail} ({type(error).__name__}{_reason(error, known, call)})",
        _cause(error, detail),
    )


def flaw(error: Exception) -> str:
    """Return why a body is unusable, if `error` occurred after the status. Foreign exceptions are raised."""
    if (theirs := foreign_cause(error)) is not None:
        pass_on(theirs)
    if isinstance(error, OverflowError):
        return "its body is too large"
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return "its body did not end in time"
    return f"its body is not whole ({type(error).__name__})"


_TOLD = _NOT_SENT | _MAY_BE_SENT


def _request_of(error: BaseException) -> object:
    try:
        return getattr(error, "request", None)
    except RuntimeError:  # httpx raises it if there is none
        return None


def _judged(response: Any) -> Reply:
    status, headers = int(response.status_code), dict(response.headers.items())
    try:
        return Reply(status, headers, response.content)
    except Exception:  # httpx and httpx2 raise different classes for a closed response
        empty = status in (204, 304) or headers.get("content-length") == "0"
        return Reply(status, headers, b"", "" if empty else BODY_LOST)


def _reason(error: Exception, known: str, call: Call) -> str:
    """Return the message of `error` if it comes from this machine and cannot contain a credential."""
    before = not call.sent and isinstance(error, _PLAIN) and not is_http(error)
    if known not in _EXPLAINED and not before:
        return ""
    # aiohttp's own text mentions TLS even without TLS, and has a certificate's error in another place.
    reason = str(getattr(error, "certificate_error", getattr(error, "os_error", error)))[:200]
    if known == "ProxyError" and reason[:3].isdigit():
        reason = reason[:3]  # the proxy's reason phrase may echo the request
    return f": {reason}" if reason else ""


def _cause(error: Exception, detail: str) -> BaseException:
    """Return a copy of the root cause, without its frames, its objects and its context."""
    bottom: BaseException | None = None
    for link in of_libraries(error):
        if isinstance(link, (OSError, UnicodeError)) and not is_http(link):
            bottom = link
    kind = type(bottom or error)
    said = (bottom or error).args if bottom is not None or not is_http(error) else (detail,)
    try:
        copy = kind.__new__(kind, *said)
        copy.args = said
        str(copy)
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {detail}")
    return copy
