"""Proxies on loopback: over HTTP, with tunnels and without, and SOCKS5."""

import re
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from .tls import serving

_REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
_ABSOLUTE = re.compile(rb"\A([A-Z]+) http://[^/ ]+")
_GARBAGE = b"\x00\x01 this is no protocol of yours\r\n\r\n"


class Tunnel:
    """A running proxy; with `tls` it is spoken to over TLS. `heads` are those of the requests that came to it.

    It connects, or as its `manner` has it "refuses", is "silent", or answers "garbage".
    """

    def __init__(self, tls: ssl.SSLContext | None = None, manner: str = "") -> None:
        self.heads: list[bytes] = []
        self._manner = manner
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.origin = f"127.0.0.1:{self.port}"
        self._sockets: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for one in self._sockets:
            one.close()

    def _spawn(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            _pass_on_at_once(connection)
            self._sockets.append(connection)
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._sockets.append(connection)
            head = b""
            while b"\r\n\r\n" not in head:
                if not (more := connection.recv(65_536)):
                    return
                head += more
            self.heads.append(head)
            if self._manner:
                connection.sendall({"refuses": _REFUSAL, "garbage": _GARBAGE}.get(self._manner, b""))
                connection.recv(1)
                return
            method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
            host = target if method == "CONNECT" else target.removeprefix("http://").partition("/")[0]
            name, _, port = host.rpartition(":")
            onward = socket.create_connection((name, int(port)))
            _pass_on_at_once(onward)
            self._sockets.append(onward)
            if method == "CONNECT":
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self._spawn(_pump, onward, connection)
                _pump(connection, onward)
            else:
                self._spawn(_pump, onward, connection)
                while head:
                    onward.sendall(_ABSOLUTE.sub(rb"\1 ", head, count=1))
                    head = connection.recv(65_536)


class Front(Tunnel):
    """What speaks TLS in front of a port, with one of the tests' certificates, and passes on what comes."""

    def __init__(self, port: int, certificate: str) -> None:
        super().__init__(serving(certificate))
        self._onward = port

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            assert self._tls is not None
            wrapped = self._tls.wrap_socket(connection, server_side=True)
            self._sockets.append(wrapped)
            try:
                onward = socket.create_connection(("127.0.0.1", self._onward))
            except OSError:
                wrapped.shutdown(socket.SHUT_RDWR)
                raise
            _pass_on_at_once(onward)
            self._sockets.append(onward)
            self._spawn(_pump, onward, wrapped)
            _pump(wrapped, onward)


class SocksServer:
    """A SOCKS5 proxy that does what it is told: it connects, refuses, asks for a password, or says nothing."""

    def __init__(self, manner: str = "connects") -> None:
        self.manner = manner
        self.asked: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = [self._listener]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> "SocksServer":
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            _pass_on_at_once(connection)
            self._sockets.append(connection)
            self._spawn(self._serve, connection)

    def _spawn(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            methods = connection.recv(257)
            self.asked.append(methods)
            if self.manner == "garbage":
                connection.sendall(_GARBAGE)
            if self.manner in ("silent", "garbage"):
                connection.recv(1)
                return
            if self.manner == "closes":
                connection.shutdown(socket.SHUT_RDWR)
                return
            if b"\x02" in methods[2:]:
                connection.sendall(b"\x05\x02")
                self.asked.append(connection.recv(513))
                connection.sendall(b"\x01\x01" if self.manner == "wrong password" else b"\x01\x00")
            else:
                connection.sendall(b"\x05\xff" if self.manner == "wants more" else b"\x05\x00")
            request = connection.recv(300)
            if not request:
                return
            self.asked.append(request)
            if self.manner == "refuses":
                connection.sendall(b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00")
                return
            name = request[5 : 5 + request[4]].decode()
            port = int.from_bytes(request[-2:], "big")
            onward = socket.create_connection((name, port))
            _pass_on_at_once(onward)
            self._sockets.append(onward)
            connection.sendall(b"\x05\x00\x00\x03\x04here\x00\x01")
            self._spawn(_pump, onward, connection)
            _pump(connection, onward)
        except OSError:
            return


def _pass_on_at_once(connection: socket.socket) -> None:
    # A small packet would wait for the one before it to be acknowledged.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes, and how it ends."""
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
