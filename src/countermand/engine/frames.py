"""The frames that an exception carries when it leaves a call: the caller's own, and no others.

The frames of this package and of libraries are removed, because their local variables hold requests, which error
trackers report.
"""

from functools import cache
from types import FrameType, TracebackType

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


@cache
def _installed() -> tuple[str, ...]:
    import sysconfig  # lazily imported: few processes ever need it

    return tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
