"""The clients: any number of accounts, each with a sub-client for its marketplace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar, Unpack, overload

from .bulk.calls import AsyncBulkCalls, BulkCalls
from .engine import checks
from .engine.decoding import Answer
from .engine.retry import DEFAULT_RETRY, RetryPolicy
from .engine.rules import CancelRequest
from .engine.settings import CallOptions, RequestOptions, Settings, settings_of
from .errors import InvalidRequestError, NotConfiguredError
from .marketplaces.base import SETTLE_TIMEOUT, Account, AsyncSubClient, SubClient
from .marketplaces.configured import Configured
from .marketplaces.registry import AnyAccount, configuration_of
from .outcomes import Outcome, is_outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx
    import httpx2

    from .engine.events import Hook
    from .engine.wire import AsyncDriver, Driver
    from .marketplaces.crux import AsyncCruxClient, Crux, CruxClient
    from .marketplaces.kibo import AsyncKiboClient, Kibo, KiboClient
    from .marketplaces.pattern import AsyncPatternClient, Pattern, PatternClient
    from .marketplaces.vtex import AsyncVtexClient, Vtex, VtexClient

A = TypeVar("A", bound=Answer)
S = TypeVar("S")
T = TypeVar("T")
H = TypeVar("H")


class _Accounts(Configured[H]):
    """What both clients share: the accounts by label, and a sub-client for each, created on first use."""

    _driver: Any
    #: The index of the sub-client class in `Account.clients()`: 0 is blocking, 1 is async.
    _side: int

    def __init__(
        self, accounts: tuple[AnyAccount, ...], named: Mapping[str, Any], settings: Settings
    ) -> None:
        self._settings = settings
        self._is_derived = False
        self._configurations: dict[str, AnyAccount] = {}
        self._labels: dict[str, list[str]] = {}
        self._rules: dict[str, Any] = {}
        self._subclients: dict[str, Any] = {}
        for account in accounts:
            if not isinstance(account, Account):
                wanted = "an account such as Pattern(token=…) is wanted"
                raise InvalidRequestError(f"{wanted}, not {checks.kind(account)}")
            self._add(account)
        for name, account in named.items():
            if account is not None:
                self._add(checks.instance(account, configuration_of(name), name))

    def _add(self, account: AnyAccount) -> None:
        label, at = account.label, account.marketplace
        if label in self._configurations:
            at = f"{self._configurations[label].marketplace} and {at}"
            raise ValueError(f"two accounts have the label {label!r} ({at}): give one of them a label=…")
        self._configurations[label] = account
        self._labels.setdefault(at, []).append(label)

    def with_options(
        self,
        *,
        timeout: float | None = None,
        retry: RetryPolicy | None = None,
        headers: Mapping[str, str] | None = None,
        hooks: Iterable[Hook] | None = None,
    ) -> Self:
        """Return a client with other settings; an option that is not given keeps its value.

        The two clients share connections, accounts, tokens, rate limits and retry budgets. `timeout` is in seconds;
        `headers` are added to every request except logins; `hooks` replace those of this client. Raises
        `InvalidRequestError` for an invalid value, or for a header that the package sets itself.

            nightly = client.with_options(timeout=120, headers={"X-Job": "nightly"})
        """
        own = frozenset[str]().union(*(self._rules_of(label).own_headers for label in self._configurations))
        other: Self = object.__new__(type(self))
        vars(other).update(vars(self))
        other._settings = self._settings.but(own, timeout=timeout, retry=retry, headers=headers, hooks=hooks)
        other._subclients = {}
        other._is_derived = True
        return other

    def _rules_of(self, label: str) -> Any:
        """Return an account's rules, always the same object: calls share the account's gate, budget and token."""
        # If two threads race, keep the first.
        return self._rules.get(label) or self._rules.setdefault(label, self._configurations[label].rules())

    @property
    def accounts(self) -> tuple[str, ...]:
        """The labels of the accounts, in the order in which they were given."""
        return tuple(self._configurations)

    def _at(self, label: str) -> Any:
        """Return the sub-client of an account."""
        if label not in self._subclients:
            if label not in self._configurations:
                raise NotConfiguredError(f"no account has the label {label!r}; {self._told()}", account=label)
            kind = self._configurations[label].clients()[self._side]
            self._subclients.setdefault(label, kind(self._rules_of(label), self._driver, self._settings))
        return self._subclients[label]

    def _only(self, name: str, kind: Any = Account) -> Any:
        """Return the sub-client of the only account at a marketplace, of those with this configuration class."""
        labels = [each for each in self._labels.get(name, ()) if isinstance(self._configurations[each], kind)]
        if len(labels) == 1:
            return self._at(labels[0])
        several = f"the client has several accounts at {name}: {', '.join(labels)}; say which, by its label"
        problem = several if labels else f"the client was built without an account at {name}; {self._told()}"
        raise NotConfiguredError(problem, marketplace=name)

    def _told(self) -> str:
        return f"there is {', '.join(self._configurations) or 'none'}"

    def _find(self, key: Any) -> Any:
        given, marketplace = checks.kind(key), getattr(key, "marketplace", None)
        if isinstance(key, str):
            return self._at(key)
        if isinstance(key, type) and issubclass(key, Account) and marketplace is not None:
            return self._only(marketplace, key)
        if not isinstance(key, Account):
            raise TypeError(f"an account, its class or its label is wanted, not {given}")
        if self._configurations.get(key.label) == key:
            return self._at(key.label)
        problem = f"the client was built without this account; {self._told()}"
        raise NotConfiguredError(problem, marketplace=key.marketplace, account=key.label)

    def _asked_by(self, request: Any) -> Any:
        """Return the sub-client for the account that a request names."""
        kind: Any = request.__class__
        if not isinstance(request, CancelRequest) or not hasattr(kind, "marketplace"):
            raise InvalidRequestError(f"a request such as CancelPatternOrder is wanted, not {kind.__name__}")
        return self._for(request)

    def _named_by(self, outcome: Any) -> Any:
        """Return the sub-client of the account that an outcome names."""
        if not is_outcome(outcome):
            wanted = f"an outcome is wanted, not {checks.kind(outcome)}"
            raise InvalidRequestError(f"{wanted}; with an id alone, call look(id) of a sub-client")
        return self._for(outcome)

    def _for(self, order: Any) -> Any:
        """Return the sub-client of the account that a request or an outcome names."""
        try:
            return self._only(order.marketplace) if order.account is None else self._at(order.account)
        except NotConfiguredError as error:
            order_id = order.order_id if is_outcome(order) else checks.order_asked_for(order)
            error.place(order.marketplace, order.account, str(order_id))
            raise

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for {', '.join(self._configurations) or 'no account'}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds credentials and connections and is not pickled")


class Countermand(_Accounts["httpx.Client | httpx2.Client | Driver"], BulkCalls):
    """Cancels orders at the accounts that it is given, and says what became of them.

    `client.pattern`, `client.vtex`, `client.crux` and `client.kibo` are the sub-clients of the only account at each
    marketplace; `client[...]` finds a sub-client by its account, by the account's class or by its label. Threads may
    share a client. Use it as a context manager, or call `close()`.

        client = Countermand(Vtex(account="mystore", app_key="…", app_token="…"), Pattern(token="…"))
        outcome = client.vtex.cancel_order("1172452900788-01")
    """

    _side = 0

    def __init__(
        self,
        *accounts: AnyAccount,
        pattern: Pattern | None = None,
        vtex: Vtex | None = None,
        crux: Crux | None = None,
        kibo: Kibo | None = None,
        timeout: float = 30.0,
        retry: RetryPolicy = DEFAULT_RETRY,
        hooks: Iterable[Hook] = (),
        http_client: httpx.Client | httpx2.Client | Driver | None = None,
    ) -> None:
        """Configure the client. No connection is opened yet.

        `accounts` are any number of configurations, also several for one marketplace; the four keywords take one
        each. `timeout` is the deadline of one call in seconds, with its retries, pauses and reads. `hooks` are
        called with every event of every call; see `countermand.Hook`. `http_client` is an `httpx.Client` or
        `httpx2.Client` of your own, which `close()` leaves open. Raises `InvalidRequestError` (a ValueError) for
        an argument of the wrong type, and ValueError if two accounts have the same label.
        """
        from .transport import open_driver

        named = {"pattern": pattern, "vtex": vtex, "crux": crux, "kibo": kibo}
        super().__init__(accounts, named, settings_of(timeout, retry, hooks))
        self._driver: Driver = open_driver(http_client)

    @property
    def pattern(self) -> PatternClient:
        """The only account at Pattern Hub. Raises `NotConfiguredError` if there is none, or several."""
        found: PatternClient = self._only("pattern")
        return found

    @property
    def vtex(self) -> VtexClient:
        """The only account at VTEX OMS. Raises `NotConfiguredError` if there is none, or several."""
        found: VtexClient = self._only("vtex")
        return found

    @property
    def crux(self) -> CruxClient:
        """The only account at Crux Connect. Raises `NotConfiguredError` if there is none, or several."""
        found: CruxClient = self._only("crux")
        return found

    @property
    def kibo(self) -> KiboClient:
        """The only account at Kibo OMS. Raises `NotConfiguredError` if there is none, or several."""
        found: KiboClient = self._only("kibo")
        return found

    @overload
    def __getitem__(self, key: Account[S, Any] | type[Account[S, Any]]) -> S: ...
    @overload
    def __getitem__(self, key: str) -> SubClient[Any, Any, Answer, Answer]: ...
    def __getitem__(self, key: object) -> Any:
        return self._find(key)

    def cancel(self, request: CancelRequest[A], **options: Unpack[CallOptions]) -> Outcome[A]:
        """Cancel the order that `request` describes, at the account that it names.

        Returns and raises what the sub-client's `cancel_order` does. Raises `NotConfiguredError` if the client
        does not have that account.

            outcome = client.cancel(CancelVtexOrder("1172452900788-01", account="brand-ar"))
        """
        outcome: Outcome[A] = self._asked_by(request).cancel(request, **options)
        return outcome

    def check(self, outcome: Outcome[T], **options: Unpack[CallOptions]) -> Outcome[T]:
        """Read the order of an earlier outcome once, and return the outcome as it now stands.

        While the order is open, `Requested`, `Unknown` and `Refused` stay what they are; once it is cancelled, the
        outcome is `Cancelled`. The new attempts are appended. If the read fails, the outcome does not change.
        Raises `InvalidRequestError` if `outcome` is not an outcome, and `NotConfiguredError` if the client does
        not have its account.

            outcome = client.check(outcome)    # days later, even in another process
        """
        found: Outcome[T] = self._named_by(outcome).check(outcome, **options)
        return found

    def wait_until_settled(
        self, outcome: Outcome[T], *, timeout: float = SETTLE_TIMEOUT, **options: Unpack[RequestOptions]
    ) -> Outcome[T]:
        """Repeat `check`, with growing pauses, until the outcome is settled.

        After `timeout` seconds it returns the last outcome, settled or not. Raises what `check` raises.

            outcome = client.wait_until_settled(outcome, timeout=600)
        """
        found: Outcome[T] = self._named_by(outcome).wait_until_settled(outcome, timeout=timeout, **options)
        return found

    def close(self) -> None:
        """Close the connections. An `http_client` of your own stays open. On a client from `with_options`
        it does nothing.

            client.close()
        """
        if not self._is_derived:
            self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncCountermand(_Accounts["httpx.AsyncClient | httpx2.AsyncClient | AsyncDriver"], AsyncBulkCalls):
    """`Countermand` for asyncio: the same calls with `await`.

        async with AsyncCountermand(Pattern(token="…")) as client:
            outcome = await client.pattern.cancel_order("114-3941689-8772232")

    A client belongs to one event loop at a time.
    """

    _side = 1

    def __init__(
        self,
        *accounts: AnyAccount,
        pattern: Pattern | None = None,
        vtex: Vtex | None = None,
        crux: Crux | None = None,
        kibo: Kibo | None = None,
        timeout: float = 30.0,
        retry: RetryPolicy = DEFAULT_RETRY,
        hooks: Iterable[Hook] = (),
        http_client: httpx.AsyncClient | httpx2.AsyncClient | AsyncDriver | None = None,
    ) -> None:
        """Configure the client with the arguments of `Countermand`.

        `http_client` is an `httpx.AsyncClient` or `httpx2.AsyncClient` of your own, which `aclose()` leaves open, or
        a driver such as `countermand.transport.aiohttp.AiohttpDriver()`, which is closed with the client.
        """
        from .transport import open_async_driver

        named = {"pattern": pattern, "vtex": vtex, "crux": crux, "kibo": kibo}
        super().__init__(accounts, named, settings_of(timeout, retry, hooks))
        self._driver: AsyncDriver = open_async_driver(http_client)

    @property
    def pattern(self) -> AsyncPatternClient:
        """The only account at Pattern Hub. Raises `NotConfiguredError` if there is none, or several."""
        found: AsyncPatternClient = self._only("pattern")
        return found

    @property
    def vtex(self) -> AsyncVtexClient:
        """The only account at VTEX OMS. Raises `NotConfiguredError` if there is none, or several."""
        found: AsyncVtexClient = self._only("vtex")
        return found

    @property
    def crux(self) -> AsyncCruxClient:
        """The only account at Crux Connect. Raises `NotConfiguredError` if there is none, or several."""
        found: AsyncCruxClient = self._only("crux")
        return found

    @property
    def kibo(self) -> AsyncKiboClient:
        """The only account at Kibo OMS. Raises `NotConfiguredError` if there is none, or several."""
        found: AsyncKiboClient = self._only("kibo")
        return found

    @overload
    def __getitem__(self, key: Account[Any, S] | type[Account[Any, S]]) -> S: ...
    @overload
    def __getitem__(self, key: str) -> AsyncSubClient[Any, Any, Answer, Answer]: ...
    def __getitem__(self, key: object) -> Any:
        return self._find(key)

    async def cancel(self, request: CancelRequest[A], **options: Unpack[CallOptions]) -> Outcome[A]:
        """Cancel the order that `request` describes, at the account that it names;
        see `Countermand.cancel`.

            outcome = await client.cancel(CancelVtexOrder("1172452900788-01", account="brand-ar"))
        """
        outcome: Outcome[A] = await self._asked_by(request).cancel(request, **options)
        return outcome

    async def check(self, outcome: Outcome[T], **options: Unpack[CallOptions]) -> Outcome[T]:
        """Read the order of an earlier outcome once, and return the outcome as it now stands;
        see `Countermand.check`.

            outcome = await client.check(outcome)
        """
        found: Outcome[T] = await self._named_by(outcome).check(outcome, **options)
        return found

    async def wait_until_settled(
        self, outcome: Outcome[T], *, timeout: float = SETTLE_TIMEOUT, **options: Unpack[RequestOptions]
    ) -> Outcome[T]:
        """Read the order of an earlier outcome, with growing pauses, until it is settled;
        see `Countermand.wait_until_settled`.

            outcome = await client.wait_until_settled(outcome, timeout=600)
        """
        found: Outcome[T] = await self._named_by(outcome).wait_until_settled(
            outcome, timeout=timeout, **options
        )
        return found

    async def aclose(self) -> None:
        """Close the connections. An `http_client` of your own stays open. On a client from `with_options`
        it does nothing.

            await client.aclose()
        """
        if not self._is_derived:
            await self._driver.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
