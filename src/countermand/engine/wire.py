"""What passes between the logic and the network, as plain data. No input or output happens here.

A *flow* is a generator that holds the logic of one call. It yields a `Call` (send this, give me what came back)
or a `Sleep`, and a driver answers with a `Reply`, a `Fault` or None. Drivers live in `countermand.transport`;
one more, with virtual time, lives in the sandbox.
"""

import time
from collections.abc import Callable, Generator, Mapping
from typing import NamedTuple, Protocol, TypeAlias, TypeVar, runtime_checkable

import attrs

from .secret import SealedHeaders

T = TypeVar("T")

#: The largest body, in bytes, that is read from a marketplace. Past it a reply counts as unreadable.
LARGEST_BODY = 2 * 1024 * 1024

_NO_HEADERS = SealedHeaders()


@attrs.define(repr=False, eq=False)
class Call:
    """One HTTP request. `deadline` is an instant of the driver's monotonic clock, in seconds.

    It is no container, because trackers of errors walk containers among the variables of a frame.
    """

    method: str
    origin: str
    target: str
    body: bytes | None = attrs.field(default=None, repr=False)
    headers: SealedHeaders = _NO_HEADERS
    deadline: float = float("inf")
    #: Whether the request may have left. A driver that can tell sets it to False before it starts, and to True when
    #: the request's head begins to be written; without such a driver it counts as sent.
    sent: bool = True

    def ready(self, headers: SealedHeaders, deadline: float) -> "Call":
        """Return the call with the headers and the deadline it is sent with."""
        return Call(self.method, self.origin, self.target, self.body, headers, deadline)

    def __repr__(self) -> str:
        return f"Call({self.method} {self.origin}{self.target}, {self.headers})"  # a login's body is a credential


#: The flaw of a reply whose status and headers are known, and whose body nobody read: an event hook of the caller's
#: client raised `HTTPStatusError`, and the client closed the response. The body may have said anything.
BODY_LOST = "its body was lost: a hook of the caller's client raised before it was read"


class Reply(NamedTuple):
    """What came back: a status, headers (looked up by lower-case name), a body.

    `flaw` says why the body cannot be used (cut short, too large, undecodable, `BODY_LOST`); it is empty for a whole
    body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    flaw: str = ""

    def __repr__(self) -> str:
        # The rest may repeat a credential.
        return f"Reply({self.status}, {self.flaw})" if self.flaw else f"Reply({self.status})"


@attrs.frozen
class Fault:
    """No status came back. `sent` says whether the request may have reached the marketplace.

    `cause` is what went wrong, for an error's `__cause__`: an exception without frames, without the library's
    objects, and without words that the other side may have chosen.
    """

    sent: bool
    detail: str
    cause: BaseException | None = attrs.field(default=None, eq=False, repr=False)


class Sleep(NamedTuple):
    """A pause, in seconds."""

    seconds: float


Flow: TypeAlias = Generator[Call | Sleep, Reply | Fault | None, T]


class Clock(NamedTuple):
    """The two clocks a flow reads: `monotonic` for deadlines, `wall` (seconds since 1970) for evidence."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]


#: The real clocks. Whatever a driver of this package times, it times by these functions: a library that patches `time`
#: after the import, to freeze it in tests, must not make two parts of one call disagree.
CLOCK = Clock(time.monotonic, time.time)


@runtime_checkable
class Driver(Protocol):
    """Runs flows on blocking I/O."""

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
