"""One request on one of several machines: intent first, a read before a second send.

A queue or a workflow engine delivers a request to a worker, which may die, and then to another one. `settle` makes that
safe: before it sends, it stores an intent. A worker that finds an intent reads the order first, and sends again only
where that is harmless.
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
    """The durable record that one request is about to be sent: a row, a key, a workflow's history.

        result = client.settle(request, IntentInRedis(job.id))

    Any object with these methods works.
    """

    def declare(self, at: datetime) -> datetime | None:
        """Store durably that the request is about to be sent, unless that is stored already.

        Return when that was stored before, as a datetime with a time zone, or None if this is the first time.
        """
        ...

    def withdraw(self) -> None:
        """Remove the record: the order is untouched."""
        ...


class AsyncIntent(Protocol):
    """`Intent` on an event loop.

        result = await client.settle(request, IntentInRedis(job.id))

    Any object with these methods works.
    """

    async def declare(self, at: datetime) -> datetime | None:
        """See `Intent.declare`."""
        ...

    async def withdraw(self) -> None:
        """See `Intent.withdraw`."""
        ...


#: Yields calls without arguments, one at a time; the result or exception of each is sent back in.
Settling: TypeAlias = Generator[Callable[[], Any], Any, BulkResult]


def _settling(
    accounts: Accounts, request: AnyRequest | Mapping[str, Any], intent: Intent | AsyncIntent
) -> Settling:
    """Cancel one order whose cancellation another worker may have sent before; return the result."""
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
    """Return what `declare` returned. Raises `TypeError` if that is no instant: nothing is sent then."""
    if declared is None or (isinstance(declared, datetime) and declared.tzinfo is not None):
        return declared
    said = f"{declared!r}"[:100]
    raise TypeError(f"declare must return a datetime with a time zone, or None the first time, not {said}")


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
