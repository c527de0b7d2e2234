"""Which trouble strikes which request: weighted, seeded, and kept to what a network or a gateway could do."""

import random
from collections.abc import Callable
from itertools import accumulate
from typing import TypeAlias

from attrs import define, field, frozen

from countermand.sandbox.world import World

from . import troubles as t
from .network import FAIR, Passage, Trouble

Maker: TypeAlias = "Callable[[Weather, Passage], Trouble]"


@define
class Menu:
    """Weighted troubles, to draw one from."""

    weights: dict[Maker, int]
    _makers: list[Maker] = field(init=False)
    _sums: list[int] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._makers, self._sums = list(self.weights), list(accumulate(self.weights.values()))

    def draw(self, rng: random.Random) -> Maker:
        """Return one of the makers."""
        return rng.choices(self._makers, cum_weights=self._sums)[0]


@frozen
class Mood:
    """How often trouble strikes: the first request, later cancels and logins, reads."""

    name: str
    first: float
    later: float
    reads: float
    #: One trouble over and over, by name of the menu's maker.
    always: "Maker | None" = None


_CANCEL = Menu(
    {
        t.unsent: 8,
        t.lost: 7,
        t.reply_lost: 14,
        t.late: 9,
        t.slow: 3,
        t.twice: 5,
        t.unclear: 15,
        t.limited: 8,
        t.cut: 6,
        t.garbled: 12,
        t.masked: 3,
        t.barred: 2,
        t.echoed: 1,
    }
)
_READ = Menu(
    {
        t.unsent: 6,
        t.lost: 4,
        t.reply_lost: 6,
        t.slow: 3,
        t.unclear: 14,
        t.limited: 6,
        t.cut: 5,
        t.garbled: 12,
        t.masked: 2,
        t.barred: 8,
        t.echoed: 1,
        t.stale: 14,
        t.mixed_up: 6,
    }
)
_LOGIN = Menu(
    {
        t.unsent: 6,
        t.lost: 4,
        t.reply_lost: 6,
        t.slow: 2,
        t.unclear: 10,
        t.limited: 4,
        t.cut: 3,
        t.garbled: 5,
        t.masked: 3,
        t.barred: 2,
        t.echoed: 1,
    }
)
_MENUS = {"cancel": _CANCEL, "read": _READ, "login": _LOGIN}

#: How often the second cancel of an order is answered by what the first has done.
_CONSEQUENCES = 0.3

#: How many cases in a hundred have which mood.
MOODS = (
    (20, Mood("fair", 0, 0, 0)),
    (28, Mood("one", 1, 0, 0)),
    (20, Mood("one, then some", 1, 0.3, 0.3)),
    (12, Mood("reads fail", 1, 0.2, 0.8)),
    (10, Mood("rough", 0.3, 0.3, 0.3)),
    (5, Mood("storm", 0.9, 0.9, 0.9)),
    (2, Mood("nothing arrives", 1, 1, 1, t.lost)),
    (1, Mood("429 for ever", 1, 1, 1, t.limited)),
    (2, Mood("replies lost", 1, 1, 0.2, t.reply_lost)),
)


@define
class Weather:
    """Decides the trouble of each passage of one case."""

    mood: Mood
    random: random.Random
    world: World
    order_id: str
    other_id: str
    #: Whether some cancel of the order has been accepted by now.
    accepted: Callable[[], bool]
    _begun: bool = field(default=False, init=False)

    def __call__(self, passage: Passage) -> Trouble:
        """Return what goes wrong with a passage."""
        mood = self.mood
        if mood.name == "fair":
            return FAIR
        if (
            passage.what == "cancel"
            and self._begun
            and self.random.random() < _CONSEQUENCES
            and self.accepted()
        ):
            return t.consequence(self, passage)
        chance = mood.reads if passage.what == "read" else mood.later if self._begun else mood.first
        self._begun = self._begun or passage.what == "cancel"
        if self.random.random() >= chance:
            return FAIR
        if mood.always is not None and (passage.what == "cancel" or mood.reads == 1):
            return mood.always(self, passage)
        return _MENUS[passage.what].draw(self.random)(self, passage)


def mood(rng: random.Random) -> Mood:
    """Draw a case's mood."""
    return rng.choices([mood for _, mood in MOODS], weights=[weight for weight, _ in MOODS])[0]
