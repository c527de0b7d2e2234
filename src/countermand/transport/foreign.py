"""Foreign exceptions: those that the caller's code raised, not the HTTP library. They propagate unchanged.

The caller's code is a hook, a mock, a transport or a signal handler. The innermost frames decide, because a library's
exception is raised in a library. Libraries wrap what they catch (a signal handler's `TimeoutError` inside a read becomes
a `ReadTimeout`), so the causes are checked too.
"""

from collections.abc import Iterator
from typing import cast

from ..engine.frames import HTTP_LIBRARIES, own_frames, was_raised_by_caller


def is_foreign(error: BaseException) -> bool:
    """Whether `error` was raised by code other than ours and the libraries'."""
    return was_raised_by_caller(error.__traceback__)


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


def foreign_cause(error: BaseException, outer: BaseException | None) -> BaseException | None:
    """Return the foreign exception: `error` itself or the one that a library wrapped; None if there is none.

    `outer` is the exception that the caller was handling when the call started. It and its causes are ignored.
    """
    for link in chain(error, outer):
        if is_foreign(link):
            # A mock or a transport that raises the library's exceptions is treated like the library.
            return None if is_http(link) and type(link).__name__ != "TimeoutException" else link
    return None


def without_frames(error: BaseException, outer: BaseException | None) -> BaseException:
    """Remove the frames of libraries and of this package from `error` and its causes: their variables hold requests.

    `outer` is as in `foreign_cause`.
    """
    for link in chain(error, outer):
        link.__traceback__ = own_frames(link.__traceback__)
    return error


def chain(error: BaseException, outer: BaseException | None) -> Iterator[BaseException]:
    """Yield `error`, its causes and contexts up to `outer`, and the members of groups."""
    waiting: list[BaseException | None] = [error]
    seen = {id(outer)}
    while waiting:
        link = waiting.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            yield link
            waiting.append(link.__cause__ or link.__context__)
            if isinstance(link, BaseExceptionGroup):
                waiting += cast(BaseExceptionGroup[BaseException], link).exceptions
