"""Tell the story of one simulated case, step by step: `python -m tests.faults.replay SEED`."""

import argparse
import sys
from collections.abc import Iterator
from typing import get_args

from countermand import evidence_of
from countermand.engine.wire import Fault, Reply
from countermand.sandbox.world import EPOCH

from .cases import Door, Phase, Run, play
from .judge import differences, judged
from .network import Passage


def story(run: Run) -> Iterator[str]:
    """Yield the lines of a run's story, in the order in which things happened."""
    case, clock = run.case, run.network.clock
    began = run.phases[0].began
    yield f"seed {case.seed} through the {run.door} door: {case.scene.marketplace} order {case.scene.order_id}"
    yield f"mood: {case.mood.name}; timeout {case.timeout} s; {case.attempts} attempts" + (
        f"; interrupted after {case.interrupted_after:.3f} s" if case.interrupted_after is not None else ""
    )
    if run.before is not None:
        yield "the order: " + ", ".join(f"{part.id} {part.status}" for part in run.before.parts)
    yield f"permitted: {case.scene.permitted}; readable: {case.scene.readable}"
    events: list[tuple[float, int, str]] = []
    for passage in run.network.passages:
        events += [(at - began, number, line) for at, number, line in _passage(passage)]
    for entry in run.world.ledger[run.already :]:
        at = (entry.at - EPOCH).total_seconds()
        subject = f"{entry.order_id}: " if entry.order_id else ""
        events.append((at, 5, f"    ledger    {subject}{entry.what} {entry.detail}".rstrip()))
    for phase in run.phases:
        events.append((phase.began - began, 2, f"==  {phase.what}, within {phase.timeout} s"))
        events.append((phase.ended - began, 1, f"==  {_end(phase)}"))
    for at, _, line in sorted(events, key=lambda event: (round(event[0], 6), event[1])):
        yield f"{at:12.3f}  {line}"
    after = run.after
    if after is not None:
        yield "in the end: " + ", ".join(f"{part.id} {part.status}" for part in after.eventual_parts)
        yield f"cancels accepted: {after.forwarded - (run.before.forwarded if run.before else 0)}"
    for phase in run.phases:
        told = getattr(phase.outcome or evidence_of(phase.error) or phase.error, "attempts", ())
        yield f"evidence of the {phase.what}: " + ("; ".join(str(attempt) for attempt in told) or "none")
    yield f"the clock says {clock.now - began:.3f} s"


def _passage(passage: Passage) -> Iterator[tuple[float, int, str]]:
    name, call = f"#{passage.number} {passage.what}", passage.call
    yield passage.sent_at, 3, f"->  {name}: {call.method} {call.target} ({passage.trouble.name})"
    for at, status in passage.landed:
        yield at, 4, f"    {name} has landed, and is answered {status}"
    if passage.ended_at is None:
        return
    match passage.end:
        case Fault(sent, detail):
            yield passage.ended_at, 0, f"<-  {name}: no answer, sent={sent}: {detail}"
        case Reply(status, headers, body, flaw):
            pause = headers.get("retry-after")
            told = [
                flaw,
                f"Retry-After: {pause!r:.40}" if pause is not None else "",
                body[:300].decode(errors="replace"),
            ]
            yield (
                passage.ended_at,
                0,
                f"<-  {name}: {status} {' '.join(text for text in told if text)}".rstrip(),
            )
        case _:
            pass


def _end(phase: Phase) -> str:
    if phase.error is not None:
        return f"raised {phase.error!r}"
    return f"{type(phase.outcome).__name__}: {phase.outcome}"


def main(arguments: list[str] | None = None) -> int:
    """Print the story of a seed through one door, and what is wrong with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--door", choices=get_args(Door), default="sync")
    options = parser.parse_args(arguments)
    run = play(options.seed, options.door)
    other = play(options.seed, "async" if options.door == "sync" else "sync")
    print("\n".join(story(run)))
    problems = judged(run) + differences(run, other)
    for problem in problems:
        print(f"WRONG ({problem.measure}): {problem.text}")
    if not problems:
        print("Nothing is wrong with it, and both doors agree.")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
