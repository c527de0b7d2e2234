"""The rows of a run that have no answer yet, and the rows of the same order that wait for it."""

from collections.abc import Sequence
from typing import Any, TypeAlias

#: A row whose order an earlier row names, and its request.
Follower: TypeAlias = tuple[int, Any]


class Unanswered:
    """Counts the rows without an answer. Only rows with followers are kept here."""

    def __init__(self) -> None:
        self._rows = 0
        self._followers: dict[int, list[Follower]] = {}

    def __len__(self) -> int:
        return self._rows

    def begin(self, row: int, followers: Sequence[Follower] = ()) -> None:
        """Note that a row, and these followers, wait for its answer."""
        self._rows += 1 + len(followers)
        if followers:
            self._followers[row] = list(followers)

    def follow(self, first: int, row: int, request: Any) -> None:
        """Make a row that was noted before a follower of an earlier one."""
        self._followers.setdefault(first, []).append((row, request))

    def end(self, row: int) -> Sequence[Follower]:
        """Note that a row is answered; return the rows that waited for it."""
        followers = self._followers.pop(row, ())
        self._rows -= 1 + len(followers)
        return followers
