"""The catalogue of faults: each is a generator of what the server does in place of answering.

`told` is what a client may conclude, by HTTP alone, from what it gets:

- "nothing": whether the request was applied stays open (or what came back cannot be believed);
- "no": the request was not applied, and the server says so;
- "all": the reply is the marketplace's own, whole and true, however it was delivered.

`applied` lists what the marketplace may have done meanwhile: "yes", "no", or "late", after the reply was lost.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Final, Literal, TypeAlias

from attrs import frozen

from .exchange import Exchange, Steps

Applied: TypeAlias = Literal["yes", "no", "late"]
Where: TypeAlias = Literal["connect", "cancel", "read", "login"]
Told: TypeAlias = Literal["nothing", "no", "all"]
Act: TypeAlias = Callable[[Exchange], Steps]

LOST: Final[tuple[Applied, ...]] = ("yes", "no", "late")
EITHER: Final[tuple[Applied, ...]] = ("yes", "no")
DONE: Final[tuple[Applied, ...]] = ("yes",)
UNDONE: Final[tuple[Applied, ...]] = ("no",)
ASKED: Final[tuple[Where, ...]] = ("cancel", "read", "login")


@frozen
class Kind:
    """One fault of the catalogue."""

    name: str
    act: Act
    applied: tuple[Applied, ...]
    where: tuple[Where, ...] = ASKED
    told: Told = "nothing"
    #: A timeout that starts anew with every byte does not bound it: a caller's own blocking client outlasts its time.
    outlasts: bool = False
    #: Marketplaces at which a cancel that ends so would be a true answer.
    not_at: frozenset[str] = frozenset()
    #: How often the sweep chooses it, against 1 for most.
    weight: float = 1.0


CATALOGUE: Final[dict[str, Kind]] = {}


def fault(
    name: str,
    applied: tuple[Applied, ...] = LOST,
    *,
    where: tuple[Where, ...] = ASKED,
    told: Told = "nothing",
    outlasts: bool = False,
    not_at: tuple[str, ...] = (),
    weight: float = 1.0,
) -> Callable[[Act], Act]:
    """Enter a generator into the catalogue."""

    def enter(act: Act) -> Act:
        CATALOGUE[name] = Kind(name, act, applied, where, told, outlasts, frozenset(not_at), weight)
        return act

    return enter


@frozen
class Planned:
    """One fault of a case: which, what the marketplace did meanwhile, and which variant."""

    name: str
    applied: Applied = "yes"
    pick: int = 0
    #: Whether it strikes every request from now on, not one.
    always: bool = False

    @property
    def kind(self) -> Kind:
        """Its entry in the catalogue."""
        return catalogue()[self.name]

    def __str__(self) -> str:
        return f"{self.name}#{self.pick} (applied: {self.applied}){' always' if self.always else ''}"


@cache
def catalogue() -> dict[str, Kind]:
    """Return all faults by name, sorted: what a seed chooses must not depend on which module was imported first."""
    for module in (
        "connections",
        "bodies",
        "contents",
        "statuses",
    ):  # they enter their faults when they are imported
        import_module(f"{__package__}.{module}")
    return dict(sorted(CATALOGUE.items()))
