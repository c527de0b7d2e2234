"""The data that the logic and the drivers exchange. There is no I/O here.

A *flow* is a generator with the logic of one call. It yields a `Call` (a request to send) or a `Sleep`, and a driver
answers with a `Reply`, a `Fault` or None. The drivers are in `countermand.transport`; another one, with virtual time,
is in the sandbox.
"""

import time
from collections.abc import Callable, Generator, Mapping
from typing import NamedTuple, Protocol, TypeAlias, TypeVar, runtime_checkable

import attrs

from ..data import Shown
from .secret import SealedHeaders

T = TypeVar("T")

#: The largest body that is read, in bytes. A reply with a larger one is unreadable.
LARGEST_BODY = 2 * 1024 * 1024

_NO_HEADERS = SealedHeaders()


@attrs.define(repr=False, eq=False)
class Call:
    """One HTTP request. `deadline` is an instant of the driver's monotonic clock, in seconds.

    It is not a container, because error trackers walk the containers among local variables.
    """

    method: str
    origin: str
    target: str
    body: bytes | None = attrs.field(default=None, repr=False)
    headers: SealedHeaders = _NO_HEADERS
    deadline: float = float("inf")
    #: Whether the request may have been sent. A driver that can tell sets it to False before it starts, and to True
    #: when it starts to write the head of the request. Otherwise the request counts as sent.
    sent: bool = True

    def __repr__(self) -> str:
        return f"Call({self.method} {self.origin}{self.target}, {self.headers})"  # the body of a login is a credential


#: The flaw of a reply whose body was never read: an event hook of the caller's client raised `HTTPStatusError`, and the
#: client closed the response. Status and headers are known; the body may have said anything.
BODY_LOST = "its body was lost: a hook of the caller's client raised before it was read"


class Reply(NamedTuple):
    """A response: status, headers by lower-case name, and body.

    `flaw` says why the body is unusable (truncated, too large, not decodable, `BODY_LOST`). It is empty for a complete
    body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    flaw: str = ""

    def __repr__(self) -> str:
        # The rest may repeat a credential.
        return f"Reply({self.status}, {self.flaw})" if self.flaw else f"Reply({self.status})"


@attrs.frozen(repr=False, eq=False)
class Fault(Shown):
    """A request without a response. `sent` says whether it may have reached the marketplace.

    `cause` becomes the `__cause__` of an error. It is an exception without frames, without the library's objects, and
    without text that the peer may have chosen.
    """

    sent: bool
    detail: str
    cause: BaseException | None = attrs.field(default=None, eq=False, repr=False)


class Sleep:
    """A pause, in seconds."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds: float = seconds


Flow: TypeAlias = Generator[Call | Sleep, Reply | Fault | None, T]


class Clock:
    """The clocks of a flow: `monotonic` for deadlines, `wall` (seconds since 1970) for evidence."""

    __slots__ = ("monotonic", "wall")

    def __init__(self, monotonic: Callable[[], float], wall: Callable[[], float]) -> None:
        self.monotonic: Callable[[], float] = monotonic
        self.wall: Callable[[], float] = wall


#: The real clocks. All drivers of this package use these functions: if a test library patches `time` after the import,
#: all parts of a call must still agree.
CLOCK = Clock(time.monotonic, time.time)


@runtime_checkable
class Driver(Protocol):
    """Runs flows with blocking I/O."""

    @property
    def clock(self) -> Clock:
        """The clocks that flows run by this driver read."""
        ...

    def run(self, flow: Flow[T]) -> T:
        """Run `flow` to its end and return what it returns, or raise what it raises."""
        ...

    def close(self) -> None:
        """Close what the driver opened itself."""
        ...


@runtime_checkable
class AsyncDriver(Protocol):
    """Runs flows on an event loop."""

    @property
    def clock(self) -> Clock:
        """The clocks that flows run by this driver read."""
        ...

    async def run(self, flow: Flow[T]) -> T:
        """Run `flow` to its end and return what it returns, or raise what it raises."""
        ...

    async def aclose(self) -> None:
        """Close what the driver opened itself."""
        ...
