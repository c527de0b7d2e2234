"""Whether what was told is true, by the world's ledger and the server's notes alone; no word of the SDK counts."""

from attrs import field, frozen

from .spec import CaseSpec, Report, Seen, Truth

#: How far past its deadline a call may come back, in seconds.
OVERRUN = 0.25


@frozen
class Told:
    """What one call said, as plain data."""

    order_id: str
    #: "Cancelled", "Requested", "PartiallyCancelled", "Refused", "Unknown", or "raised".
    outcome: str
    #: The class of what was raised, and whether it is one of ours.
    error: str = ""
    ours: bool = True
    #: The order ids that the outcome, its answer and its evidence name.
    names: tuple[str, ...] = ()
    settled: bool = False
    #: Seconds it took, and was given.
    took: float = 0.0
    patience: float = 0.0
    text: str = ""
    #: Whether it is the caller's own exception, which is to pass through.
    planned: bool = False
    #: How many cancels were sent, by the evidence on what was raised; None without evidence.
    evidence: int | None = None
    #: Where a credential was found.
    leaks: tuple[str, ...] = field(default=())

    @property
    def overrun(self) -> float:
        """Seconds past the deadline."""
        return self.took - self.patience


def contradictions(told: Told, truth: Truth) -> list[str]:
    """Return what is not true in what was told about one order."""
    wrong: list[str] = []

    def must(holds: bool, what: str) -> None:
        if not holds:
            wrong.append(f"{told.outcome} {told.error}: {what} ({truth})".replace(" :", ":"))

    match told.outcome:
        case "raised" if told.planned:
            must(truth.forwarded == 0 or bool(told.evidence), "a cancel was accepted, without evidence")
        case "raised":
            must(truth.forwarded == 0, "a cancel was accepted")
        case "Cancelled":
            must(truth.cancelled == "all", "it is not cancelled")
        case "Refused":
            must(truth.eventually == "none", "something is cancelled or will be")
        case "Requested":
            must(truth.forwarded > 0 or truth.cancelled == "all", "nothing was accepted")
        case "PartiallyCancelled":
            partly = truth.eventually == "some" or truth.cancelled == "some"
            must(partly or (not told.settled and truth.forwarded > 0), "it is not so in part")
        case "Unknown":
            pass
        case other:
            must(False, f"no such outcome: {other}")
    if not told.ours and not told.planned:
        wrong.append(f"raised something foreign: {told.error}: {told.text}")
    wrong += [
        f"it names another order: {name}"
        for name in told.names
        if name.casefold() != told.order_id.casefold()
    ]
    wrong += [f"a credential shows in {where}" for where in told.leaks]
    return wrong


def second_sends(seen: tuple[Seen, ...], order_id: str) -> int:
    """Count the cancels that were sent after one whose fate was open."""
    open_fate, again = False, 0
    for one in seen:
        if one.where == "cancel" and one.order_id == order_id:
            again += open_fate
            open_fate = open_fate or one.told != "no"
    return again


def evidence_gaps(told: Told, report: Report) -> list[str]:
    """Return what the evidence on the caller's own exception misses, or makes up."""
    if not told.planned:
        return []
    cancels = sum(
        # After a "no", a 429 for instance, the order is untouched, and there is nothing to attach.
        one.where == "cancel" and one.order_id == told.order_id and one.told != "no"
        for one in report.seen
    )
    if cancels > (told.evidence or 0):
        return [f"{cancels} cancels with an open end, and the evidence on {told.error} has {told.evidence}"]
    return [f"false evidence on {told.error}: nothing arrived"] if told.evidence and not report.seen else []


def verdict(
    spec: CaseSpec, told: tuple[Told, ...], report: Report, *, unsent: bool = False, forked: bool = False
) -> list[str]:
    """Return everything that is wrong with a case. The calls are about the orders of `spec`, one each.

    If `unsent`, nothing could be sent. If `forked`, each call was made by a process, or an event loop, of its own.
    """
    wrong: list[str] = []
    for call in told:
        wrong += evidence_gaps(call, report)
    # Who was hardly let run before the deadline cannot always tell that nothing was sent: `lateness` names that call.
    early = [call for call in told if call.outcome != "Unknown" or call.took < call.patience / 2]
    if unsent and (report.seen or any(call.error != "NotSentError" for call in early)):
        wrong.append(
            f"not NotSentError alone, or something arrived: {[call.error or call.outcome for call in told]}"
        )
    if forked and len(told) > 1:
        first, second = (
            {one.connection for one in report.seen if one.order_id == call.order_id} for call in told[:2]
        )
        if first & second:
            wrong.append("a connection was used by another process, or on another event loop")
    other = report.truths[spec.other.order_id]
    if other.cancels or other.forwarded:
        wrong.append("an order was touched that nobody asked for")
    if report.trapped:
        wrong.append("a request was led to another host")
    for call in told:
        wrong += contradictions(call, report.truths[call.order_id])
        if spec.marketplace == "crux" and (again := second_sends(report.seen, call.order_id)):
            wrong.append(f"{again} more cancels were sent after one whose fate was open")
        if _could_know(call, report) and call.took < 0.9 * call.patience:
            wrong.append(f"Unknown, although the order was final and could be read: {call.text}")
    return wrong


def lateness(
    spec: CaseSpec,
    told: tuple[Told, ...],
    report: Report,
    bounded: bool,
    *,
    calm: bool = True,
    unsent: bool = False,
) -> list[str]:
    """Return what is wrong, or is merely owed to a machine with too much to do: such a case is played again, alone.

    `calm`: the second call is answered truly, and so has to know what became of its order. `unsent`: nothing could be
    sent.
    """
    overruns = [call.overrun * 1000 for call in told if bounded and call.overrun > OVERRUN]
    late = [f"back {overrun:.0f} ms past the deadline" for overrun in overruns]
    late += [
        f"no time for a read that was answered: {call.text}" for call in told if _could_know(call, report)
    ]
    late += [f"nothing could be sent: {call.text}" for call in told if unsent and call.outcome == "Unknown"]
    told = tuple(one for one in told if not one.planned)
    if not calm or not told:
        return late
    if not spec.script.get("connect") and not any(one.fault for one in report.seen):
        late += [f"without a fault: {one.outcome} {one.error} {one.text}" for one in told if _is_bad(one)]
    elif told[-1].order_id != spec.orders[0].order_id:
        late += _after_the_faults(spec, told[-1], report)
    return late


def _could_know(call: Told, report: Report) -> bool:
    """Whether a call ended in Unknown although its last read was answered truly, about an order in a final state."""
    reads = [one for one in report.seen if one.where == "read" and one.order_id == call.order_id]
    return call.outcome == "Unknown" and bool(reads) and reads[-1].fault is None and reads[-1].final


def _is_bad(call: Told) -> bool:
    return call.outcome in ("Unknown", "raised")


def _after_the_faults(spec: CaseSpec, call: Told, report: Report) -> list[str]:
    """The second call of a case meets no fault of its own: it must get an answer, over a pool that is in order."""
    closed = any(one.fault in ("429", "408, 5xx") for one in report.seen)
    deaf = any(planned.name == "refused" for planned in spec.script.get("connect", ()))
    excused = (closed and call.error == "RateLimitedError") or (deaf and call.error == "NotSentError")
    if _is_bad(call) and not excused:
        return [f"the next call, which met no fault: {call.outcome} {call.error}: {call.text}"]
    return []
