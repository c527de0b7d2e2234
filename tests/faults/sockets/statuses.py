"""Faults of the status: errors before and behind the marketplace, redirects, rate limits."""

from .exchange import Ending, Exchange, Steps
from .faults import EITHER, LOST, UNDONE, fault

#: What a Retry-After may not look like, and a few that it may.
RETRY_AFTER = (
    "", "0", "-1", "+1", "1.5", "1e3", "0x10", "abc", "1 second", "1;2", "1, 2", ", ,", "\u0663", "\u00b2", "\u221e",
    "NaN", "Infinity", "null", "true", "99999999999999999999", "9" * 5000, "1" + " " * 5000 + "1", "2", "1",
    "Wed, 21 Oct 2015 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 99 Foo 2026 99:99:99 GMT",
    "Sun, 06 Nov 1994 08:49:37 +9999", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    "2026-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT", "Mon, 02 Mar 2026 09:00:01 GMT", "GMT", "Mon,",
    "Mon, 02 Mar 2026 09:00:01 GMT, 5", "{}", '"1"', "%31", "\u202e1",
)  # fmt: skip

#: The codes that say nothing about whether the request was applied.
AMBIGUOUS = (408, 500, 501, 502, 503, 504, 507, 520, 522, 524, 599)
#: The codes that say that it was not.
REJECTING = (400, 401, 403, 404, 405, 406, 409, 410, 415, 418, 422, 425, 451)


def _content(x: Exchange) -> tuple[bytes, str]:
    """Return one of several bodies that come with an error, and its media type."""
    bodies = (
        (b"", "text/plain"),
        (b"<html><h1>Bad Gateway</h1></html>", "text/html"),
        (b'{"error": {"code": "1", "message": "' + x.echo.encode() + b'"}}', "application/json"),
        (x.body, "application/json"),
        (b"\xff\xfe\x00", "application/octet-stream"),
    )
    return bodies[x.pick // 64 % len(bodies)]


@fault("408, 5xx", EITHER, weight=3.0)
def server_error(x: Exchange) -> Steps:
    """An error of the server, of a gateway, or of whatever stands in front of it."""
    body, kind = _content(x)
    later = ("retry-after: " + RETRY_AFTER[x.pick % len(RETRY_AFTER)],) if x.pick % 3 == 0 else ()
    yield x.whole(AMBIGUOUS[x.pick % len(AMBIGUOUS)], body, *later, kind=kind)


@fault("429", UNDONE, told="no", weight=2.0)
def too_many(x: Exchange) -> Steps:
    """A rate limit with a Retry-After that makes no sense, or some."""
    body, kind = _content(x)
    yield x.whole(429, body, "retry-after: " + RETRY_AFTER[x.pick % len(RETRY_AFTER)], kind=kind)


@fault("425", UNDONE, told="no")
def too_early(x: Exchange) -> Steps:
    """Too early: come again."""
    yield x.whole(425, b"")


@fault("4xx", UNDONE, told="no", weight=2.0, where=("cancel", "read", "login"))
def rejection(x: Exchange) -> Steps:
    """A rejection, which is true as far as this request goes."""
    code = REJECTING[x.pick % len(REJECTING)]
    body = b"" if x.pick % 2 else b'{"detail": "no", "errors": ["no"], "message": "' + x.echo.encode() + b'"}'
    yield x.whole(code, body)


@fault("another 2xx", EITHER, where=("cancel",))
def other_success(x: Exchange) -> Steps:
    """A success that no marketplace documents."""
    undocumented = (202, 203, 207, 226) if x.marketplace == "crux" else (201, 202, 203, 207, 226)
    yield x.whole(undocumented[x.pick % len(undocumented)], b'{"status": "accepted"}')


@fault("redirect", EITHER, weight=2.0)
def redirect(x: Exchange) -> Steps:
    """Somewhere else: to a host that must never hear of it."""
    code = (301, 302, 303, 307, 308, 300, 304, 399)[x.pick % 8]
    target = (
        f"{x.trap}/stolen",
        f"//{x.trap.partition('//')[2]}/stolen",
        x.trap.replace("//", "//user:pass@"),
    )[x.pick % 3]
    yield x.whole(code, b"", f"location: {target}", f"refresh: 0; url={x.trap}")


@fault("status with nothing behind it", LOST)
def bare_status(x: Exchange) -> Steps:
    """A status line that is all there is."""
    yield (
        b"HTTP/1.1 500\r\n\r\n",
        b"HTTP/1.1 503 \r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.0 502 Bad\r\n\r\n",
    )[x.pick % 3]
    yield Ending.FIN


@fault("stale", UNDONE, where=("read",))
def stale(x: Exchange) -> Steps:
    """The order as it was in the beginning; the server puts that into `x.reply`."""
    yield x.genuine()
