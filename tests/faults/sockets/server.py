"""The fault server, a process of its own: `python -m tests.faults.sockets.server`.

Its control channel is a line of JSON in, a line of JSON out, over its standard streams; it ends when its input does.
Every case gets a port of its own, so that cases side by side have nothing in common.
"""

import asyncio
import json
import sys
from typing import Any

from .spec import CaseSpec
from .stage import Stage


class Server:
    """All cases that are open, and the trap: a listener that nobody may be led to."""

    def __init__(self) -> None:
        self._stages: dict[int, Stage] = {}
        self._trapped = 0
        self._trap = ""

    async def run(self, lines: asyncio.StreamReader) -> None:
        """Do as the lines say until there are no more."""
        trap = await asyncio.start_server(self._fell, "127.0.0.1", 0)
        self._trap = f"http://127.0.0.1:{trap.sockets[0].getsockname()[1]}"
        async with trap, asyncio.TaskGroup() as group:
            while line := await lines.readline():
                group.create_task(self._obey(json.loads(line)))
            for stage in self._stages.values():
                await stage.close()

    async def _fell(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._trapped += 1
        writer.close()

    async def _obey(self, said: dict[str, Any]) -> None:
        answer = await self._done(said)
        sys.stdout.write(json.dumps({"number": said["number"], **answer}) + "\n")
        sys.stdout.flush()

    async def _done(self, said: dict[str, Any]) -> dict[str, Any]:
        if said["do"] == "open":
            stage = Stage(CaseSpec.from_json(said["spec"]), self._trap)
            self._stages[stage.port] = stage
            return {"port": stage.port}
        stage = self._stages[said["port"]]
        match said["do"]:
            case "calm":
                await stage.calm()
            case "drop":
                stage.drop()
            case "report":
                return {**await stage.report(), "trapped": self._trapped}
            case "close":
                report = await stage.report()
                await self._stages.pop(said["port"]).close()
                return {**report, "trapped": self._trapped}
            case unknown:
                raise ValueError(unknown)
        return {}


async def _main() -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    await Server().run(lines)


if __name__ == "__main__":
    asyncio.run(_main())
