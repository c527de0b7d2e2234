"""Suppresses the log records of HTTP libraries during our calls, because they may contain credentials.

httpx logs the reason phrase of a reply at INFO, httpcore the complete head at DEBUG, and hpack, with HTTP/2, every
header in both directions. A server or gateway that echoes the headers of a request would put our credentials into the
log. A filter on those loggers drops all records of our calls. Other records, levels and handlers are not affected.
"""

import logging
from contextvars import ContextVar

#: Whether the current context belongs to one of our calls.
ours: ContextVar[bool] = ContextVar("countermand_call", default=False)

_PARTS = ("connection", "http11", "http2", "proxy", "socks")
_LOGGERS = (
    *("httpx", "httpx2", "httpcore", "httpcore2"),
    *(f"{library}.{part}" for library in ("httpcore", "httpcore2") for part in _PARTS),
    *("hpack", "hpack.hpack", "hpack.table", "h2", "aiohttp.client", "aiohttp.internal"),
)


def is_not_ours(_record: logging.LogRecord) -> bool:
    """Filter for `logging.Logger.addFilter`: whether to keep a record."""
    return not ours.get()


def hush() -> None:
    """Install the filters. Repeated calls have no effect."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(is_not_ours)
