"""The event loop and the process to which an async driver's connections belong.

A client may be used in one event loop after another, with `asyncio.run` for each call, and is not closed in between. So
the connections end with their event loop: `asyncio.run` closes every asynchronous generator before it closes the loop.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable

from ..errors import NotSentError


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop. Raises `NotSentError` outside asyncio."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise NotSentError("the async client needs a running event loop of asyncio") from None


class LoopScope:
    """One event loop in one process at a time, and what closes a driver's connections there."""

    def __init__(self) -> None:
        self._current: tuple[object, int] | None = None
        self._end: AsyncGenerator[None] | None = None
        self._inherited: list[object] = []

    def is_current(self) -> bool:
        """Whether the running event loop and this process are those that were entered last."""
        return self._current == _running()

    async def enter(self, close: Callable[[], Awaitable[object]]) -> None:
        """Enter the running event loop; `close` is awaited when it is shut down, or this object is no longer used."""
        current = _running()
        if self._current is not None and self._current[1] != current[1]:
            # After a fork, to collect the generator would schedule a task in the parent's event loop.
            self._inherited.append(self._end)
        self._current, self._end = current, _until_shutdown(close)
        await anext(self._end)

    async def leave(self) -> None:
        """Close the connections, if they belong to the running event loop and this process."""
        end = self._end
        if end is not None and self.is_current():
            self._end = None
            await end.aclose()


async def _until_shutdown(close: Callable[[], Awaitable[object]]) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        await close()


def _running() -> tuple[object, int]:
    try:
        return asyncio.get_running_loop(), os.getpid()
    except RuntimeError:
        return None, os.getpid()
