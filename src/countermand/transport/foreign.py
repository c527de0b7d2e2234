"""Foreign exceptions: those that the caller's code raised, not the HTTP library. They propagate unchanged.

The caller's code is a hook, a mock, a transport or a signal handler. The innermost frames decide, because a library's
exception is raised in a library. Libraries wrap what they catch (a signal handler's `TimeoutError` inside a read becomes
a `ReadTimeout`), so the causes are checked too.
"""

from collections.abc import Callable, Iterator
from typing import NoReturn, cast

from ..engine.frames import (
    HTTP_LIBRARIES,
    is_of_caller,
    own_frames,
    was_caught_by_caller,
    was_raised_by_caller,
)


def is_foreign(error: BaseException) -> bool:
    """Whether `error` was raised by code other than ours and the libraries', or is of a class of such code."""
    return was_raised_by_caller(error.__traceback__) or is_of_caller(type(error))


def is_http(error: BaseException) -> bool:
    """Whether the class of `error`, or a base class, belongs to an HTTP library."""
    return any(kind.__module__.partition(".")[0] in HTTP_LIBRARIES for kind in type(error).__mro__)


def is_of_another_library(error: BaseException, request: object) -> bool:
    """Whether `error` belongs to another HTTP library than `request`. Then a hook of the caller's uses that one."""
    families = {_family(kind) for kind in type(error).__mro__} & HTTP_LIBRARIES
    return "h11" not in families and _family(type(request)) not in families


def _family(kind: type) -> str:
    """Return the library of a class. httpx and httpcore are one: a transport may leave httpcore's errors as they are."""
    return kind.__module__.partition(".")[0].replace("httpcore", "httpx")


def foreign_cause(error: BaseException) -> BaseException | None:
    """Return the foreign exception: `error` itself or the one that a library wrapped; None if there is none."""
    links = list(of_libraries(error))
    # A codec of the standard library replaces what interrupts it by another exception of its class.
    found = next((link for link in links if was_raised_by_caller(link.__traceback__)), None)
    found = found or next((link for link in links if is_of_caller(type(link))), None)
    # A mock or a transport that raises the library's exceptions is treated like the library.
    if found is None or (is_http(found) and type(found).__name__ != "TimeoutException"):
        return None
    return found


def of_libraries(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and what libraries caught before they raised it, not what the caller's code was handling."""
    return _chain(error, lambda link: not was_caught_by_caller(link.__traceback__))


def without_frames(error: BaseException, outer: BaseException | None) -> BaseException:
    """Remove the frames of libraries and of this package from `error` and its causes: their variables hold requests.

    `outer` is the exception that the caller was handling when the call started. It is not changed.
    """
    for link in _chain(error, lambda link: link is not outer):
        link.__traceback__ = own_frames(link.__traceback__)
    return error


def pass_on_stop(error: BaseException, thrown: BaseException | None) -> None:
    """Raise `thrown` if `error` is what a flow, into which it was thrown, made of it.

    A generator turns a `StopIteration` into a `RuntimeError`. It has to leave as it came, with the evidence.
    """
    if isinstance(thrown, StopIteration) and error.__cause__ is thrown:
        vars(thrown).update(vars(error))
        pass_on(thrown)


def pass_on(error: BaseException) -> NoReturn:
    """Raise a foreign exception with the context that it has."""
    context = error.__context__
    try:
        raise error
    finally:
        error.__context__ = context  # exceptions in between are the library's


def pass_on_foreign(error: BaseException) -> None:
    """Raise the foreign exception that a library wrapped as `error`, if there is one."""
    theirs = foreign_cause(error)
    if theirs is not None and theirs is not error:
        pass_on(theirs)


def _chain(error: BaseException, follows: Callable[[BaseException], bool]) -> Iterator[BaseException]:
    """Yield `error`, and its causes, contexts and members as far as `follows` allows."""
    waiting, seen = [error], {id(error)}
    while waiting:
        link = waiting.pop()
        yield link
        before: list[BaseException | None] = [link.__context__, link.__cause__]
        if isinstance(link, BaseExceptionGroup):
            before += cast(BaseExceptionGroup[BaseException], link).exceptions
        for each in before:
            if each is not None and id(each) not in seen and follows(each):
                seen.add(id(each))
                waiting.append(each)
