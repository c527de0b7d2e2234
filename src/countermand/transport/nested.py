"""TLS inside TLS, for blocking streams: an https origin behind an https proxy. `ssl` wraps plain sockets only."""

import ssl
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from ..engine.wire import CLOCK

T = TypeVar("T")

_READ = 64 * 1024


class NestedTLS:
    """The methods of an `ssl.SSLSocket` that a stream uses, over another one."""

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext, server_hostname: str | None) -> None:
        self._outer = outer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)
        self._until: float | None = None

    def settimeout(self, timeout: float | None) -> None:
        """Set the timeout of the next operation, however many reads it needs."""
        self._until = None if timeout is None else CLOCK.monotonic() + timeout

    def do_handshake(self) -> None:
        """Perform the TLS handshake."""
        self._step(self._tls.do_handshake)

    def recv_into(self, buffer: memoryview) -> int:
        """Receive data into a buffer, and return how much; 0 at EOF."""
        read: Callable[[int, memoryview], Any] = self._tls.read  # with a buffer it returns a number
        try:
            return int(self._step(partial(read, len(buffer), buffer)))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return 0

    def sendall(self, data: bytes) -> None:
        """Send all data."""
        unsent = memoryview(data)
        while unsent:
            unsent = unsent[self._step(partial(self._tls.write, unsent)) :]

    def pending(self) -> int:
        """Return a positive number if data is buffered, including a partial record."""
        return self._tls.pending() + self._incoming.pending + self._outer.pending()

    def selected_alpn_protocol(self) -> str | None:
        """Return the negotiated ALPN protocol."""
        return self._tls.selected_alpn_protocol()

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._outer.fileno()

    def close(self) -> None:
        """Close the socket."""
        self._outer.close()

    def _step(self, step: Callable[[], T]) -> T:
        while True:
            done: list[T] = []
            try:
                done.append(step())
            except ssl.SSLWantReadError:
                pass
            finally:
                self._flush()
            if done:
                return done[0]
            self._patience()
            if data := self._outer.recv(_READ):
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    def _flush(self) -> None:
        if data := self._outgoing.read():
            self._patience()
            self._outer.sendall(data)

    def _patience(self) -> None:
        if self._until is not None:
            left = self._until - CLOCK.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._outer.settimeout(left)
