"""Both front doors behind the same blocking calls, so that a test is written once for the two."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

from countermand import AsyncCountermand, Countermand

Kind: TypeAlias = Literal["sync", "async"]


class Door:
    """A client of one kind. `do` calls a sub-client's method and returns what it returns."""

    def __init__(self, kind: Kind, **settings: Any) -> None:
        self.kind: Kind = kind
        self._runner = asyncio.Runner() if kind == "async" else None
        self.client: Any = (AsyncCountermand if kind == "async" else Countermand)(**settings)

    @classmethod
    def to(cls, kind: Kind, client: Any) -> Self:
        """Make a door of a client that is there already."""
        door = cls.__new__(cls)
        door.kind, door.client = kind, client
        door._runner = asyncio.Runner() if kind == "async" else None
        return door

    def do(self, marketplace: str, method: str, *args: Any, **options: Any) -> Any:
        """Call `client.<marketplace>.<method>`."""
        return self.run(lambda: getattr(getattr(self.client, marketplace), method)(*args, **options))

    def cancel(self, request: Any, **options: Any) -> Any:
        """Call `client.cancel`."""
        return self.run(lambda: self.client.cancel(request, **options))

    def run(self, call: Callable[[], Any]) -> Any:
        """Return what `call` returns, awaited where this is the async door."""
        if self._runner is None:
            return call()

        async def awaited() -> Any:
            return await call()

        return self._runner.run(awaited())

    def together(self, *calls: Callable[[], Coroutine[Any, Any, Any]]) -> list[Any]:
        """Run several calls at once; exceptions are among the results. For the async door alone."""

        async def gathered() -> list[Any]:
            return await asyncio.gather(*(call() for call in calls), return_exceptions=True)

        assert self._runner is not None
        return self._runner.run(gathered())

    def close(self) -> None:
        """Close the client."""
        self.run(self.client.aclose if self.kind == "async" else self.client.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if self._runner is not None:
            self._runner.close()


class Doors:
    """Opens clients, and closes them all."""

    def __init__(self, opened: Callable[..., AbstractContextManager[Any]]) -> None:
        self._opened = opened
        self._stack = ExitStack()

    def __call__(self, **settings: Any) -> Any:
        """Open a client."""
        return self._stack.enter_context(self._opened(**settings))

    def close(self) -> None:
        """Close what has been opened so far."""
        self._stack.close()


#: What the fixtures of these names return.
OpenDoor: TypeAlias = Callable[..., Door]
OnStage: TypeAlias = Callable[..., Door]
