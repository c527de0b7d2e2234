"""What is promised, as the measures that the judge counts broken promises by."""

from typing import NamedTuple

UNTRUE = "answers that contradict the ledger once late effects have landed"
LATER = "later looks whose words contradict the ledger"
UNASKED = "later looks that say Requested where no request arrived"
OTHER = "effects on, or answers about, another order"
IDLE = "Unknown while a read works and the state is final, or without a fault"
SPURIOUS = "raised with nothing in the way"
TWICE = "second sends of a Crux cancel after an ambiguous attempt"
OVERRULED = "VTEX orders that a second POST of ours confirmed before the seller decided"
GATE = "requests of a call before its Retry-After was over"
LATE = "waits and requests past the deadline"
FOREIGN = "exceptions and values outside our tree"
SECRET = "credentials in a repr, a str or the evidence"
EVIDENCE = "requests that the evidence misses or tells wrongly"
DOORS = "seeds whose sync and async outcomes differ"
MEASURES = (
    UNTRUE,
    LATER,
    UNASKED,
    OTHER,
    IDLE,
    SPURIOUS,
    TWICE,
    OVERRULED,
    GATE,
    LATE,
    FOREIGN,
    SECRET,
    EVIDENCE,
    DOORS,
)


class Wrong(NamedTuple):
    """A broken promise: which measure it counts for, and what happened."""

    measure: str
    text: str
