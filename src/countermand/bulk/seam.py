"""One request on one of several machines: intent first, a look before a second send.

A queue or a workflow engine gives a request to a worker, which may die, and gives it to another. `settle` makes that
safe: before it sends, it stores an intent that the next worker finds, who then reads the order first, and asks again
only where that is harmless.
"""

from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol, TypeAlias

from ..engine.rules import AnyRequest
from ..engine.walking import finished, walked
from ..errors import CountermandError
from ..marketplaces.base import asking
from ..marketplaces.stored import request_from_dict
from .results import Accounts, BulkResult, told


class Intent(Protocol):
    """Where it is stored that one request is about to be sent: a row, a key, a workflow's history.

        result = client.settle(request, IntentInRedis(job.id))

    Any object with these methods will do.
    """

    def declare(self, at: datetime) -> datetime | None:
        """Store durably that the request is about to be sent, unless that is stored already.

        Return when it was declared before, a datetime with a time zone, or None if this is the first time.
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


#: Yields calls without arguments, one at a time; what each returns or raises comes back in.
Settling: TypeAlias = Generator[Callable[[], Any], Any, BulkResult]


def _settling(
    accounts: Accounts, request: AnyRequest | Mapping[str, Any], intent: Intent | AsyncIntent
) -> Settling:
    """Cancel one order that another worker may have asked about before; return what became of it."""
    driver: Any = accounts.driver
    asked = request_from_dict(request) if isinstance(request, Mapping) else request
    try:
        client = accounts.find(asked)
        client.rules.order_of(asked)
    except CountermandError as error:
        return told(asked, error)
    now = datetime.fromtimestamp(driver.clock.wall(), UTC)
    earlier = _instant((yield partial(intent.declare, now)))
    try:
        outcome = yield partial(driver.run, asking(client, asked, earlier))
    except CountermandError as error:
        if earlier is None:
            yield intent.withdraw
        return told(asked, error)
    return told(asked, outcome)


def _instant(declared: object) -> datetime | None:
    """Return what `declare` has returned. Nothing is sent for an intent whose time cannot be told."""
    if declared is None or (isinstance(declared, datetime) and declared.tzinfo is not None):
        return declared
    said = f"{declared!r}"[:100]
    raise TypeError(f"declare returns a datetime with a time zone, or None the first time, not {said}")


def settle(accounts: Accounts, request: AnyRequest | Mapping[str, Any], intent: Intent) -> BulkResult:
    """Settle on blocking I/O."""

    async def answer(call: Callable[[], Any]) -> Any:
        return call()

    return finished(walked(_settling(accounts, request, intent), answer))


async def settle_async(
    accounts: Accounts, request: AnyRequest | Mapping[str, Any], intent: AsyncIntent
) -> BulkResult:
    """Settle on an event loop."""

    async def answer(call: Callable[[], Any]) -> Any:
        return await call()

    return await walked(_settling(accounts, request, intent), answer)
