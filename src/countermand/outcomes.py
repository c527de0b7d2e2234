"""The five answers to a cancellation, and no others.

    Cancelled            final: the order is cancelled
    Requested            accepted, not final: a warehouse, a seller or a supplier still decides
    PartiallyCancelled   some parts are cancelled, some are not
    Refused              nothing was cancelled, and why
    Unknown              the request may have reached the marketplace, and no read could settle it

`Outcome[A]` is their closed union, generic in the marketplace's own typed answer, so that `match` with
`typing.assert_never` is checked for completeness by mypy and pyright.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeAlias, TypeGuard, TypeVar

import attrs

from .data import SCHEMA, Storable

if TYPE_CHECKING:
    from .data.shapes import Fields

A = TypeVar("A", covariant=True)


@attrs.frozen
class Attempt:
    """One request that was made, or was about to be."""

    #: "cancel", "read" (the order's state) or "login" (a token was fetched).
    what: Literal["cancel", "read", "login"]
    #: When it began, in UTC.
    at: datetime
    #: How long it took, in seconds.
    took: float
    #: The status code that came back, or None.
    status: int | None
    #: How it ended, in words.
    ended: str
    #: Whether the request may have reached the marketplace.
    sent: bool = True
    #: The marketplace's own identifier of the request, where a header named one.
    request_id: str | None = None
    #: The label of the account that it was made with.
    account: str | None = None
    #: The reply's Date header, the marketplace's own time when it answered; None where it had none.
    date: str | None = None

    def __str__(self) -> str:
        return f"{self.what} at {self.at:%H:%M:%S} ({self.took:.3f} s): {self.ended}"


@attrs.frozen
class Part:
    """A part of an order: a warehouse order, a line item, or the whole order where a marketplace knows no parts."""

    #: The marketplace's identifier of the part; None where its answer names none.
    id: str | None
    #: The part's status, in the marketplace's words.
    status: str
    #: Why it could not be cancelled, where the marketplace says so.
    reason: str | None = None


@attrs.frozen(kw_only=True)
class Answered(Storable, Generic[A]):
    """What the five answers have in common."""

    #: "pattern", "vtex", "crux", "kibo", or the name of a third party's marketplace.
    marketplace: str
    #: The order, as text.
    order_id: str
    #: The label of the account that was asked.
    account: str | None = None
    #: The marketplace's own typed answer that this rests on; None where it sent no body.
    answer: A | None = None
    #: Every request this call made, and how it ended. Two outcomes that differ in this alone are equal.
    attempts: tuple[Attempt, ...] = attrs.field(default=(), eq=False)

    def _says(self, what: str) -> str:
        return f"{self.marketplace} order {self.order_id}: {what}"

    @classmethod
    def __countermand_shape__(cls, answer: Any = None) -> "Fields":
        from .data.shapes import fields_of, tag_of

        says: dict[str, Any] = {"schema": SCHEMA, "outcome": tag_of(cls)}
        settled = getattr(cls, "settled", None)
        return fields_of(cls, says | {"settled": settled} if isinstance(settled, bool) else says, answer)


@attrs.frozen(kw_only=True)
class Cancelled(Answered[A]):
    """Final: the marketplace says that the whole order is cancelled."""

    #: The parts that are cancelled, where the answer lists them.
    cancelled: tuple[Part, ...] = ()
    settled: ClassVar[Literal[True]] = True

    def __str__(self) -> str:
        return self._says("cancelled")


@attrs.frozen(kw_only=True)
class Requested(Answered[A]):
    """Accepted and not final: somebody still decides. `wait_until_settled` learns what became of it."""

    #: The order's status when it was last seen, in the marketplace's words, or None when it was not read.
    status: str | None = None
    #: The parts whose cancellation was begun, where a later look has replaced the answer that named them.
    cancelled: tuple[Part, ...] = ()
    settled: ClassVar[Literal[False]] = False

    def __str__(self) -> str:
        return self._says("cancellation requested" + (f", now {self.status}" if self.status else ""))


@attrs.frozen(kw_only=True)
class PartiallyCancelled(Answered[A]):
    """Some parts are (being) cancelled, some are not."""

    #: The parts that are cancelled, or whose cancellation was begun.
    cancelled: tuple[Part, ...]
    #: The parts that are not.
    refused: tuple[Part, ...]
    #: Whether every part is final. While False, more can still change.
    settled: bool

    def __str__(self) -> str:
        return self._says(
            f"partially cancelled, {len(self.cancelled)} of {len(self.cancelled) + len(self.refused)}"
        )


@attrs.frozen(kw_only=True)
class Refused(Answered[A]):
    """Nothing was cancelled, and the marketplace says so."""

    #: The parts that are not cancelled, with the status or the reason that stands in the way.
    refused: tuple[Part, ...]
    #: Always empty.
    cancelled: tuple[Part, ...] = ()
    settled: ClassVar[Literal[True]] = True

    def __str__(self) -> str:
        why = "; ".join(dict.fromkeys(part.reason or part.status for part in self.refused))
        return self._says(f"refused: {why}" if why else "refused")


@attrs.frozen(kw_only=True)
class Unknown(Answered[A]):
    """The request may have reached the marketplace, and no read could settle what became of it.

    Look at the order before anything else is done with it; `attempts` is the evidence.
    """

    #: Why nothing more is known.
    reason: str
    settled: ClassVar[Literal[False]] = False

    def __str__(self) -> str:
        return self._says(f"unknown: {self.reason}")


Outcome: TypeAlias = Cancelled[A] | Requested[A] | PartiallyCancelled[A] | Refused[A] | Unknown[A]


def is_outcome(value: object) -> TypeGuard[Outcome[Any]]:
    """Return whether `value` is one of the five answers."""
    return isinstance(value, Answered)


#: The attribute of an interruption that holds the evidence.
_EVIDENCE = "__countermand_evidence__"


def attach_evidence(interruption: BaseException, evidence: Unknown[object] | None) -> None:
    """Leave `evidence` on an exception that passes through a call; None where the order is untouched."""
    if evidence is not None:
        interruption.add_note(str(evidence))
    vars(interruption)[_EVIDENCE] = evidence


def evidence_of(interruption: BaseException | None) -> Unknown[object] | None:
    """Return what was known when a cancellation was interrupted, or None.

    A `KeyboardInterrupt`, an `asyncio.CancelledError` or a timeout of the caller's own passes through a call
    untouched. If it came after the request may have been sent, an `Unknown` with every attempt stays on the
    exception; this finds it there, or on the exception that the caller's one was made from.
    """
    seen: set[int] = set()
    while interruption is not None and id(interruption) not in seen:
        seen.add(id(interruption))
        if _EVIDENCE in vars(interruption):
            evidence: Unknown[object] | None = vars(interruption)[_EVIDENCE]
            return evidence
        interruption = interruption.__cause__ or interruption.__context__
    return None
