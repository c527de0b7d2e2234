"""One call of a user: its order, its deadline, and its attempts.

An `Operation` is passed to everything that takes part in the call. It waits at the account's gate, gets a token, keeps
to the deadline, records the evidence and redacts credentials, so that the flows deal with orders only.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from logging import INFO
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import (
    AuthenticationError,
    CountermandError,
    NotSentError,
    OrderNotFoundError,
    RateLimitedError,
    RejectedError,
)
from ..outcomes import Attempt, Outcome, Unknown
from .auth import LoginFailedError
from .kinds import CallKind, WaitReason, What
from .logs import LOG, is_long
from .retry import retry_after, timestamp
from .rules import Finding, Rules, unknown
from .secret import SealedHeaders, redacted, redacted_text
from .settings import Settings, merged
from .wire import Call, Clock, Fault, Flow, Reply, Sleep
from .words import SHOWN_HEADERS, is_a_page, words_of

if TYPE_CHECKING:
    from .telemetry import Telemetry

A = TypeVar("A")
E = TypeVar("E", bound=CountermandError)
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

_BODY_SHOWN = 2000


class Operation(Generic[I, R]):
    """One call on one order: its subject, its deadline, its attempts."""

    def __init__(
        self,
        rules: Rules[I, R, Any, Any],
        order_id: I,
        settings: Settings,
        clock: Clock,
        prior: Outcome[Any] | None = None,
        *,
        in_lane: bool = False,
    ) -> None:
        self.rules = rules
        #: What the caller asked for.
        self.call: CallKind = "cancel"
        #: The order id, of the marketplace's own type.
        self.order_id: I = order_id
        #: The outcome of an earlier call, if this call checks it.
        self.prior: Outcome[Any] | None = prior
        #: Every request so far, including those of the prior outcome.
        self.attempts: list[Attempt] = list(prior.attempts) if prior else []
        #: Whether a cancellation may have been applied without a clear reply.
        self.ambiguous: bool = False
        #: The form of the cancellation, at a marketplace with several; None before the first.
        self.wording: str | None = None
        #: Whether a lane does this call's waiting: while the order is untouched, what asks to wait ends the call.
        self.in_lane: bool = in_lane
        self._auth = rules.auth
        self._throttle = rules.throttle
        self._policy = settings.retry
        self._headers = settings.headers
        self._clock = clock
        self._monotonic = clock.monotonic
        self._started = self._monotonic()
        #: The timeout of the call, in seconds.
        self.timeout: float = settings.timeout
        self._deadline = self._started + settings.timeout
        self._known = len(self.attempts)
        self._failures = 0
        self._renewed = False
        #: The instant at which the last cancellation request of this call ended; None before the first.
        self.asked_at: float | None = None
        #: Reports the events of this call; None if there is no listener.
        self.telemetry: Telemetry | None = None
        self._hooks = settings.hooks
        if self._hooks or LOG.isEnabledFor(INFO):
            self.listened()

    # Time and retries.

    def now(self) -> float:
        """Return the current instant of the monotonic clock, in seconds."""
        return self._monotonic()

    def time_left(self) -> float:
        """Return the seconds until the deadline."""
        return self._deadline - self._monotonic()

    def succeed(self) -> None:
        """Record a usable reply: the account's retry budget gets a token back."""
        if self._throttle.tokens < self._throttle.CAPACITY:
            self._throttle.succeed()

    def fail(self) -> None:
        """Record a request without a usable reply."""
        self._failures += 1

    def pause(self, before: What) -> float | None:
        """Return the seconds to wait before another request is made, or None to give up."""
        if self.shut_out(before) or self._is_handed_back(before):
            return None
        latest = self._deadline - self._needed(before)
        pause = self._policy.pause(self._failures, self._started, self._monotonic(), latest)
        return pause if pause is not None and self._throttle.spend() else None

    def _is_handed_back(self, before: What) -> bool:
        return self.in_lane and not self.ambiguous and before != "read"

    def was_asked(self, at: datetime) -> None:
        """Note that an earlier process asked for the cancellation at `at`, or was about to."""
        self.ambiguous = True
        self.asked_at = self._monotonic() - max(0.0, self._clock.wall() - at.timestamp())

    def pause_before_reading(self, wanted: float) -> float | None:
        """Return `wanted` seconds, or fewer to fit in a last read before the deadline; None if none fits."""
        pause = min(wanted, self.time_left() - min(1.0, self.timeout / 4))
        return pause if pause > 0.001 else None

    def hidden_for(self) -> float:
        """Return the seconds until a read is sure to show a cancellation of this call that arrived."""
        if self.asked_at is None:
            return 0.0
        return max(0.0, self.asked_at + self.rules.shows_after - self._monotonic())

    def got_through(self) -> bool:
        """Return whether any request of this call may have passed the account's rate limit."""
        return any(attempt.sent and attempt.status != 429 for attempt in self.attempts)

    def shut_out(self, before: What) -> bool:
        """Return whether the account's gate stays closed until the deadline."""
        closed_for = self._throttle.closed_for(self._monotonic())
        return 0 < closed_for >= self.time_left() - self._needed(before)

    def _needed(self, what: What) -> float:
        """Return the minimum time for a request: a cancellation with too little time would end in doubt."""
        return min(3.0, self.timeout / 10) if what == "cancel" else 0.0

    def listened(self) -> Telemetry:
        """Return the reporter of this call's events. Warnings are logged even without a listener."""
        if self.telemetry is None:
            from . import telemetry  # lazily imported: few calls have a listener

            of, is_logged = (self.rules.name, self.rules.label, self.order_id), LOG.isEnabledFor(INFO)
            so_far = self.call, self._started, len(self.attempts) - self._known
            self.telemetry = telemetry.Telemetry(self._hooks, *of, self._clock, *so_far, is_logged=is_logged)
        return self.telemetry

    # Sending.

    def send(self, what: What, call: Call) -> Flow[Reply | Fault]:
        """Send one request and return its result.

        Waits at the gate and fetches a token first if necessary. If the request could not be sent at all, raises
        `RateLimitedError`, `NotSentError` or `AuthenticationError`.
        """
        now = self._monotonic()
        if now < self._throttle.opens_at:
            yield from self._pass_the_gate(what)
            now = self._monotonic()
        headers = self._auth.headers
        if headers is None or now >= self._auth.expires_at:
            headers = yield from self._acquire()
            now = self._monotonic()
        reply = yield from self._exchange(what, call, headers, now)
        if isinstance(reply, Reply) and reply.status in self._auth.renews_on:
            if not self._renewed:
                self._renewed = True  # the token may have expired early: fetch a new one, once
                self._auth.renew(headers)
                headers = yield from self._acquire()
                reply = yield from self._exchange(what, call, headers, self._monotonic())
        else:
            self._renewed = False
        return reply

    def sleep(self, seconds: float, why: WaitReason = WaitReason.TOKEN) -> Flow[None]:
        """Pause. The default reason is that of `Auth`."""
        if self.telemetry is not None or is_long(why, seconds):
            self.listened().wait_started(why, seconds)
        yield Sleep(seconds)

    def send_login(self, call: Call) -> Flow[Reply]:
        """Send a login, and retry it if it got no usable reply. For `Auth` only."""
        while True:
            reply = yield from self._exchange("login", call, SealedHeaders(), self._monotonic())
            if isinstance(reply, Reply) and reply.status < 500 and reply.status not in (408, 425, 429):
                return reply
            self.fail()
            pause = self.pause("login")
            if pause is None:
                # The reply is left out: a login's body contains credentials.
                if isinstance(reply, Reply) and reply.status == 429:
                    raise self.rate_limited()
                cause = reply if isinstance(reply, Fault) else None
                raise self.error(NotSentError, f"no token: {_ended(reply)}", cause)
            yield from self.sleep(pause, WaitReason.RETRY)
            yield from self._pass_the_gate("login")

    def _pass_the_gate(self, what: What) -> Flow[None]:
        while (wait := self._throttle.closed_for(self._monotonic())) > 0:
            if self.shut_out(what) or self._is_handed_back(what):
                raise self.rate_limited()
            yield from self.sleep(wait, WaitReason.RATE_LIMIT)

    def _acquire(self) -> Flow[SealedHeaders]:
        try:
            return (yield from self._auth.acquire(self))
        except LoginFailedError as failure:
            detail, status, cause = failure.detail, failure.status, failure.cause
        kind = NotSentError if status in (None, 200) else AuthenticationError
        raise self.error(kind, detail, status=status) from cause

    def _exchange(self, what: What, call: Call, headers: SealedHeaders, now: float) -> Flow[Reply | Fault]:
        deadline = self._patience(what, now)
        if deadline <= now:
            return Fault(sent=False, detail="no time was left to send it")
        at = self._clock.wall()
        if self._headers is not None and what != "login":
            headers = merged(self._headers, headers)
        ready = Call(call.method, call.origin, call.target, call.body, headers, deadline)
        if self.telemetry is not None:
            self.telemetry.request_started(what, ready)
        noted = len(self.attempts)
        try:
            reply = yield ready
            assert reply is not None
            if what == "cancel":
                self.asked_at = self._monotonic()
            if isinstance(reply, Fault):
                reply = Fault(reply.sent, redacted_text(reply.detail, self._auth.secrets), reply.cause)
            else:
                if reply.body and what != "login":
                    body = redacted(reply.body, self._auth.secrets)
                    if body is not reply.body:
                        reply = Reply(reply.status, reply.headers, body, reply.flaw)
                if reply.status in (429, 503):
                    self._close_gate(reply)
            self._note(what, at, now, reply)
        except BaseException:  # a signal handler may raise at any of these lines
            self.ambiguous = self.ambiguous or (what == "cancel" and ready.sent)
            if len(self.attempts) == noted:
                self._note(what, at, now, Fault(ready.sent, "interrupted"))
            if self.telemetry is not None:
                self.telemetry.request_ended(what, ready, None, self.attempts[-1].took, None)
            raise
        if self.telemetry is not None:
            last = self.attempts[-1]
            self.telemetry.request_ended(what, ready, reply, last.took, last.request_id)
        return reply

    def _patience(self, what: What, now: float) -> float:
        """Return the deadline of one request. A cancellation leaves time for a read."""
        left = self._deadline - now
        if what == "cancel":
            return self._deadline - min(10.0, left / 3)
        return now + min(left / 2, 10.0) if left > 2.0 else self._deadline

    def _close_gate(self, reply: Reply) -> None:
        now = self._monotonic()
        told = retry_after(reply.headers, self._clock.wall())
        if told is not None:
            self._throttle.close(now, told, told=True)
        elif reply.status == 429 and not self._is_handed_back("cancel"):
            self._throttle.close(now, self._rate_limit_pause(now))

    def _rate_limit_pause(self, now: float) -> float:
        """Return the seconds to wait after a 429 without Retry-After."""
        for wanted in (self._policy.rate_limit_pause, self.rules.rate_limit_pause):
            if wanted is not None:
                return wanted
        wanted = self._policy.pause(self._failures + 1, self._started, now, float("inf"))
        return self._policy.longest_pause if wanted is None else wanted

    def _note(self, what: What, at: float, began: float, ended: Reply | Fault) -> None:
        reply = ended if isinstance(ended, Reply) else None
        headers = self._shown(reply, "date", *self.rules.request_id_headers) if reply else {}
        date = headers.pop("date", "")
        self.attempts.append(
            Attempt(
                what,
                datetime.fromtimestamp(at, UTC),
                self._monotonic() - began,
                reply.status if reply else None,
                _ended(ended),
                not isinstance(ended, Fault) or ended.sent,
                next(iter(headers.values()), None),
                self.rules.label,
                date if date.endswith(" GMT") else None,  # a gateway may send anything
            )
        )

    def asked(self) -> Attempt | None:
        """Return the last cancellation that may have arrived, including those of an earlier call."""
        return next((each for each in reversed(self.attempts) if each.what == "cancel" and each.sent), None)

    def sent_at(self) -> datetime | None:
        """Return when the last cancellation was sent, by the marketplace's clock; None if no reply had a Date.

        A Date header shows the offset between the two clocks, to a second. The one closest to the cancellation counts,
        because a later check may run on a machine with another clock.
        """
        asked = self.asked()
        if asked is None:
            return None
        index = self.attempts.index(asked)
        for told in (*self.attempts[index:], *reversed(self.attempts[:index])):
            date = timestamp(told.date) if told.date else None
            if date is not None:
                return asked.at + timedelta(seconds=date - told.at.timestamp() - told.took)
        return None

    def _shown(self, reply: Reply, *names: str) -> dict[str, str]:
        """Return these headers of a reply, where it has them, cut short and with credentials redacted."""
        shown: dict[str, str] = {}
        for name in names:
            if value := reply.headers.get(name):
                shown[name] = redacted_text(value, self._auth.secrets)[:200]
        return shown

    def outcome(self, finding: Finding[A]) -> Outcome[A]:
        """Return a finding as the outcome of this call, with its evidence."""
        outcome: Outcome[A] = finding.kind(
            marketplace=self.rules.name,
            order_id=str(self.order_id),
            account=self.rules.label,
            answer=finding.answer,
            attempts=tuple(self.attempts),
            **finding.facts,
        )
        return outcome

    def evidence(self) -> Unknown[object] | None:
        """Return the evidence for an interruption of the call; None while the order is certainly untouched."""
        if not self.ambiguous and not any(map(self._may_be_applied, self.attempts[self._known :])):
            return None
        found: Finding[object] = unknown("interrupted after the request may have been sent")
        evidence = self.outcome(found)
        assert isinstance(evidence, Unknown)
        return evidence

    def _may_be_applied(self, attempt: Attempt) -> bool:
        clean = attempt.status == 429 or attempt.status in self.rules.rejections
        return attempt.what == "cancel" and attempt.sent and not clean

    def error(self, kind: type[E], message: str, reply: Reply | Fault | None = None, **more: Any) -> E:
        """Return an error of `kind` for this call, with the last reply or the reason why there was none."""
        about: dict[str, Any] = {}
        if isinstance(reply, Reply):
            about["status"] = reply.status
            about["request_id"] = self.attempts[-1].request_id
            about["headers"] = self._shown(reply, *self.rules.request_id_headers, *SHOWN_HEADERS)
            about["body"] = reply.body[: 4 * _BODY_SHOWN].decode(errors="replace")[:_BODY_SHOWN]
            words = words_of(reply)
            about["detail"], about["code"] = words
            if words.detail or words.code:
                said = ", code ".join(filter(None, words)) if words.detail else f"code {words.code}"
                message = f"{message}: {said}"
        error = kind(message, **about | more)
        error.place(self.rules.name, self.rules.label, str(self.order_id))
        if isinstance(reply, Fault):
            error.__cause__ = reply.cause
        return error

    def rejection(self, reply: Reply, asked: Call) -> CountermandError:
        """Return the typed error for a 4xx that means "not applied"."""
        kind = self.rules.rejections.get(reply.status, RejectedError)
        where = f"{asked.method} {asked.origin}{asked.target}"
        if kind is OrderNotFoundError and not self.rules.knows_no_order(reply, asked):
            problem = f"answered 404, and not about an order: the address may be wrong ({where})"
            return self.error(RejectedError, problem, reply)
        page = f", or a gateway answered with a page of its own ({where})" if is_a_page(reply) else ""
        return self.error(kind, f"answered {reply.status}: {kind.meaning}{page}", reply)

    def rate_limited(self, reply: Reply | None = None) -> RateLimitedError:
        """Return the error for a gate that stays closed beyond the deadline."""
        told = retry_after(reply.headers, self._clock.wall()) if reply is not None else None
        wait = max(self._throttle.closed_for(self._monotonic()), told or 0.0)
        says = "marketplace" if self._throttle.told else "policy"
        about = {"status": 429, "retry_after": wait, "retry_after_from": says}
        return self.error(RateLimitedError, f"too many requests; come back in {wait:.1f} s", reply, **about)


def _ended(reply: Reply | Fault) -> str:
    if isinstance(reply, Fault):
        return reply.detail
    return f"answered {reply.status}, {reply.flaw}" if reply.flaw else f"answered {reply.status}"
