"""A network in virtual time between the SDK's drivers and a `World`, and the troubles it can make.

    network = Network(world, seed=7, trouble=lambda passage: Trouble("lost", loses="the connection broke"))

Every request is a *passage*: it is sent, it lands at the marketplace (now, later, twice, or never), and something
comes back by its deadline, or a fault does. A `Trouble` says what goes wrong with one passage. Nothing is slept
through: see `tests.faults.virtual`.
"""

import random
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import timedelta
from heapq import heappop, heappush
from typing import Any, Literal, TypeAlias

from attrs import define, field, frozen

from countermand.engine.wire import Call, Fault, Reply
from countermand.sandbox.http import SandboxReply, SandboxRequest
from countermand.sandbox.world import World

from .virtual import Journey, VirtualClock

#: Where a request to these paths goes is a login, whatever the marketplace.
_LOGINS = ("/user-login/", "/authtickets/oauth")

Alteration: TypeAlias = "Callable[[Reply, Passage], Reply]"


@frozen
class Trouble:
    """What goes wrong with one request. The default is: nothing."""

    name: str
    #: It fails before a byte is sent, with these words.
    unsent: str = ""
    #: Whether the request ever lands at the marketplace; if not, whatever comes back comes from somebody else.
    lands: bool = True
    #: Seconds by which it lands late. The client may have given up by then.
    lag: float = 0.0
    #: How often it lands, and the answer of which landing is passed on (0 for the first).
    copies: int = 1
    answered: int = 0
    #: The answer is lost, with these words.
    loses: str = ""
    #: Nothing more comes until the deadline.
    stalls: bool = False
    #: Seconds by which the client's side of it takes longer.
    slow: float = 0.0
    #: How many changes of the order ago the marketplace's answer is from; for reads.
    stale: int = 0
    #: What is done to the answer on its way, or what is answered where nothing landed.
    alters: "Alteration | None" = None
    #: The pause that the altered answer asks for in so many words, in seconds: nothing may be sent before.
    pause: float | None = None


FAIR = Trouble("fair")


@define(eq=False)
class Passage:
    """One request on its way, and all that happened to it. Instants are of the virtual clock."""

    number: int
    what: Literal["cancel", "read", "login"]
    marketplace: str
    call: Call
    sent_at: float
    random: random.Random
    trouble: Trouble = FAIR
    #: When it landed, with the status that the marketplace gave. One entry per landing.
    landed: list[tuple[float, int]] = field(factory=list[tuple[float, int]])
    #: What the client got, and when; None while it is on its way, or when the client was interrupted.
    end: Reply | Fault | None = None
    ended_at: float | None = None


class Network:
    """Carries requests to a world. `trouble` is asked about each of them, in the order in which they are sent.

    `origin` is where the world is found: the base URL of a marketplace is `{origin}/{marketplace}`.
    """

    origin = "http://localhost"

    def __init__(
        self,
        world: World,
        seed: object = 0,
        trouble: Callable[[Passage], Trouble] = lambda _: FAIR,
        clock: VirtualClock | None = None,
        remember: tuple[str, str] | None = None,
    ) -> None:
        self.world = world
        self.clock: VirtualClock = clock or VirtualClock()
        self.passages: list[Passage] = []
        self._random = random.Random(str(seed))
        self._trouble = trouble
        self._origin_of_time = self.clock.now, world.now
        self._late: list[tuple[float, int, Passage]] = []
        # The order (marketplace, id) whose earlier states are kept, for reads that are stale.
        self._remember = remember
        self._memory: list[Any] = []
        self._remember_now()

    def journey(self, call: Call) -> Journey:
        """Carry one request. This is the interface `tests.faults.virtual.Medium`."""
        now, deadline = self.clock.now, call.deadline
        passage = self._depart(call, now)
        trouble = passage.trouble
        latency = self._random.uniform(0.02, 0.4)
        if trouble.unsent:
            failed = now + latency + trouble.slow
            yield min(failed, deadline)
            return self._arrive(passage, Fault(sent=False, detail=trouble.unsent))
        lands = now + latency / 2 + trouble.lag
        seen = (
            deadline
            if trouble.stalls
            else now + latency + trouble.slow + (0 if trouble.loses else trouble.lag)
        )
        too_late = seen >= deadline
        seen = min(seen, deadline)
        answer: Reply | None = None
        if trouble.lands and lands <= seen:
            try:
                yield lands
            except BaseException:  # the caller is gone; the bytes are on their way all the same
                self._postpone(lands, passage)
                raise
            answer = self._land(passage)
        elif trouble.lands:
            self._postpone(lands, passage)
        yield seen
        if trouble.loses and not too_late:
            return self._arrive(passage, Fault(sent=True, detail=trouble.loses))
        if too_late and not (trouble.stalls and trouble.alters):
            return self._arrive(passage, Fault(sent=True, detail="no answer in time"))
        if trouble.alters is not None:
            answer = trouble.alters(answer or Reply(502, {}), passage)
        assert answer is not None, f"nothing answers in {trouble.name!r}"
        return self._arrive(passage, answer)

    def settle(self) -> None:
        """Let everything land that is on its way still, and the world come to rest."""
        self._catch_up(float("inf"))
        self.world.settle()

    def catch_up(self) -> None:
        """Bring the world to the present: nothing happens in it while nobody looks."""
        self._catch_up(self.clock.now)

    def forget(self) -> None:
        """Forget the order's earlier states: a stale read shows none that is older than now."""
        self.catch_up()
        self._memory.clear()
        self._remember_now()

    # -- the way there --------------------------------------------------------------------------------------

    def _depart(self, call: Call, now: float) -> Passage:
        marketplace = call.target.split("/", 2)[1]
        what: Any = "read" if call.method == "GET" else "login" if call.target.endswith(_LOGINS) else "cancel"
        passage = Passage(len(self.passages), what, marketplace, call, now, self._random)
        self.passages.append(passage)
        passage.trouble = self._trouble(passage)
        return passage

    def _postpone(self, lands: float, passage: Passage) -> None:
        heappush(self._late, (lands, passage.number, passage))

    def _catch_up(self, until: float) -> None:
        while self._late and self._late[0][0] <= until:
            lands, _, passage = heappop(self._late)
            self._advance(lands)
            self._handle(passage, lands)
        if until != float("inf"):
            self._advance(until)

    def _advance(self, instant: float) -> None:
        began, world_began = self._origin_of_time
        self.world.advance(
            (world_began + timedelta(seconds=instant - began) - self.world.now).total_seconds()
        )

    # -- at the marketplace, and back -----------------------------------------------------------------------

    def _land(self, passage: Passage) -> Reply:
        self.catch_up()
        return self._handle(passage, self.clock.now)

    def _handle(self, passage: Passage, at: float) -> Reply:
        call, trouble = passage.call, passage.trouble
        headers: Mapping[str, str] = {**call.headers, **(_JSON if call.body is not None else {})}
        request = SandboxRequest.to(call.method, call.target, headers, call.body or b"")
        with_the_past = passage.what == "read" and trouble.stale and self._remember is not None
        replies = [
            self._handle_in_the_past(request, trouble.stale) if with_the_past else self.world.handle(request)
            for _ in range(trouble.copies)
        ]
        passage.landed += [(at, reply.status) for reply in replies]
        if passage.what == "cancel":
            self._remember_now()
        answer = replies[trouble.answered]
        if (
            answer.status == 429
        ):  # whoever repeats requests does not pass this on while there is another answer
            answer = replies[0]
        return Reply(answer.status, {name.lower(): value for name, value in answer.headers}, answer.body)

    def _handle_in_the_past(self, request: SandboxRequest, ago: int) -> SandboxReply:
        assert self._remember is not None
        marketplace, order_id = self._remember
        orders = self.world.simulator(marketplace).orders
        if order_id not in orders:
            return self.world.handle(request)
        present = orders[order_id]
        orders[order_id] = self._memory[max(0, len(self._memory) - ago)]
        try:
            return self.world.handle(request)
        finally:
            orders[order_id] = present

    def _remember_now(self) -> None:
        if self._remember is not None:
            marketplace, order_id = self._remember
            self._memory.append(deepcopy(self.world.simulator(marketplace).orders.get(order_id)))

    def _arrive(self, passage: Passage, end: Reply | Fault) -> Reply | Fault:
        passage.end, passage.ended_at = end, self.clock.now
        return end


_JSON = {"content-type": "application/json"}
