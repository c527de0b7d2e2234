"""A marketplace that answers one call from a script, in virtual time, and records what really happened.

A `Scene` returns the documented replies of a counterpart, or a `Step` in place of one for a fault. The outcome of the
call is compared with its record.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Any, TypeVar

from attrs import frozen

from countermand.engine.wire import Call, Clock, Fault, Flow, Reply
from countermand.outcomes import Cancelled, Refused
from countermand.sandbox.conformance.counterpart import Counterpart, Kind

T = TypeVar("T")

#: How long an answer takes, in seconds.
_LATENCY = 0.05
#: The time of day at the beginning: Monday, 2 March 2026, 9:00 UTC.
_WALL = 1_772_442_000.0


@frozen
class Step:
    """The result of one request, in place of the documented reply."""

    #: A reply, what is left of a lost one, an exception that interrupts the call; None: nothing until the request's deadline.
    answer: Reply | Fault | BaseException | None
    #: Whether the marketplace did what it was asked.
    applied: bool = False
    #: How often, one after the other.
    times: int = 1
    #: The outcome that the answer is evidence for, if it is evidence.
    shows: type[Any] | None = None

    def always(self) -> "Step":
        """Return this step for every further request."""
        return Step(self.answer, self.applied, 1_000_000, self.shows)


class Scene:
    """One call's conversation with a marketplace, in virtual time: the driver of a blocking client.

    `cancel` and `read` script the first requests of each kind; further ones get the documented replies.
    """

    def __init__(
        self, counterpart: Counterpart, cancel: Iterable[Step] = (), read: Iterable[Step] = ()
    ) -> None:
        #: The seconds since the beginning: the monotonic clock of the flows that it runs.
        self.elapsed: float = 0.0
        self.clock: Clock = Clock(lambda: self.elapsed, lambda: _WALL + self.elapsed)
        self.calls: list[Call] = []
        self.kinds: list[Kind] = []
        #: When each request was made, in seconds from the beginning.
        self.times: list[float] = []
        #: What happened, for the message of a failure.
        self.story: list[str] = []
        #: Whether the marketplace cancelled the order, or began to.
        self.applied: bool = False
        #: Whether some request may have been applied, as far as can be told from its answer.
        self.unclear: bool = False
        #: How many cancellations were sent after one that may have been applied.
        self.repeats: int = 0
        #: The outcomes for which some answer was evidence.
        self.shown: set[type[Any]] = set()
        self._counterpart = counterpart
        self._script: dict[Kind, Iterator[Step]] = {
            "cancel": chain.from_iterable(repeat(step, step.times) for step in cancel),
            "read": chain.from_iterable(repeat(step, step.times) for step in read),
            "login": iter(()),
        }

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end in virtual time; return what it returns, or raise what it raises."""
        try:
            step = next(flow)
            while True:
                if isinstance(step, Call):
                    answer = self._exchange(step)
                    step = flow.throw(answer) if isinstance(answer, BaseException) else flow.send(answer)
                else:
                    self.elapsed += step.seconds
                    step = flow.send(None)
        except StopIteration as end:
            result: T = end.value
            return result

    def close(self) -> None:
        """Do nothing: nothing was opened."""

    def _exchange(self, call: Call) -> Reply | Fault | BaseException:
        kind = self._kind(call)
        self.calls.append(call)
        self.kinds.append(kind)
        self.times.append(self.elapsed)
        if kind == "cancel" and self.unclear:
            self.repeats += 1
        step = next(self._script[kind], None) or self._documented(kind)
        if step.shows is not None:
            self.shown.add(step.shows)
        if kind == "cancel":
            self.applied = self.applied or step.applied
            self.unclear = self.unclear or _is_unclear(step.answer)
        self.story.append(f"{kind} → {_told(step)}")
        late = call.deadline if step.answer is None else min(call.deadline, self.elapsed + _LATENCY)
        self.elapsed = max(self.elapsed, late)
        return step.answer if step.answer is not None else Fault(sent=True, detail="no answer in time")

    def _kind(self, call: Call) -> Kind:
        if self._counterpart.kind_of is not None:
            return self._counterpart.kind_of(call)
        if self._counterpart.login is not None and not call.headers:
            return "login"
        return "read" if call.method == "GET" else "cancel"

    def _documented(self, kind: Kind) -> Step:
        about = self._counterpart
        if kind == "login":
            return Step(about.login or Reply(404, {}))
        if kind == "read":
            return Step(about.cancelled, shows=Cancelled) if self.applied else Step(about.still_open)
        if self.applied and about.repeated is not None:
            return Step(about.repeated, applied=True, shows=Cancelled)
        return Step(about.accepted, applied=True, shows=about.accepted_means)


class AsyncSceneDriver:
    """Runs an async client's flows on a scene. It awaits nothing, and so needs no event loop."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.clock: Clock = scene.clock

    async def run(self, flow: Flow[T]) -> T:
        """Run `flow` to its end."""
        return self._scene.run(flow)

    async def aclose(self) -> None:
        """Do nothing: nothing was opened."""


def refusing(counterpart: Counterpart) -> tuple[Step, Step]:
    """Return the steps for a cancellation and for a read of an order that cannot be cancelled."""
    read = counterpart.blocked or counterpart.still_open
    shows = Refused if counterpart.blocked is not None else None
    return Step(counterpart.refused, shows=Refused), Step(read, shows=shows)


def echoing(reply: Reply, secrets: Iterable[str]) -> Reply:
    """Return `reply` with credentials repeated in its headers and its body, as some gateways do."""
    echo = " and ".join(secrets)
    try:
        said: Any = json.loads(reply.body)
    except ValueError:
        said = None
    body = json.dumps({**said, "echo": echo}).encode() if isinstance(said, dict) else reply.body
    if reply.status >= 400 and body is reply.body:
        body += echo.encode()
    return reply._replace(headers={**reply.headers, "x-request-id": f"for {echo}", "x-echo": echo}, body=body)


def _is_unclear(answer: Reply | Fault | BaseException | None) -> bool:
    """Whether, as far as this answer tells, the request may have been applied."""
    if isinstance(answer, Fault):
        return answer.sent
    if isinstance(answer, Reply):
        return answer.status < 400 or answer.status == 408 or answer.status >= 500
    return True


def _told(step: Step) -> str:
    answer = step.answer
    if isinstance(answer, Reply):
        flaw = f", {answer.flaw}" if answer.flaw else ""
        told = f"{answer.status}{flaw} {answer.body[:60]!r}"
    elif isinstance(answer, Fault):
        told = f"{'lost' if answer.sent else 'not sent'}: {answer.detail}"
    else:
        told = "no answer" if answer is None else f"{type(answer).__name__}"
    return f"{told} (applied)" if step.applied else told
