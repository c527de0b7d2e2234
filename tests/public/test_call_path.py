"""How far one call travels through the package: a warm cancellation crosses few files, so that it can be read."""

import asyncio
import socket
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import countermand
from countermand import AsyncCountermand, Countermand, Requested, Vtex
from tests.support.markets import VTEX

PACKAGE = str(Path(countermand.__file__).parent)
#: How often a call goes from one file of ours to another, and how many files it enters.
CROSSINGS, FILES = 26, 12


@pytest.fixture
def vtex() -> Iterator[str]:
    """Give the address of a server that answers everything with a receipt."""
    body = VTEX.accepted.body
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )

    def serve(connection: socket.socket) -> None:
        with connection:
            while connection.recv(65536):
                connection.sendall(reply)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=lambda: serve(listener.accept()[0]), daemon=True)
        server.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.join(5)


def test_a_warm_call_crosses_few_files(vtex: str) -> None:
    """Of the calls into our files, how often the file is another than the call's before."""
    entered: list[str] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            entered.append(frame.f_code.co_filename)

    access = Vtex(account="mystore", app_key="vtex-key", app_token="vtex-token", base_url=vtex)
    with Countermand(access) as client:
        for _ in range(3):
            assert isinstance(client.vtex.cancel_order("1172-01"), Requested)
        sys.setprofile(note)
        try:
            client.vtex.cancel_order("1172-01")
        finally:
            sys.setprofile(None)
    crossings = sum(one != other for one, other in pairwise(entered))
    assert crossings <= CROSSINGS
    assert len(set(entered)) <= FILES


class Searching:
    """A finder that finds nothing, and notes what is looked for."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def find_spec(self, name: str, *_: Any) -> None:
        """Note a name."""
        self.names.append(name)


@pytest.mark.parametrize("side", ["sync", "async"])
def test_a_warm_call_looks_for_no_module(vtex: str, side: str) -> None:
    """httpcore, too, has what it tries to import: each search of the path would cost as much as the rest of the call."""
    access = Vtex(account="mystore", app_key="vtex-key", app_token="vtex-token", base_url=vtex)
    finder: Any = Searching()

    async def awaited() -> None:
        async with AsyncCountermand(access) as client:
            for warm in (False, False, True):
                if warm:
                    sys.meta_path.insert(0, finder)
                await client.vtex.cancel_order("1172-01")

    try:
        if side == "async":
            asyncio.run(awaited())
        else:
            with Countermand(access) as client:
                client.vtex.cancel_order("1172-01")
                sys.meta_path.insert(0, finder)
                client.vtex.cancel_order("1172-01")
    finally:
        sys.meta_path.remove(finder)
    assert finder.names == []
