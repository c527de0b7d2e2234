"""The drivers, which run flows over httpx, httpx2 or aiohttp. Only this package imports an HTTP library."""

from .opening import open_async_driver, open_driver

__all__ = ["open_async_driver", "open_driver"]
