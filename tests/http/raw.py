"""A server on loopback that says exactly the bytes it is told to, for what no HTTP library would say."""

import json
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self


def http(body: object, *, status: int = 200, chunked: bool = False, more: bytes = b"") -> bytes:
    """Return a reply as it stands on the wire, with `more` behind it."""
    raw = json.dumps(body).encode()
    if chunked:
        half = len(raw) // 2
        pieces = b"".join(b"%X;ext=1\r\n%b\r\n" % (len(each), each) for each in (raw[:half], raw[half:]))
        head, raw = b"Transfer-Encoding: chunked\r\nTrailer: X-Sum", pieces + b"0\r\nX-Sum: 1\r\n\r\n"
    else:
        head = b"Content-Length: %d" % len(raw)
    return b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\n%b\r\n\r\n%b%b" % (status, head, raw, more)


class RawServer:
    """Answers requests in the order of its script, on whatever connection they come; keeps what it was sent.

    After each of its first `hangups` answers it closes the connection, and it answers whatever it was sent. If it
    `stalls`, it says nothing more after its first answer. With `tls` it speaks TLS; `greeting` is what it says to
    every connection before it is asked; `later`, behind its first answer, once `say_more` is called.
    """

    def __init__(
        self,
        *script: bytes,
        hangups: int = 0,
        stalls: bool = False,
        tls: ssl.SSLContext | None = None,
        greeting: bytes = b"",
        later: bytes = b"",
    ) -> None:
        self._script = list(script)
        self._hangups = hangups
        self._stalls = stalls
        self._tls = tls
        self._greeting = greeting
        self._later = later
        self._go, self._said = threading.Event(), threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.origin = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self.asked = threading.Event()
        self.connections = 0
        self._ended = threading.Semaphore(0)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._go.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):  # it may be gone already
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=60)

    def say_more(self) -> None:
        """Let `later` be said, on the connection of the first answer."""
        self._go.set()
        self._said.wait(60)

    def closed(self, count: int) -> bool:
        """Wait until `count` more connections have ended; say whether they did."""
        return all(self._ended.acquire(timeout=60) for _ in range(count))

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what is said arrives at once
            self.connections += 1
            self._open.append(connection)
            self._start(lambda connection=connection: self._serve(connection))  # type: ignore[misc]

    def _serve(self, connection: socket.socket) -> None:
        with ExitStack() as stack, suppress(OSError):
            stack.callback(self._ended.release)
            stack.enter_context(connection)
            if self._tls is not None:
                connection = stack.enter_context(self._tls.wrap_socket(connection, server_side=True))
                self._open.append(connection)
            connection.sendall(self._greeting)
            while self._script:
                hang_up = len(self.requests) < self._hangups
                request = connection.recv(65_536) if hang_up else _request(connection)
                if not request:
                    return
                is_first = not self.requests
                self.requests.append(request)
                self.asked.set()
                connection.sendall(self._script.pop(0))
                if self._later and is_first:
                    self._go.wait(60)
                    connection.sendall(self._later)
                    self._said.set()
                if self._stalls:
                    connection.recv(1)
                if hang_up:
                    return


def _request(connection: socket.socket) -> bytes:
    """Read one request with its body; nothing when the connection is closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65_536)):
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    wanted = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < wanted:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body
