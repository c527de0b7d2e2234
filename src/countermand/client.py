"""The clients: any number of accounts, and for each a sub-client of its marketplace."""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar, Unpack, overload

from .bulk.calls import AsyncBulkCalls, BulkCalls
from .configured import Configured
from .engine import checks
from .engine.decoding import Answer
from .engine.events import Hook
from .engine.retry import DEFAULT_RETRY, RetryPolicy
from .engine.rules import CancelRequest
from .engine.settings import CallOptions, RequestOptions, Settings, settings_of
from .errors import InvalidRequestError, NotConfiguredError
from .marketplaces.base import SETTLE_TIMEOUT, Account, AsyncSubClient, SubClient, requests_a_second
from .marketplaces.registry import AnyAccount, configuration_of
from .outcomes import Outcome, is_outcome

if TYPE_CHECKING:
    import httpx
    import httpx2

    from .bulk.results import Accounts
    from .engine.wire import AsyncDriver, Driver
    from .marketplaces.crux import AsyncCruxClient, Crux, CruxClient
    from .marketplaces.kibo import AsyncKiboClient, Kibo, KiboClient
    from .marketplaces.pattern import AsyncPatternClient, Pattern, PatternClient
    from .marketplaces.vtex import AsyncVtexClient, Vtex, VtexClient

A = TypeVar("A", bound=Answer)
S = TypeVar("S")
H = TypeVar("H")


class _Accounts(Configured[H]):
    """What both clients have in common: accounts by label, and their sub-clients, made when they are first used."""

    _driver: Any
    #: Which of an account's two sub-clients is used: 0 for the blocking one, 1 for the other.
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
        label = account.label
        if label in self._configurations:
            raise ValueError(f"two accounts have the label {label!r}: give one of them another with label=…")
        self._configurations[label] = account
        self._labels.setdefault(account.marketplace, []).append(label)

    def with_options(
        self,
        *,
        timeout: float | None = None,
        retry: RetryPolicy | None = None,
        headers: Mapping[str, str] | None = None,
        hooks: Iterable[Hook] | None = None,
    ) -> Self:
        """Return a client whose calls are made otherwise; what is not given stays as it is.

        It shares everything else with this one: connections, accounts, tokens, rate limits and retry budgets. So
        closing it closes nothing; it is closed with this one. `headers` are sent with every request beside those
        that the package sets, logins excepted; `hooks` take the place of this client's. Raises
        `InvalidRequestError` for a value that makes no sense, or a header that is the package's own.

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
        """Return an account's rules, the same ones for ever: all calls on an account share a gate, a budget, a token."""
        found = self._rules.get(label)
        # If two threads race, both get the first.
        return found or self._rules.setdefault(label, self._configurations[label].rules())

    @property
    def accounts(self) -> tuple[str, ...]:
        """The labels of the accounts, in the order in which they were given."""
        return tuple(self._configurations)

    def _at(self, label: str) -> Any:
        """Return the sub-client of an account."""
        found = self._subclients.get(label)
        if found is None:
            account = self._configurations.get(label)
            if account is None:
                raise NotConfiguredError(f"no account has the label {label!r}; {self._told()}")
            kind = account.clients()[self._side]
            opened = kind(self._rules_of(label), self._driver, self._settings)
            found = self._subclients.setdefault(label, opened)
        return found

    def _only(self, name: str) -> Any:
        """Return the sub-client of the only account at a marketplace."""
        labels = self._labels.get(name, ())
        if len(labels) == 1:
            return self._at(labels[0])
        several = f"the client has several accounts at {name}: {', '.join(labels)}; say which, by its label"
        problem = several if labels else f"the client was built without an account at {name}; {self._told()}"
        raise NotConfiguredError(problem, marketplace=name)

    def _for_bulk(self) -> "Accounts":
        from .bulk.results import Accounts

        accounts = self._configurations.items()
        known = {label: (one.marketplace, str(getattr(one, "url", ""))) for label, one in accounts}
        rates = {label: rate for label, one in accounts if (rate := requests_a_second(one)) is not None}
        return Accounts(self._driver, self._asked_by, self._named_by, known, rates)

    def _told(self) -> str:
        return f"there is {', '.join(self._configurations)}" if self._configurations else "there is none"

    def _find(self, key: Any) -> Any:
        given = checks.kind(key)
        if isinstance(key, str):
            return self._at(key)
        if isinstance(key, type) and issubclass(key, Account):
            return self._only(key.marketplace)
        if isinstance(key, Account):
            if self._configurations.get(key.label) != key:
                raise NotConfiguredError(
                    f"the client was built without this account; {self._told()}",
                    marketplace=key.marketplace,
                    account=key.label,
                )
            return self._at(key.label)
        raise TypeError(f"an account, its class or its label is wanted, not {given}")

    def _asked_by(self, request: Any) -> Any:
        """Return the sub-client that a request is for."""
        marketplace: str | None = getattr(request, "marketplace", None)
        given = checks.kind(request)
        if not isinstance(request, CancelRequest) or marketplace is None:
            wanted = "a request such as CancelPatternOrder is wanted"
            raise InvalidRequestError(f"{wanted}, not {given}")
        label: str | None = request.account
        return self._only(marketplace) if label is None else self._at(label)

    def _named_by(self, outcome: Any) -> Any:
        """Return the sub-client of the account that an outcome names."""
        if not is_outcome(outcome):
            raise InvalidRequestError(f"an outcome is wanted, not {checks.kind(outcome)}")
        label = outcome.account
        return self._only(outcome.marketplace) if label is None else self._at(label)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for {', '.join(self._configurations) or 'no account'}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds credentials and connections and is not pickled")


class Countermand(_Accounts["httpx.Client | httpx2.Client | Driver"], BulkCalls):
    """Cancels orders at the accounts that it is given, and says what became of them.

    `client.pattern`, `client.vtex`, `client.crux` and `client.kibo` are the sub-clients of the only account at each
    marketplace; `client[...]` finds a sub-client by its account, by the account's class or by its label. Safe to
    share between threads. A context manager; or call `close()`.

        client = Countermand(Vtex(account="mystore", app_key="…", app_token="…"), Pattern(token="…"))
        outcome = client.vtex.cancel_order("1172452900788-01")
    """

    _side = 0

    def __init__(
        self,
        *accounts: AnyAccount,
        pattern: "Pattern | None" = None,
        vtex: "Vtex | None" = None,
        crux: "Crux | None" = None,
        kibo: "Kibo | None" = None,
        timeout: float = 30.0,
        retry: RetryPolicy = DEFAULT_RETRY,
        hooks: Iterable[Hook] = (),
        http_client: "httpx.Client | httpx2.Client | Driver | None" = None,
    ) -> None:
        """Configure the client; nothing is connected yet.

        `accounts` are any number of configurations, several of one marketplace as well; the four keywords take one
        each. `timeout` is the deadline of one call in seconds: attempts, waits and the settling read included.
        `hooks` are functions that are given every event of every call, such as `CallEnded`; see `countermand.Hook`.
        `http_client` is an `httpx.Client` or `httpx2.Client` of the caller's own, which is left open on close.
        Raises `InvalidRequestError` (a ValueError) for an argument of another kind, ValueError for two accounts
        with one label.
        """
        from .transport import open_driver

        named = {"pattern": pattern, "vtex": vtex, "crux": crux, "kibo": kibo}
        super().__init__(accounts, named, settings_of(timeout, retry, hooks))
        self._driver: Driver = open_driver(http_client)

    @property
    def pattern(self) -> "PatternClient":
        """The only account at Pattern Hub. Raises `NotConfiguredError` if there is none, or several."""
        found: PatternClient = self._only("pattern")
        return found

    @property
    def vtex(self) -> "VtexClient":
        """The only account at VTEX OMS. Raises `NotConfiguredError` if there is none, or several."""
        found: VtexClient = self._only("vtex")
        return found

    @property
    def crux(self) -> "CruxClient":
        """The only account at Crux Connect. Raises `NotConfiguredError` if there is none, or several."""
        found: CruxClient = self._only("crux")
        return found

    @property
    def kibo(self) -> "KiboClient":
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
        """Cancel the order that `request` describes, at the account it names; see that `cancel_order`.

        client.cancel(CancelVtexOrder("1172452900788-01", account="brand-ar"))
        """
        outcome: Outcome[A] = self._asked_by(request).cancel(request, **options)
        return outcome

    def check(self, outcome: Outcome[A], **options: Unpack[CallOptions]) -> Outcome[A]:
        """Read the order of an earlier outcome once, at the account that it names; return it as it now stands.

        What the earlier call learnt decides what an open order means: after `Requested` it is still `Requested`,
        after `Unknown` it is `Unknown`, after `Refused` it stays `Refused`; an order that is cancelled by now is
        `Cancelled`. The new attempts are appended. A read that fails leaves the outcome as it was.

            outcome = client.vtex.cancel_order("1172452900788-01")
            ...
            outcome = client.check(outcome)    # days later, in another process as well
        """
        found: Outcome[A] = self._named_by(outcome).check(outcome, **options)
        return found

    def wait_until_settled(
        self, outcome: Outcome[A], *, timeout: float = SETTLE_TIMEOUT, **options: Unpack[RequestOptions]
    ) -> Outcome[A]:
        """Do what `check` does again and again, with growing pauses, until the outcome is settled.

        Returns what it last saw when `timeout` seconds are over, and never waits past it.
        """
        found: Outcome[A] = self._named_by(outcome).wait_until_settled(outcome, timeout=timeout, **options)
        return found

    def close(self) -> None:
        """Close the connections; a `http_client` of the caller's own stays open, and so does all of `with_options`."""
        if not self._is_derived:
            self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncCountermand(_Accounts["httpx.AsyncClient | httpx2.AsyncClient | AsyncDriver"], AsyncBulkCalls):
    """`Countermand` on asyncio: the same calls with `await`.

    For one event loop at a time. An async context manager; or call `aclose()`.
    """

    _side = 1

    def __init__(
        self,
        *accounts: AnyAccount,
        pattern: "Pattern | None" = None,
        vtex: "Vtex | None" = None,
        crux: "Crux | None" = None,
        kibo: "Kibo | None" = None,
        timeout: float = 30.0,
        retry: RetryPolicy = DEFAULT_RETRY,
        hooks: Iterable[Hook] = (),
        http_client: "httpx.AsyncClient | httpx2.AsyncClient | AsyncDriver | None" = None,
    ) -> None:
        """Configure the client; nothing is connected yet. The arguments are those of `Countermand`.

        `http_client` is an `httpx.AsyncClient` or `httpx2.AsyncClient` of the caller's own, left open on close, or
        a driver such as `countermand.transport.aiohttp.AiohttpDriver()`, which is closed with the client.
        """
        from .transport import open_async_driver

        named = {"pattern": pattern, "vtex": vtex, "crux": crux, "kibo": kibo}
        super().__init__(accounts, named, settings_of(timeout, retry, hooks))
        self._driver: AsyncDriver = open_async_driver(http_client)

    @property
    def pattern(self) -> "AsyncPatternClient":
        """The only account at Pattern Hub. Raises `NotConfiguredError` if there is none, or several."""
        found: AsyncPatternClient = self._only("pattern")
        return found

    @property
    def vtex(self) -> "AsyncVtexClient":
        """The only account at VTEX OMS. Raises `NotConfiguredError` if there is none, or several."""
        found: AsyncVtexClient = self._only("vtex")
        return found

    @property
    def crux(self) -> "AsyncCruxClient":
        """The only account at Crux Connect. Raises `NotConfiguredError` if there is none, or several."""
        found: AsyncCruxClient = self._only("crux")
        return found

    @property
    def kibo(self) -> "AsyncKiboClient":
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
        """Cancel the order that `request` describes, at the account it names; see that `cancel_order`."""
        outcome: Outcome[A] = await self._asked_by(request).cancel(request, **options)
        return outcome

    async def check(self, outcome: Outcome[A], **options: Unpack[CallOptions]) -> Outcome[A]:
        """Read the order of an earlier outcome once; see `Countermand.check`."""
        found: Outcome[A] = await self._named_by(outcome).check(outcome, **options)
        return found

    async def wait_until_settled(
        self, outcome: Outcome[A], *, timeout: float = SETTLE_TIMEOUT, **options: Unpack[RequestOptions]
    ) -> Outcome[A]:
        """Read the order of an earlier outcome until it is settled; see `Countermand.wait_until_settled`."""
        found: Outcome[A] = await self._named_by(outcome).wait_until_settled(
            outcome, timeout=timeout, **options
        )
        return found

    async def aclose(self) -> None:
        """Close the connections; a `http_client` of the caller's own stays open, and so does all of `with_options`."""
        if not self._is_derived:
            await self._driver.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
