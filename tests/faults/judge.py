"""Whether the SDK's word holds against what really happened.

The judge knows the world's ledger and truth, what the network carried, and the outcome with its parts. It uses none
of the SDK's own code, so that the SDK cannot be right by agreeing with itself.
"""

from collections.abc import Iterator
from typing import Any

from countermand import (
    Cancelled,
    CountermandError,
    PartiallyCancelled,
    Refused,
    Requested,
    Unknown,
    evidence_of,
)
from countermand.engine.wire import Fault, Reply

from .cases import Phase, Run
from .known import (
    clean,
    closes_the_gate,
    forwarded,
    may_be_applied,
    parts,
    pending,
    shows_progress,
    shows_the_end,
    status,
)
from .promises import (
    DOORS,
    EVIDENCE,
    FOREIGN,
    GATE,
    IDLE,
    LATE,
    LATER,
    OTHER,
    OVERRULED,
    SECRET,
    SPURIOUS,
    TWICE,
    UNASKED,
    UNTRUE,
    Wrong,
)
from .scenes import VTEX_SHOWS_WITHIN

_ID_KEYS = {
    "pattern": ("market_order_id",),
    "vtex": ("orderId",),
    "crux": ("uuid", "order_uuid"),
    "kibo": ("orderID", "orderId"),
}


def judged(run: Run) -> list[Wrong]:
    """Return everything that is wrong with a run."""
    found = [problem for phase in run.phases for problem in _judged(run, phase)]
    return [*found, *_bystanders(run), *_overruled(run)]


def differences(one: Run, other: Run) -> list[Wrong]:
    """Return where the two doors, given the same seed, do not agree."""
    found: list[Wrong] = []
    if len(one.phases) != len(other.phases):
        found.append(Wrong(DOORS, "one door went on, the other did not"))
    for ours, theirs in zip(one.phases, other.phases, strict=False):
        if (
            ours.outcome != theirs.outcome
            or _evidence(ours) != _evidence(theirs)
            or ours.ended != theirs.ended
        ):
            found.append(Wrong(DOORS, f"{ours.what}: {_shown(ours)} and {_shown(theirs)}"))
    return found


def _evidence(phase: Phase) -> Any:
    error = phase.error
    if error is None:
        return phase.outcome.attempts
    if isinstance(error, CountermandError):
        return type(error), vars(error)
    evidence = evidence_of(error)
    return evidence, evidence and evidence.attempts


def _shown(phase: Phase) -> str:
    return repr(phase.error if phase.error is not None else phase.outcome)


# -- one call -------------------------------------------------------------------------------------------------------


def _judged(run: Run, phase: Phase) -> Iterator[Wrong]:
    about = f"{phase.what}: "
    checks = [_time(phase), _passages(run, phase), _secrets(run, phase)]
    if phase.error is not None:
        checks.append(_raised(run, phase))
    elif phase.what == "cancel":
        checks += [_said(run, phase), _subject(run, phase)]
    else:
        checks += [_said_later(run, phase), _subject(run, phase)]
    for check in checks:
        for problem in check:
            yield Wrong(problem.measure, about + problem.text)


def _raised(run: Run, phase: Phase) -> Iterator[Wrong]:
    error = phase.error
    assert error is not None
    if not isinstance(error, CountermandError):
        yield from _interrupted(run, phase, error)
        return
    if phase.what == "cancel":
        if forwarded(run.after) > forwarded(run.before):
            yield Wrong(UNTRUE, f"raised {type(error).__name__}, and the cancellation was accepted")
        if run.case.mood.name == "fair" and run.case.scene.permitted and run.case.scene.readable:
            yield Wrong(SPURIOUS, f"raised {type(error).__name__} with nothing in the way: {error}")
    yield from _attempts(phase, error.attempts)


def _interrupted(run: Run, phase: Phase, error: BaseException) -> Iterator[Wrong]:
    if run.case.interrupted_after is None or isinstance(error, Exception):
        yield Wrong(FOREIGN, f"raised what is none of ours: {error!r}")
        return
    evidence = evidence_of(error)
    in_doubt = any(p.what == "cancel" and may_be_applied(p) for p in phase.passages)
    if in_doubt and evidence is None:
        yield Wrong(EVIDENCE, "the interruption carries no evidence")
    if evidence is not None:
        yield from _attempts(phase, evidence.attempts)


def _said(run: Run, phase: Phase) -> Iterator[Wrong]:
    outcome, before, after = phase.outcome, run.before, run.after
    asked = forwarded(after) > forwarded(before)
    match outcome:
        case Cancelled():
            if after is None or after.eventually != "all":
                yield Wrong(UNTRUE, f"Cancelled, and it is not: {parts(after)}")
        case Requested():
            begun = before is not None and (before.cancelled != "none" or pending(run, before))
            if not (asked or begun):
                yield Wrong(UNTRUE, "Requested, and no cancellation was accepted")
        case PartiallyCancelled():
            yield from _partial(run, outcome)
        case Refused():
            yield from _refused(run)
        case Unknown():
            yield from _unknown(run, phase)
        case _:
            yield Wrong(FOREIGN, f"answered with a {type(outcome).__name__}")
    yield from _attempts(phase, outcome.attempts)


def _said_later(run: Run, phase: Phase) -> Iterator[Wrong]:
    outcome, prior = phase.outcome, phase.prior
    reads = [passage for passage in phase.passages if passage.what == "read" and clean(passage)]
    match outcome:
        case Cancelled():
            if run.after is None or run.after.eventually != "all":
                yield Wrong(LATER, f"Cancelled, and it is not: {parts(run.after)}")
        case Requested():
            in_progress = any(map(shows_progress, phase.passages))
            asked = forwarded(run.after) > forwarded(run.before)
            begun = run.before is not None and (run.before.cancelled != "none" or pending(run, run.before))
            if not (in_progress or isinstance(prior, Requested)):
                yield Wrong(UNASKED, "Requested, and nothing that was known or seen says so")
            if not (in_progress or asked or begun):
                yield Wrong(UNASKED, "Requested, and no cancellation was accepted")
        case PartiallyCancelled():
            yield from _later(_partial(run, outcome))
        case Refused():
            # By its id, or where a denial is the latest that the order lists, another request may still be made.
            if prior is not None:
                yield from _later(_refused(run))
        case Unknown():
            if any(map(shows_the_end, reads)) and not isinstance(prior, Cancelled | PartiallyCancelled):
                yield Wrong(IDLE, "Unknown, although a read showed the order's final state")
            if isinstance(prior, Cancelled):
                yield Wrong(LATER, f"Unknown after Cancelled: {outcome.reason}")
        case _:
            yield Wrong(FOREIGN, f"answered with a {type(outcome).__name__}")
    if prior is None:
        yield from _attempts(phase, outcome.attempts)
        return
    if outcome.attempts[: len(prior.attempts)] != prior.attempts:
        yield Wrong(EVIDENCE, "the later look has lost attempts of the outcome that it started from")
    yield from _attempts(phase, outcome.attempts[len(prior.attempts) :])
    if not any(status(passage) == 200 for passage in phase.passages) and outcome != prior:
        yield Wrong(LATER, f"nothing was read, and {type(prior).__name__} became {type(outcome).__name__}")
    if phase.what == "check" and sum(passage.what == "read" for passage in phase.passages) > 2:
        yield Wrong(LATE, "a check read more often than once, and once more with a new token")


def _later(problems: Iterator[Wrong]) -> Iterator[Wrong]:
    """Count for a later look what counts for a first call elsewhere."""
    return (Wrong(LATER, problem.text) for problem in problems)


def _refused(run: Run) -> Iterator[Wrong]:
    before, after = run.before, run.after
    if after is None:
        return
    was = {part.id for part in before.parts if part.cancelled} if before else set[str]()
    now = {part.id for part in after.eventual_parts if part.cancelled}
    if now - was:
        yield Wrong(UNTRUE, f"Refused, and something was cancelled: {parts(after)}")
    elif now and run.case.scene.marketplace != "crux":  # its 422 does not say why, and is its last word
        yield Wrong(UNTRUE, f"Refused, and it had been cancelled before: {parts(after)}")
    if pending(run, after):
        yield Wrong(UNTRUE, f"Refused, and a cancellation is in progress: {parts(after)}")


def _partial(run: Run, outcome: PartiallyCancelled[Any]) -> Iterator[Wrong]:
    after = run.after
    assert after is not None
    done = {part.id for part in after.eventual_parts if part.cancelled}
    begun = done | {entry.detail for entry in run.world.ledger if entry.what == "requested"}
    if not (outcome.cancelled and outcome.refused):
        yield Wrong(UNTRUE, "PartiallyCancelled with nothing on one side")
    if any(part.id is None for part in (*outcome.cancelled, *outcome.refused)):
        if len(outcome.cancelled) > len(done) or (outcome.settled and len(outcome.cancelled) != len(done)):
            yield Wrong(UNTRUE, f"PartiallyCancelled, and the counts are wrong: {parts(after)}")
        return
    if any(part.id not in begun for part in outcome.cancelled):
        yield Wrong(UNTRUE, f"PartiallyCancelled, and a part is not even being cancelled: {parts(after)}")
    if outcome.settled and any(part.id not in done for part in outcome.cancelled):
        yield Wrong(UNTRUE, f"PartiallyCancelled for good, and a part is not: {parts(after)}")
    closed = outcome.settled or run.case.scene.marketplace == "pattern"
    if closed and any(part.id in done for part in outcome.refused):
        yield Wrong(UNTRUE, f"PartiallyCancelled, and a refused part was cancelled: {parts(after)}")


def _unknown(run: Run, phase: Phase) -> Iterator[Wrong]:
    scene = run.case.scene
    confirmable = (
        scene.readable or scene.seller_order_id is None
    )  # a receipt with the seller's id wants a read
    if run.case.mood.name == "fair" and scene.permitted and confirmable:
        yield Wrong(IDLE, "Unknown in a run without faults")
    cancels = [passage for passage in phase.passages if passage.what == "cancel"]
    if not any(may_be_applied(passage) or passage.trouble.name.startswith("body:") for passage in cancels):
        yield Wrong(IDLE, "Unknown, although no request can have been applied")
        return
    if any(clean(passage) and shows_the_end(passage) for passage in phase.passages):
        yield Wrong(IDLE, "Unknown, although a read showed the order's final state")
    last = phase.passages[-1]
    hindered = any(map(closes_the_gate, phase.passages)) or last.what == "login"
    if last.what == "cancel" and not hindered and phase.deadline - phase.ended > 0.001:
        yield Wrong(IDLE, "Unknown, and nobody looked at the order although there was time")


# -- the course of a call -------------------------------------------------------------------------------------------


def _time(phase: Phase) -> Iterator[Wrong]:
    if phase.ended > phase.deadline + 1e-6:
        yield Wrong(LATE, f"it took {phase.ended - phase.deadline:.3f} s longer than it may")
    if any(passage.sent_at >= phase.deadline for passage in phase.passages):
        yield Wrong(LATE, "a request was sent after the deadline")


def _passages(run: Run, phase: Phase) -> Iterator[Wrong]:
    closed_until = ambiguous_at = float("-inf")
    ambiguous = False
    for passage in phase.passages:
        if passage.sent_at < closed_until - 1e-6:
            yield Wrong(
                GATE, f"a request was sent {closed_until - passage.sent_at:.1f} s before Retry-After was over"
            )
        if passage.what == "cancel":
            if ambiguous and passage.marketplace == "crux":
                yield Wrong(
                    TWICE, f"a second cancel was sent to Crux, after an unclear one at {ambiguous_at:.3f}"
                )
            if not ambiguous and may_be_applied(passage):
                ambiguous, ambiguous_at = True, passage.sent_at
        pause = passage.trouble.pause
        if pause is None and clean(passage) and status(passage) == 429 and isinstance(passage.end, Reply):
            pause = float(passage.end.headers["retry-after"])
        if pause is not None and passage.ended_at is not None and status(passage) == 429:
            closed_until = max(closed_until, passage.ended_at + pause)


def _attempts(phase: Phase, attempts: Any) -> Iterator[Wrong]:
    """The evidence lists exactly the requests that were made, in their order."""
    told = [(attempt.what, attempt.status) for attempt in attempts]
    made = [(passage.what, status(passage)) for passage in phase.passages]
    if told != made:
        yield Wrong(EVIDENCE, f"the evidence says {told}, the network says {made}")
    for attempt, passage in zip(attempts, phase.passages, strict=False):
        if isinstance(passage.end, Fault) and attempt.sent != passage.end.sent:
            yield Wrong(
                EVIDENCE,
                f"the evidence says sent={attempt.sent} of a request that {passage.trouble.name!r} struck",
            )


def _subject(run: Run, phase: Phase) -> Iterator[Wrong]:
    scene, outcome = run.case.scene, phase.outcome
    if (outcome.marketplace, outcome.order_id) != (scene.marketplace, str(scene.order_id)):
        yield Wrong(OTHER, f"the answer is about {outcome.marketplace} order {outcome.order_id}")
    if outcome.answer is None:
        return
    try:
        raw = outcome.answer.raw
    except Exception as error:  # noqa: BLE001 - whatever it is, a caller would meet it
        yield Wrong(FOREIGN, f"the answer's raw form cannot be looked at: {error!r:.200}")
        return
    named = {str(raw[key]) for key in _ID_KEYS[scene.marketplace] if key in raw}
    if named not in ({str(scene.order_id)}, {scene.seller_order_id}):
        yield Wrong(OTHER, f"the answer rests on a body about {named or 'no order'}")


def _secrets(run: Run, phase: Phase) -> Iterator[Wrong]:
    echoed = any(passage.trouble.name == "request echoed" for passage in phase.passages)
    if not echoed and run.case.seed % 16:
        return
    said = repr(phase.outcome) + repr(phase.error) + str(phase.error) + repr(vars(phase.error or _NOTHING))
    said += repr([*getattr(phase.outcome, "attempts", ()), *getattr(phase.error, "__notes__", ())])
    for secret in run.case.scene.secrets:
        if secret in said:
            yield Wrong(SECRET, f"the credential {secret!r} shows")


def _bystanders(run: Run) -> Iterator[Wrong]:
    scene = run.case.scene
    own = (scene.marketplace, str(scene.order_id))
    for entry in run.world.ledger[run.already :]:
        asked = entry.what in ("cancel received", "requested", "refused", "confirmed", "denied", "cancelled")
        if asked and (entry.marketplace, entry.order_id) != own:
            yield Wrong(OTHER, f"{entry.what} for {entry.marketplace} order {entry.order_id}")


def _overruled(run: Run) -> Iterator[Wrong]:
    """A second cancel of ours confirmed at VTEX what the seller was still deciding on.

    That is wrong where a request shows in time, and where neither a gateway nor a stale read has had its part in it.
    """
    confirmed = [entry for entry in run.world.ledger[run.already :] if entry.what == "overruled"]
    asked = [passage for passage in run.network.passages if passage.what == "cancel" and passage.landed]
    if not confirmed or len(asked) < 2:
        return
    first = asked[0]
    landed, ended = first.landed[0][0], first.ended_at
    in_time = ended is not None and landed + run.case.scene.shows_after <= ended + VTEX_SHOWS_WITHIN
    deceived = any(passage.trouble.copies > 1 or passage.trouble.stale for passage in run.network.passages)
    late = any(passage.landed[0][0] > (passage.ended_at or 0.0) for passage in asked[1:])
    if in_time and not deceived and not late:
        yield Wrong(OVERRULED, f"a second cancel confirmed the first: {confirmed[0].detail}")


_NOTHING = CountermandError("")
