"""Connecting for the stock async driver, as `connecting` does it for the blocking one."""

import asyncio
import socket
from collections.abc import Sequence
from functools import partial
from typing import Any

import httpcore

from .connecting import HEAD_START, Address, Handshake, Socks, begin, failed, in_turn, without_delay
from .foreign import is_foreign
from .protocol import AsyncStream
from .streams import left_to_send


class AsyncBackend(httpcore.AsyncNetworkBackend):
    """Opens streams on an asyncio event loop, and can close those that are open."""

    def __init__(self, socks: Socks | None = None) -> None:
        self._socks = socks
        self._open: set[AsyncStream] = set()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of `host` that answers, all of them within the one deadline."""
        begin(timeout)
        loop, connection = asyncio.get_running_loop(), None
        to = (host, port) if self._socks is None else (self._socks.host, self._socks.port)
        try:
            async with asyncio.timeout(left_to_send(timeout)):
                found = await loop.getaddrinfo(*to, type=socket.SOCK_STREAM)
                connection = await aconnected(in_turn(found))
                if self._socks is not None:
                    await _ashake_hands(self._socks.handshake(host, port), connection)
                _transport, stream = await loop.create_connection(
                    partial(AsyncStream, self._open), sock=connection
                )
            connection = None
            return stream
        except (OSError, ValueError) as error:
            if is_foreign(error):
                raise
            raise failed(error) from error
        finally:
            if connection is not None:
                connection.close()

    def close(self) -> None:
        """Abort the streams, without httpcore."""
        for stream in list(self._open):
            stream.abort()


async def aconnected(addresses: Sequence[Address]) -> socket.socket:
    """`connected` for asyncio; it runs until it is cancelled."""
    loop, waiting = asyncio.get_running_loop(), list(addresses)
    failure: BaseException = OSError("the host has no address")
    tasks: set[asyncio.Task[socket.socket]] = set()
    winner: socket.socket | None = None
    try:
        while waiting or tasks:
            if waiting:
                tasks.add(loop.create_task(_attempt(waiting.pop(0))))
            done, tasks = await asyncio.wait(
                tasks, timeout=HEAD_START if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                if (error := task.exception()) is None and winner is None:
                    winner = task.result()
                elif error is None:
                    task.result().close()
                elif isinstance(error, OSError) and not is_foreign(error):
                    failure = error
                else:
                    raise error
            if winner is not None:
                found, winner = winner, None
                return without_delay(found)
        raise failure
    finally:
        if winner is not None:
            winner.close()
        for task in tasks:
            task.add_done_callback(_close_late)
            task.cancel()


def _close_late(task: "asyncio.Task[socket.socket]") -> None:
    """Close a connection that was established too late."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _attempt(address: Address) -> socket.socket:
    family, kind, protocol, _, where = address
    connection = socket.socket(family, kind, protocol)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, where)
    except BaseException:
        connection.close()
        raise
    return connection


async def _ashake_hands(steps: Handshake, connection: socket.socket) -> None:
    loop, answer = asyncio.get_running_loop(), None
    try:
        while True:
            send, wanted = steps.send(answer)  # type: ignore[arg-type]
            await loop.sock_sendall(connection, send)
            answer = b""
            while len(answer) < wanted:
                if not (more := await loop.sock_recv(connection, wanted - len(answer))):
                    raise httpcore.ProxyError("the SOCKS proxy closed the connection")
                answer += more
    except StopIteration:
        return
