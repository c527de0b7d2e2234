"""The fault server seen from the outside: starts it, stops it, and speaks to it from any thread or task."""

import asyncio
import json
import subprocess
import sys
import threading
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .spec import CaseSpec, Report

_TOP = Path(__file__).parents[3]


class FaultServer:
    """A running fault server; a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.sockets.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_TOP,
            env={"PYTHONPATH": f"{_TOP}:{_TOP / 'src'}"},
        )
        self._lock = threading.Lock()
        self._numbers = count()
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            self._waiting.pop(said.pop("number")).set_result(said)
        for future in [*self._waiting.values()]:
            future.set_exception(RuntimeError("the fault server has ended"))

    def tell(self, do: str, **what: Any) -> "Future[dict[str, Any]]":
        """Send a command; the answer comes with the future."""
        assert self._process.stdin is not None
        future: Future[dict[str, Any]] = Future()
        with self._lock:
            number = next(self._numbers)
            self._waiting[number] = future
            self._process.stdin.write(json.dumps({"number": number, "do": do, **what}).encode() + b"\n")
            self._process.stdin.flush()
        return future

    def open(self, spec: CaseSpec) -> "Scene":
        """Open a case."""
        return Scene(self, self.tell("open", spec=spec.as_json()).result(20)["port"])

    async def aopen(self, spec: CaseSpec) -> "Scene":
        """Do what `open` does, on an event loop."""
        return Scene(self, (await asyncio.wrap_future(self.tell("open", spec=spec.as_json())))["port"])

    def stop(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._listening.join(5)
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Scene:
    """An open case."""

    def __init__(self, server: FaultServer, port: int) -> None:
        self._server = server
        self.port = port
        self.origin = f"http://127.0.0.1:{port}"

    def tell(self, do: str) -> "Future[dict[str, Any]]":
        """Send a command about this case."""
        return self._server.tell(do, port=self.port)

    def calm(self) -> None:
        """Let faults cease."""
        self.tell("calm").result(20)

    def drop(self) -> None:
        """Let the server close every connection that stands."""
        self.tell("drop").result(20)

    def report(self) -> Report:
        """Return the truth once everything late has landed."""
        return Report.from_json(self.tell("report").result(20))

    def close(self) -> Report:
        """Close the case and return the truth."""
        return Report.from_json(self.tell("close").result(20))

    async def acalm(self) -> None:
        """Do what `calm` does, on an event loop."""
        await asyncio.wrap_future(self.tell("calm"))

    async def aclose(self) -> Report:
        """Do what `close` does, on an event loop."""
        return Report.from_json(await asyncio.wrap_future(self.tell("close")))
