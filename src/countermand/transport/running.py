"""The two drivers' loops. Everything else they do is the exchange of one call for one reply."""

import asyncio
import time
from abc import ABC, abstractmethod

from ..wire import Call, Clock, Fault, Flow, Reply, T

_CLOCK = Clock(time.monotonic, time.time)
#: How far past a call's deadline an async exchange is cut, in seconds. Connecting keeps to the deadline itself, so
#: that a connection that never came is told apart from an answer that never came.
GRACE = 0.05


def standing_headers(call: Call) -> dict[str, str]:
    """Return the headers of `call` that do not depend on the order."""
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "countermand",
        **call.headers,
    }
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    return headers


class BlockingDriver(ABC):
    """Runs flows on blocking I/O; a subclass exchanges one call for what came of it."""

    clock = _CLOCK

    @abstractmethod
    def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""

    @abstractmethod
    def close(self) -> None:
        """Close what the driver opened itself."""

    def run(self, flow: Flow[T]) -> T:
        """Run `flow` to its end and return what it returns, or raise what it raises."""
        try:
            step = next(flow)
            while True:
                try:
                    answer: Reply | Fault | None = None
                    if isinstance(step, Call):
                        answer = self.exchange(step)
                    else:
                        time.sleep(step.seconds)
                except BaseException as interruption:
                    step = flow.throw(_bare(interruption))
                else:
                    step = flow.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result


class AsyncioDriver(ABC):
    """Runs flows on asyncio; a subclass exchanges one call for what came of it."""

    clock = _CLOCK

    @abstractmethod
    async def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close what the driver opened itself."""

    async def run(self, flow: Flow[T]) -> T:
        """Run `flow` to its end and return what it returns, or raise what it raises."""
        try:
            step = next(flow)
            while True:
                try:
                    answer: Reply | Fault | None = None
                    if isinstance(step, Call):
                        answer = await self.exchange(step)
                    else:
                        await asyncio.sleep(step.seconds)
                except BaseException as interruption:
                    step = flow.throw(_bare(interruption))
                else:
                    step = flow.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result


def _bare(interruption: BaseException) -> BaseException:
    """Drop the frames below this room: they belong to HTTP libraries, whose variables hold headers in the clear."""
    link: BaseException | None = interruption
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return interruption
