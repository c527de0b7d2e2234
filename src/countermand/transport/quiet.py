"""Keeps the HTTP libraries silent in the logs while a call of ours is under way.

httpx logs a reply's reason phrase at INFO, httpcore a reply's whole head at DEBUG, and hpack, under a caller's own
client that speaks HTTP/2, every header of both directions. A server, or a gateway before it, that repeats a request's
headers would write our credentials there. A filter on those loggers drops the records of our calls, whatever they
look like, and leaves all others, and the loggers' levels and handlers, as they are.
"""

import logging
from contextvars import ContextVar

#: Whether the code that runs here and now does so for a call of ours.
ours: ContextVar[bool] = ContextVar("countermand_call", default=False)

_PARTS = ("connection", "http11", "http2", "proxy", "socks")
_LOGGERS = (
    *("httpx", "httpx2", "httpcore", "httpcore2"),
    *(f"{library}.{part}" for library in ("httpcore", "httpcore2") for part in _PARTS),
    *("hpack", "hpack.hpack", "hpack.table", "h2", "aiohttp.client", "aiohttp.internal"),
)


def is_not_ours(_record: logging.LogRecord) -> bool:
    """Whether a record may pass, for `logging.Logger.addFilter`."""
    return not ours.get()


def hush() -> None:
    """Put the filters in place; once more changes nothing."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(is_not_ours)
