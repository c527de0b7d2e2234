"""The base of the four simulated marketplaces: a timeline, the checks of a request, and the ledger."""

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar, get_args

from attrs import NOTHING, define, field, fields, frozen

from countermand.sandbox import checks
from countermand.sandbox.http import (
    HTML_404,
    Headers,
    SandboxReply,
    SandboxRequest,
    json_object,
    json_reply,
    media_type,
    problem_reply,
    with_byte_order_mark,
)
from countermand.sandbox.ledger import Entry, Marketplace, Part, Truth, What


@frozen(order=True)
class Event:
    """A scheduled change of an order; `number` orders events of the same instant."""

    at: datetime
    number: int
    marketplace: Marketplace
    order_id: str
    what: str
    part: str = ""
    detail: str = ""


class Timeline:
    """The clock of the world, which moves only on request, and the events of the past and the future."""

    def __init__(self, now: datetime) -> None:
        self.now: datetime = now
        self.ledger: list[Entry] = []
        self.scheduled: list[Event] = []
        self._numbered = 0

    def event(self, after: float, marketplace: Marketplace, order_id: str, *what: str) -> Event:
        """Return the event that happens `after` seconds from now, without scheduling it."""
        self._numbered += 1
        return Event(self.now + timedelta(seconds=after), self._numbered, marketplace, order_id, *what)

    def run(self, until: datetime | None = None) -> Iterator[Event]:
        """Yield the events until then (all of them, if None), and move the time along."""
        while self.scheduled and (until is None or self.scheduled[0].at <= until):
            event = heappop(self.scheduled)
            self.now = event.at
            yield event
        if until is not None:
            self.now = until


@define
class Gate:
    """A rate limit: a number of requests per window in seconds, or closed until an instant."""

    requests: int | None = None
    per: float = 60.0
    closed_until: datetime | None = None
    turned_away: int = 0
    _window_ends: datetime | None = None
    _passed: int = 0

    def wait(self, now: datetime) -> float | None:
        """Admit one request and return None, or count it as turned away and return the seconds to wait."""
        if self.closed_until is not None and now < self.closed_until:
            self.turned_away += 1
            return (self.closed_until - now).total_seconds()
        if self.requests is not None:
            if self._window_ends is None or now >= self._window_ends:
                self._window_ends, self._passed = now + timedelta(seconds=self.per), 0
            if self._passed >= self.requests:
                self.turned_away += 1
                return (self._window_ends - now).total_seconds()
            self._passed += 1
        return None


class Sessions:
    """The tokens that a marketplace has issued, each valid for `lifetime` seconds."""

    def __init__(self, prefix: str, lifetime: float) -> None:
        self.lifetime = lifetime
        self._prefix = prefix
        self._expiry: dict[str, datetime] = {}
        self._issued = 0

    def issue(self, now: datetime) -> str:
        """Return a new token."""
        self._issued += 1
        token = f"{self._prefix}-{self._issued}"
        self._expiry[token] = now + timedelta(seconds=self.lifetime)
        return token

    def accept(self, token: str, now: datetime) -> bool:
        """Return whether `token` is valid."""
        return token in self._expiry and now < self._expiry[token]

    def expired(self, token: str, now: datetime) -> bool:
        """Return whether `token` has expired."""
        return token in self._expiry and now >= self._expiry[token]

    def revoke(self) -> None:
        """Invalidate every token."""
        self._expiry.clear()


class Rejected(Exception):  # noqa: N818 - never seen outside a simulator
    """A request that is rejected before it has any effect."""

    def __init__(self, reply: SandboxReply, order_id: str | None, why: str) -> None:
        super().__init__(why)
        self.reply: SandboxReply = reply
        self.order_id: str | None = order_id
        self.why: str = why


@define
class Order:
    """The fields of every simulated order; each marketplace adds its own."""

    order_id: str
    cancels: int = field(default=0, init=False)
    forwarded: int = field(default=0, init=False)


OrderT = TypeVar("OrderT", bound=Order)


#: The marketplace's own format, problem details, a text in one of the usual fields, a list of texts for each field,
#: or an empty body.
ErrorShape: TypeAlias = Literal["own", "problem", "message", "detail", "errors", "fields", "empty"]


def _is_retry_after(what: str, value: object) -> None:
    if value != "remaining":
        checks.or_none(checks.whole)(what, value)


def knob(check: checks.Check, default: Any = NOTHING, **options: Any) -> Any:
    """Return the field of an attribute that a test may set, to a value that passes `check`."""
    return field(default=default, metadata={"check": check}, **options)


@define(slots=False, eq=False, repr=False)
class Simulator(ABC, Generic[OrderT]):
    """One simulated marketplace: its orders, its rate limit and its permissions.

    `may_cancel` and `may_read` are the permissions of the credentials that the sandbox knows.

    Attributes set what differs between installations: `error_shape` is the format of errors, `wrong_address` the
    reply to an unknown path, `retry_after` the Retry-After of a 429 (the remaining seconds, a fixed number, or none),
    and with `byte_order_mark` every JSON body starts with a byte order mark.
    """

    name: ClassVar[Marketplace]
    #: The permissions to cancel and to read, as an error names them.
    permissions: ClassVar[tuple[str, str]] = ("cancel orders", "read orders")

    timeline: Timeline = knob(checks.kind(Timeline))
    orders: dict[str, OrderT] = knob(checks.kind(dict), factory=dict)
    gate: Gate = knob(checks.kind(Gate), factory=Gate)
    may_cancel: bool = knob(checks.flag, True)
    may_read: bool = knob(checks.flag, True)
    error_shape: ErrorShape = knob(checks.words(*get_args(ErrorShape)), "own")
    wrong_address: SandboxReply = knob(checks.kind(SandboxReply), HTML_404)
    retry_after: int | Literal["remaining"] | None = knob(_is_retry_after, "remaining")
    byte_order_mark: bool = knob(checks.flag, False)

    @property
    def knobs(self) -> dict[str, checks.Check]:
        """The check for each attribute."""
        return {each.name: each.metadata["check"] for each in fields(type(self)) if each.metadata}

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_"):
            checks.attribute(self.name, self.knobs, name, value)
        super().__setattr__(name, value)

    # -- for tests: rate limits, and orders that change status ------------------------------------------

    def limit(self, *, requests: int | None, per: float = 60.0) -> None:
        """Answer 429 to all but the first `requests` in every `per` seconds; None lifts the limit.

            sandbox.world.vtex.limit(requests=10, per=60.0)

        Raises ValueError unless `requests` is a whole number and `per` is positive.
        """
        if requests is not None:
            checks.whole("the number of requests", requests)
        if checks.not_negative("the time of a limit", per) == 0:
            raise ValueError("the time of a limit is more than zero seconds")
        self.gate.requests, self.gate.per = requests, per

    def reject_until(self, seconds: float) -> None:
        """Answer 429 to everything for the next `seconds`.

            sandbox.world.kibo.reject_until(60)

        Raises ValueError for a negative number.
        """
        checks.not_negative("the time", seconds)
        self.gate.closed_until = self.now + timedelta(seconds=seconds)

    @property
    def turned_away(self) -> int:
        """How many requests arrived while the rate limit was closed."""
        return self.gate.turned_away

    def move(self, order_id: object, status: str, *, part: object = "", after: float = 0.0) -> None:
        """Give an order, or one part of it, another status in `after` seconds: picked, invoiced, shipped.

            sandbox.world.pattern.move("114-3941689-8772232", "picked", part=1001, after=2.0)

        Raises ValueError for an order, a part or a status that is not known.
        """
        order = checks.order(self.name, order_id, self.orders)
        checks.after("the time of a move", after)
        checks.one_of(f"the part of order {order.order_id} of {self.name}", str(part), self._movable(order))
        self._check_status(status)
        self.later(order, after, "move", str(part), status)

    def _movable(self, order: OrderT) -> Collection[str]:
        """Return the parts of an order that have a status of their own; the empty text for the order itself."""
        return ("",)

    @abstractmethod
    def _check_status(self, status: str) -> None:
        """Raise ValueError unless an order, or a part of it, can have this status."""

    # -- one request --------------------------------------------------------------------------------------

    def handle(self, request: SandboxRequest, path: list[str]) -> SandboxReply:
        """Answer one request; `path` holds the decoded path segments below the marketplace."""
        try:
            if (wait := self.gate.wait(self.now)) is not None:
                raise self.rejection(429, "too many requests", headers=self._retry_after(wait))
            reply = self._answer(request, path)
        except Rejected as rejected:
            self.note(rejected.order_id, "turned away", f"{rejected.reply.status} {rejected.why}")
            reply = rejected.reply
        return self.stamp(with_byte_order_mark(reply) if self.byte_order_mark else reply)

    def _retry_after(self, wait: float) -> Headers:
        if self.retry_after is None:
            return ()
        seconds = math.ceil(wait) if self.retry_after == "remaining" else self.retry_after
        return (("retry-after", str(seconds)),)

    @abstractmethod
    def _answer(self, request: SandboxRequest, path: list[str]) -> SandboxReply:
        """Answer one request that the rate limit admitted."""

    def error(self, status: int, message: str, field: str = "") -> SandboxReply:
        """Return an error in the configured format; `field` is the invalid field of the request, if there is one."""
        match self.error_shape:
            case "own":
                return self._own_error(status, message)
            case "problem":
                return problem_reply(status, message)
            case "errors":
                return json_reply(status, {"errors": [message]})
            case "fields":
                return json_reply(status, {field: [message]} if field else {"detail": message})
            case "empty":
                return SandboxReply(status)
            case name:
                return json_reply(status, {name: message})

    @abstractmethod
    def _own_error(self, status: int, message: str) -> SandboxReply:
        """Return an error in the format of this marketplace."""

    def stamp(self, reply: SandboxReply) -> SandboxReply:
        """Add what every reply of this marketplace contains."""
        return reply

    def rejection(
        self, status: int, why: str, order_id: str | None = None, headers: Headers = (), field: str = ""
    ) -> Rejected:
        """Return the exception that rejects a request without any effect."""
        return Rejected(self.error(status, why, field).with_headers(*headers), order_id, why)

    def no_such_path(self) -> Rejected:
        """Return the exception for an unknown path, which a gateway answers, not the marketplace."""
        return Rejected(self.wrong_address, None, "no such path")

    def expect(self, method: str, request: SandboxRequest) -> None:
        """Reject any other method."""
        if request.method != method:
            raise self.rejection(405, f"method {request.method} not allowed", headers=(("allow", method),))

    def admit(self, method: str, request: SandboxRequest) -> None:
        """Reject any other method, and a credential that is not known."""
        self.expect(method, request)
        self._authenticate(request)

    @abstractmethod
    def _authenticate(self, request: SandboxRequest) -> None:
        """Reject a credential that is not known."""

    def permit_cancel(self, order_id: str) -> None:
        """Note a cancel of an order, and reject it if the credential may not cancel."""
        self.note(order_id, "cancel received")
        if not self.may_cancel:
            raise self.rejection(403, f"permission {self.permissions[0]} is missing", order_id)

    def permit_read(self, order_id: str) -> None:
        """Note a read of an order, and reject it if the credential may not read."""
        self.note(order_id, "read")
        if not self.may_read:
            raise self.rejection(403, f"permission {self.permissions[1]} is missing", order_id)

    def found(self, order_id: str) -> OrderT:
        """Return an order; reject an id that is not known."""
        if (order := self.orders.get(order_id)) is None:
            raise self.rejection(404, "Order not found", order_id)
        return order

    def json_body(self, request: SandboxRequest, order_id: str | None = None) -> dict[str, object]:
        """Return the JSON object in the body; reject any other body."""
        if media_type(request) != "application/json":
            raise self.rejection(415, "the body is not application/json", order_id)
        if (body := json_object(request.body)) is None:
            raise self.rejection(400, "the body is not a JSON object", order_id)
        return body

    # -- orders and time ----------------------------------------------------------------------------------

    @abstractmethod
    def land(self, order: OrderT, event: Event) -> None:
        """Apply an event to an order."""

    @abstractmethod
    def parts(self, order: OrderT) -> tuple[Part, ...]:
        """Return the current parts of an order."""

    @property
    def now(self) -> datetime:
        """The world's time."""
        return self.timeline.now

    def note(self, order_id: str | None, what: What, detail: str = "") -> None:
        """Write a line into the ledger."""
        self.timeline.ledger.append(Entry(self.timeline.now, self.name, order_id, what, detail))

    def later(self, order: OrderT, after: float | None, what: str, part: str = "", detail: str = "") -> None:
        """Schedule an event in `after` seconds: immediately for zero, never for None."""
        if after is None:
            return
        event = self.timeline.event(after, self.name, order.order_id, what, part, detail)
        if after <= 0:
            self.land(order, event)
        else:
            heappush(self.timeline.scheduled, event)

    def truth(self, order_id: str) -> Truth:
        """Return the current and the final state of an order.

            sandbox.world.vtex.truth("1172452900788-01")

        Raises an error that is a ValueError and a KeyError if there is no such order.
        """
        order = checks.order(self.name, order_id, self.orders)
        coming = [e for e in self.timeline.scheduled if (e.marketplace, e.order_id) == (self.name, order_id)]
        parts = self.parts(order)
        eventual = self._foresee(order, coming) if coming else parts
        return Truth(self.name, order_id, order.cancels, order.forwarded, parts, eventual, not coming)

    def _foresee(self, order: OrderT, coming: list[Event]) -> tuple[Part, ...]:
        timeline = Timeline(self.now)
        timeline.scheduled = sorted(coming)
        twin, copy = type(self)(timeline), deepcopy(order)
        for event in timeline.run():
            twin.land(copy, event)
        return twin.parts(copy)
