"""Drivers in virtual time: they play a script, and write down what was sent and how long was waited."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import attrs

from countermand.engine.wire import Call, Clock, Fault, Flow, Reply, Sleep, T

#: What may come of one request: a reply, a fault, an interruption; or one of them after so many seconds.
Answer: TypeAlias = Reply | Fault | BaseException

#: The stage's time at its start, on the wall's clock: Monday, 2 March 2026, 9:00 UTC.
WALL = 1_772_442_000.0


def reply(status: int, body: object = b"", **headers: str) -> Reply:
    """Return a reply; a body that is not bytes goes out as JSON. `retry_after="1"` is Retry-After."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


def lost(detail: str = "the connection broke") -> Fault:
    """Return what is left of a request that may have arrived."""
    return Fault(sent=True, detail=detail)


def unsent(detail: str = "no connection") -> Fault:
    """Return what is left of a request that never left."""
    return Fault(sent=False, detail=detail)


@attrs.frozen
class After:
    """An answer that takes its time."""

    seconds: float
    answer: Answer


#: What happens meanwhile, and then an answer.
Play: TypeAlias = Callable[[], Answer]


class Stage:
    """A scripted marketplace and its time; `driver` and `async_driver` are given to a client as `http_client=`.

    Each kind of request has answers of its own, taken in order; one request too many fails the test.
    """

    def __init__(
        self,
        *,
        cancel: Iterable[Answer | After | Play] = (),
        read: Iterable[Answer | After | Play] = (),
        login: Iterable[Answer | After | Play] = (),
    ) -> None:
        self.now = 0.0
        self.calls: list[Call] = []
        #: What each call was for, in order: "cancel", "read", "login".
        self.kinds: list[str] = []
        #: When each call was made.
        self.times: list[float] = []
        self.sleeps: list[float] = []
        self.closed = 0
        self._script: dict[str, Iterator[Answer | After | Play]] = {
            "cancel": iter(cancel),
            "read": iter(read),
            "login": iter(login),
        }
        self.clock = Clock(lambda: self.now, lambda: WALL + self.now)
        self.driver = _Driver(self)
        self.async_driver = _AsyncDriver(self)

    def exchange(self, call: Call) -> Answer:
        """Answer one request."""
        kind = _kind(call)
        self.calls.append(call)
        self.kinds.append(kind)
        self.times.append(self.now)
        try:
            answer = next(self._script[kind])
        except StopIteration:
            raise AssertionError(f"an unexpected {kind}: {call}; before it {self.kinds[:-1]}") from None
        if isinstance(answer, After):
            self.now += answer.seconds
            return answer.answer
        return answer() if callable(answer) else answer

    def step(self, flow: Flow[Any], step: Call | Sleep) -> Call | Sleep:
        """Answer one step of a flow, and return its next."""
        if isinstance(step, Sleep):
            self.sleeps.append(step.seconds)
            self.now += step.seconds
            return flow.send(None)
        answer = self.exchange(step)
        if isinstance(answer, BaseException):
            return flow.throw(answer)
        return flow.send(answer)


class _Driver:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.clock = stage.clock

    def run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                step = self._stage.step(flow, step)
        except StopIteration as end:
            result: T = end.value
            return result

    def close(self) -> None:
        self._stage.closed += 1


class _AsyncDriver:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.clock = stage.clock

    async def run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                await asyncio.sleep(0)  # calls beside this one have their turn
                step = self._stage.step(flow, step)
        except StopIteration as end:
            result: T = end.value
            return result

    async def aclose(self) -> None:
        self._stage.closed += 1


def _kind(call: Call) -> str:
    if call.target.endswith(("/user-login/", "/authtickets/oauth")):
        return "login"
    return "read" if call.method == "GET" else "cancel"
