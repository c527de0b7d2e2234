"""The front door: one client, one attribute per marketplace."""

import os
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeAlias, TypeVar, cast

from . import checks
from .decoding import Answer
from .errors import InvalidRequestError, NotConfiguredError
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


#: A marketplace's short name → its configuration, its rules, its sub-client.
_Rooms: TypeAlias = dict[str, tuple[type[Any], type[Any], type[Any]]]
_BLOCKING: _Rooms = {
    "pattern": (Pattern, PatternRules, PatternClient),
    "vtex": (Vtex, VtexRules, VtexClient),
    "crux": (Crux, CruxRules, CruxClient),
    "kibo": (Kibo, KiboRules, KiboClient),
}
_ON_ASYNCIO: _Rooms = {
    "pattern": (Pattern, PatternRules, AsyncPatternClient),
    "vtex": (Vtex, VtexRules, AsyncVtexClient),
    "crux": (Crux, CruxRules, AsyncCruxClient),
    "kibo": (Kibo, KiboRules, AsyncKiboClient),
}


class _Door:
    """What both doors have in common: the configured marketplaces, by name."""

    def __init__(self) -> None:
        self._subclients: dict[MarketplaceName, Any] = {}

    def _open(
        self, rooms: _Rooms, given: Mapping[str, Any], driver: object, timeout: float, retry: object
    ) -> None:
        patience, policy = checks.seconds(timeout), checks.instance(retry, RetryPolicy, "retry")
        for name, configuration in given.items():
            if configuration is not None:
                configured, rules, subclient = rooms[name]
                checks.instance(configuration, configured, name)
                self._subclients[name] = subclient(rules(configuration), driver, patience, policy)

    def _subclient_for(self, request: object) -> Any:
        name = getattr(request, "marketplace", None)
        if isinstance(name, str):
            return self._configured(name)
        raise InvalidRequestError(
            f"a request such as CancelPatternOrder is wanted, not {type(request).__name__}"
        )

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
        Raises `InvalidRequestError` (a ValueError) for an argument that is of another kind.
        """
        from .transport import open_driver

        super().__init__()
        self._driver: Driver = open_driver(http_client)
        given = {"pattern": pattern, "vtex": vtex, "crux": crux, "kibo": kibo}
        self._open(_BLOCKING, given, self._driver, timeout, retry)

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

        super().__init__()
        self._driver: AsyncDriver = open_async_driver(http_client)
        given = {"pattern": pattern, "vtex": vtex, "crux": crux, "kibo": kibo}
        self._open(_ON_ASYNCIO, given, self._driver, timeout, retry)

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
