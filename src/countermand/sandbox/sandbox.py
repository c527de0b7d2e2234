"""The class `Sandbox`: a world with predefined orders, and clients for it."""

import time as real_time
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from countermand.engine.walking import finished
from countermand.sandbox import checks
from countermand.sandbox.http import SandboxRequest
from countermand.sandbox.ledger import Marketplace
from countermand.sandbox.mishaps import Gateway, Mishap
from countermand.sandbox.orders import READY_ORDERS, ReadyOrder, seed
from countermand.sandbox.received import ReceivedRequest
from countermand.sandbox.virtual import AsyncVirtualDriver, VirtualDriver, VirtualTime
from countermand.sandbox.world import World

if TYPE_CHECKING:
    import httpx

    from countermand import AsyncCountermand, Countermand


class Sandbox:
    """A world with predefined orders, and clients that connect only to it.

        with Sandbox(time="virtual") as sandbox:
            client = sandbox.client()
            client.vtex.cancel_order("1172452900789-01")
            outcome = client.vtex.wait_until_settled("1172452900789-01", timeout=600)  # in milliseconds

    `time` selects the clock:

    - `"real"`: the world's time follows the real time, `speed` times as fast (default 1), and clients really wait.
      With `speed=0`, only `advance` moves the world's time.
    - `"virtual"`: when a client of `client()` or `async_client()` waits, the world's time and its own move forward
      immediately. Otherwise time stands still.

    With `http=True`, the world is served over real HTTP on loopback, which needs the extra `sandbox`. The default is
    in memory.

    On exit, the clients of `client()` are closed. It raises `UnusedMishapsError` if a mishap was not used, unless
    `allow_unused_mishaps=True` or another exception propagates.

    Raises ValueError for an invalid argument.
    """

    __slots__ = (
        *("_gateway", "_http", "_origin", "_stack", "_virtual"),
        *("allow_unused_mishaps", "world"),
    )
    ORDERS: Final[tuple[ReadyOrder, ...]] = READY_ORDERS

    def __init__(
        self,
        *,
        time: Literal["real", "virtual"] = "real",
        speed: float | None = None,
        http: bool = False,
        allow_unused_mishaps: bool = False,
    ) -> None:
        checks.one_of("the time", time, ("real", "virtual"))
        checks.flag("http", http)
        checks.flag("allow_unused_mishaps", allow_unused_mishaps)
        if time == "virtual" and speed is not None:
            raise ValueError("virtual time has no speed: speed=… goes with time='real'")
        pace = 1.0 if speed is None else checks.not_negative("the speed", speed)
        self.world: World = World()
        seed(self.world)
        self._virtual: VirtualTime | None = None
        if time == "real":
            self._gateway = Gateway(self.world, clock=lambda: real_time.monotonic() * pace)
        else:
            self._gateway = Gateway(self.world)
            self._virtual = VirtualTime(self.world, self._gateway.advance)
        self._http = http
        self._origin = None if http else "http://localhost"
        self.allow_unused_mishaps: bool = allow_unused_mishaps
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start serving, if it is over HTTP."""
        if self._http:
            from countermand.sandbox.app import App
            from countermand.sandbox.server import serve

            self._origin = self._stack.enter_context(serve(App(self._gateway)))
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the clients of `client()`, stop serving, and check for unused mishaps."""
        self._stack.close()
        if self._http:
            self._origin = None
        if exc_type is None and not self.allow_unused_mishaps:
            self._gateway.check_mishaps()

    def client(self, **overrides: Any) -> "Countermand":
        """Return a client for all four marketplaces; `overrides` are arguments of `Countermand`.

            client = sandbox.client(timeout=5.0, retry=RetryPolicy.never())

        It is closed with the sandbox.
        """
        from countermand import Countermand  # lazily imported: the world must not load the SDK
        from countermand.transport import open_driver

        driver = open_driver(overrides.pop("http_client", None) or self._http_client())
        if self._virtual is not None:
            driver = VirtualDriver(driver, self._virtual)
        client = Countermand(**self._settings() | overrides, http_client=driver)
        return self._stack.enter_context(client)

    def async_client(self, **overrides: Any) -> "AsyncCountermand":
        """Return an async client for all four marketplaces; `overrides` are arguments of `AsyncCountermand`.

            async with sandbox.async_client() as client:
                outcome = await client.kibo.cancel_order(1010101, "created_by_mistake")

        Over HTTP, close it or use it in an `async with`; in memory it is closed with the sandbox.
        """
        from countermand import AsyncCountermand
        from countermand.transport import open_async_driver

        driver = open_async_driver(overrides.pop("http_client", None) or self._async_http_client())
        if self._virtual is not None:
            driver = AsyncVirtualDriver(driver, self._virtual)
        client = AsyncCountermand(**self._settings() | overrides, http_client=driver)
        if not self._http:  # then closing it needs no event loop
            self._stack.callback(lambda: finished(client.aclose()))
        return client

    def mishap(self, marketplace: Marketplace, *mishaps: Mishap) -> None:
        """Script mishaps for the next requests to a marketplace, one each. Logins are not affected.

            sandbox.mishap("vtex", RateLimited(30), LoseReply())

        Raises ValueError for an unknown marketplace, and TypeError for an object that is not a mishap.
        """
        self._gateway.mishap(marketplace, *mishaps)

    def advance(self, seconds: float) -> None:
        """Move the world's time forward by `seconds`; in virtual time, the clients' time too.

            sandbox.advance(600)

        Raises ValueError for a negative number.
        """
        checks.not_negative("the time to advance by", seconds)
        (self._virtual or self._gateway).advance(seconds)

    @property
    def requests(self) -> Sequence[ReceivedRequest]:
        """Every request that was sent, in order, without its credentials.

            assert [request.method for request in sandbox.requests] == ["POST", "GET"]

        Requests that a mishap lost are included.
        """
        return tuple(self._gateway.requests)

    def base_url(self, marketplace: Marketplace) -> str:
        """Return the base URL of a marketplace in this sandbox, for a configuration of your own.

            Crux(username="…", password="…", base_url=sandbox.base_url("crux"))

        Raises RuntimeError outside the with block of a sandbox over HTTP.
        """
        checks.marketplace(marketplace)
        if self._origin is None:
            raise RuntimeError("over HTTP a sandbox serves inside its with block only")
        return f"{self._origin}/{marketplace}"

    @property
    def environ(self) -> dict[str, str]:
        """The variables with which `Countermand.from_env` reaches this sandbox, for code that makes its own client.

            with Sandbox(http=True) as sandbox:
                client = Countermand.from_env(sandbox.environ)

        Such a client waits in real time. Raises RuntimeError in memory, and outside the with block: nothing is served.
        """
        if not self._http:
            raise RuntimeError("in memory nothing is served: Sandbox(http=True) has variables for a client")
        return {
            f"COUNTERMAND_{name}_{field}".upper(): str(value)
            for name, fields in self._accounts().items()
            for field, value in fields.items()
        }

    def _settings(self) -> dict[str, Any]:
        from countermand import Crux, Kibo, Pattern, Vtex

        fields = self._accounts()
        return {kind.marketplace: kind(**fields[kind.marketplace]) for kind in (Pattern, Vtex, Crux, Kibo)}

    def _accounts(self) -> dict[str, dict[str, Any]]:
        """Return the fields of each marketplace's account."""
        pattern, vtex, crux, kibo = self.world.pattern, self.world.vtex, self.world.crux, self.world.kibo
        accounts: dict[str, dict[str, Any]] = {
            "pattern": {"token": min(pattern.tokens)},
            "vtex": {"account": "sandbox", "app_key": vtex.app_key, "app_token": vtex.app_token},
            "crux": {"token": min(crux.tokens)},
            "kibo": {"tenant_id": kibo.tenant_id, "auth_url": self.base_url("kibo")},
        }
        for name in checks.MARKETPLACES:
            accounts[name]["base_url"] = self.base_url(name)
        return accounts

    def _http_client(self) -> Any:
        if self._http:
            from countermand.transport.blocking import StockDriver

            return StockDriver()  # without the proxies of the environment
        import httpx

        client = httpx.Client(transport=httpx.MockTransport(self._answer), trust_env=False)
        return self._stack.enter_context(client)

    def _async_http_client(self) -> Any:
        if self._http:
            from countermand.transport.eventloop import AsyncStockDriver

            return AsyncStockDriver()
        import httpx

        # Nothing is behind this client that would need closing.
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer), trust_env=False)

    def _answer(self, request: "httpx.Request") -> "httpx.Response":
        import httpx

        target = request.url.raw_path.decode("ascii")
        reply = self._gateway.handle(
            SandboxRequest.to(request.method, target, request.headers, request.content)
        )
        if reply == "lost":
            raise httpx.ReadError("the reply was lost on the way", request=request)
        return httpx.Response(reply.status, headers=list(reply.headers), content=reply.body)
