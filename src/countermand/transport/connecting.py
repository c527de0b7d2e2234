"""Connecting for the stock blocking driver: Happy Eyeballs (RFC 8305), optionally through a SOCKS proxy.

If an address does not answer within a quarter of a second, the next one is tried in parallel. The deadline of the call
covers all of them.
"""

import os
import selectors
import socket
from collections.abc import Generator, Iterable, Sequence
from itertools import chain, zip_longest
from typing import Any, TypeAlias

import httpcore

from ..engine.secret import Secret
from .foreign import is_foreign, pass_on_foreign
from .streams import Stream, left_to_send

#: The seconds before the next address is tried in parallel: RFC 8305, section 5.
HEAD_START = 0.25
#: The keep-alive timeout of an idle connection, in seconds. It is shorter than that of most servers: if the server is
#: closing the connection, it is unclear whether a request arrived.
KEEPALIVE = 4.0

Address: TypeAlias = "tuple[int, int, int, str, Any]"
#: Yields (the bytes to send, the number of bytes to read), and receives the bytes that were read.
Handshake: TypeAlias = Generator[tuple[bytes, int], bytes, None]

_NO_PASSWORD = Secret("")
_SOCKS_REPLIES = (
    "it failed",
    "its rules forbid it",
    "the network cannot be reached",
    "the host cannot be reached",
    "the connection was refused",
    "its time ran out",
    "it does not connect",
    "it does not take this kind of address",
)


class Socks:
    """A SOCKS5 proxy, which resolves host names itself."""

    __slots__ = ("host", "password", "port", "user")

    def __init__(self, host: str, port: int, user: str = "", password: Secret = _NO_PASSWORD) -> None:
        self.host: str = host
        self.port: int = port
        self.user: str = user
        self.password: Secret = password

    def handshake(self, host: str, port: int) -> Handshake:
        """Request a connection to `host` (RFC 1928; RFC 1929 for a password)."""
        version, method = yield b"\x05\x02\x00\x02" if self.user else b"\x05\x01\x00", 2
        if version == 5 and method == 2 and self.user:
            user, password = self.user.encode()[:255], self.password.reveal().encode()[:255]
            _, refused = yield b"\x01%c%b%c%b" % (len(user), user, len(password), password), 2
            if refused:
                raise httpcore.ProxyError("the SOCKS proxy refused the user name or the password")
        elif version != 5 or method:
            raise httpcore.ProxyError(
                "the SOCKS proxy asks for another authentication method, or speaks another protocol"
            )
        name = host.encode("idna" if not host.isascii() else "ascii")
        head = yield b"\x05\x01\x00\x03%c%b%b" % (len(name), name, port.to_bytes(2, "big")), 4
        if head[0] != 5 or head[1]:
            why = _SOCKS_REPLIES[head[1] - 1] if 0 < head[1] <= len(_SOCKS_REPLIES) else "no known reason"
            raise httpcore.ProxyError(f"the SOCKS proxy did not connect: {why}")
        length = {1: 4, 4: 16}.get(head[3]) or (yield b"", 1)[0]
        yield b"", length + 2


class Backend(httpcore.NetworkBackend):
    """Opens blocking streams, and can close those that are open."""

    def __init__(self, socks: Socks | None = None) -> None:
        self._socks = socks
        self._open: set[Stream] = set()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of `host` that answers, all of them within the one deadline."""
        begin(timeout)
        connection: socket.socket | None = None
        to = (host, port) if self._socks is None else (self._socks.host, self._socks.port)
        try:
            connection = connected(in_turn(socket.getaddrinfo(*to, type=socket.SOCK_STREAM)), timeout)
            if self._socks is not None:
                _shake_hands(self._socks.handshake(host, port), connection, timeout)
            stream, connection = Stream(connection, self._open), None
            return stream
        except Exception as error:
            pass_on_foreign(error)  # the codec of host names wraps it, and httpcore removes the cause
            if is_foreign(error) or not isinstance(error, (OSError, ValueError)):
                raise
            raise failed(error) from error
        finally:
            if connection is not None:
                connection.close()

    def close(self) -> None:
        """Close the streams, without httpcore, whose locks an interrupted call may still hold."""
        for stream in list(self._open):
            stream.close()


def begin(timeout: float | None) -> None:
    """Mark the call as not sent, until a stream marks it as sent."""
    if (call := getattr(timeout, "call", None)) is not None:
        call.sent = False


def failed(error: Exception) -> Exception:
    """Return the exception of httpcore for an error of a socket."""
    kind = httpcore.ConnectTimeout if isinstance(error, TimeoutError) else httpcore.ConnectError
    return kind(str(error) or "the deadline is over")


def in_turn(found: Iterable[Any]) -> list[Address]:
    """Return addresses in the order to try them: the address families alternate, starting with the first."""
    families: dict[int, list[Address]] = {}
    for address in dict.fromkeys(found):
        families.setdefault(address[0], []).append(address)
    turns = chain.from_iterable(zip_longest(*families.values()))
    return [address for address in turns if address is not None]


def connected(addresses: Sequence[Address], timeout: float | None) -> socket.socket:
    """Return a socket that is connected to the first of `addresses` that answers."""
    waiting = list(addresses)
    failure: OSError = OSError("the host has no address")
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or selector.get_map():
                left = left_to_send(timeout)
                if waiting:
                    failure = _begun(waiting.pop(0), selector) or failure
                    if not selector.get_map():
                        continue
                    left = min(left, HEAD_START) if waiting and left is not None else left
                    left = HEAD_START if waiting and left is None else left
                for key, _ in selector.select(left):
                    connection: Any = key.fileobj
                    selector.unregister(connection)
                    if not (code := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
                        return without_delay(connection)
                    connection.close()
                    failure = _refused(code)
        finally:
            for key in list(selector.get_map().values()):
                unused: Any = key.fileobj
                unused.close()
    raise failure


def _begun(address: Address, selector: selectors.BaseSelector) -> OSError | None:
    """Start to connect; return the error if that fails immediately."""
    family, kind, protocol, _, where = address
    try:
        connection = socket.socket(family, kind, protocol)
    except OSError as error:  # an address family that this machine does not support
        if is_foreign(error):
            raise
        return error
    try:
        connection.setblocking(False)
        try:
            connection.connect(where)  # not `connect_ex`, which a test's guard may not know
        except (BlockingIOError, InterruptedError) as error:  # under way
            if is_foreign(error):
                raise
        except OSError as error:
            if is_foreign(error):
                raise
            connection.close()
            return _refused(error.errno)
        selector.register(connection, selectors.EVENT_WRITE)
    except BaseException:
        connection.close()
        raise
    return None


def _refused(code: int | None) -> OSError:
    # Not a TimeoutError, which would be mistaken for the deadline.
    return ConnectionError(f"[Errno {code}] {os.strerror(code or 0)}")


def without_delay(connection: socket.socket) -> socket.socket:
    """Send small packets immediately: TCP_NODELAY."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _shake_hands(steps: Handshake, connection: socket.socket, timeout: float | None) -> None:
    answer: bytes | None = None
    try:
        while True:
            send, wanted = steps.send(answer)  # type: ignore[arg-type]
            connection.settimeout(left_to_send(timeout))
            connection.sendall(send)
            answer = b""
            while len(answer) < wanted:
                connection.settimeout(left_to_send(timeout))
                if not (more := connection.recv(wanted - len(answer))):
                    raise httpcore.ProxyError("the SOCKS proxy closed the connection")
                answer += more
    except StopIteration:
        return
