"""The drivers, which run flows over httpx, httpx2 or aiohttp. Only this package imports an HTTP library."""

from ..engine.wire import AsyncDriver, Driver
from ..errors import InvalidRequestError


def open_driver(http_client: object) -> Driver:
    """Return a blocking driver: the caller's own, one over the caller's client, or the stock one."""
    if isinstance(http_client, Driver):
        return http_client
    from .blocking import BorrowedDriver, StockDriver
    from .proxies import environment_proxies

    if http_client is None:
        return StockDriver(environment_proxies())
    if hasattr(http_client, "aclose") or not hasattr(http_client, "send"):
        raise InvalidRequestError("http_client must be a blocking client, such as httpx.Client")
    return BorrowedDriver(http_client)


def open_async_driver(http_client: object) -> AsyncDriver:
    """Return an async driver: the caller's own, one over the caller's client, or the stock one."""
    if isinstance(http_client, AsyncDriver):
        return http_client
    from .eventloop import AsyncBorrowedDriver, AsyncStockDriver
    from .proxies import environment_proxies

    if http_client is None:
        return AsyncStockDriver(environment_proxies())
    if not (hasattr(http_client, "aclose") and hasattr(http_client, "send")):
        raise InvalidRequestError("http_client must be an async client, such as httpx.AsyncClient")
    return AsyncBorrowedDriver(http_client)
