"""The four marketplaces, simulated: for the SDK's tests, for its users' tests, and for the demo.

    with Sandbox() as sandbox:
        client = sandbox.client()
        outcome = client.pattern.cancel_order("114-3941689-8772232")

A sandbox holds a `World` (`sandbox.world`), which checks what the real marketplaces check and writes down
what really happened. `Sandbox.ORDERS` lists the orders it starts with; add others through
`sandbox.world.pattern.add_order(...)` and its three siblings.
"""

import time
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from countermand.sandbox.http import SandboxReply, SandboxRequest
from countermand.sandbox.ledger import Entry, Marketplace, Part, Truth
from countermand.sandbox.mishaps import Gateway, LoseReply, Mishap, RateLimited, Raw, Status
from countermand.sandbox.orders import READY_ORDERS, ReadyOrder, seed
from countermand.sandbox.world import World

if TYPE_CHECKING:
    import httpx

    from countermand import AsyncCountermand, Countermand

__all__ = [
    "Entry",
    "LoseReply",
    "Marketplace",
    "Mishap",
    "Part",
    "RateLimited",
    "Raw",
    "ReadyOrder",
    "Sandbox",
    "SandboxReply",
    "SandboxRequest",
    "Status",
    "Truth",
    "World",
    "seed",
]


class Sandbox:
    """A world with ready-made orders, and clients that talk to it and to nothing else.

    In memory by default; with `http=True` over real HTTP on loopback, which needs the `sandbox` extra.
    The world's time follows the real time, `speed` times as fast, so that a client which waits sees things
    happen; with `speed=0` it moves by `advance` alone.
    """

    ORDERS: Final[tuple[ReadyOrder, ...]] = READY_ORDERS

    def __init__(self, *, http: bool = False, speed: float = 1.0) -> None:
        self.world: World = World()
        seed(self.world)
        self._gateway = Gateway(self.world, clock=lambda: time.monotonic() * speed)
        self._http = http
        self._origin = None if http else "http://localhost"
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
        """Close the clients of `client()`, and stop serving."""
        self._stack.close()

    def base_url(self, marketplace: Marketplace) -> str:
        """Return the base URL under which a marketplace is found here."""
        if self._origin is None:
            raise RuntimeError("over HTTP a sandbox serves inside its with block only")
        return f"{self._origin}/{marketplace}"

    def client(self, **overrides: Any) -> "Countermand":
        """Return a client of all four marketplaces; `overrides` are arguments of `Countermand`.

        It is closed with the sandbox.
        """
        from countermand import Countermand  # in here, so that the world never loads the SDK

        settings = self._settings() | overrides
        if self._http:
            from countermand.transport.blocking import StockDriver

            settings.setdefault("http_client", StockDriver())  # a proxy of the environment is not asked
        elif "http_client" not in overrides:
            import httpx

            settings["http_client"] = self._stack.enter_context(
                httpx.Client(transport=httpx.MockTransport(self._answer), trust_env=False)
            )
        return self._stack.enter_context(Countermand(**settings))

    def async_client(self, **overrides: Any) -> "AsyncCountermand":
        """Return an async client of all four marketplaces; close it, or use it in an `async with`."""
        from countermand import AsyncCountermand

        settings = self._settings() | overrides
        if self._http:
            from countermand.transport.eventloop import AsyncStockDriver

            settings.setdefault("http_client", AsyncStockDriver())
        elif "http_client" not in overrides:
            import httpx

            # Nothing is behind this client that would need closing.
            settings["http_client"] = httpx.AsyncClient(
                transport=httpx.MockTransport(self._answer), trust_env=False
            )
        return AsyncCountermand(**settings)

    def mishap(self, marketplace: Marketplace, *mishaps: Mishap) -> None:
        """Let these strike the next requests to a marketplace, one each."""
        self._gateway.mishap(marketplace, *mishaps)

    def advance(self, seconds: float) -> None:
        """Move the world's time on, beyond what the clock says."""
        self._gateway.advance(seconds)

    def _settings(self) -> dict[str, Any]:
        from countermand import Crux, Kibo, Pattern, Vtex

        world, kibo = self.world, self.base_url("kibo")
        return {
            "pattern": Pattern(token=min(world.pattern.tokens), base_url=self.base_url("pattern")),
            "vtex": Vtex(
                account="sandbox",
                app_key=world.vtex.app_key,
                app_token=world.vtex.app_token,
                base_url=self.base_url("vtex"),
            ),
            "crux": Crux(token=min(world.crux.tokens), base_url=self.base_url("crux")),
            "kibo": Kibo(tenant_id=world.kibo.tenant_id, base_url=kibo, auth_url=kibo),
        }

    def _answer(self, request: "httpx.Request") -> "httpx.Response":
        import httpx

        target = request.url.raw_path.decode("ascii")
        reply = self._gateway.handle(
            SandboxRequest.to(request.method, target, request.headers, request.content)
        )
        if reply == "lost":
            raise httpx.ReadError("the reply was lost on the way", request=request)
        return httpx.Response(reply.status, headers=list(reply.headers), content=reply.body)
