"""The front door: one client, one attribute per marketplace."""

import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from .engine import checks
from .engine.decoding import Answer
from .errors import InvalidRequestError, NotConfiguredError
from .outcomes import MarketplaceName
from .outcomes import Outcome
from .requests import CancelRequest, marketplace_of
from .engine.retry import DEFAULT_RETRY, RetryPolicy
from .settings import MARKETPLACES, Crux, Kibo, Pattern, Vtex, configured, named_in

if TYPE_CHECKING:
    import httpx
    import httpx2

    from .marketplaces.crux import AsyncCruxClient, CruxClient
    from .marketplaces.kibo import AsyncKiboClient, KiboClient
    from .marketplaces.pattern import AsyncPatternClient, PatternClient
    from .marketplaces.vtex import AsyncVtexClient, VtexClient
    from .subclient import AsyncSubClient, SubClient
    from .engine.wire import AsyncDriver, Driver

A = TypeVar("A", bound=Answer)
C = TypeVar("C")


class _Door:
    """What both doors have in common: the configured marketplaces, by name; their modules come with the first use."""

    _driver: Any

    def __init__(self, given: Mapping[str, Any], timeout: float, retry: object) -> None:
        self._timeout = checks.seconds(timeout)
        self._retry = checks.instance(retry, RetryPolicy, "retry")
        self._configurations: dict[MarketplaceName, Any] = {
            name: checks.instance(configuration, MARKETPLACES[name], name)
            for name, configuration in given.items()
            if configuration is not None
        }
        self._subclients: dict[MarketplaceName, Any] = {}

    def _subclient_for(self, request: object) -> Any:
        name = marketplace_of(request)
        if name is None:
            raise InvalidRequestError(
                f"a request such as CancelPatternOrder is wanted, not {type(request).__name__}"
            )
        return getattr(self, name) if name in MARKETPLACES else self._configuration(name)

    def _room(self, name: MarketplaceName, rules: Callable[[Any], Any], subclient: Callable[..., C]) -> C:
        """Return the sub-client of a marketplace, opened at its first use."""
        if name not in self._subclients:
            opened = subclient(rules(self._configuration(name)), self._driver, self._timeout, self._retry)
            self._subclients.setdefault(name, opened)  # of two threads' the first: all calls share one gate
        found: C = self._subclients[name]
        return found

    def _configuration(self, name: MarketplaceName) -> Any:
        if name in self._configurations:
            return self._configurations[name]
        raise NotConfiguredError(f"the client was built without {name}=…", marketplace=name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for {', '.join(self._configurations) or 'no marketplace'}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds credentials and connections and is not pickled")


class Countermand(_Door):
    """Cancels orders at the marketplaces it is configured for, and says what became of them.

    Safe to share between threads. A context manager; or call `close()`.
    """

    def __init__(
        self,
        *,
        pattern: Pattern | None = None,
        vtex: Vtex | None = None,
        crux: Crux | None = None,
        kibo: Kibo | None = None,
        timeout: float = 30.0,
        retry: RetryPolicy = DEFAULT_RETRY,
        http_client: "httpx.Client | httpx2.Client | Driver | None" = None,
    ) -> None:
        """Configure the client; nothing is connected yet.

        `timeout` is the deadline of one call in seconds: attempts, waits and the settling read included.
        `http_client` is an `httpx.Client` or `httpx2.Client` of the caller's own, which is left open on close.
        Raises `InvalidRequestError` (a ValueError) for an argument that is of another kind.
        """
        from .transport import open_driver

        given = {"pattern": pattern, "vtex": vtex, "crux": crux, "kibo": kibo}
        super().__init__(given, timeout, retry)
        self._driver: Driver = open_driver(http_client)

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        timeout: float = 30.0,
        retry: RetryPolicy = DEFAULT_RETRY,
        http_client: "httpx.Client | httpx2.Client | Driver | None" = None,
    ) -> Self:
        """Configure every marketplace that has COUNTERMAND_… variables; see `countermand.settings`.

        The other arguments are the constructor's. Raises ValueError for a variable that is missing or makes no
        sense; its value is not repeated.
        """
        given = named_in(os.environ if environ is None else environ)
        del environ  # a handler that prints local variables would print the credentials in it
        return cls(**configured(given), timeout=timeout, retry=retry, http_client=http_client)

    @property
    def pattern(self) -> "PatternClient":
        """Pattern Hub. Raises `NotConfiguredError` if the client was built without it."""
        from .marketplaces.pattern import PatternClient, PatternRules

        return self._room("pattern", PatternRules, PatternClient)

    @property
    def vtex(self) -> "VtexClient":
        """VTEX OMS. Raises `NotConfiguredError` if the client was built without it."""
        from .marketplaces.vtex import VtexClient, VtexRules

        return self._room("vtex", VtexRules, VtexClient)

    @property
    def crux(self) -> "CruxClient":
        """Crux Connect. Raises `NotConfiguredError` if the client was built without it."""
        from .marketplaces.crux import CruxClient, CruxRules

        return self._room("crux", CruxRules, CruxClient)

    @property
    def kibo(self) -> "KiboClient":
        """Kibo OMS. Raises `NotConfiguredError` if the client was built without it."""
        from .marketplaces.kibo import KiboClient, KiboRules

        return self._room("kibo", KiboRules, KiboClient)

    def cancel(self, request: CancelRequest[A], *, timeout: float | None = None) -> Outcome[A]:
        """Cancel the order that `request` describes, at the marketplace it belongs to; see that `cancel_order`."""
        subclient: SubClient[Any, CancelRequest[A], A] = self._subclient_for(request)
        return subclient.cancel(request, timeout=timeout)

    def close(self) -> None:
        """Close the connections; a `http_client` of the caller's own stays open."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncCountermand(_Door):
    """`Countermand` on asyncio: the same calls with `await`.

    For one event loop at a time. An async context manager; or call `aclose()`.
    """

    def __init__(
        self,
        *,
        pattern: Pattern | None = None,
        vtex: Vtex | None = None,
        crux: Crux | None = None,
        kibo: Kibo | None = None,
        timeout: float = 30.0,
        retry: RetryPolicy = DEFAULT_RETRY,
        http_client: "httpx.AsyncClient | httpx2.AsyncClient | AsyncDriver | None" = None,
    ) -> None:
        """Configure the client; nothing is connected yet. The arguments are those of `Countermand`.

        `http_client` is an `httpx.AsyncClient` or `httpx2.AsyncClient` of the caller's own, left open on close, or
        a driver such as `countermand.transport.aiohttp.AiohttpDriver()`, which is closed with the client.
        """
        from .transport import open_async_driver

        given = {"pattern": pattern, "vtex": vtex, "crux": crux, "kibo": kibo}
        super().__init__(given, timeout, retry)
        self._driver: AsyncDriver = open_async_driver(http_client)

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        timeout: float = 30.0,
        retry: RetryPolicy = DEFAULT_RETRY,
        http_client: "httpx.AsyncClient | httpx2.AsyncClient | AsyncDriver | None" = None,
    ) -> Self:
        """Configure every marketplace that has COUNTERMAND_… variables; see `Countermand.from_env`."""
        given = named_in(os.environ if environ is None else environ)
        del environ  # a handler that prints local variables would print the credentials in it
        return cls(**configured(given), timeout=timeout, retry=retry, http_client=http_client)

    @property
    def pattern(self) -> "AsyncPatternClient":
        """Pattern Hub. Raises `NotConfiguredError` if the client was built without it."""
        from .marketplaces.pattern import AsyncPatternClient, PatternRules

        return self._room("pattern", PatternRules, AsyncPatternClient)

    @property
    def vtex(self) -> "AsyncVtexClient":
        """VTEX OMS. Raises `NotConfiguredError` if the client was built without it."""
        from .marketplaces.vtex import AsyncVtexClient, VtexRules

        return self._room("vtex", VtexRules, AsyncVtexClient)

    @property
    def crux(self) -> "AsyncCruxClient":
        """Crux Connect. Raises `NotConfiguredError` if the client was built without it."""
        from .marketplaces.crux import AsyncCruxClient, CruxRules

        return self._room("crux", CruxRules, AsyncCruxClient)

    @property
    def kibo(self) -> "AsyncKiboClient":
        """Kibo OMS. Raises `NotConfiguredError` if the client was built without it."""
        from .marketplaces.kibo import AsyncKiboClient, KiboRules

        return self._room("kibo", KiboRules, AsyncKiboClient)

    async def cancel(self, request: CancelRequest[A], *, timeout: float | None = None) -> Outcome[A]:
        """Cancel the order that `request` describes, at the marketplace it belongs to; see that `cancel_order`."""
        subclient: AsyncSubClient[Any, CancelRequest[A], A] = self._subclient_for(request)
        return await subclient.cancel(request, timeout=timeout)

    async def aclose(self) -> None:
        """Close the connections; a `http_client` of the caller's own stays open."""
        await self._driver.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
