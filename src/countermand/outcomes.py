"""The five answers to a cancellation, and no others.

    Cancelled            final: the order is cancelled
    Requested            accepted, not final: a warehouse, a seller or a supplier still decides
    PartiallyCancelled   some parts are cancelled, some are not
    Refused              nothing was cancelled, and why
    Unknown              the request may have reached the marketplace, and no read could settle it

`Outcome[A]` is their closed union, where `A` is the type of the marketplace's answer. mypy and pyright check that a
`match` with `typing.assert_never` is complete.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeAlias, TypeGuard, TypeVar

import attrs

from .data import SCHEMA, Shown, Storable

if TYPE_CHECKING:
    from .data.shapes import Fields

A = TypeVar("A", covariant=True)


@attrs.frozen(repr=False, eq=False)
class Attempt(Shown):
    """One request of a call, sent or not.

    An outcome and an error list all of theirs in `attempts`.

        for attempt in outcome.attempts:
            print(attempt.what, attempt.status, attempt.ended)
    """

    #: "cancel", "read" (the order's state) or "login" (a token was fetched).
    what: Literal["cancel", "read", "login"]
    #: When it started, in UTC.
    at: datetime
    #: How long it took, in seconds.
    took: float
    #: The status code of the reply, or None.
    status: int | None
    #: How it ended, in words.
    ended: str
    #: Whether the request may have reached the marketplace.
    sent: bool = True
    #: The marketplace's request id, if a header of the reply had one.
    request_id: str | None = None
    #: The label of the account that made the request.
    account: str | None = None
    #: The Date header of the reply, if it had one.
    date: str | None = None

    def __str__(self) -> str:
        return f"{self.what} at {self.at:%H:%M:%S} ({self.took:.3f} s): {self.ended}"


@attrs.frozen(repr=False, eq=False)
class Part(Shown):
    """A part of an order: a warehouse order, a line item, or the whole order if the marketplace has no parts.

    `Cancelled`, `PartiallyCancelled` and `Refused` list the parts that they are about.

        for part in outcome.refused:
            print(part.id, part.reason or part.status)
    """

    #: The marketplace's identifier of the part; None if its answer has none.
    id: str | None
    #: The part's status, in the marketplace's words.
    status: str
    #: Why it could not be cancelled, if the marketplace gives a reason.
    reason: str | None = None


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Answered(Storable, Generic[A]):
    """The fields that the five answers share."""

    #: "pattern", "vtex", "crux", "kibo", or the name of a third party's marketplace.
    marketplace: str
    #: The order, as text.
    order_id: str
    #: The label of the account that made the call.
    account: str | None = None
    #: The typed answer of the marketplace that this outcome is based on; None if it sent no body.
    answer: A | None = None
    #: Every request of this call, and how it ended. It does not count when outcomes are compared.
    attempts: tuple[Attempt, ...] = attrs.field(default=(), eq=False)

    def _says(self, what: str) -> str:
        return f"{self.marketplace} order {self.order_id}: {what}"

    @classmethod
    def __countermand_shape__(cls, answer: Any = None) -> "Fields":
        from .data.shapes import fields_of, tag_of

        says: dict[str, Any] = {"schema": SCHEMA, "outcome": tag_of(cls)}
        settled = getattr(cls, "settled", None)
        return fields_of(cls, says | {"settled": settled} if isinstance(settled, bool) else says, answer)


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Cancelled(Answered[A]):
    """Final: the marketplace says that the whole order is cancelled.

    `settled` is always True.

        if isinstance(outcome, Cancelled):
            refund(outcome.order_id)
    """

    #: The cancelled parts, if the answer lists them.
    cancelled: tuple[Part, ...] = ()
    settled: ClassVar[Literal[True]] = True

    def __str__(self) -> str:
        return self._says("cancelled")


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Requested(Answered[A]):
    """Accepted but not final: a warehouse, a seller or a supplier still decides.

    `settled` is always False. Wait for the decision, or check later.

        if isinstance(outcome, Requested):
            outcome = client.wait_until_settled(outcome, timeout=600)
    """

    #: The order's status when it was last read, in the marketplace's words, or None if it was not read.
    status: str | None = None
    #: The parts whose cancellation was initiated, if a later read replaced the answer that listed them.
    cancelled: tuple[Part, ...] = ()
    settled: ClassVar[Literal[False]] = False

    def __str__(self) -> str:
        return self._says("cancellation requested" + (f", now {self.status}" if self.status else ""))


@attrs.frozen(kw_only=True, repr=False, eq=False)
class PartiallyCancelled(Answered[A]):
    """Some parts are cancelled or about to be, some are not.

    While `settled` is False, more parts can still change.

        if isinstance(outcome, PartiallyCancelled):
            print(len(outcome.cancelled), len(outcome.refused))
    """

    #: The parts that are cancelled, or whose cancellation was initiated.
    cancelled: tuple[Part, ...]
    #: The parts that are not cancelled.
    refused: tuple[Part, ...]
    #: Whether the state of every part is final.
    settled: bool

    def __str__(self) -> str:
        return self._says(
            f"partially cancelled, {len(self.cancelled)} of {len(self.cancelled) + len(self.refused)}"
        )


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Refused(Answered[A]):
    """The marketplace says that nothing was cancelled.

    `settled` is always True.

        if isinstance(outcome, Refused):
            print([part.reason or part.status for part in outcome.refused])
    """

    #: The parts that are not cancelled, each with the status or the reason that prevents it.
    refused: tuple[Part, ...]
    #: Always empty.
    cancelled: tuple[Part, ...] = ()
    settled: ClassVar[Literal[True]] = True

    def __str__(self) -> str:
        why = "; ".join(dict.fromkeys(part.reason or part.status for part in self.refused))
        return self._says(f"refused: {why}" if why else "refused")


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Unknown(Answered[A]):
    """The request may have reached the marketplace, and no read could settle what became of it.

    Do not send it again blindly: check the order first. `attempts` is the evidence. `settled` is always False.

        if isinstance(outcome, Unknown):
            outcome = client.check(outcome)
    """

    #: Why the outcome is not known.
    reason: str
    settled: ClassVar[Literal[False]] = False

    def __str__(self) -> str:
        return self._says(f"unknown: {self.reason}")


Outcome: TypeAlias = Cancelled[A] | Requested[A] | PartiallyCancelled[A] | Refused[A] | Unknown[A]


def is_outcome(value: object) -> "TypeGuard[Outcome[Any]]":
    """Return whether `value` is one of the five answers."""
    return isinstance(value, Answered)


#: The attribute of an exception that holds the evidence.
_EVIDENCE = "__countermand_evidence__"


def attach_evidence(interruption: BaseException, evidence: Unknown[object] | None) -> None:
    """Attach `evidence` to an exception that interrupts a call; None if the order is untouched."""
    if evidence is not None:
        interruption.add_note(str(evidence))
    vars(interruption)[_EVIDENCE] = evidence


def evidence_of(interruption: BaseException | None) -> Unknown[object] | None:
    """Return what was known when a cancellation was interrupted, or None.

    A `KeyboardInterrupt`, an `asyncio.CancelledError` or a timeout of your own propagates through a call unchanged.
    If the request may have been sent by then, an `Unknown` with every attempt is attached to the exception. This
    function finds it there, or on the exception's cause or context.

        try:
            client.pattern.cancel_order("114-3941689-8772232")
        except KeyboardInterrupt as interruption:
            print(evidence_of(interruption))
            raise
    """
    seen: set[int] = set()
    while interruption is not None and id(interruption) not in seen:
        seen.add(id(interruption))
        if _EVIDENCE in vars(interruption):
            evidence: Unknown[object] | None = vars(interruption)[_EVIDENCE]
            return evidence
        interruption = interruption.__cause__ or interruption.__context__
    return None
