"""Dates as VTEX writes them: with an offset, with a Z, or without a time zone."""

from datetime import UTC, datetime, timedelta, timezone

#: Earlier than every date.
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
#: A date without a time zone (`2019-05-09 15:31:23`) may mean any zone. In these it is the earliest and the latest.
_EASTERNMOST = timezone(timedelta(hours=14))
_WESTERNMOST = timezone(timedelta(hours=-12))
#: The uncertainty of the time of a request without a receipt: a Date header has whole seconds.
_CLOCKS_AGREE = timedelta(seconds=1)


def moment(*texts: str | None) -> datetime:
    """Return the earliest instant that the first date among `texts` can mean. Without a date it is long ago."""
    found = next(filter(None, map(_read, texts)), _LONG_AGO)
    return found if found.tzinfo is not None else found.replace(tzinfo=_EASTERNMOST)


def received_by(receipt: str | None, sent: datetime | None) -> datetime | None:
    """Return an instant by which VTEX had received a request, or None if nothing tells it.

    `receipt` is the date of the receipt. If it has no time zone, `sent` is more exact: when the request was sent, by
    VTEX's clock.
    """
    date = _read(receipt)
    if date is not None and date.tzinfo is not None:
        return date
    if sent is not None:
        return sent + _CLOCKS_AGREE
    return date and date.replace(tzinfo=_WESTERNMOST)


def _read(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text or "")
    except ValueError:
        return None
