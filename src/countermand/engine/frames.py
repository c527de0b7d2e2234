"""The frames that an exception carries when it leaves a call: the caller's own, and no others.

The frames of this package and of libraries are removed, because their local variables hold requests, which error
trackers report.
"""

import sys
from functools import cache
from types import FrameType, TracebackType

#: Top-level packages whose exceptions describe an HTTP exchange by the names of their classes.
HTTP_LIBRARIES = frozenset("httpx httpx2 httpcore httpcore2 aiohttp h11".split())
#: Top-level modules of the standard library: an exception from one belongs to the code that called it. A mock and a
#: debugger act for the caller.
_STANDARD = sys.stdlib_module_names - {"unittest", "bdb", "pdb"}
#: Top-level modules that run below a call, and are not the caller's code.
_BELOW = HTTP_LIBRARIES | frozenset(
    """
    countermand h2 hpack hyperframe anyio sniffio trio outcome uvloop winloop idna aiohappyeyeballs aiodns pycares
    aiosignal async_timeout frozenlist multidict propcache yarl certifi truststore brotli brotlicffi zstandard socksio
    python_socks gevent eventlet greenlet attr attrs
    """.split()
)


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


def was_caught_by_caller(trace: TracebackType | None) -> bool:
    """Whether the frame that caught an exception with this traceback is the caller's."""
    return trace is not None and _top(trace.tb_frame) not in _BELOW | _STANDARD


def is_of_caller(kind: type) -> bool:
    """Whether a class is defined by the caller's code, not by a library or the standard library."""
    return kind.__module__.partition(".")[0] not in _BELOW | _STANDARD


def _top(frame: FrameType) -> str:
    """Return the top-level module of a frame. Code that attrs or cattrs has generated has no name, and counts as ours."""
    name: object = frame.f_globals.get("__name__")
    if not isinstance(name, str):
        return "countermand"
    return "collections" if name.startswith("namedtuple_") else name.partition(".")[0]


def own_frames(trace: TracebackType | None) -> TracebackType | None:
    """Return `trace` with the caller's frames only, and those of the standard library that they called innermost.

    Outside the innermost library, an installed package may wrap it (tracers, instrumentation) and hold the request too.
    """
    links: list[tuple[TracebackType, str]] = []
    last = -1
    while trace is not None:
        name = _top(trace.tb_frame)
        if name in _BELOW:
            last = len(links)
        links.append((trace, name))
        trace = trace.tb_next
    own: list[TracebackType] = []
    caller = False
    for index, (link, name) in enumerate(links):
        standard = name in _STANDARD
        if not standard:
            caller = name not in _BELOW
        if caller and (index > last or not (standard or _is_installed(link))):
            own.append(link)
    kept: TracebackType | None = None
    for link in reversed(own):
        kept = TracebackType(kept, link.tb_frame, link.tb_lasti, link.tb_lineno)
    return kept


def _is_installed(link: TracebackType) -> bool:
    return link.tb_frame.f_code.co_filename.startswith(_installed())


@cache
def _installed() -> tuple[str, ...]:
    import sysconfig  # lazily imported: few processes ever need it

    return sysconfig.get_path("purelib"), sysconfig.get_path("platlib")
