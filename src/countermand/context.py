"""One call on one account: its deadline, its attempts, and how a single request of it is sent.

Everything that all requests of a call have in common is here, so that the rooms above speak of orders only: wait
at the account's gate, have a token, spend the one budget of time, keep the evidence, strike out credentials.
"""

from datetime import UTC, datetime
from typing import Generic, Literal, TypeAlias, TypeVar

from .engine.auth import Auth, LoginFailedError
from .case import Case
from .errors import AuthenticationError, NotSentError, RateLimitedError
from .outcomes import Attempt
from .outcomes import attach_evidence
from .engine.retry import Account, RetryPolicy, retry_after
from .engine.secret import SealedHeaders, redacted
from .engine.wire import Call, Clock, Fault, Flow, Reply, Sleep

A = TypeVar("A")
What: TypeAlias = Literal["cancel", "read", "login"]

#: Headers that name a request on the marketplace's side, the most telling first.
_REQUEST_ID_HEADERS = (
    "x-vol-correlation",
    "x-vtex-operation-id",
    "x-request-id",
    "x-correlation-id",
    "request-id",
)


class CallContext(Generic[A]):
    """The life of one call: what it may still spend, and what it has done so far."""

    def __init__(
        self,
        case: Case[A],
        auth: Auth,
        account: Account,
        policy: RetryPolicy,
        clock: Clock,
        timeout: float,
    ) -> None:
        #: The order, and what was tried.
        self.case: Case[A] = case
        #: Whether a cancellation may have reached the marketplace without a clear answer.
        self.ambiguous: bool = False
        self._auth = auth
        self._account = account
        self._policy = policy
        self._clock = clock
        self._started = clock.monotonic()
        self._timeout = timeout
        self._deadline = self._started + timeout
        self._failures = 0
        self._renewed = False

    # Time, and the permission to try again.

    def now(self) -> float:
        """Return the instant, in seconds of the monotonic clock."""
        return self._clock.monotonic()

    def time_left(self) -> float:
        """Return the seconds until the deadline."""
        return self._deadline - self._clock.monotonic()

    def succeed(self) -> None:
        """Note that a usable answer came: the account's retry budget gets a token back."""
        self._account.budget.succeed()

    def fail(self) -> None:
        """Count a request that got no usable answer."""
        self._failures += 1

    def pause(self, before: What) -> float | None:
        """Return the seconds to wait before another request is made, or None to give up."""
        if self.shut_out(before):
            return None
        now = self._clock.monotonic()
        latest = self._deadline - self._needed(before)
        pause = self._policy.pause(self._failures, self._started, now, latest)
        return pause if pause is not None and self._account.budget.spend() else None

    def pause_before_reading(self, wanted: float) -> float | None:
        """Return `wanted` seconds, or fewer so that a last read fits in before the deadline; None when none does."""
        pause = min(wanted, self.time_left() - min(1.0, self._timeout / 4))
        return pause if pause > 0.001 else None

    def got_through(self) -> bool:
        """Return whether any request of this call may have reached more than the marketplace's door."""
        return any(attempt.sent and attempt.status != 429 for attempt in self.case.attempts)

    def shut_out(self, before: What) -> bool:
        """Return whether the account's gate stays closed for the rest of this call's time."""
        return 0 < self._account.gate.closed_for(self.now()) >= self.time_left() - self._needed(before)

    def _needed(self, what: What) -> float:
        """Return the seconds below which a request is not begun: a hurried cancellation ends in doubt."""
        return min(3.0, self._timeout / 10) if what == "cancel" else 0.0

    # Sending.

    def send(self, what: What, call: Call) -> Flow[Reply | Fault]:
        """Send one request and return what came of it.

        Waits at the gate and fetches a token first where need be. Raises one of our errors if the request could
        not be sent at all: `RateLimitedError`, `NotSentError`, `AuthenticationError`.
        """
        now = self._clock.monotonic()
        if self._account.gate.closed_for(now):
            yield from self._pass_the_gate(what)
            now = self._clock.monotonic()
        headers = self._auth.usable(now)
        if headers is None:
            headers = yield from self._acquire()
            now = self._clock.monotonic()
        reply = yield from self._exchange(what, call, headers, now)
        if isinstance(reply, Reply) and reply.status == 401 and self._auth.renewable:
            if not self._renewed:
                self._renewed = True  # the token may have expired early: one more, once
                self._auth.renew(headers)
                headers = yield from self._acquire()
                reply = yield from self._exchange(what, call, headers, self._clock.monotonic())
        else:
            self._renewed = False
        return reply

    def sleep(self, seconds: float) -> Flow[None]:
        """Pause; if the pause is interrupted after an ambiguous request, leave the evidence on the interruption."""
        try:
            yield Sleep(seconds)
        except GeneratorExit:
            raise
        except BaseException as interruption:
            self._leave_evidence(interruption, self.ambiguous)
            raise

    def send_login(self, call: Call) -> Flow[Reply]:
        """Send a login; try again what got no usable answer. For `Auth` alone."""
        while True:
            reply = yield from self._exchange("login", call, SealedHeaders(), self._clock.monotonic())
            limited = isinstance(reply, Reply) and reply.status == 429
            if (
                isinstance(reply, Reply)
                and not limited
                and reply.status < 500
                and reply.status not in (408, 425)
            ):
                return reply
            self.fail()
            pause = self.pause("login")
            if pause is None:
                # The login's own body is not repeated: it is where credentials are.
                raise (
                    self.rate_limited()
                    if limited
                    else self.case.error(NotSentError, f"no token: {_ended(reply)}")
                )
            yield from self.sleep(pause)
            yield from self._pass_the_gate("login")

    def _pass_the_gate(self, what: What) -> Flow[None]:
        while (wait := self._account.gate.closed_for(self.now())) > 0:
            if self.shut_out(what):
                raise self.rate_limited()
            yield from self.sleep(wait)

    def _acquire(self) -> Flow[SealedHeaders]:
        try:
            return (yield from self._auth.acquire(self))
        except LoginFailedError as failure:
            detail, status = failure.detail, failure.status
        kind = NotSentError if status == 200 else AuthenticationError
        raise self.case.error(kind, detail, status=status)

    def _exchange(self, what: What, call: Call, headers: SealedHeaders, now: float) -> Flow[Reply | Fault]:
        deadline = self._patience(what, now)
        if deadline <= now:
            return Fault(sent=False, detail="no time was left to send it")
        at = self._clock.wall()
        try:
            reply = yield call.ready(headers, deadline)
        except GeneratorExit:
            raise
        except BaseException as interruption:
            self._note(what, at, now, Fault(sent=True, detail="interrupted"))
            self._leave_evidence(interruption, what == "cancel" or self.ambiguous)
            raise
        assert reply is not None
        if isinstance(reply, Reply) and reply.body and what != "login":
            reply = self._redacted(reply)
        self._note(what, at, now, reply)
        if isinstance(reply, Reply) and reply.status == 429:
            self._close_gate(reply)
        return reply

    def _leave_evidence(self, interruption: BaseException, touched: bool) -> None:
        reason = "interrupted after the request may have been sent"
        attach_evidence(interruption, self.case.unknown(reason) if touched else None)

    def _patience(self, what: What, now: float) -> float:
        """Return until when one request may take: a cancellation leaves time to be settled by reading."""
        left = self._deadline - now
        if what == "cancel":
            return self._deadline - min(10.0, left / 3)
        return now + min(left / 2, 10.0) if left > 2.0 else self._deadline

    def _close_gate(self, reply: Reply) -> None:
        now = self.now()
        wanted = retry_after(reply.headers, self._clock.wall())
        if wanted is None:
            wanted = self._policy.pause(self._failures + 1, self._started, now, float("inf"))
        self._account.gate.close(now, self._policy.longest_pause if wanted is None else wanted)

    def _redacted(self, reply: Reply) -> Reply:
        body = redacted(reply.body, self._auth.secrets)
        return reply if body is reply.body else Reply(reply.status, reply.headers, body, reply.flaw)

    def _note(self, what: What, at: float, began: float, ended: Reply | Fault) -> None:
        reply = ended if isinstance(ended, Reply) else None
        self.case.attempts.append(
            Attempt(
                what,
                datetime.fromtimestamp(at, UTC),
                self.now() - began,
                reply.status if reply else None,
                _ended(ended),
                not isinstance(ended, Fault) or ended.sent,
                self._request_id(reply) if reply else None,
            )
        )

    def _request_id(self, reply: Reply) -> str | None:
        for name in _REQUEST_ID_HEADERS:
            if value := reply.headers.get(name):
                said = redacted(value.encode(errors="replace"), self._auth.secrets)
                return said.decode(errors="replace")[:200]
        return None

    def rate_limited(self, reply: Reply | None = None) -> RateLimitedError:
        """Return the error for a gate that stays closed beyond this call's time."""
        wait = self._account.gate.closed_for(self.now())
        if reply is not None:
            wait = max(wait, retry_after(reply.headers, self._clock.wall()) or 0.0)
        message = f"too many requests; come back in {wait:.1f} s"
        return self.case.error(RateLimitedError, message, reply, status=429, retry_after=wait)


def _ended(reply: Reply | Fault) -> str:
    if isinstance(reply, Fault):
        return reply.detail
    return f"answered {reply.status}" + (f", {reply.flaw}" if reply.flaw else "")
