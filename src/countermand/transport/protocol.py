"""The network stream of the stock async driver: our own asyncio protocol, which sees everything that is received.

Over TLS too: asyncio passes on decrypted data immediately.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any

import httpcore

from .foreign import is_foreign
from .streams import RECEIVED_AT_ONCE, Recorder, left_to_send, readiness

#: The number of buffered bytes at which reading from the socket is paused.
_FULL = 64 * 1024


class AsyncStream(Recorder, asyncio.BufferedProtocol, httpcore.AsyncNetworkStream):
    """A stream on an asyncio event loop. The driver cancels the whole exchange at the deadline.

    It joins `siblings`, the open streams of one lane.
    """

    def __init__(self, siblings: "set[AsyncStream]") -> None:
        super().__init__()
        self._siblings = siblings
        self._transport: Any = None
        self._socket: Any = None
        self._encrypted = False
        self._buffer = b""
        self._target = memoryview(bytearray(RECEIVED_AT_ONCE))
        self._paused = False
        self._ended = False
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = transport
        self._socket = transport.get_extra_info("socket")
        # Cached, because the pool checks every idle connection for every call.
        self._ready = readiness(self._socket)
        self._siblings.add(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where data is received into."""
        return self._target

    def buffer_updated(self, nbytes: int) -> None:
        """Keep the data until it is read."""
        self._buffer += self._target[:nbytes]
        if len(self._buffer) > _FULL and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Let the transport close the connection."""
        self._ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Store the reason."""
        self._siblings.discard(self)
        self._ended, self._failure = True, exc
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What httpcore calls.

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Send the buffered request, then read."""
        if self._unsent:
            left_to_send(timeout)
            self._transport.write(self.take_unsent(self._is_dirty(), timeout))
        if not self._buffer and not self._ended:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._failure is not None and is_foreign(self._failure):
            raise self._failure  # a signal handler's, raised while asyncio had the thread
        data, self._buffer = self._buffer[:max_bytes], self._buffer[max_bytes:]
        if self._paused and not self._buffer:
            self._paused = False
            self._transport.resume_reading()
        if not data and self._failure is not None:
            raise httpcore.ReadError(str(self._failure)) from self._failure
        self.keep_received(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Buffer a part of the request until the reply is read."""
        self.keep_unsent(buffer, timeout)

    def _is_dirty(self) -> bool:
        """Whether unsolicited data has arrived, or the connection was closed."""
        if self._buffer or self._ended or self._transport.is_closing():
            return True
        # On a new TLS connection, session tickets may have arrived, which are not application data.
        return (self._used or not self._encrypted) and bool(self._ready())

    def has_surplus(self, method: str, status: int, headers: Mapping[str, str], size: int) -> bool:
        """Whether data was received after the reply, or it cannot be proved that none was."""
        return bool(self._buffer) or super().has_surplus(method, status, headers, size)

    async def aclose(self) -> None:
        """Close the connection."""
        self.abort()

    def abort(self) -> None:
        """Close the connection at once: TLS would wait half a minute for the peer's close_notify."""
        self._siblings.discard(self)
        self._transport.abort()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Return a TLS stream over this one."""
        inner = AsyncStream(self._siblings)
        inner._socket, inner._ready, inner._encrypted = self._socket, self._ready, True
        try:
            async with asyncio.timeout(left_to_send(timeout)):
                inner._transport = await asyncio.get_running_loop().start_tls(
                    self._transport, inner, ssl_context, server_hostname=server_hostname
                )
        except BaseException as error:
            self._transport.abort()
            # When TLS inside TLS fails, asyncio of Python 3.11 raises a TypeError over the reason.
            reason = error.__context__ if isinstance(error, TypeError) else error
            if not isinstance(reason, (OSError, ValueError)) or is_foreign(reason):
                raise
            kind = httpcore.ConnectTimeout if isinstance(reason, TimeoutError) else httpcore.ConnectError
            raise kind(str(reason)) from reason
        self._siblings.discard(self)
        self._siblings.add(inner)
        return inner

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks for: "is_readable" and "ssl_object"."""
        if info == "is_readable":
            return bool(self._buffer) or self._ended or self._transport.is_closing() or self._ready()
        return self._transport.get_extra_info(info)
