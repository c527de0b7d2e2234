"""Passes the events of one call to the client's hooks and to the log."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from ..errors import CountermandError
from ..outcomes import Cancelled, PartiallyCancelled, Refused, Requested, Unknown
from .events import (
    CallEnd,
    CallEnded,
    CallStarted,
    Event,
    Hook,
    RequestEnd,
    RequestEnded,
    RequestStarted,
    WaitStarted,
)
from .kinds import CallKind, WaitReason, What
from .logging_hook import log, log_failure
from .logs import is_long
from .wire import Call, Clock, Fault, Reply

_ENDS: dict[type, CallEnd] = {
    Cancelled: CallEnd.CANCELLED,
    Requested: CallEnd.REQUESTED,
    PartiallyCancelled: CallEnd.PARTIALLY_CANCELLED,
    Refused: CallEnd.REFUSED,
    Unknown: CallEnd.UNKNOWN,
}
_numbers = count(1)


class Telemetry:
    """The events of one call.

    It has no reference to a credential: if a hook raises, the logged traceback may include its variables.
    """

    def __init__(
        self,
        hooks: Iterable[Hook],
        marketplace: str,
        account: str,
        order_id: object,
        clock: Clock,
        call: CallKind,
        started: float,
        requests: int,
        *,
        is_logged: bool,
    ) -> None:
        """`started` and `requests` say what the call has done so far, where only a warning is reported of it."""
        self._hooks = tuple(hooks)
        self._is_logged = is_logged
        self._clock = clock
        self._about: dict[str, Any] = {
            "call_id": next(_numbers),
            "call": call,
            "marketplace": marketplace,
            "account": account,
            "order_id": str(order_id),
        }
        self._started = started
        self._requests = requests
        self._url = ""
        self._is_waiting_for_token = False
        self._ended = False

    def call_started(self, call: CallKind, timeout: float) -> None:
        """Report that the call starts."""
        self._about["call"] = call
        self._started = self._clock.monotonic()
        self._tell(CallStarted(timeout=timeout, **self._about))

    def request_started(self, what: What, call: Call) -> None:
        """Report that a request is about to be sent."""
        self._requests += 1
        self._is_waiting_for_token = False
        self._url = call.origin + call.target.partition("?")[0]
        event = RequestStarted(
            what=what, number=self._requests, method=call.method, url=self._url, **self._about
        )
        try:
            self._tell(event)
        except BaseException:
            call.sent = False
            self.request_ended(what, call, None, 0.0, None)
            raise

    def request_ended(
        self, what: What, call: Call, ended: Reply | Fault | None, seconds: float, request_id: str | None
    ) -> None:
        """Report the result of a request; None means an interruption."""
        status, sent, end = None, call.sent, RequestEnd.INTERRUPTED
        if isinstance(ended, Reply):
            status, sent = ended.status, True
            end = RequestEnd.UNREADABLE if ended.flaw else RequestEnd.ANSWERED
        elif ended is not None:
            sent = ended.sent
            end = RequestEnd.LOST if sent else RequestEnd.NOT_SENT
        event = RequestEnded(
            what=what,
            number=self._requests,
            method=call.method,
            url=self._url,
            status=status,
            seconds=seconds,
            ended=end,
            sent=sent,
            request_id=request_id,
            **self._about,
        )
        self._tell(event)

    def wait_started(self, why: WaitReason, seconds: float) -> None:
        """Report that the call pauses. Waiting for another call's token is one pause of unknown length."""
        if why is WaitReason.TOKEN:
            if not self._is_waiting_for_token:
                self._is_waiting_for_token = True
                self._tell(WaitStarted(why=why, seconds=None, until=None, **self._about))
            return
        until = datetime.fromtimestamp(self._clock.wall() + seconds, UTC)
        event = WaitStarted(why=why, seconds=seconds, until=until, **self._about)
        self._tell(event, is_loud=is_long(why, seconds))

    def call_ended(
        self,
        found: object = None,
        error: CountermandError | None = None,
        interruption: BaseException | None = None,
    ) -> None:
        """Report how the call ended; only once, even if a hook is interrupted."""
        if self._ended:
            return
        self._ended = True
        end = _ENDS.get(type(found), CallEnd.READ)
        if error is not None:
            end = CallEnd.ERROR
        elif interruption is not None:
            end = CallEnd.INTERRUPTED
        outcome: Any = found if type(found) in _ENDS else None
        event = CallEnded(
            ended=end,
            seconds=self._clock.monotonic() - self._started,
            requests=self._requests,
            outcome=outcome,
            error=error,
            interruption=interruption,
            **self._about,
        )
        self._tell(event, is_loud=end in (CallEnd.UNKNOWN, CallEnd.INTERRUPTED))

    def _tell(self, event: Event, *, is_loud: bool = False) -> None:
        interruption: BaseException | None = None
        for hook in self._hooks:
            try:
                hook(event)
            except Exception as error:  # noqa: BLE001 - an exception of a hook must not affect the call
                log_failure(hook, error)
            except BaseException as passing:  # noqa: BLE001 - the other hooks are told first
                interruption = interruption or passing
        if self._is_logged or is_loud:
            log(event)
        if interruption is not None:
            raise interruption
