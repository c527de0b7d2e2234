"""The rows over loopback sockets: a small scripted server, and every kind of client in virtual time."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

import attrs
import httpx

from countermand import AsyncCountermand, Countermand
from countermand.engine.wire import Call, Clock, Fault, Flow, Reply, Sleep, T
from countermand.transport import open_async_driver, open_driver
from tests.support.doors import Door, Kind
from tests.support.stage import WALL, Stage
from tests.support.tls import unused

from .rows import Played, Row, Sent

#: The ways in: the client of the SDK, and whose HTTP client it uses.
WAYS: tuple[tuple[Kind, str], ...] = tuple(
    (kind, library) for kind in ("sync", "async") for library in ("stock", "httpx", "httpx2")
)


class Server(ThreadingTCPServer):
    """Answers as the row that is being played says."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stage = Stage()
        self.sent: list[Sent] = []

    @property
    def origin(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that the other side has closed."""


class _Handler(StreamRequestHandler):
    """Reads only what the SDK's clients send: `http.server` takes longer than a client does."""

    server: Any
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while line := self.rfile.readline():
            method, target, version = line.decode().split(" ")
            assert version == "HTTP/1.1\r\n"
            said: dict[str, str] = {}
            while (line := self.rfile.readline()) not in {b"\r\n", b""}:
                name, _, value = line.decode("latin-1").partition(":")
                said[name.lower()] = value.strip()
            body = self.rfile.read(int(said.get("content-length", 0)))
            stage = self.server.stage
            answer = stage.exchange(Call(method, "", target))
            self.server.sent.append(Sent(stage.kinds[-1], method, target, said, body, stage.times[-1]))
            if not isinstance(answer, Reply):
                return
            headers = dict(answer.headers)
            if answer.status != 204:
                headers["content-length"] = str(len(answer.body))
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            self.wfile.write(f"HTTP/1.1 {answer.status} .\r\n{head}\r\n".encode("latin-1") + answer.body)


@contextmanager
def serving() -> Generator[Server]:
    """Serve on a thread."""
    with Server() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Way:
    """One way in, kept open for all rows: a real driver whose pauses take no time."""

    def __init__(self, kind: Kind, library: str) -> None:
        self._kind: Kind = kind
        self._library = library
        self._runner = asyncio.Runner()
        opened = open_async_driver if kind == "async" else open_driver
        self._own = None if library == "stock" else _own_client(kind, library)
        self._driver: Any = opened(self._own)

    def __repr__(self) -> str:
        return f"{self._kind} {self._library}"

    def play(self, row: Row, server: Server) -> Played:
        """Return the row, with a client of its own that asks `server`."""
        server.stage, server.sent = row.stage(), []
        swift = (_AsyncSwift if self._kind == "async" else _Swift)(self._driver, server.stage)
        here: dict[str, Any] = {"base_url": server.origin}
        if row.market.name == "kibo":
            here["auth_url"] = server.origin
        access = attrs.evolve(row.settings.get(row.market.name, row.market.access), **here)
        settings: dict[str, Any] = {**row.settings, row.market.name: access, "http_client": swift}
        client: Any = (AsyncCountermand if self._kind == "async" else Countermand)(**settings)
        door = Door.to(self._kind, client)
        door.run = self._run  # type: ignore[method-assign]
        return Played(row.market, door, lambda: server.sent)

    def _run(self, call: Any) -> Any:
        if self._kind == "sync":
            return call()

        async def awaited() -> Any:
            return await call()

        return self._runner.run(awaited())

    def close(self) -> None:
        """Close the driver, and the caller's client."""
        if self._kind == "sync":
            self._driver.close()
            if self._own is not None:
                self._own.close()
        else:
            self._runner.run(self._driver.aclose())
            if self._own is not None:
                self._runner.run(self._own.aclose())
        self._runner.close()


class _Swift:
    def __init__(self, driver: Any, stage: Stage) -> None:
        self._driver = driver
        self._stage = stage
        self.clock = Clock(lambda: stage.now, lambda: WALL + stage.now)

    def run(self, flow: Flow[T]) -> T:
        """Run a flow; its pauses move the stage's time, and its requests are really sent."""
        try:
            step = next(flow)
            while True:
                answer = self._slept(step) if isinstance(step, Sleep) else self._driver.run(self._one(step))
                step = flow.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result

    def close(self) -> None:
        """Leave the driver open: other rows use it."""

    def _slept(self, step: Sleep) -> Reply | Fault | None:
        self._stage.now += step.seconds
        return None

    def _one(self, call: Call) -> Flow[Reply | Fault | None]:
        """Send one request, whose deadline is told in real time."""
        left = call.deadline - self._stage.now
        return (yield attrs.evolve(call, deadline=self._driver.clock.monotonic() + left))


class _AsyncSwift(_Swift):
    async def run(self, flow: Flow[T]) -> T:  # type: ignore[override]
        """Do the same on an event loop."""
        try:
            step = next(flow)
            while True:
                if isinstance(step, Sleep):
                    answer = self._slept(step)
                else:
                    answer = await self._driver.run(self._one(step))
                step = flow.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result

    async def aclose(self) -> None:
        """Leave the driver open: other rows use it."""


def _own_client(kind: Kind, library: str) -> Any:
    module: Any = httpx
    if library == "httpx2":
        import httpx2 as module
    opened = module.AsyncClient if kind == "async" else module.Client
    return opened(verify=unused(), trust_env=False)
