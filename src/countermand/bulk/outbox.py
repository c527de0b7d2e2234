"""Operations for the journal, and those it has not confirmed yet."""

from collections.abc import Iterable

from .records import Insert, Load, Op


class Outbox:
    """Collects operations for the journal, and counts those that it has not confirmed."""

    def __init__(self) -> None:
        self._ops: list[Op] = []
        #: Writes that are not confirmed, and the rows among them.
        self.writing: int = 0
        self.inserting: int = 0
        self._reading = 0

    def __bool__(self) -> bool:
        return bool(self._ops)

    @property
    def awaits(self) -> bool:
        """Whether an event of the journal is pending."""
        return self.writing > 0 or self._reading > 0

    def add(self, *ops: Op) -> None:
        """Add operations."""
        for op in ops:
            self._ops.append(op)
            self._count(op, 1)

    def take(self) -> list[Op]:
        """Return the operations that have not been submitted, and clear them."""
        ops, self._ops = self._ops, []
        return ops

    def answered(self, ops: Iterable[Op]) -> None:
        """Note that the journal has confirmed these."""
        for op in ops:
            self._count(op, -1)

    def drop(self) -> None:
        """Discard everything: the journal no longer responds."""
        self._ops.clear()
        self.writing = self.inserting = self._reading = 0

    def _count(self, op: Op, one: int) -> None:
        if isinstance(op, Load):
            self._reading += one
        else:
            self.writing += one
            self.inserting += one * isinstance(op, Insert)
