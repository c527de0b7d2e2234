"""Which driver a client gets."""

import os
from typing import Any

from ..wire import AsyncDriver, Driver


def open_driver(http_client: Any) -> Driver:
    """Return a blocking driver: over the caller's client, or the stock one."""
    if http_client is None:
        return _open_own(blocking=True)
    if hasattr(http_client, "run") and hasattr(http_client, "clock"):
        driver: Driver = http_client
        return driver
    from .borrowed import BorrowedDriver

    return BorrowedDriver(http_client)


def open_async_driver(http_client: Any) -> AsyncDriver:
    """Return an async driver: over the caller's client, or the stock one."""
    if http_client is None:
        return _open_own(blocking=False)
    if hasattr(http_client, "run") and hasattr(http_client, "clock"):
        driver: AsyncDriver = http_client
        return driver
    from .borrowed import AsyncBorrowedDriver

    return AsyncBorrowedDriver(http_client)


def _open_own(*, blocking: bool) -> Any:
    import httpx

    from .borrowed import AsyncBorrowedDriver, BorrowedDriver
    from .stock import AsyncStockDriver, StockDriver, tls

    if not _behind_a_proxy():
        return StockDriver() if blocking else AsyncStockDriver()
    # httpx's client knows proxies and no_proxy; the bare transports do not.
    if blocking:
        return BorrowedDriver(httpx.Client(verify=tls()), owned=True)
    return AsyncBorrowedDriver(httpx.AsyncClient(verify=tls()), owned=True)


def _behind_a_proxy() -> bool:
    names = ("http_proxy", "https_proxy", "all_proxy")
    return any(os.environ.get(name) or os.environ.get(name.upper()) for name in names)
