"""Network streams for httpx's stock transports, with three manners that the stock ones lack.

- Every step of one call ends at the same instant. A stock timeout starts anew with every byte that arrives, so a
  body that drips, or interim responses without end, would outlast any deadline.
- The head and the body of a request leave in one packet, and not after the deadline.
- An idle connection with something to read, behind TLS too, is not used again: it would be read as the answer to
  the next request, about another order.
"""

import select
import socket
import time
from contextlib import suppress
from typing import Any

import httpcore


class Deadline(float):
    """A timeout in seconds that knows the instant it ends at, so that it can be asked again."""

    __slots__ = ("at",)
    at: float

    @classmethod
    def ending(cls, at: float) -> "Deadline":
        """Return the deadline that ends at the instant `at` of the monotonic clock."""
        deadline = cls(max(at - time.monotonic(), 0.0))
        deadline.at = at
        return deadline

    def left(self) -> float:
        """Return the seconds that are left; not below zero."""
        return max(self.at - time.monotonic(), 0.0)


def _left(timeout: float | None) -> float | None:
    return timeout.left() if isinstance(timeout, Deadline) else timeout


def _left_to_send(timeout: float | None) -> float | None:
    """Return the seconds left; raise, as if there were no connection yet, when there are none: nothing was sent."""
    left = _left(timeout)
    if left is not None and left <= 0:
        raise httpcore.ConnectTimeout("the deadline was over before anything was sent")
    return left


class Stream(httpcore.NetworkStream):
    """A blocking stream under a deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._unsent = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Send what is unsent, then read."""
        if self._unsent:
            left = _left_to_send(timeout)
            unsent, self._unsent = self._unsent, b""
            # The server may have answered before it closed: reading tells.
            with suppress(httpcore.WriteError):
                self._inner.write(unsent, left)
        left = _left(timeout)
        if left is not None and left <= 0:
            raise httpcore.ReadTimeout("the deadline is over")
        return self._inner.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Keep `buffer` until the reply is awaited."""
        self._unsent += buffer

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return a stream that speaks TLS."""
        return Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        """Answer like the inner stream."""
        return self._inner.get_extra_info(info)


class Backend(httpcore.NetworkBackend):
    """Opens blocking streams."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of `host` that answers, all of them within the one deadline."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from None
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in dict.fromkeys(str(entry[4][0]) for entry in found):
            try:
                left = _left_to_send(timeout)
                return Stream(self._inner.connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class AsyncStream(httpcore.AsyncNetworkStream):
    """A stream on an event loop; the driver cuts the whole exchange at the deadline."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self._unsent = b""
        # Looked up once: the pool asks after every idle connection, for every call.
        self._socket: Any = inner.get_extra_info("socket")

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Send what is unsent, then read."""
        if self._unsent:
            left = _left_to_send(timeout)
            unsent, self._unsent = self._unsent, b""
            # The server may have answered before it closed: reading tells.
            with suppress(httpcore.WriteError):
                await self._inner.write(unsent, left)
        return await self._inner.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Keep `buffer` until the reply is awaited."""
        self._unsent += buffer

    async def aclose(self) -> None:
        """Close the connection."""
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Return a stream that speaks TLS."""
        return AsyncStream(await self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        """Answer like the inner stream, but look for something to read at less cost, and behind TLS."""
        if info == "is_readable":
            return undecrypted(self._inner) or readable(self._socket)
        return self._inner.get_extra_info(info)


def undecrypted(stream: Any) -> bool:
    """Whether TLS has taken from the socket what it has not read yet: a record behind the reply's waits there, unseen.

    The names on the way are those of httpcore and anyio; a test holds them.
    """
    records = getattr(getattr(stream, "_stream", None), "_read_bio", None)
    return records is not None and bool(records.pending)


def readable(connection: Any) -> bool:
    """Whether something waits to be read, or the connection is closed."""
    if connection is None or connection.fileno() < 0:
        return True
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([connection], [], [], 0)[0])
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


class AsyncBackend(httpcore.AsyncNetworkBackend):
    """Opens streams on an event loop."""

    def __init__(self) -> None:
        self._inner: Any = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect."""
        left = _left_to_send(timeout)
        return AsyncStream(await self._inner.connect_tcp(host, port, left, local_address, socket_options))
