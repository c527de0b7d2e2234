"""Running a generator to its end: each step is answered by a function, awaited or blocking."""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, TypeVar

S = TypeVar("S")
A = TypeVar("A")
T = TypeVar("T")


async def walked(steps: Generator[S, A, T], answer: Callable[[S], Awaitable[A]]) -> T:
    """Return what a generator returns. What interrupts an answer is thrown into it, and it decides what passes."""
    try:
        step = next(steps)
        while True:
            try:
                answered = await answer(step)
            except BaseException as interruption:  # noqa: BLE001 - the generator decides what passes
                step = steps.throw(interruption)
            else:
                step = steps.send(answered)
    except StopIteration as end:
        result: T = end.value
        return result


def finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns that awaits nothing unfinished: one piece of code serves blocking calls too."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError("it has to wait for something, and no event loop runs")
