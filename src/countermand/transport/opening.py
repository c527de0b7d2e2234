"""Which driver a client gets."""

import os

from ..engine.wire import AsyncDriver, Driver
from ..errors import InvalidRequestError


def open_driver(http_client: object) -> Driver:
    """Return a blocking driver: the caller's own, one over the caller's client, or the stock one."""
    if isinstance(http_client, Driver):
        return http_client
    from .blocking import BorrowedDriver, StockDriver

    if http_client is not None:
        if hasattr(http_client, "aclose") or not hasattr(http_client, "send"):
            raise InvalidRequestError("http_client must be a blocking client, such as httpx.Client")
        return BorrowedDriver(http_client)
    if _behind_a_proxy():
        import httpx

        from .requests import tls

        return BorrowedDriver(httpx.Client(verify=tls()), owned=True)
    return StockDriver()


def open_async_driver(http_client: object) -> AsyncDriver:
    """Return an async driver: the caller's own, one over the caller's client, or the stock one."""
    if isinstance(http_client, AsyncDriver):
        return http_client
    from .eventloop import AsyncBorrowedDriver, AsyncStockDriver

    if http_client is not None:
        if not (hasattr(http_client, "aclose") and hasattr(http_client, "send")):
            raise InvalidRequestError("http_client must be an async client, such as httpx.AsyncClient")
        return AsyncBorrowedDriver(http_client)
    if _behind_a_proxy():
        import httpx

        from .requests import tls

        return AsyncBorrowedDriver(httpx.AsyncClient(verify=tls()), owned=True)
    return AsyncStockDriver()


def _behind_a_proxy() -> bool:
    """Whether the environment names a proxy: httpx's client knows proxies and no_proxy, its transports do not."""
    names = ("http_proxy", "https_proxy", "all_proxy")
    return any(os.environ.get(name) or os.environ.get(name.upper()) for name in names)
