"""The ways into the SDK: stock drivers, a caller's own clients of httpx and httpx2, the aiohttp driver."""

import os
import ssl
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import cache, partial
from importlib.util import find_spec
from typing import Any, Final, Literal, TypeAlias

import httpx

from countermand import AsyncCountermand, Countermand, Crux, Kibo, Pattern, RetryPolicy, Vtex
from countermand.transport import messages
from countermand.transport.blocking import StockDriver
from countermand.transport.eventloop import AsyncStockDriver
from countermand.transport.proxies import Proxies
from tests.support.proxies import SocksServer
from tests.support.tls import AUTHORITY, trusting, unused

from .spec import CRUX_USER, KIBO_CLIENT, KIBO_TENANT, SECRETS
from .troubles import Around

Login: TypeAlias = Literal["token", "login"]

BLOCKING: Final = ("stock", "httpx", "httpx2")
ASYNC: Final = ("async stock", "async httpx", "async httpx2", "async aiohttp")
#: Doors that the sweep goes through as well: behind a SOCKS proxy.
MORE: Final = ("stock, socks", "async stock, socks")
FAST: Final = RetryPolicy(first_pause=0.01, longest_pause=0.05)


@cache
def doors() -> tuple[str, ...]:
    """Return the doors that can be opened here."""
    there = {"httpx2": "httpx2", "aiohttp": "countermand.transport.aiohttp"}
    return tuple(
        door
        for door in (*BLOCKING, *ASYNC)
        if all(find_spec(module) is not None for name, module in there.items() if door.endswith(name))
    )


def swept() -> tuple[str, ...]:
    """Return the doors that the sweep goes through."""
    return doors() + MORE


@cache
def _socks() -> Proxies:
    """Return what leads through a SOCKS proxy, which runs as long as this process."""
    return Proxies({"ALL_PROXY": f"socks5h://127.0.0.1:{SocksServer().__enter__().port}"})


def prepare() -> None:
    """Forget the environment's proxies, and trust the authority of the tests: all happens on this machine."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    os.environ["SSL_CERT_FILE"] = str(AUTHORITY)
    messages.tls.cache_clear()


@contextmanager
def without_bundle() -> Generator[None]:
    """Have SSL_CERT_FILE name no file meanwhile."""
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = "/nowhere/ca.pem"
    messages.tls.cache_clear()
    try:
        yield
    finally:
        os.environ["SSL_CERT_FILE"] = before or str(AUTHORITY)
        messages.tls.cache_clear()


def settings(marketplace: str, origin: str, login: Login = "token") -> dict[str, Any]:
    """Return the configuration of one marketplace at `origin`."""
    url = f"{origin}/{marketplace}"
    match marketplace:
        case "pattern":
            return {"pattern": Pattern(token=SECRETS["pattern_token"], base_url=url)}
        case "vtex":
            key, token = SECRETS["vtex_key"], SECRETS["vtex_token"]
            return {"vtex": Vtex(account="tests", app_key=key, app_token=token, base_url=url)}
        case "crux":
            if login == "token":
                return {"crux": Crux(token=SECRETS["crux_token"], base_url=url)}
            return {"crux": Crux(username=CRUX_USER, password=SECRETS["crux_password"], base_url=url)}
        case _:
            given: dict[str, Any] = {"tenant_id": KIBO_TENANT, "base_url": url, "auth_url": url}
            if login == "token":
                return {"kibo": Kibo(access_token=SECRETS["kibo_token"], **given)}
            return {"kibo": Kibo(client_id=KIBO_CLIENT, client_secret=SECRETS["kibo_secret"], **given)}


def _proxies(door: str, around: Around | None) -> Proxies | None:
    if around is not None and around.proxy:
        return Proxies({"ALL_PROXY": around.proxy})
    return _socks() if door.endswith("socks") else None


@contextmanager
def opened(door: str, around: Around | None = None, **arguments: Any) -> Generator[Countermand]:
    """Open a blocking door."""
    given: dict[str, Any] = {"retry": FAST, **arguments}
    if door.startswith("stock"):
        with Countermand(**given, http_client=StockDriver(_proxies(door, around))) as client:
            yield client
        return
    with own_client(door, around) as http_client, Countermand(**given, http_client=http_client) as client:
        yield client


def async_driver(door: str, around: Around | None = None) -> Any:
    """Return the driver of an async door that is not over a caller's own client."""
    if door.startswith("async stock"):
        return AsyncStockDriver(_proxies(door, around))
    from countermand.transport.aiohttp import AiohttpDriver

    return AiohttpDriver()


@asynccontextmanager
async def aopened(
    door: str, around: Around | None = None, **arguments: Any
) -> AsyncGenerator[AsyncCountermand]:
    """Open an async door."""
    given: dict[str, Any] = {"retry": FAST, **arguments}
    if not door.startswith("async httpx"):
        async with AsyncCountermand(**given, http_client=async_driver(door, around)) as client:
            yield client
    else:
        async with (
            own_async_client(door, around) as http_client,
            AsyncCountermand(**given, http_client=http_client) as client,
        ):
            yield client


def own_client(door: str, around: Around | None = None) -> httpx.Client:
    """Return a client of the caller's own."""
    library: Any = httpx
    if door == "httpx2":
        import httpx2 as library

    def hook(response: Any) -> None:
        if around is not None and around.hook is not None and not around.calm:
            around.hook(response)

    client: httpx.Client = library.Client(**_own(around), event_hooks={"response": [hook]})
    return client


def own_async_client(door: str, around: Around | None = None) -> httpx.AsyncClient:
    """Return an async client of the caller's own."""
    library: Any = httpx
    if door == "async httpx2":
        import httpx2 as library

    async def hook(response: Any) -> None:
        if around is not None and around.hook is not None and not around.calm:
            around.hook(response)

    client: httpx.AsyncClient = library.AsyncClient(**_own(around), event_hooks={"response": [hook]})
    return client


def _own(around: Around | None) -> dict[str, Any]:
    """Return the arguments of a client of the caller's own."""
    over_tls = around is not None and around.origin.startswith("https:")
    proxy = around.proxy if around is not None and around.proxy else None
    return {"verify": _trusting() if over_tls else unused(), "trust_env": False, "proxy": proxy}


@cache
def _trusting() -> ssl.SSLContext:
    return trusting()


def cancel(client: Any, marketplace: str, order_id: str, timeout: float) -> Any:
    """Cancel an order; on an async client, return what is to be awaited."""
    return cancelling(client, marketplace, order_id, timeout)()


def cancelling(client: Any, marketplace: str, order_id: str, timeout: float) -> Callable[[], Any]:
    """Return the call that cancels an order, with no frame of the tests between its caller and the SDK."""
    if marketplace == "kibo":
        return partial(client.kibo.cancel_order, int(order_id), "created_by_mistake", timeout=timeout)
    return partial(getattr(client, marketplace).cancel_order, order_id, timeout=timeout)
