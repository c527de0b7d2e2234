"""Keeps what a marketplace echoes out of the HTTP libraries' logs, while a call of ours is under way.

httpx logs a reply's reason phrase at INFO, httpcore a reply's whole head at DEBUG, and hpack, under a caller's own
client that speaks HTTP/2, every header of both directions. A server, or a gateway before it, that repeats a request's
headers would write our credentials there. A filter on those loggers takes that part out of the records of our calls
and leaves all other records, and the loggers' levels and handlers, as they are.
"""

import logging
from contextvars import ContextVar

#: Whether the code that runs here and now does so for a call of ours.
ours: ContextVar[bool] = ContextVar("countermand_call", default=False)

_LIBRARIES = ("httpcore", "httpcore2")
_PARTS = ("connection", "http11", "http2", "proxy", "socks")


def _without_event(record: logging.LogRecord) -> bool:
    """Leave of httpcore's record what happened; what came back, or was raised over it, stays out."""
    if ours.get() and isinstance(record.msg, str):
        event = record.msg.partition(" ")[0]
        if event.endswith((".complete", ".failed")):
            record.msg = event
    return True


def _without_phrase(record: logging.LogRecord) -> bool:
    """Leave of httpx's record everything but the reason phrase, which is the last of its arguments."""
    if ours.get() and isinstance(record.args, tuple) and len(record.args) == 5:
        record.args = (*record.args[:-1], "")
    return True


def _nothing(_record: logging.LogRecord) -> bool:
    return not ours.get()


def hush() -> None:
    """Put the filters in place; once more changes nothing."""
    for name in ("httpx", "httpx2"):
        logging.getLogger(name).addFilter(_without_phrase)
    for name in (f"{library}.{part}" for library in _LIBRARIES for part in _PARTS):
        logging.getLogger(name).addFilter(_without_event)
    for name in ("hpack", "hpack.hpack", "hpack.table"):
        logging.getLogger(name).addFilter(_nothing)
