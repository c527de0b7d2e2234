"""A world of four simulated marketplaces: no I/O, single-threaded, with a clock that the caller moves.

There is no socket, no system clock and no randomness: the same calls give the same replies and the same ledger.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

from countermand.sandbox import checks
from countermand.sandbox.crux import CruxSimulator
from countermand.sandbox.http import SandboxReply, SandboxRequest, json_reply, path_segments
from countermand.sandbox.kibo import KiboSimulator
from countermand.sandbox.ledger import Entry, Marketplace, Truth
from countermand.sandbox.pattern import PatternSimulator
from countermand.sandbox.simulator import Simulator, Timeline
from countermand.sandbox.vtex import VtexSimulator

EPOCH: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class World:
    """Four marketplaces under one origin: `/pattern/…`, `/vtex/…`, `/crux/…`, `/kibo/…`.

    A sandbox has one.

        print(sandbox.world.now, sandbox.world.ledger)
    """

    __slots__ = ("_simulators", "_timeline", "crux", "kibo", "pattern", "vtex")

    def __init__(self, now: datetime = EPOCH) -> None:
        self._timeline = Timeline(now)
        self.pattern: PatternSimulator = PatternSimulator(self._timeline)
        self.vtex: VtexSimulator = VtexSimulator(self._timeline)
        self.crux: CruxSimulator = CruxSimulator(self._timeline)
        self.kibo: KiboSimulator = KiboSimulator(self._timeline)
        self._simulators: dict[str, Simulator[Any]] = {
            each.name: each for each in (self.pattern, self.vtex, self.crux, self.kibo)
        }

    def simulator(self, marketplace: str) -> Simulator[Any]:
        """Return one of the four by its name.

            sandbox.world.simulator("vtex").may_cancel = False

        Raises ValueError for any other name.
        """
        checks.marketplace(marketplace)
        return self._simulators[marketplace]

    @property
    def now(self) -> datetime:
        """The world's time."""
        return self._timeline.now

    @property
    def ledger(self) -> Sequence[Entry]:
        """What really happened, in order. It only grows."""
        return self._timeline.ledger

    def handle(self, request: SandboxRequest) -> SandboxReply:
        """Answer one request."""
        try:
            marketplace, *path = path_segments(request.path)
            simulator = self._simulators.get(marketplace)
            if simulator is None or not path:
                reply = json_reply(404, {"error": "no such marketplace"})
            else:
                reply = simulator.handle(request, path)
        except UnicodeDecodeError:
            reply = json_reply(400, {"error": "the target is not UTF-8"})
        return reply.with_headers(("date", self.http_date()))

    def http_date(self) -> str:
        """Return the world's time in the format of a Date header."""
        return format_datetime(self.now, usegmt=True)

    def advance(self, seconds: float) -> None:
        """Move time forward by `seconds`, and apply every event scheduled until then, in order.

            world.advance(60)

        Raises ValueError for a negative number.
        """
        self._run(self.now + timedelta(seconds=checks.not_negative("the time to advance by", seconds)))

    def settle(self) -> None:
        """Move time forward until no event is scheduled.

            world.settle()

        Every seller, supplier and warehouse has decided then, except those that never do.
        """
        self._run(None)

    def _run(self, until: datetime | None) -> None:
        for event in self._timeline.run(until):
            simulator = self._simulators[event.marketplace]
            simulator.land(simulator.orders[event.order_id], event)

    def truth(self, marketplace: Marketplace, order_id: object) -> Truth:
        """Return the current and the final state of an order.

            truth = sandbox.world.truth("kibo", 1010101)

        Raises an error that is a ValueError and a KeyError if there is no such order.
        """
        return self.simulator(marketplace).truth(str(order_id))
