"""A server that never answers."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import attrs

from countermand.engine.wire import Call


@asynccontextmanager
async def mute() -> AsyncGenerator[tuple[Call, asyncio.Event]]:
    """Serve, without ever answering; give a call to make, and what is set when one arrived."""
    asked = asyncio.Event()

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            asked.set()
            await reader.read()
        finally:  # the end of the event loop cancels this
            writer.transport.abort()

    async with await asyncio.start_server(read, "127.0.0.1") as server:
        host, port = server.sockets[0].getsockname()
        yield Call("GET", f"http://{host}:{port}", "/"), asked


def within(seconds: float, call: Call) -> Call:
    """Return the call with a deadline."""
    return attrs.evolve(call, deadline=time.monotonic() + seconds)
