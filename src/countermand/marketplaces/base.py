"""The base classes of every marketplace: the configuration of an account, and the two sub-clients.

A marketplace is one module: a configuration derived from `Account`, a typed request derived from
`countermand.engine.rules.CancelRequest`, typed answers, its `Rules`, and two sub-clients of a few lines.
"""

from __future__ import annotations

import re
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar, Unpack, overload

import attrs

from ..data import Shown
from ..engine import checks
from ..engine.decoding import Answer
from ..engine.flows import cancelling, resuming
from ..engine.looks import checking, reading, waiting
from ..engine.operation import Operation
from ..engine.rules import CancelRequest, Rules
from ..engine.secret import LeavesNoFrames
from ..engine.settings import CallOptions, RequestOptions, Settings, check_names
from ..errors import InvalidRequestError
from ..outcomes import Attempt, Outcome, is_outcome

if TYPE_CHECKING:
    from datetime import datetime

    from ..engine.wire import AsyncDriver, Driver, Flow

A = TypeVar("A", bound=Answer)
C = TypeVar("C", bound=Answer)
O = TypeVar("O", bound=Answer)  # noqa: E741
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")
T = TypeVar("T")
S = TypeVar("S", covariant=True)
Z = TypeVar("Z", covariant=True)

#: The request class of a marketplace, and its answer classes.
Stored: TypeAlias = tuple[type[CancelRequest[Any]], tuple[type[Answer], ...]]

#: The default timeout of `wait_until_settled`, in seconds.
SETTLE_TIMEOUT = 600.0


class Account(Shown, Generic[S, Z]):
    """The configuration of one account: the base class of `Pattern`, `Vtex`, `Crux` and `Kibo`.

    The type parameters are the blocking and the async sub-client, which give `client[account]` its type. A
    credential is text, a function that returns text, or a `SecretFile`. It is read again after a 401, and a file
    also when it changes. For a marketplace of your own, derive a class from it, see `examples/fifth_marketplace`.

        class Shop(Account["ShopClient", "AsyncShopClient"]): ...
    """

    __slots__ = ()
    #: The marketplace's short name.
    marketplace: ClassVar[str]
    #: The name of this account in outcomes, errors and requests.
    label: str
    #: How many requests the marketplace allows, such as "100/min"; None where that is not known.
    rate: str | None = None

    #: Whether the repr shows the fields, except those with `repr=False`. Only a class that has none of a plain
    #: credential sets it.
    shows_fields: ClassVar[bool] = False

    def __repr__(self) -> str:
        return super().__repr__() if self.shows_fields else f"<{type(self).__name__} {self.label}>"

    def rules(self) -> Rules[Any, Any, Any, Any]:
        """Return the marketplace's rules for this account."""
        raise NotImplementedError

    def clients(self) -> tuple[type[S], type[Z]]:
        """Return the classes of the two sub-clients, the blocking one first."""
        raise NotImplementedError

    @classmethod
    def stored(cls) -> Stored:
        """Return the request class and the answer classes, for reading stored data."""
        raise NotImplementedError


def label_field(default: str = "", *, field: str = "") -> Any:
    """Return the `label` field of a configuration. Its default is a text, or the value of another field."""
    made = attrs.Factory(attrgetter(field), takes_self=True) if field else default
    return attrs.field(default=made, validator=checks.label)


def rate_field() -> Any:
    """Return the `rate` field of a configuration: text such as "100/min", or None."""
    return attrs.field(default=None, validator=_is_rate)


_RATE = r"([0-9]+(?:\.[0-9]+)?) ?/ ?(s|sec|second|min|minute|h|hour)"
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def _is_rate(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not (isinstance(value, str) and _read_rate(value)):
        raise ValueError(f"{field.name} must be requests over time, such as '20/s', '100/min' or '5000/h'")


def _read_rate(text: str) -> float:
    found = re.fullmatch(_RATE, text)
    return float(found[1]) / _SECONDS[found[2][0]] if found else 0.0


def requests_a_second(account: Account[Any, Any]) -> float | None:
    """Return an account's `rate` in requests a second; None where it is not known."""
    return _read_rate(account.rate) if account.rate is not None else None


class _SubClient(LeavesNoFrames, Generic[I, R, C, O]):
    def __init__(self, rules: Rules[I, R, C, O], driver: Any, settings: Settings) -> None:
        self._rules = rules
        self._driver = driver
        self._settings = settings

    @property
    def account(self) -> str:
        """The label of the account.

        Outcomes, errors and attempts carry it.

            print(client.vtex.account)
        """
        return self._rules.label

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._rules.label}>"

    @property
    def rules(self) -> Rules[I, R, C, O]:
        """The marketplace's rules for this account."""
        return self._rules

    def _asking(self, request: R, asked: datetime | None) -> Flow[Outcome[C | O]]:
        operation = self._requested(request, {})
        operation.in_lane = True
        if asked is None:
            return cancelling(self._rules, request, operation)
        operation.attempts.append(asked_before(asked, self._rules.label))
        operation.was_asked(asked)
        return resuming(self._rules, request, operation)

    def _looking(self, outcome: Outcome[A]) -> Flow[Outcome[A]]:
        return checking(self._rules, self._after(outcome, {}))

    def _operation(
        self, order_id: I, options: CallOptions, prior: Outcome[Any] | None = None
    ) -> Operation[I, R]:
        rules, settings = self._rules, self._settings
        if options:
            check_names(options)
            try:
                settings = settings.but(rules.own_headers, **options)
            except InvalidRequestError as error:
                error.place(rules.name, rules.label, str(order_id))
                raise
        return Operation(rules, order_id, settings, self._driver.clock, prior)

    def _requested(self, request: R, options: CallOptions) -> Operation[I, R]:
        rules, kind = self._rules, type(request)
        told: str | None = getattr(kind, "marketplace", None)
        if not issubclass(kind, CancelRequest) or told != rules.name:
            wanted = f"a request for {rules.name} is wanted"
            raise InvalidRequestError(
                f"{wanted}, not {kind.__name__}", marketplace=rules.name, account=rules.label
            )
        order_id = rules.order_of(request)
        self._check_account(request, order_id)
        return self._operation(order_id, options)

    def _named(self, order_id: object, options: CallOptions) -> Operation[I, R]:
        return self._operation(self._rules.check_order_id(order_id), options)

    def _look(self, order: Any, timeout: float, others: RequestOptions) -> Operation[I, R]:
        options: CallOptions = {**others, "timeout": timeout}
        return self._after(order, options) if is_outcome(order) else self._named(order, options)

    def _after(self, prior: Any, options: CallOptions) -> Operation[I, R]:
        wanted = f"an outcome of {self._rules.name} is wanted"
        if not is_outcome(prior):
            raise InvalidRequestError(f"{wanted}, not {checks.kind(prior)}; with an id alone, call look(id)")
        if prior.marketplace != self._rules.name:
            raise InvalidRequestError(f"{wanted}, not one of {prior.marketplace}")
        self._check_account(prior, prior.order_id)
        return self._operation(self._rules.check_order_id(prior.order_id), options, prior)

    def _check_account(self, order: Any, order_id: object) -> None:
        """Raise if a request or an outcome names another account: its order may have the same id as one here."""
        if order.account is not None and order.account != self.account:
            problem = f"must be {self.account!r}, that of this client, and not {order.account!r}"
            raise checks.bad(self._rules.name, "account", problem, str(order_id))


class SubClient(_SubClient[I, R, C, O]):
    """The blocking client of one account; the base class of `VtexClient` and the others.

    `Countermand` makes it on first use.

        client["brand-br"].check(outcome)
    """

    _driver: Driver

    def cancel(self, request: R, **options: Unpack[CallOptions]) -> Outcome[C | O]:
        """Cancel the order that `request` describes.

        Returns and raises what `cancel_order` does, and `InvalidRequestError` if `request` names another account.

            outcome = client.vtex.cancel(CancelVtexOrder("1172452900788-01"))
        """
        return self._cancel(request, options)

    def check(self, outcome: Outcome[A], **options: Unpack[CallOptions]) -> Outcome[A]:
        """Read the order of an earlier outcome once, and return the outcome as it now stands.

        See `Countermand.check`, which finds the account itself. Raises `InvalidRequestError` for an outcome of
        another account: an order there may have the same id.

            outcome = client.vtex.check(outcome)
        """
        operation = self._after(outcome, options)
        return self._driver.run(checking(self._rules, operation))

    @overload
    def wait_until_settled(
        self, order: Outcome[A], *, timeout: float = SETTLE_TIMEOUT, **options: Unpack[RequestOptions]
    ) -> Outcome[A]: ...
    @overload
    def wait_until_settled(
        self, order: I | str, *, timeout: float = SETTLE_TIMEOUT, **options: Unpack[RequestOptions]
    ) -> Outcome[O]: ...
    def wait_until_settled(
        self, order: Any, *, timeout: float = SETTLE_TIMEOUT, **options: Unpack[RequestOptions]
    ) -> Outcome[Any]:
        """Read the order, with growing pauses, until its cancellation is settled.

        `order` is an earlier outcome or an order id. Pass the outcome if you have it: it decides what an open order
        means. With an id alone, an open order is `Unknown`, never `Requested`. After `timeout` seconds the method
        returns the last outcome, settled or not.

        With an outcome it raises only `InvalidRequestError`: a failed read leaves the outcome as it was, with the
        new attempts. The wait ends when the marketplace itself refuses to show the order; a gateway's page with 401,
        403 or 404 is waited out. With an id it raises `OrderNotFoundError`, `AuthenticationError`, `PermissionDeniedError` or
        another `RejectedError` if the first read is answered so, and `NotSentError` or `RateLimitedError` if no read
        could be sent.

            outcome = client.vtex.wait_until_settled(outcome, timeout=600)
        """
        operation = self._look(order, timeout, options)
        return self._driver.run(waiting(self._rules, operation))

    def look(self, order_id: I | str, **options: Unpack[CallOptions]) -> Outcome[O]:
        """Read an order once, by its id, and return what it shows of a cancellation; `answer` is the order.

        An order that is merely open is `Unknown`: whether somebody asked for its cancellation is not known. Raises
        `OrderNotFoundError`, `OrderUnreadableError` and their siblings.

            outcome = client.vtex.look("1172452900788-01")
        """
        operation = self._named(order_id, options)
        return self._driver.run(checking(self._rules, operation))

    def _cancel(self, request: R, options: CallOptions) -> Outcome[C | O]:
        operation = self._requested(request, options)
        return self._driver.run(cancelling(self._rules, request, operation))

    def _read(self, order_id: object, options: CallOptions) -> O:
        operation = self._named(order_id, options)
        return self._driver.run(reading(self._rules, operation))


class AsyncSubClient(_SubClient[I, R, C, O]):
    """The async client of one account; the base class of `AsyncVtexClient` and the others.

    `AsyncCountermand` makes it on first use.

        await client["brand-br"].check(outcome)
    """

    _driver: AsyncDriver

    async def cancel(self, request: R, **options: Unpack[CallOptions]) -> Outcome[C | O]:
        """Cancel the order that `request` describes.

        Returns and raises what `cancel_order` does.

            outcome = await client.vtex.cancel(CancelVtexOrder("1172452900788-01"))
        """
        return await self._cancel(request, options)

    async def check(self, outcome: Outcome[A], **options: Unpack[CallOptions]) -> Outcome[A]:
        """Read the order of an earlier outcome once, and return the outcome as it now stands;
        see `SubClient.check`.

            outcome = await client.vtex.check(outcome)
        """
        operation = self._after(outcome, options)
        return await self._driver.run(checking(self._rules, operation))

    @overload
    async def wait_until_settled(
        self, order: Outcome[A], *, timeout: float = SETTLE_TIMEOUT, **options: Unpack[RequestOptions]
    ) -> Outcome[A]: ...
    @overload
    async def wait_until_settled(
        self, order: I | str, *, timeout: float = SETTLE_TIMEOUT, **options: Unpack[RequestOptions]
    ) -> Outcome[O]: ...
    async def wait_until_settled(
        self, order: Any, *, timeout: float = SETTLE_TIMEOUT, **options: Unpack[RequestOptions]
    ) -> Outcome[Any]:
        """Read the order, with growing pauses, until its cancellation is settled;
        see `SubClient.wait_until_settled`.

            outcome = await client.vtex.wait_until_settled(outcome, timeout=600)
        """
        operation = self._look(order, timeout, options)
        return await self._driver.run(waiting(self._rules, operation))

    async def look(self, order_id: I | str, **options: Unpack[CallOptions]) -> Outcome[O]:
        """Read an order once, by its id, and return what it shows of a cancellation; see `SubClient.look`.

            outcome = await client.vtex.look("1172452900788-01")

        Raises what `SubClient.look` raises.
        """
        operation = self._named(order_id, options)
        return await self._driver.run(checking(self._rules, operation))

    async def _cancel(self, request: R, options: CallOptions) -> Outcome[C | O]:
        operation = self._requested(request, options)
        return await self._driver.run(cancelling(self._rules, request, operation))

    async def _read(self, order_id: object, options: CallOptions) -> O:
        operation = self._named(order_id, options)
        return await self._driver.run(reading(self._rules, operation))


def asking(
    client: _SubClient[Any, Any, Any, Any], request: Any, asked: datetime | None = None
) -> Flow[Outcome[Any]]:
    """Return the flow of one cancellation whose waiting is done by a lane of `countermand.bulk`.

    While the order is untouched, a 429, a closed gate or a lost connection ends it at once. `asked` is when an
    earlier process asked for it, or was about to: then the order is read first.
    """
    return client._asking(request, asked)  # pyright: ignore[reportPrivateUsage]


def asked_before(at: datetime, account: str) -> Attempt:
    """Return the evidence that an earlier process sent a cancellation, or was about to."""
    ended = "sent, or about to be, by a process that ended without an answer"
    return Attempt("cancel", at, 0.0, None, ended, account=account)


def looking(client: _SubClient[Any, Any, Any, Any], outcome: Outcome[A]) -> Flow[Outcome[A]]:
    """Return the flow of one later look at the order of `outcome`, for `countermand.bulk`; see `check`."""
    return client._looking(outcome)  # pyright: ignore[reportPrivateUsage]
