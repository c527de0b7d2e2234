"""The frames that an exception carries when it leaves a call: the caller's own, and no others.

The frames of this package and of libraries are removed, because their local variables hold requests, which error
trackers report.
"""

from collections.abc import Callable
from functools import cache, wraps
from types import FrameType, FunctionType, TracebackType
from typing import Any, TypeVar

#: Top-level packages whose exceptions describe an HTTP exchange by the names of their classes.
HTTP_LIBRARIES = frozenset("httpx httpx2 httpcore httpcore2 aiohttp h11".split())
#: Top-level modules that run below a call, and are not the caller's code.
_LIBRARIES = HTTP_LIBRARIES | frozenset(
    """
    countermand h2 hpack hyperframe anyio sniffio trio outcome asyncio uvloop winloop ssl socket select selectors
    threading concurrent contextlib encodings codecs idna urllib http queue weakref functools types typing
    aiohappyeyeballs aiodns pycares aiosignal async_timeout frozenlist multidict propcache yarl certifi truststore
    brotli brotlicffi zstandard socksio python_socks gevent eventlet greenlet attr attrs logging
    """.split()
)
_ITERATION = ("__next__", "__anext__")
_COROUTINE = 0x80  # inspect.CO_COROUTINE, without the import

_Method = TypeVar("_Method", bound=Callable[..., Any])


def is_library(frame: FrameType) -> bool:
    """Whether a frame is of this package or of a library that runs below a call."""
    name: object = frame.f_globals.get("__name__")
    return isinstance(name, str) and name.partition(".")[0] in _LIBRARIES


def own_frames(trace: TracebackType | None) -> TracebackType | None:
    """Return `trace` with the caller's frames only."""
    links: list[TracebackType] = []
    while trace is not None:
        links.append(trace)
        trace = trace.tb_next
    kept: TracebackType | None = None
    innermost = True
    for link in reversed(links):
        library = is_library(link.tb_frame)
        innermost = innermost and not library
        # Installed packages that wrap a library (tracers, instrumentation) hold the request as well.
        if not library and (innermost or not link.tb_frame.f_code.co_filename.startswith(_installed())):
            kept = TracebackType(kept, link.tb_frame, link.tb_lasti, link.tb_lineno)
    return kept


class LeavesNoFrames:
    """A base class: an exception that leaves a public method, or an iteration, carries the caller's frames only.

    Each function that an exception passes adds its frame, so the outermost one has to remove them.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, member in list(vars(cls).items()):
            if isinstance(member, FunctionType) and (not name.startswith("_") or name in _ITERATION):
                setattr(cls, name, leaves_no_frames(member))


def leaves_no_frames(method: _Method) -> _Method:
    """Return `method`, but its exceptions carry no frame of this package or of a library."""
    call: Any = method

    @wraps(method)
    def called(*args: Any, **options: Any) -> Any:
        try:
            return call(*args, **options)
        except BaseException as error:
            error.__traceback__ = own_frames(error.__traceback__)
            raise  # without a value it adds no frame

    @wraps(method)
    async def awaited(*args: Any, **options: Any) -> Any:
        try:
            return await call(*args, **options)
        except BaseException as error:
            error.__traceback__ = own_frames(error.__traceback__)
            raise

    found: Any = awaited if call.__code__.co_flags & _COROUTINE else called
    return found  # type: ignore[no-any-return]


@cache
def _installed() -> tuple[str, ...]:
    import sysconfig  # lazily imported: few processes ever need it

    return tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
