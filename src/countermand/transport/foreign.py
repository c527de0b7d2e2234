"""Foreign exceptions: those that the caller's code raised, not the HTTP library. They propagate unchanged.

The caller's code is a hook, a mock, a transport or a signal handler. The innermost frame decides, because a library's
exception is raised in a library. Libraries wrap what they catch (a signal handler's `TimeoutError` inside a read becomes
a `ReadTimeout`), so the causes are checked too.
"""

from collections.abc import Iterator
from functools import cache
from types import FrameType, TracebackType
from typing import cast

#: Top-level packages whose exceptions describe an HTTP exchange by the names of their classes.
HTTP_LIBRARIES = frozenset("httpx httpx2 httpcore httpcore2 aiohttp h11".split())
#: Top-level modules that run below a driver, and are not the caller's code.
_LIBRARIES = HTTP_LIBRARIES | frozenset(
    """
    countermand h2 hpack hyperframe anyio sniffio trio outcome asyncio uvloop winloop ssl socket select selectors
    threading concurrent contextlib encodings codecs idna urllib http queue weakref functools types typing
    aiohappyeyeballs aiodns pycares aiosignal async_timeout frozenlist multidict propcache yarl certifi truststore
    brotli brotlicffi zstandard socksio python_socks gevent eventlet greenlet attr attrs logging
    """.split()
)


def is_foreign(error: BaseException) -> bool:
    """Whether `error` was raised by code other than ours and the libraries'."""
    trace = error.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    return not _is_library(trace.tb_frame)


def is_http(error: BaseException) -> bool:
    """Whether the class of `error`, or a base class, belongs to an HTTP library."""
    return any(kind.__module__.partition(".")[0] in HTTP_LIBRARIES for kind in type(error).__mro__)


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
        link.__traceback__ = _own_frames(link.__traceback__)
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


def _own_frames(trace: TracebackType | None) -> TracebackType | None:
    links: list[TracebackType] = []
    while trace is not None:
        links.append(trace)
        trace = trace.tb_next
    kept: TracebackType | None = None
    innermost = True
    for link in reversed(links):
        library = _is_library(link.tb_frame)
        innermost = innermost and not library
        # Installed packages that wrap a library (tracers, instrumentation) hold the request as well.
        if not library and (innermost or not link.tb_frame.f_code.co_filename.startswith(_installed())):
            kept = TracebackType(kept, link.tb_frame, link.tb_lasti, link.tb_lineno)
    return kept


def _is_library(frame: FrameType) -> bool:
    name: object = frame.f_globals.get("__name__")
    return isinstance(name, str) and name.partition(".")[0] in _LIBRARIES


@cache
def _installed() -> tuple[str, ...]:
    import sysconfig  # lazily imported: few processes ever need it

    return tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
