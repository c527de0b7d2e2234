"""Requests as they arrive on a socket: read properly, or only looked at and left in the buffer."""

import asyncio
import socket

from countermand.sandbox.http import SandboxRequest

from .faults import Where

_READ = 65536


def kind_of(method: str, path: str) -> Where:
    """Return what a request is for."""
    if path.endswith(("/organizations/user-login/", "/authtickets/oauth")):
        return "login"
    return "read" if method == "GET" else "cancel"


async def peek(sock: socket.socket, buffered: bytes) -> tuple[Where, bytes] | None:
    """Wait for a request; return what it is for and its beginning, left in the buffer; None when the client has gone."""
    loop = asyncio.get_running_loop()
    while True:
        if not buffered:
            ready = asyncio.Event()
            loop.add_reader(sock, ready.set)
            try:
                await ready.wait()
            finally:
                loop.remove_reader(sock)
            try:
                data = sock.recv(_READ, socket.MSG_PEEK)
            except BlockingIOError:
                continue
        else:
            data = buffered
        if not data:
            return None
        line, _, _ = data.partition(b"\r\n")
        method, _, rest = line.decode("latin-1").partition(" ")
        return kind_of(method, rest.partition(" ")[0].partition("?")[0]), data


class Arrivals:
    """The requests on one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.buffer = b""

    async def next(self) -> SandboxRequest | None:
        """Read one whole request; None when the client has gone."""
        while b"\r\n\r\n" not in self.buffer:
            if not await self._more():
                return None
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _version = first.split(" ")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = await self._body(headers)
        return None if body is None else SandboxRequest.to(method, target, headers, body)

    async def _body(self, headers: dict[str, str]) -> bytes | None:
        if "chunked" in headers.get("transfer-encoding", ""):
            return await self._chunks()
        length = int(headers.get("content-length", "0"))
        return await self._take(length)

    async def _chunks(self) -> bytes | None:
        body = b""
        while True:
            while b"\r\n" not in self.buffer:
                if not await self._more():
                    return None
            size, _, self.buffer = self.buffer.partition(b"\r\n")
            piece = await self._take(int(size.partition(b";")[0], 16) + 2)
            if piece is None:
                return None
            if len(piece) == 2:
                return body
            body += piece[:-2]

    async def _take(self, length: int) -> bytes | None:
        while len(self.buffer) < length:
            if not await self._more():
                return None
        taken, self.buffer = self.buffer[:length], self.buffer[length:]
        return taken

    async def _more(self) -> bool:
        data = await asyncio.get_running_loop().sock_recv(self._sock, _READ)
        self.buffer += data
        return bool(data)
