"""The front door: one client, one attribute per marketplace."""

import os
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar, cast

from . import checks
from .decoding import Answer
from .errors import NotConfiguredError
from .evidence import MarketplaceName
from .marketplaces.crux import AsyncCruxClient, Crux, CruxClient, CruxRules
from .marketplaces.kibo import AsyncKiboClient, Kibo, KiboClient, KiboRules
from .marketplaces.pattern import AsyncPatternClient, Pattern, PatternClient, PatternRules
from .marketplaces.vtex import AsyncVtexClient, Vtex, VtexClient, VtexRules
from .outcomes import Outcome
from .requests import CancelRequest
from .retry import DEFAULT_RETRY, RetryPolicy
from .settings import configured, named_in

if TYPE_CHECKING:
    import httpx
    import httpx2

    from .subclient import AsyncSubClient, SubClient
    from .wire import AsyncDriver, Driver

A = TypeVar("A", bound=Answer)


class _Door:
    """What both doors have in common: the configured marketplaces, by name."""

    def __init__(self, subclients: dict[MarketplaceName, Any]) -> None:
        self._subclients = subclients

    def _configured(self, name: MarketplaceName) -> Any:
        try:
            return self._subclients[name]
        except KeyError:
            pass
        raise NotConfiguredError(f"the client was built without {name}=…", marketplace=name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for {', '.join(self._subclients) or 'no marketplace'}>"

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
        Raises `InvalidRequestError` (a ValueError) for a timeout that is none.
        """
        from .transport import open_driver

        patience = checks.seconds(timeout)
        self._driver: Driver = open_driver(http_client)
        about = (self._driver, patience, retry)
        subclients: dict[MarketplaceName, SubClient[Any, Any, Any]] = {}
        if pattern is not None:
            subclients["pattern"] = PatternClient(PatternRules(pattern), *about)
        if vtex is not None:
            subclients["vtex"] = VtexClient(VtexRules(vtex), *about)
        if crux is not None:
            subclients["crux"] = CruxClient(CruxRules(crux), *about)
        if kibo is not None:
            subclients["kibo"] = KiboClient(KiboRules(kibo), *about)
        super().__init__(subclients)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """Configure every marketplace that has COUNTERMAND_… variables; see `countermand.settings`.

        `options` are the constructor's (`timeout`, `retry`, `http_client`). Raises ValueError for a variable that
        is missing or makes no sense; its value is not repeated.
        """
        given = named_in(os.environ if environ is None else environ)
        del environ  # a handler that prints local variables would print the credentials in it
        return cls(**configured(given), **options)

    @property
    def pattern(self) -> PatternClient:
        """Pattern Hub. Raises `NotConfiguredError` if the client was built without it."""
        return cast(PatternClient, self._configured("pattern"))

    @property
    def vtex(self) -> VtexClient:
        """VTEX OMS. Raises `NotConfiguredError` if the client was built without it."""
        return cast(VtexClient, self._configured("vtex"))

    @property
    def crux(self) -> CruxClient:
        """Crux Connect. Raises `NotConfiguredError` if the client was built without it."""
        return cast(CruxClient, self._configured("crux"))

    @property
    def kibo(self) -> KiboClient:
        """Kibo OMS. Raises `NotConfiguredError` if the client was built without it."""
        return cast(KiboClient, self._configured("kibo"))

    def cancel(self, request: CancelRequest[A], *, timeout: float | None = None) -> Outcome[A]:
        """Cancel the order that `request` describes, at the marketplace it belongs to; see that `cancel_order`."""
        subclient: SubClient[Any, CancelRequest[A], A] = self._configured(request.marketplace)
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

        patience = checks.seconds(timeout)
        self._driver: AsyncDriver = open_async_driver(http_client)
        about = (self._driver, patience, retry)
        subclients: dict[MarketplaceName, AsyncSubClient[Any, Any, Any]] = {}
        if pattern is not None:
            subclients["pattern"] = AsyncPatternClient(PatternRules(pattern), *about)
        if vtex is not None:
            subclients["vtex"] = AsyncVtexClient(VtexRules(vtex), *about)
        if crux is not None:
            subclients["crux"] = AsyncCruxClient(CruxRules(crux), *about)
        if kibo is not None:
            subclients["kibo"] = AsyncKiboClient(KiboRules(kibo), *about)
        super().__init__(subclients)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """Configure every marketplace that has COUNTERMAND_… variables; see `Countermand.from_env`."""
        given = named_in(os.environ if environ is None else environ)
        del environ  # a handler that prints local variables would print the credentials in it
        return cls(**configured(given), **options)

    @property
    def pattern(self) -> AsyncPatternClient:
        """Pattern Hub. Raises `NotConfiguredError` if the client was built without it."""
        return cast(AsyncPatternClient, self._configured("pattern"))

    @property
    def vtex(self) -> AsyncVtexClient:
        """VTEX OMS. Raises `NotConfiguredError` if the client was built without it."""
        return cast(AsyncVtexClient, self._configured("vtex"))

    @property
    def crux(self) -> AsyncCruxClient:
        """Crux Connect. Raises `NotConfiguredError` if the client was built without it."""
        return cast(AsyncCruxClient, self._configured("crux"))

    @property
    def kibo(self) -> AsyncKiboClient:
        """Kibo OMS. Raises `NotConfiguredError` if the client was built without it."""
        return cast(AsyncKiboClient, self._configured("kibo"))

    async def cancel(self, request: CancelRequest[A], *, timeout: float | None = None) -> Outcome[A]:
        """Cancel the order that `request` describes, at the marketplace it belongs to; see that `cancel_order`."""
        subclient: AsyncSubClient[Any, CancelRequest[A], A] = self._configured(request.marketplace)
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
