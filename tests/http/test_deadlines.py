"""When a request may still be written: what has no deadline has not missed it."""

import asyncio
from typing import Any

import httpcore
import pytest

from countermand.transport.streams import AsyncStream, Deadline, Stream


class Line(httpcore.NetworkStream):
    """A connection that keeps what is written to it."""

    def __init__(self) -> None:
        self.written = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return a reply."""
        return b"reply"

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Keep what is written."""
        self.written += buffer


class AsyncLine(httpcore.AsyncNetworkStream):
    """The same on an event loop."""

    def __init__(self) -> None:
        self.written = b""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return a reply."""
        return b"reply"

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Keep what is written."""
        self.written += buffer

    def get_extra_info(self, info: str) -> Any:
        """Know nothing."""
        return None


def exchanged(kind: str, timeout: float | None) -> tuple[bytes, bytes]:
    """Write a request and read the reply; return both."""
    if kind == "sync":
        line = Line()
        stream = Stream(line)
        stream.write(b"request", timeout)
        reply = stream.read(100, timeout)
        return line.written, reply

    async def exchange() -> tuple[bytes, bytes]:
        line = AsyncLine()
        stream = AsyncStream(line)
        await stream.write(b"request", timeout)
        reply = await stream.read(100, timeout)
        return line.written, reply

    return asyncio.run(exchange())


@pytest.mark.parametrize("timeout", [None, Deadline.ending(float("inf"))], ids=["none", "infinite"])
def test_without_a_deadline_a_request_is_written(kind: str, timeout: float | None) -> None:
    """A missing deadline is not a passed one."""
    assert exchanged(kind, timeout) == (b"request", b"reply")


def test_after_the_deadline_nothing_is_written(kind: str) -> None:
    """The error is that of a connection that never was: nothing was sent."""
    with pytest.raises(httpcore.ConnectTimeout):
        exchanged(kind, Deadline.ending(0.0))
