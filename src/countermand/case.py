"""One order's case: what was tried, and the words for how it ended.

Every outcome and every error is made here, so that each carries the order, the marketplace and the evidence.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from .errors import CountermandError, RejectedError
from .outcomes import Attempt, MarketplaceName
from .outcomes import Cancelled, Outcome, Part, PartiallyCancelled, Refused, Requested, Unknown
from .engine.wire import Fault, Reply

A = TypeVar("A")
E = TypeVar("E", bound=CountermandError)

_BODY_SHOWN = 2000


class Case(Generic[A]):
    """An order at a marketplace, and every attempt of one call on it."""

    def __init__(self, marketplace: MarketplaceName, order_id: str) -> None:
        self.marketplace: MarketplaceName = marketplace
        self.order_id: str = order_id
        self.attempts: list[Attempt] = []

    def cancelled(self, answer: A | None, cancelled: tuple[Part, ...] = ()) -> Cancelled[A]:
        """Return `Cancelled` for this order."""
        return Cancelled(**self._facts(answer), cancelled=cancelled)

    def requested(self, answer: A | None, status: str | None = None) -> Requested[A]:
        """Return `Requested` for this order."""
        return Requested(**self._facts(answer), status=status)

    def partially_cancelled(
        self, answer: A | None, cancelled: tuple[Part, ...], refused: tuple[Part, ...], settled: bool
    ) -> PartiallyCancelled[A]:
        """Return `PartiallyCancelled` for this order."""
        return PartiallyCancelled(
            **self._facts(answer), cancelled=cancelled, refused=refused, settled=settled
        )

    def refused(self, answer: A | None, refused: tuple[Part, ...]) -> Refused[A]:
        """Return `Refused` for this order."""
        return Refused(**self._facts(answer), refused=refused)

    def by_parts(
        self,
        answer: A,
        parts: tuple[Part, ...],
        is_cancelled: Callable[[str], bool],
        is_final: Callable[[str], bool],
        status: str,
    ) -> Outcome[A]:
        """Return what the statuses of an order's parts add up to; `status` is the order's own, in words."""
        cancelled = tuple(part for part in parts if is_cancelled(part.status))
        others = tuple(part for part in parts if not is_cancelled(part.status))
        settled = all(is_final(part.status) for part in others)
        if not others:
            return self.cancelled(answer, cancelled)
        if cancelled:
            return self.partially_cancelled(answer, cancelled, others, settled)
        return self.refused(answer, others) if settled else self.requested(answer, status)

    def unknown(self, reason: str, answer: A | None = None) -> Unknown[A]:
        """Return `Unknown` for this order."""
        return Unknown(**self._facts(answer), reason=reason)

    def _facts(self, answer: A | None) -> dict[str, Any]:
        return {
            "marketplace": self.marketplace,
            "order_id": self.order_id,
            "answer": answer,
            "attempts": tuple(self.attempts),
        }

    def error(self, kind: type[E], message: str, reply: Reply | Fault | None = None, **more: Any) -> E:
        """Return an error of `kind` for this order, with the reply that came back last, if one did."""
        about: dict[str, Any] = {
            "marketplace": self.marketplace,
            "order_id": self.order_id or None,
            "attempts": tuple(self.attempts),
        }
        if isinstance(reply, Reply):
            about["status"] = reply.status
            about["request_id"] = self.attempts[-1].request_id
            about["body"] = reply.body[: 4 * _BODY_SHOWN].decode(errors="replace")[:_BODY_SHOWN]
        return kind(message, **about | more)

    def rejection(self, reply: Reply, kinds: Mapping[int, type[CountermandError]]) -> CountermandError:
        """Return the typed error for a 4xx that means "not applied"."""
        kind = kinds.get(reply.status, RejectedError)
        return self.error(kind, f"answered {reply.status}: {kind.meaning}", reply)
