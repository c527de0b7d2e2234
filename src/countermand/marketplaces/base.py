"""What every marketplace has in common: an account's configuration, and the two sub-clients.

A marketplace is one module: a configuration derived from `Account`, a typed request derived from
`countermand.engine.rules.CancelRequest`, typed answers, its `Rules`, and two sub-clients of a few lines.
"""

from operator import attrgetter
from typing import Any, ClassVar, Generic, TypeVar

import attrs

from ..engine import checks
from ..engine.decoding import Answer
from ..engine.flows import cancelling, reading, waiting
from ..engine.operation import Operation
from ..engine.retry import RetryPolicy
from ..engine.rules import Rules
from ..engine.wire import AsyncDriver, Driver
from ..errors import InvalidRequestError
from ..outcomes import Outcome

C = TypeVar("C", bound=Answer)
O = TypeVar("O", bound=Answer)  # noqa: E741
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")
S = TypeVar("S", covariant=True)
Z = TypeVar("Z", covariant=True)

#: How long `wait_until_settled` waits when nothing else is said, in seconds.
SETTLE_TIMEOUT = 600.0


class Account(Generic[S, Z]):
    """Access to one account at one marketplace: the parent of `Pattern`, `Vtex`, `Crux` and `Kibo`.

    The type parameters are the two sub-clients, blocking and asynchronous, so that `client[account]` has its type.
    A credential may be text, a function that returns the text, or a `SecretFile`: what is read is read anew after a
    401, and from a file when it has changed. A marketplace of your own subclasses it, see
    `examples/fifth_marketplace`.
    """

    __slots__ = ()
    #: The marketplace's short name.
    marketplace: ClassVar[str]
    #: What outcomes, errors and requests call this account.
    label: str

    def rules(self) -> Rules[Any, Any, Any, Any]:
        """Return the marketplace's rules for this account."""
        raise NotImplementedError

    def clients(self) -> tuple[type[S], type[Z]]:
        """Return the classes of the two sub-clients, the blocking one first."""
        raise NotImplementedError


def label_field(default: str = "", *, field: str = "") -> Any:
    """Return the `label` field of a configuration: by default a text, or what another of its fields holds."""
    made = attrs.Factory(attrgetter(field), takes_self=True) if field else default
    return attrs.field(default=made, validator=checks.label)


class _SubClient(Generic[I, R, C, O]):
    def __init__(self, rules: Rules[I, R, C, O], driver: Any, timeout: float, retry: RetryPolicy) -> None:
        self._rules = rules
        self._driver = driver
        self._timeout = timeout
        self._retry = retry

    @property
    def account(self) -> str:
        """The label of the account that this sub-client asks."""
        return self._rules.label

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._rules.label}>"

    def _operation(self, order_id: I, timeout: float | None, *, waiting: bool = False) -> Operation[I, R]:
        patience = self._timeout if timeout is None else checks.seconds(timeout)
        return Operation(self._rules, order_id, self._retry, self._driver.clock, patience, waiting=waiting)

    def _requested(self, request: R, timeout: float | None) -> Operation[I, R]:
        rules = self._rules
        if getattr(type(request), "marketplace", None) != rules.name:
            raise InvalidRequestError(f"a request for {rules.name} is wanted, not {type(request).__name__}")
        return self._operation(rules.check(request), timeout)

    def _named(self, order_id: object, timeout: float | None, *, waiting: bool = False) -> Operation[I, R]:
        return self._operation(self._rules.check_order_id(order_id), timeout, waiting=waiting)


class SubClient(_SubClient[I, R, C, O]):
    """One account at one marketplace, blocking."""

    _driver: Driver

    def cancel(self, request: R, *, timeout: float | None = None) -> Outcome[C | O]:
        """Ask for the cancellation that a request object describes; see `cancel_order`."""
        return self._driver.run(cancelling(self._rules, request, self._requested(request, timeout)))

    def wait_until_settled(self, order_id: I, *, timeout: float = SETTLE_TIMEOUT) -> Outcome[O]:
        """Read the order, with growing pauses, until its cancellation is settled or `timeout` seconds are over.

        It is for an order whose cancellation was asked for: one that is merely still open counts as `Requested`.
        Returns what it last saw when the time is over, unsettled, and never waits past it; `Unknown` when the
        order could never be read. Raises `OrderNotFoundError`, `AuthenticationError`, `PermissionDeniedError` or
        another `RejectedError` when the first read says so, and `NotSentError` or `RateLimitedError` when none
        could be made.
        """
        return self._driver.run(waiting(self._rules, self._named(order_id, timeout, waiting=True)))

    def _read(self, order_id: object, timeout: float | None) -> O:
        return self._driver.run(reading(self._rules, self._named(order_id, timeout)))


class AsyncSubClient(_SubClient[I, R, C, O]):
    """One account at one marketplace, on an event loop."""

    _driver: AsyncDriver

    async def cancel(self, request: R, *, timeout: float | None = None) -> Outcome[C | O]:
        """Ask for the cancellation that a request object describes; see `cancel_order`."""
        return await self._driver.run(cancelling(self._rules, request, self._requested(request, timeout)))

    async def wait_until_settled(self, order_id: I, *, timeout: float = SETTLE_TIMEOUT) -> Outcome[O]:
        """Do what `SubClient.wait_until_settled` does, without blocking the event loop."""
        return await self._driver.run(waiting(self._rules, self._named(order_id, timeout, waiting=True)))

    async def _read(self, order_id: object, timeout: float | None) -> O:
        return await self._driver.run(reading(self._rules, self._named(order_id, timeout)))
