"""countermand as its users call it: typed, authenticated, and with its retries on."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from .calls import (
    KIBO_REASON,
    PARTS,
    REASON,
    TENANT,
    TOKEN,
    AsyncCall,
    AsyncContender,
    Call,
    crux_order,
    in_turn,
    kibo_order,
    pattern_order,
    vtex_order,
)

if TYPE_CHECKING:
    from countermand import AsyncCountermand, Countermand


def configuration(base: str) -> dict[str, Any]:
    """Configure all four marketplaces, each under its own path of the loopback server."""
    from countermand import Crux, Kibo, Pattern, Vtex

    return {
        "pattern": Pattern(token=TOKEN, base_url=f"{base}/pattern"),
        "vtex": Vtex(
            account="mystore",
            app_key="vtexappkey-mystore",
            app_token=TOKEN,
            base_url=f"{base}/vtex",
        ),
        "crux": Crux(token=TOKEN, base_url=f"{base}/crux"),
        "kibo": Kibo(tenant_id=TENANT, access_token=TOKEN, base_url=f"{base}/kibo"),
    }


def _calls(client: "Countermand | AsyncCountermand") -> dict[str, Any]:
    """Say one call of each kind; the async door's give what is to be awaited."""
    return {
        "pattern": lambda: client.pattern.cancel_order(pattern_order()),
        "vtex": lambda: client.vtex.cancel_order(vtex_order(), reason=REASON, requested_by_user=False),
        "crux": lambda: client.crux.cancel_order(crux_order()),
        "kibo": lambda: client.kibo.cancel_order(kibo_order(), *KIBO_REASON),
    }


def countermand_sync(base: str) -> Mapping[str, Call]:
    """One `Countermand`, kept open; one more for each number of parts, at a Pattern Hub that answers so."""
    from countermand import Countermand, Pattern

    calls: dict[str, Call] = _calls(Countermand(**configuration(base)))

    def many_parts(parts: int) -> Call:
        client = Countermand(pattern=Pattern(token=TOKEN, base_url=f"{base}/parts-{parts}"))
        return lambda: client.pattern.cancel_order(pattern_order())

    return calls | {f"parts-{parts}": many_parts(parts) for parts in PARTS}


def countermand_async(plug: Literal["stock", "httpx2", "aiohttp"]) -> AsyncContender:
    """One `AsyncCountermand`, as it comes or with one of the two other HTTP libraries plugged in."""

    @asynccontextmanager
    async def contender(base: str, _in_flight: int) -> AsyncGenerator[AsyncCall]:
        from countermand import AsyncCountermand

        async with AsyncExitStack() as stack:
            options: dict[str, Any] = {}
            if plug == "httpx2":
                httpx2: Any = import_module("httpx2")
                options["http_client"] = await stack.enter_async_context(httpx2.AsyncClient())
            elif plug == "aiohttp":
                driver: Any = import_module("countermand.transport.aiohttp")
                options["http_client"] = driver.AiohttpDriver()
            client = await stack.enter_async_context(AsyncCountermand(**configuration(base), **options))
            yield in_turn(_calls(client).values())

    return contender
