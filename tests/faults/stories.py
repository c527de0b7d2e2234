"""Stories with a fixed course: which trouble strikes the first request, which the second, and so on."""

import asyncio
from collections.abc import Callable
from typing import Any

from countermand import AsyncCountermand, Countermand
from countermand.sandbox.world import World

from . import bodies
from .cases import DOORS, Door, ask, wait
from .network import FAIR, Network, Passage, Trouble
from .scenes import Scene, plain
from .virtual import AsyncVirtualDriver, Interruption, VirtualDriver, run_virtually

RESET = "the connection broke while the answer was awaited"

#: Applied, and the answer never comes back.
REPLY_LOST = Trouble("reply lost", loses=RESET)
#: Lost on the way there; the client cannot tell the two apart.
REQUEST_LOST = Trouble("request lost", lands=False, loses=RESET)


def lands_late(seconds: float) -> Trouble:
    """The client gives up at once; the request is applied so many seconds later."""
    return Trouble("lands late", lag=seconds, loses=RESET)


def answered(status: int, body: bytes = b"", applied: bool = False, **headers: str) -> Trouble:
    """A gateway, or the marketplace, answers with this status."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Trouble(str(status), lands=applied, alters=bodies.answers(status, body, named))


class Story:
    """One order at one marketplace, a client of it, and the troubles that its requests meet, in their order.

    Requests beyond the troubles that were listed meet none. The pauses between attempts are drawn at random;
    a story must come out the same whatever they are.
    """

    def __init__(
        self,
        marketplace: str,
        *troubles: Trouble,
        door: Door = "sync",
        interrupted_after: float | None = None,
        **order: Any,
    ) -> None:
        self.world = World()
        self.scene: Scene = plain(self.world, marketplace, **order)
        self.door: Door = door
        self._troubles = list(troubles)
        self._remembered = (marketplace, str(self.scene.order_id))
        self.network = Network(self.world, 0, self._next, remember=self._remembered)
        self.clock = self.network.clock
        self._began = self.clock.now
        self._interruption: Interruption | None = None
        if interrupted_after is not None:
            kind = KeyboardInterrupt if door == "sync" else asyncio.CancelledError
            self._interruption = Interruption(self._began + interrupted_after, kind)
        self.client: Any
        if door == "sync":
            driver = VirtualDriver(self.network, self._interruption)
            self.client = Countermand(**self.scene.settings, http_client=driver)
        else:
            self.client = AsyncCountermand(
                **self.scene.settings, http_client=AsyncVirtualDriver(self.network)
            )

    def _next(self, passage: Passage) -> Trouble:
        return self._troubles.pop(0) if self._troubles else FAIR

    def then(self, *troubles: Trouble) -> None:
        """Add troubles for the requests that follow."""
        self._troubles += troubles

    def cancel(self) -> Any:
        """Cancel the order; return the outcome."""
        return self._run(lambda: ask(self.client, self.scene))

    def wait(self, timeout: float) -> Any:
        """Wait for the cancellation to be settled; return the outcome."""
        return self._run(lambda: wait(self.client, self.scene, timeout))

    def _run(self, call: Callable[[], Any]) -> Any:
        if self.door == "sync":
            return call()
        interruption, self._interruption = self._interruption, None
        return run_virtually(call(), self.clock, interruption)

    @property
    def took(self) -> float:
        """The seconds that have passed."""
        return self.clock.now - self._began

    @property
    def sent(self) -> list[str]:
        """What was sent, in order: "cancel", "read", "login"."""
        return [passage.what for passage in self.network.passages]

    def truth(self) -> Any:
        """Let everything land, and return what has become of the order."""
        self.network.settle()
        return self.world.truth(self.scene.marketplace, self.scene.order_id)


__all__ = ["DOORS", "REPLY_LOST", "REQUEST_LOST", "Story", "answered", "lands_late"]
