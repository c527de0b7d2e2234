"""The frames that an exception carries when it leaves a call: the caller's own, and no others.

The frames of this package and of libraries are removed, because their local variables hold requests, which error
trackers report.
"""

from functools import cache
from types import FrameType, TracebackType

#: Top-level packages whose exceptions describe an HTTP exchange by the names of their classes.
HTTP_LIBRARIES = frozenset("httpx httpx2 httpcore httpcore2 aiohttp h11".split())
#: Top-level modules of the standard library that run below a call. The caller's code may use them as well.
_STANDARD = frozenset(
    """
    asyncio ssl socket select selectors threading concurrent contextlib encodings codecs urllib http queue weakref
    functools types typing logging
    """.split()
)
#: Other top-level modules that run below a call, and are not the caller's code.
_BELOW = HTTP_LIBRARIES | frozenset(
    """
    countermand h2 hpack hyperframe anyio sniffio trio outcome uvloop winloop idna aiohappyeyeballs aiodns pycares
    aiosignal async_timeout frozenlist multidict propcache yarl certifi truststore brotli brotlicffi zstandard socksio
    python_socks gevent eventlet greenlet attr attrs
    """.split()
)


def is_library(frame: FrameType) -> bool:
    """Whether a frame is of this package or of a library that runs below a call."""
    name = _top(frame)
    return name in _BELOW or name in _STANDARD


def was_raised_by_caller(trace: TracebackType | None) -> bool:
    """Whether an exception with this traceback was raised by the caller's code, or by what that called.

    The caller's code is a hook, a mock, a transport or a signal handler. If it called an HTTP library, the exception is
    the library's: a transport may pass requests on.
    """
    caller = False
    while trace is not None:
        name = _top(trace.tb_frame)
        if name not in _STANDARD:
            caller = name not in _BELOW
        trace = trace.tb_next
    return caller


def _top(frame: FrameType) -> str:
    """Return the top-level module of a frame. Code that attrs or cattrs has generated has no name, and counts as ours."""
    name: object = frame.f_globals.get("__name__")
    return name.partition(".")[0] if isinstance(name, str) else "countermand"


def own_frames(trace: TracebackType | None) -> TracebackType | None:
    """Return `trace` with the caller's frames only.

    Outside the innermost ones, an installed package may wrap a library (tracers, instrumentation) and hold the request
    as well. The standard library is the caller's where the caller's code called it.
    """
    links: list[TracebackType] = []
    while trace is not None:
        links.append(trace)
        trace = trace.tb_next
    inner = len(links)
    while inner and not is_library(links[inner - 1].tb_frame):
        inner -= 1
    if inner:
        while (
            inner < len(links)
            and _is_of(links[inner], _standard())
            and not _is_of(links[inner], _installed())
        ):
            inner += 1
    kept: TracebackType | None = None
    for index, link in reversed([*enumerate(links)]):
        between = is_library(link.tb_frame) or _is_of(link, _standard()) or _is_of(link, _installed())
        if index >= inner or not between:
            kept = TracebackType(kept, link.tb_frame, link.tb_lasti, link.tb_lineno)
    return kept


def _is_of(link: TracebackType, places: tuple[str, ...]) -> bool:
    return link.tb_frame.f_code.co_filename.startswith(places)


@cache
def _standard() -> tuple[str, ...]:
    import sysconfig  # lazily imported: few processes ever need it

    return "<frozen ", sysconfig.get_path("stdlib")


@cache
def _installed() -> tuple[str, ...]:
    import sysconfig

    return sysconfig.get_path("purelib"), sysconfig.get_path("platlib")
