"""What the four sub-clients have in common: a marketplace, a driver, and the time one call may take."""

from typing import Any, Generic, TypeVar

from .engine import checks
from .cancellation import Marketplace, cancelling, reading, waiting
from .case import Case
from .context import CallContext
from .engine.decoding import Answer
from .errors import InvalidRequestError
from .outcomes import Outcome
from .requests import marketplace_of
from .engine.retry import RetryPolicy
from .engine.wire import AsyncDriver, Driver

A = TypeVar("A", bound=Answer)
I = TypeVar("I")  # noqa: E741  what names an order: text, or an integer at Kibo
R = TypeVar("R")

#: How long `wait_until_settled` waits when nothing else is said, in seconds.
SETTLE_TIMEOUT = 600.0


class _SubClient(Generic[I, R, A]):
    def __init__(
        self, marketplace: Marketplace[I, R, A], driver: Any, timeout: float, retry: RetryPolicy
    ) -> None:
        self._marketplace = marketplace
        self._driver = driver
        self._timeout = timeout
        self._retry = retry

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._marketplace.name}>"

    def _order_id_of(self, request: R) -> I:
        market = self._marketplace
        if marketplace_of(request) == market.name:
            return market.order_id_of(request)
        raise InvalidRequestError(f"a request for {market.name} is wanted, not {type(request).__name__}")

    def _call(self, order_id: object, timeout: float | None) -> CallContext[A]:
        market = self._marketplace
        patience = self._timeout if timeout is None else checks.seconds(timeout)
        return CallContext(
            Case(market.name, str(order_id)),
            market.auth,
            market.account,
            self._retry,
            self._driver.clock,
            patience,
        )


class SubClient(_SubClient[I, R, A]):
    """One marketplace, blocking."""

    _driver: Driver

    def cancel(self, request: R, *, timeout: float | None = None) -> Outcome[A]:
        """Ask for a cancellation that is described by a request object; see `cancel_order`."""
        order_id = self._order_id_of(request)
        call = self._call(order_id, timeout)
        return self._driver.run(cancelling(self._marketplace, request, order_id, call))

    def wait_until_settled(self, order_id: I, *, timeout: float = SETTLE_TIMEOUT) -> Outcome[A]:
        """Read the order, with growing pauses, until its cancellation is settled or `timeout` seconds are over.

        It is for an order whose cancellation was asked for: one that is merely still open counts as `Requested`.
        Returns what it last saw when the time is over, unsettled, and never waits past it; `Unknown` when the
        order could never be read. Raises `OrderNotFoundError`, `AuthenticationError`, `PermissionDeniedError` or
        another `RejectedError` when the first read says so, and `NotSentError` or `RateLimitedError` when none
        could be made.
        """
        checked = self._marketplace.check_order_id(order_id)
        return self._driver.run(waiting(self._marketplace, checked, self._call(checked, timeout)))

    def _read(self, order_id: object, timeout: float | None) -> A:
        checked = self._marketplace.check_order_id(order_id)
        return self._driver.run(reading(self._marketplace, checked, self._call(checked, timeout)))


class AsyncSubClient(_SubClient[I, R, A]):
    """One marketplace, on an event loop."""

    _driver: AsyncDriver

    async def cancel(self, request: R, *, timeout: float | None = None) -> Outcome[A]:
        """Ask for a cancellation that is described by a request object; see `cancel_order`."""
        order_id = self._order_id_of(request)
        call = self._call(order_id, timeout)
        return await self._driver.run(cancelling(self._marketplace, request, order_id, call))

    async def wait_until_settled(self, order_id: I, *, timeout: float = SETTLE_TIMEOUT) -> Outcome[A]:
        """Do what `SubClient.wait_until_settled` does, without blocking the event loop."""
        checked = self._marketplace.check_order_id(order_id)
        return await self._driver.run(waiting(self._marketplace, checked, self._call(checked, timeout)))

    async def _read(self, order_id: object, timeout: float | None) -> A:
        checked = self._marketplace.check_order_id(order_id)
        return await self._driver.run(reading(self._marketplace, checked, self._call(checked, timeout)))
