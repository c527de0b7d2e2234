"""Drivers over a caller's own client: httpx's, or its successor httpx2's, which has the same interface.

The caller's proxies, mounts, event hooks, cookies and default headers stay in force; redirects are not followed and
the client's own `auth` is not applied, because either could carry a credential elsewhere.
"""

import asyncio
import time
from typing import Any

from ..wire import Call, Fault, Reply
from .bodies import aread, read
from .faults import fault, flaw
from .running import GRACE, AsyncioDriver, BlockingDriver, standing_headers


def _built(client: Any, call: Call, left: float) -> Any:
    timeout = {"connect": left, "read": left, "write": left, "pool": left}
    url = call.origin + call.target
    return client.build_request(
        call.method, url, headers=standing_headers(call), content=call.body, extensions={"timeout": timeout}
    )


class BorrowedDriver(BlockingDriver):
    """Blocking, over a `Client` that has httpx's interface. It is left open, unless it is `owned`.

    The deadline is looked at whenever bytes of the body arrive; while nothing or only a head arrives, the client's
    own timeouts count, and they start anew with every byte.
    """

    def __init__(self, client: Any, *, owned: bool = False) -> None:
        self._client = client
        self._owned = owned

    def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it."""
        if self._client.is_closed:
            return Fault(sent=False, detail="the client is closed")
        left = max(call.deadline - time.monotonic(), 0.001)
        try:
            sent = _built(self._client, call, left)
            response = self._client.send(sent, stream=True, auth=None, follow_redirects=False)
        except Exception as error:
            return fault(error)
        return read(response, call.deadline)

    def close(self) -> None:
        """Close the client if it is ours."""
        if self._owned:
            self._client.close()


class AsyncBorrowedDriver(AsyncioDriver):
    """On asyncio, over an `AsyncClient` that has httpx's interface. It is left open, unless it is `owned`."""

    def __init__(self, client: Any, *, owned: bool = False) -> None:
        self._client = client
        self._owned = owned

    async def exchange(self, call: Call) -> Reply | Fault:
        """Send `call` and return what came of it by its deadline."""
        if self._client.is_closed:
            return Fault(sent=False, detail="the client is closed")
        left = max(call.deadline - time.monotonic(), 0.0)
        response: Any = None
        try:
            async with asyncio.timeout(left + GRACE):
                sent = _built(self._client, call, left)
                response = await self._client.send(sent, stream=True, auth=None, follow_redirects=False)
                return await aread(response, call.deadline)
        except Exception as error:
            if response is None:
                return fault(error)
            return Reply(response.status_code, response.headers, b"", flaw(error))

    async def aclose(self) -> None:
        """Close the client if it is ours."""
        if self._owned:
            await self._client.aclose()
