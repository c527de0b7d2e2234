"""The only room that knows an HTTP library: drivers that run flows over httpx, httpx2 or aiohttp."""

from .opening import open_async_driver, open_driver

__all__ = ["open_async_driver", "open_driver"]
