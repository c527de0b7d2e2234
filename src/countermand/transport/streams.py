"""Network streams for httpx's stock transports, with three manners that the stock ones lack.

- Every read and write of one call ends at the same instant. A stock timeout starts anew with every byte that
  arrives, so a body that drips, or interim responses without end, would outlast any deadline.
- The head and the body of a request leave in one packet.
- A connection is not used again after bytes that belong to no reply: they would be read as the answer to the next
  request, about another order.
"""

import re
import select
import time
from contextlib import suppress
from typing import Any

import httpcore

from ..wire import LARGEST_BODY

#: How much of one exchange is kept to tell where its reply ends: a body of the largest size, and a head.
_KEPT = LARGEST_BODY + 256 * 1024
#: Where a head ends for httpx's parser, which forgives a bare line feed.
_HEAD_ENDS = re.compile(rb"\n\r?\n")


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


class Watched:
    """What a stream remembers of the exchange that is going on."""

    def __init__(self) -> None:
        self._unsent = b""
        self._received: list[bytes] = []
        self._size = 0
        self._reusable = True

    def _take_unsent(self) -> bytes:
        unsent, self._unsent = self._unsent, b""
        if unsent:
            self._received.clear()
            self._size = 0
        return unsent

    def _keep(self, data: bytes) -> None:
        self._received.append(data)
        self._size += len(data)
        if self._size > _KEPT:  # interim replies without end, say: such a connection serves nobody else
            self._received.clear()
            self._reusable = False

    def reply_ended(self, headers: Any, length: int) -> None:
        """Note that a reply with `length` bytes of raw body has been read: nothing may have come after it."""
        received = self._received[0] if len(self._received) == 1 else b"".join(self._received)
        self._received.clear()
        head = _HEAD_ENDS.search(received)
        at = head.end() if head is not None else len(received) + 1
        end = _end_of_chunks(received, at) if "transfer-encoding" in headers else at + length
        self._reusable = self._reusable and end == len(received)

    def _surplus(self) -> bool:
        return not self._reusable


def _end_of_chunks(received: bytes, at: int) -> int:
    """Return where the chunked body that begins at `at` ends, or -1 if that cannot be told."""
    while (line := received.find(b"\r\n", at)) >= 0:
        try:
            size = int(received[at:line].partition(b";")[0], 16)
        except ValueError:
            return -1
        if size == 0:  # trailers may follow, and then an empty line
            end = _HEAD_ENDS.search(received, line)
            return end.end() if end is not None else -1
        at = line + 2 + size + 2
    return -1


class Stream(Watched, httpcore.NetworkStream):
    """A blocking stream under a deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        super().__init__()
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Send what is unsent, then read."""
        if unsent := self._take_unsent():
            with suppress(
                httpcore.WriteError
            ):  # the server may have answered before it closed: reading tells
                self._inner.write(unsent, _left(timeout))
        left = _left(timeout)
        if left is not None and left <= 0:
            raise httpcore.ReadTimeout("the deadline is over")
        data = self._inner.read(max_bytes, left)
        self._keep(data)
        return data

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
        """Answer like the inner stream, but call a connection with surplus bytes readable: the pool drops it."""
        return (info == "is_readable" and self._surplus()) or self._inner.get_extra_info(info)


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
        """Connect."""
        return Stream(self._inner.connect_tcp(host, port, _left(timeout), local_address, socket_options))


class AsyncStream(Watched, httpcore.AsyncNetworkStream):
    """A stream on an event loop; the deadline is the driver's, around the whole exchange."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        super().__init__()
        self._inner = inner
        # Looked up once: the pool asks after every idle connection, for every call.
        self._socket: Any = inner.get_extra_info("socket")

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Send what is unsent, then read."""
        if unsent := self._take_unsent():
            with suppress(
                httpcore.WriteError
            ):  # the server may have answered before it closed: reading tells
                await self._inner.write(unsent, timeout)
        data = await self._inner.read(max_bytes, timeout)
        self._keep(data)
        return data

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
        return AsyncStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """Answer like the inner stream, but call a connection with surplus bytes readable: the pool drops it."""
        if info == "is_readable":
            return self._surplus() or undecrypted(self._inner) or readable(self._socket)
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
        return AsyncStream(await self._inner.connect_tcp(host, port, timeout, local_address, socket_options))
