"""Dates as VTEX writes them: with an offset, with a Z, or without a time zone."""

from datetime import UTC, datetime, timedelta, timezone

#: Earlier than every date.
LONG_AGO = datetime.min.replace(tzinfo=UTC)
#: A date without a time zone (`2019-05-09 15:31:23`) may mean any zone. In this one it is the earliest.
_EASTERNMOST = timezone(timedelta(hours=14))


def moment(text: str | None) -> datetime | None:
    """Return the earliest instant that a date can mean, or None if `text` is not a date."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=_EASTERNMOST)


def zoned(text: str) -> datetime | None:
    """Return the instant of a date that has a time zone, or None for any other text."""
    found = moment(text)
    return None if found is None or found.tzinfo is _EASTERNMOST else found
