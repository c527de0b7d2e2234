"""The hook of every client that logs its events."""

import logging
import re
from datetime import datetime
from typing import Any

import attrs

from ..outcomes import evidence_of
from .events import CallEnd, CallEnded, Event, RequestEnd, RequestEnded, WaitStarted
from .logs import LOG, is_long

#: Line breaks and terminal control characters, which a marketplace's message may contain.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
#: Fields whose values are objects. A record has them as text.
_OBJECTS = ("outcome", "error", "interruption")


def log(event: Event) -> None:
    """Log one event if its level is enabled."""
    level = _level(event)
    if level is not None and LOG.isEnabledFor(level):
        LOG.log(level, "%s", _CONTROL.sub(" ", _sentence(event)), extra=_fields(event))


def log_failure(hook: object, error: Exception) -> None:
    """Log that a hook raised `error`. The repr of the hook is left out, because it may contain anything."""
    name = getattr(hook, "__qualname__", None) or type(hook).__qualname__
    LOG.error("the hook %s raised an exception, which changes nothing for the call", name, exc_info=error)


def is_alarming(event: CallEnded) -> bool:
    """Return whether somebody should look at the order: a cancellation may or may not have been applied.

    An open order that was read by its id alone is `Unknown` too, but then no cancellation is known of.
    """
    if event.interruption is not None:
        return evidence_of(event.interruption) is not None
    outcome = event.outcome
    if outcome is None or event.ended is not CallEnd.UNKNOWN:
        return False
    asked = any(attempt.what == "cancel" for attempt in outcome.attempts)
    return asked or event.call != "check" or outcome.answer is None


def _level(event: Event) -> int | None:
    if isinstance(event, CallEnded):
        if is_alarming(event):
            return logging.WARNING
        return logging.DEBUG if event.ended is CallEnd.READ else logging.INFO
    if isinstance(event, WaitStarted):
        return logging.WARNING if is_long(event.why, event.seconds or 0.0) else logging.DEBUG
    return logging.DEBUG if isinstance(event, RequestEnded) else None


def _sentence(event: Event) -> str:
    about = f"{event.marketplace} order {event.order_id}"
    if isinstance(event, RequestEnded):
        ended = f"answered {event.status}" if event.status is not None else event.ended.replace("_", " ")
        flaw = ", unreadable" if event.ended is RequestEnd.UNREADABLE else ""
        return f"{about}: {event.what}, {event.method} {event.url}: {ended}{flaw} ({event.seconds:.3f} s)"
    if isinstance(event, WaitStarted):
        reason = event.why.replace("_", " ")
        return f"{about}: waiting for {'a while' if event.seconds is None else f'{event.seconds:.1f} s'} ({reason})"
    assert isinstance(event, CallEnded)
    took = (
        f"({event.call}, {event.requests} request{'' if event.requests == 1 else 's'}, {event.seconds:.3f} s)"
    )
    if event.outcome is not None:
        return f"{event.outcome} {took}"
    if event.error is not None:
        return f"{event.error}; {type(event.error).__name__} {took}"
    ended = "read" if event.interruption is None else f"interrupted by {type(event.interruption).__name__}"
    return f"{about}: {ended} {took}"


def _fields(event: Event) -> dict[str, Any]:
    """Return the fields of an event as attributes of a record, without names that `LogRecord` uses itself."""
    fields: dict[str, Any] = {}
    for field in attrs.fields(type(event)):
        value = getattr(event, field.name)
        if field.name in _OBJECTS:
            value = None if value is None or field.name == "outcome" else type(value).__name__
        if value is not None:
            fields[field.name] = value.isoformat() if isinstance(value, datetime) else value
    return fields
