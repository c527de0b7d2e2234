"""A marketplace that answers about one order from a script, in virtual time, and knows what really happened.

A `Counterpart` is data: the replies as the marketplace documents them. A `Scene` plays them to one call, with a
`Step` in their place wherever something goes wrong, and keeps the truth that the call's outcome is held against.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from countermand.engine.wire import Call, Fault, Reply
from countermand.outcomes import Cancelled, Refused, Requested
from countermand.sandbox.virtual import Journey, VirtualClock

Kind: TypeAlias = Literal["cancel", "read", "login"]

#: How long an answer takes, in seconds.
_LATENCY = 0.05


@frozen(kw_only=True)
class Counterpart:
    """How a marketplace answers about one order, as it documents it.

    All replies but `another_accepted` and `another_cancelled` are about the order that the request names. A reply is
    made by hand, `Reply(200, {}, b'{"order": "A-1"}')`, or taken from a simulation or a recording.
    """

    #: The answer to a cancellation that is accepted.
    accepted: Reply
    #: Which outcome `accepted` is: `Requested` if somebody still decides, `Cancelled` if it is final.
    accepted_means: type[Any] = Requested
    #: The order, read: it is cancelled.
    cancelled: Reply
    #: The order, read: nobody has asked for its cancellation.
    still_open: Reply
    #: Another order's accepted cancellation. None only where `accepted` has no body, and so names no order.
    another_accepted: Reply | None = None
    #: Another order, read: it is cancelled.
    another_cancelled: Reply
    #: The answer to a read, and to a cancellation, where there is no such order.
    not_found: Reply
    #: The answer to the cancellation of an order that cannot be cancelled; None if none is documented.
    refused: Reply | None = None
    #: That order, read; None if no state is documented for it.
    blocked: Reply | None = None
    #: The answer to the cancellation of an order that is cancelled already; None if it is `accepted` once more.
    repeated: Reply | None = None
    #: Whether asking twice is harmless: the order is cancelled once or not at all.
    repeatable: bool
    #: The answer to a login, for an account that signs in.
    login: Reply | None = None
    #: The credentials that the account was made of, 8 characters or longer. A login's token belongs here too.
    secrets: tuple[str, ...] = field(repr=False)
    #: What a request is for. By default a login is what carries no headers, a read what is a GET.
    kind_of: Callable[[Call], Kind] | None = field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.secrets or any(len(secret) < 8 for secret in self.secrets):
            raise ValueError("secrets must name the account's credentials, each of 8 characters or more")
        if self.accepted.body and self.another_accepted is None:
            raise ValueError("another_accepted is wanted: `accepted` has a body, which has to name the order")


@frozen
class Step:
    """What comes of one request in place of the documented answer."""

    #: A reply, what is left of a lost one, an exception that strikes; None: nothing until the request's deadline.
    answer: Reply | Fault | BaseException | None
    #: Whether the marketplace did what it was asked.
    applied: bool = False
    #: How often, one after the other.
    times: int = 1
    #: The outcome that the answer is evidence for, if it is evidence.
    shows: type[Any] | None = None

    def always(self) -> "Step":
        """Return the step that comes of every request from here on."""
        return Step(self.answer, self.applied, 1_000_000, self.shows)


class Scene:
    """One call's conversation with a marketplace. A `countermand.sandbox.virtual.Medium`.

    `cancel` and `read` are what comes of the first requests of each kind; what comes after is as documented.
    """

    def __init__(
        self, counterpart: Counterpart, cancel: Iterable[Step] = (), read: Iterable[Step] = ()
    ) -> None:
        self.clock: VirtualClock = VirtualClock()
        self.calls: list[Call] = []
        self.kinds: list[Kind] = []
        #: When each request was made, in seconds from the beginning.
        self.times: list[float] = []
        #: What happened, for the message of a failure.
        self.story: list[str] = []
        #: Whether the marketplace cancelled the order, or began to.
        self.applied: bool = False
        #: Whether some request may have been applied, as far as can be told from its answer.
        self.unclear: bool = False
        #: How many cancellations were sent after one that may have been applied.
        self.repeats: int = 0
        #: The outcomes for which some answer was evidence.
        self.shown: set[type[Any]] = set()
        self._counterpart = counterpart
        self._began = self.clock.now
        self._script: dict[Kind, Iterator[Step]] = {
            "cancel": chain.from_iterable(repeat(step, step.times) for step in cancel),
            "read": chain.from_iterable(repeat(step, step.times) for step in read),
            "login": iter(()),
        }

    @property
    def elapsed(self) -> float:
        """The seconds since the beginning."""
        return self.clock.now - self._began

    def journey(self, call: Call) -> Journey:
        """Carry one request."""
        kind = self._kind(call)
        self.calls.append(call)
        self.kinds.append(kind)
        self.times.append(self.elapsed)
        if kind == "cancel" and self.unclear:
            self.repeats += 1
        step = next(self._script[kind], None) or self._documented(kind)
        if step.shows is not None:
            self.shown.add(step.shows)
        if kind == "cancel":
            self.applied = self.applied or step.applied
            self.unclear = self.unclear or _is_unclear(step.answer)
        self.story.append(f"{kind} → {_told(step)}")
        yield min(call.deadline, self.clock.now + _LATENCY) if step.answer is not None else call.deadline
        if isinstance(step.answer, BaseException):
            raise step.answer
        return step.answer or Fault(sent=True, detail="no answer in time")

    def _kind(self, call: Call) -> Kind:
        if self._counterpart.kind_of is not None:
            return self._counterpart.kind_of(call)
        if self._counterpart.login is not None and not call.headers:
            return "login"
        return "read" if call.method == "GET" else "cancel"

    def _documented(self, kind: Kind) -> Step:
        about = self._counterpart
        if kind == "login":
            return Step(about.login or Reply(404, {}))
        if kind == "read":
            return Step(about.cancelled, shows=Cancelled) if self.applied else Step(about.still_open)
        if self.applied and about.repeated is not None:
            return Step(about.repeated, applied=True, shows=Cancelled)
        return Step(about.accepted, applied=True, shows=about.accepted_means)


def refusing(counterpart: Counterpart) -> tuple[Step, Step]:
    """Return what comes of a cancellation, and of a read, for an order that cannot be cancelled."""
    read = counterpart.blocked or counterpart.still_open
    shows = Refused if counterpart.blocked is not None else None
    return Step(counterpart.refused, shows=Refused), Step(read, shows=shows)


def echoing(reply: Reply, secrets: Iterable[str]) -> Reply:
    """Return `reply` with credentials repeated in its headers and its body, as careless gateways do."""
    echo = " and ".join(secrets)
    try:
        said: Any = json.loads(reply.body)
    except ValueError:
        said = None
    body = json.dumps({**said, "echo": echo}).encode() if isinstance(said, dict) else reply.body
    if reply.status >= 400 and body is reply.body:
        body += echo.encode()
    return reply._replace(headers={**reply.headers, "x-request-id": f"for {echo}", "x-echo": echo}, body=body)


def _is_unclear(answer: Reply | Fault | BaseException | None) -> bool:
    """Whether, as far as this answer tells, the request may have been applied."""
    if isinstance(answer, Fault):
        return answer.sent
    if isinstance(answer, Reply):
        return answer.status < 400 or answer.status == 408 or answer.status >= 500
    return True


def _told(step: Step) -> str:
    answer = step.answer
    if isinstance(answer, Reply):
        flaw = f", {answer.flaw}" if answer.flaw else ""
        told = f"{answer.status}{flaw} {answer.body[:60]!r}"
    elif isinstance(answer, Fault):
        told = f"{'lost' if answer.sent else 'not sent'}: {answer.detail}"
    else:
        told = "no answer" if answer is None else f"{type(answer).__name__} strikes"
    return f"{told} (applied)" if step.applied else told
