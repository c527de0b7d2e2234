"""One request on one of several machines: intent first, a look before a second send.

A queue or a workflow engine gives a request to a worker, which may die, and gives it to another. `settle` makes that
safe: before it sends, it stores an intent that the next worker finds, who then reads the order first, and asks again
only where that is harmless.
"""

from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol, TypeAlias

from ..engine.rules import AnyRequest
from ..engine.wire import Flow
from ..errors import CountermandError
from ..marketplaces.base import asking
from ..marketplaces.stored import request_from_dict
from .results import Accounts, BulkResult


class Intent(Protocol):
    """Where it is stored that one request is about to be sent: a row, a key, a workflow's history.

        result = client.settle(request, IntentInRedis(job.id))

    Any object with these methods will do.
    """

    def declare(self, at: datetime) -> datetime | None:
        """Store durably that the request is about to be sent, unless that is stored already.

        Return when it was declared before, or None if this is the first time.
        """
        ...

    def withdraw(self) -> None:
        """Forget what was declared: the order is untouched."""
        ...


class AsyncIntent(Protocol):
    """`Intent` on an event loop.

        result = await client.settle(request, IntentInRedis(job.id))

    Any object with these methods will do.
    """

    async def declare(self, at: datetime) -> datetime | None:
        """See `Intent.declare`."""
        ...

    async def withdraw(self) -> None:
        """See `Intent.withdraw`."""
        ...


class Declare(NamedTuple):
    """Have the intent declared."""

    at: datetime


class Withdraw(NamedTuple):
    """Have the intent withdrawn."""


class Ask(NamedTuple):
    """Run this flow; throw one of our errors back in."""

    flow: Flow[Any]


Settling: TypeAlias = Generator[Declare | Withdraw | Ask, Any, BulkResult]


def settling(accounts: Accounts, request: AnyRequest | Mapping[str, Any]) -> Settling:
    """Cancel one order that another worker may have asked about before; return what became of it."""
    asked = request_from_dict(request) if isinstance(request, Mapping) else request
    try:
        client = accounts.find(asked)
        client.rules.order_of(asked)
    except CountermandError as error:
        return BulkResult(asked, error=error)
    earlier: datetime | None = yield Declare(datetime.fromtimestamp(accounts.driver.clock.wall(), UTC))
    try:
        outcome = yield Ask(asking(client, asked, earlier))
    except CountermandError as error:
        if earlier is None:
            yield Withdraw()
        return BulkResult(asked, error=error)
    return BulkResult(asked, outcome)


def settle(accounts: Accounts, request: AnyRequest | Mapping[str, Any], intent: Intent) -> BulkResult:
    """Run `settling` on blocking I/O."""
    driver: Any = accounts.driver
    course = settling(accounts, request)
    try:
        step = next(course)
        while True:
            match step:
                case Declare(at):
                    step = course.send(intent.declare(at))
                case Withdraw():
                    intent.withdraw()
                    step = next(course)
                case Ask(flow):
                    try:
                        outcome = driver.run(flow)
                    except CountermandError as error:
                        step = course.throw(error)
                    else:
                        step = course.send(outcome)
    except StopIteration as end:
        result: BulkResult = end.value
        return result


async def settle_async(
    accounts: Accounts, request: AnyRequest | Mapping[str, Any], intent: AsyncIntent
) -> BulkResult:
    """Run `settling` on an event loop."""
    driver: Any = accounts.driver
    course = settling(accounts, request)
    try:
        step = next(course)
        while True:
            match step:
                case Declare(at):
                    step = course.send(await intent.declare(at))
                case Withdraw():
                    await intent.withdraw()
                    step = next(course)
                case Ask(flow):
                    try:
                        outcome = await driver.run(flow)
                    except CountermandError as error:
                        step = course.throw(error)
                    else:
                        step = course.send(outcome)
    except StopIteration as end:
        result: BulkResult = end.value
        return result
