"""Network streams for the stock drivers. Each records what it has sent, and what it has read since.

- Every step of a call ends at the same deadline. A stock timeout restarts with every byte that arrives, so a slow body
  or endless interim responses would exceed any deadline.
- The head and the body of a request are sent in one packet, never after the deadline, and never on a connection with
  unsolicited data: it would be read as the reply, but belongs to another order.
- After a reply, the connection is kept only if nothing was read beyond its end. Surplus bytes would be read as the
  beginning of the next reply.
"""

import re
import select
import socket
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import h11
import httpcore

from ..engine.wire import CLOCK, Call
from .foreign import is_foreign, pass_on_foreign

#: Bytes that are received at once, into a buffer that a stream keeps: one that is made for each read, and shrunk, leaves
#: holes in the process's memory.
RECEIVED_AT_ONCE = 64 * 1024
#: The bytes of a reply that are kept to find its end. A longer reply without a length cannot be proved complete.
_KEPT = 256 * 1024
#: The end of a head, as h11 recognizes it.
_BLANK_LINE = re.compile(rb"\n\r?\n")


class Deadline(float):
    """A timeout in seconds that knows its call, and so the instant of the deadline."""

    __slots__ = ("call",)
    call: Call

    def left(self) -> float:
        """Return the remaining seconds, at least zero."""
        return max(self.call.deadline - CLOCK.monotonic(), 0.0)


def left_of(timeout: float | None) -> float | None:
    """Return the remaining seconds of a timeout."""
    return timeout.left() if isinstance(timeout, Deadline) else timeout


def left_to_send(timeout: float | None) -> float | None:
    """Return the remaining seconds. If there are none, raise `ConnectTimeout`: nothing was sent."""
    left = left_of(timeout)
    if left is not None and left <= 0:
        raise httpcore.ConnectTimeout("the deadline was over before anything was sent")
    return left


class Recorder:
    """The record of one exchange, for both kinds of stream: the unsent request, then the received data."""

    def __init__(self) -> None:
        self._unsent = b""
        self._first = b""
        self._rest = bytearray()
        self._received = 0
        #: Whether anything was ever sent on this connection.
        self._used = False

    def keep_unsent(self, buffer: bytes, timeout: float | None) -> None:
        """Buffer a part of a request until the reply is read."""
        if isinstance(timeout, Deadline):
            timeout.call.sent = False
        self._unsent += buffer

    def take_unsent(self, dirty: bool, timeout: float | None) -> bytes:
        """Return the buffered request to send it now; raise if it must not be sent on this connection.

        If data has arrived on a reused connection, raises httpcore's `ConnectionNotAvailable`, and the pool takes
        another connection. On a new connection, raises `ConnectError`.
        """
        if dirty and self._used:
            raise httpcore.ConnectionNotAvailable
        if dirty:
            raise httpcore.ConnectError("the other side closed the connection, or spoke first")
        unsent, self._unsent = self._unsent, b""
        self._first, self._received, self._used = b"", 0, True
        self._rest.clear()
        if isinstance(timeout, Deadline) and not unsent.startswith(b"CONNECT "):
            timeout.call.sent = True
        return unsent

    def keep_received(self, data: bytes) -> None:
        """Keep what was read, as far as it is needed to find the end of the reply."""
        if not self._received:
            self._first = data
        elif len(self._rest) < _KEPT:
            self._rest += data
        self._received += len(data)

    def has_surplus(self, method: str, status: int, headers: Mapping[str, str], size: int) -> bool:
        """Whether it cannot be proved that all data read since the request is its reply.

        `size` is the size of the body that httpcore returned; `headers` are by lower-case name.
        """
        if self._first[8:10] != b" 1" and (head := _BLANK_LINE.search(self._first)):
            if status in (204, 304):
                return head.end() != self._received
            if "transfer-encoding" not in headers and headers.get("content-length") == str(size):
                return head.end() + size != self._received
        return self._has_surplus_by_h11(method)

    def _has_surplus_by_h11(self, method: str) -> bool:
        """Parse the reply again, with our own parser, which reports surplus bytes."""
        if self._received != len(self._first) + len(self._rest):
            return True
        parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=self._received + 1)
        try:
            parser.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
            parser.send(h11.EndOfMessage())
            parser.receive_data(self._first + self._rest)
            while type(event := parser.next_event()) is not h11.EndOfMessage:
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    return True
        except h11.ProtocolError:
            return True
        return parser.trailing_data != (b"", False)


class Stream(Recorder, httpcore.NetworkStream):
    """A blocking stream with a deadline, over a socket or an object with a socket's methods.

    It joins `siblings`, the open streams of one lane.
    """

    def __init__(self, connection: Any, siblings: "set[Stream]") -> None:
        super().__init__()
        self._siblings = siblings
        self._socket = connection
        self._target = memoryview(bytearray(RECEIVED_AT_ONCE))
        self._ready = readiness(connection)
        self._encrypted = hasattr(connection, "pending")
        siblings.add(self)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Send the buffered request, then read."""
        if self._unsent:
            self._send(timeout)
        left = left_of(timeout)
        if left is not None and left <= 0:
            raise httpcore.ReadTimeout("the deadline is over")
        try:
            self._socket.settimeout(left)
            count: int = self._socket.recv_into(self._target[:max_bytes])
        except OSError as error:
            if is_foreign(error):  # a signal handler's
                raise
            kind = httpcore.ReadTimeout if isinstance(error, TimeoutError) else httpcore.ReadError
            raise kind(str(error)) from error
        data = bytes(self._target[:count])
        self.keep_received(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Buffer a part of the request until the reply is read."""
        self.keep_unsent(buffer, timeout)

    def _send(self, timeout: float | None) -> None:
        left = left_to_send(timeout)
        # On a new TLS connection, session tickets may have arrived, which are not application data.
        unsent = self.take_unsent(self._is_dirty(self._used or not self._encrypted), timeout)
        try:
            self._socket.settimeout(left)
            self._socket.sendall(unsent)
        except OSError as error:
            if is_foreign(error):
                raise
            # The server may have replied before it closed; reading will show.

    def _is_dirty(self, look: bool) -> bool:
        """Whether unsolicited data has arrived, or the connection was closed."""
        return (self._encrypted and self._socket.pending() > 0) or (look and bool(self._ready()))

    def close(self) -> None:
        """Close the connection."""
        self._ready = _closed
        self._siblings.discard(self)
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return a TLS stream over this one."""
        connection = self._socket
        try:
            left = left_to_send(timeout)
            if self._encrypted:
                from .nested import NestedTLS

                connection = NestedTLS(self._socket, ssl_context, server_hostname)
            else:
                connection = ssl_context.wrap_socket(
                    self._socket, server_hostname=server_hostname, do_handshake_on_connect=False
                )
            connection.settimeout(left)
            connection.do_handshake()
        except BaseException as error:
            connection.close()
            pass_on_foreign(error)
            if not isinstance(error, (OSError, ValueError)) or is_foreign(error):
                raise
            kind = httpcore.ConnectTimeout if isinstance(error, TimeoutError) else httpcore.ConnectError
            raise kind(str(error)) from error
        self._siblings.discard(self)
        return Stream(connection, self._siblings)

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks for: "is_readable" and "ssl_object"."""
        if info == "is_readable":
            return self._is_dirty(look=True)
        return self._socket if info == "ssl_object" and self._encrypted else None


def readiness(connection: socket.socket) -> Callable[[], object]:
    """Return a function whose result is true if an open socket is readable, including at the end of the connection."""
    if not hasattr(select, "poll"):  # Windows
        return lambda: select.select([connection], [], [], 0)[0]
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return partial(poll.poll, 0)


def readable(connection: Any) -> bool:
    """Whether a socket is readable or closed."""
    return connection is None or connection.fileno() < 0 or bool(readiness(connection)())


def _closed() -> bool:
    return True
