"""`python -m tests.faults.sockets`: the sweep, what it measured, and what was wrong. Ends with 1 if anything was."""

import argparse
import secrets
import sys
import time
from collections import Counter, defaultdict

from .doors import doors, prepare, swept
from .leaks import Ear
from .memory import BAR, HOSTILE, measured
from .playing import Played
from .sweep import LANES, alone, overheard, sweep

_OUTCOMES = ("Cancelled", "Requested", "PartiallyCancelled", "Refused", "Unknown", "raised")


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.sockets", description=__doc__)
    parser.add_argument("--cases", type=int, default=4000)
    parser.add_argument(
        "--seed", default=str(secrets.randbelow(10**6)), help="any text; the same one makes the same cases"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--lanes", type=int, default=LANES, help="cases that one worker plays side by side, twice over"
    )
    parser.add_argument("--replay", metavar="SEED:NUMBER", help="play one case alone and tell what happened")
    parser.add_argument(
        "--echo", action="store_true", help="with --replay: credentials are echoed, and logged"
    )
    parser.add_argument("--no-measures", action="store_true", help="leave out the logs and the memory")
    options = parser.parse_args()
    prepare()
    if options.replay:
        return _replay(options.replay, options.echo)
    began = time.monotonic()
    print(f"seed {options.seed}", flush=True)  # at once: a sweep that breaks tells its seed as well
    played = sweep(
        [f"{options.seed}:{number}" for number in range(options.cases)], options.workers, options.lanes
    )
    print(f"\nseed {options.seed}: {len(played)} cases, {sum(len(one.told) for one in played)} cancellations, "
          f"{sum(one.requests for one in played)} requests, {time.monotonic() - began:.0f} s; "
          f"doors: {'; '.join(swept())}\n")  # fmt: skip
    _table(played)
    wrong = _judgement(played)
    if not options.no_measures:
        wrong += _credentials(options.seed, max(options.cases // 10, 1))
        wrong += _memory()
    return 1 if wrong else 0


def _table(played: list[Played]) -> None:
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    latest: dict[str, float] = defaultdict(float)
    for one in played:
        for fault in one.faults or ("(none)",):
            rows[fault][one.told[0].outcome] += 1
            if not one.exempt:
                latest[fault] = max(latest[fault], one.overrun)
    print(f"{'fault':42}" + "".join(f"{outcome[:10]:>11}" for outcome in _OUTCOMES) + f"{'overrun ms':>12}")
    for fault in sorted(rows):
        counts = "".join(f"{rows[fault][outcome] or '·':>11}" for outcome in _OUTCOMES)
        print(f"{fault:42}{counts}{max(latest[fault], 0.0) * 1000:12.0f}")


def _judgement(played: list[Played]) -> int:
    wrong = [one for one in played if one.wrong]
    doubtful = [one for one in played if one.late and not one.wrong]
    again = {one.seed: alone(one.seed) for one in doubtful}
    wrong += [one for one in again.values() if one.wrong or one.late]
    for one in wrong:
        print(f"\nWRONG {one.case}")
        for told in one.told:
            print(f"   told: {told.outcome} {told.error} after {told.took:.3f} s: {told.text}")
        print("   " + "\n   ".join(one.wrong + one.late))
    beside = [one.overrun for one in played if not one.exempt]
    bound = [again.get(one.seed, one).overrun for one in played if not one.exempt]
    exempt = [one.overrun for one in played if one.exempt]
    print(f"\ncases that are wrong: {len(wrong)} of {len(played)}")
    print(f"no fault was met: {sum(not one.faults for one in played)} cases")
    print(f"late side by side with others: {len(doubtful)}; late alone as well: counted as wrong")
    print(f"deadline overrun: at most {max(bound, default=0.0) * 1000:.0f} ms, the late ones alone; "
          f"{max(beside, default=0.0) * 1000:.0f} ms side by side")  # fmt: skip
    if exempt:
        print(
            f"a caller's own blocking client, under heads that drip: at most {max(exempt) * 1000:.0f} ms, not bounded"
        )
    if wrong:
        print(f"\nreplay one with: python -m tests.faults.sockets --replay {wrong[0].seed}")
    return len(wrong)


def _credentials(seed: str, cases: int) -> int:
    played, heard, leaks = overheard([f"{seed}:echo:{number}" for number in range(cases)])
    shown = [one for one in played if any(told.leaks for told in one.told)]
    print(f"\ncredentials, {cases} cases with an echoing server: {len(shown)} shown by an outcome, an error, a pickle or "
          f"a traceback with locals; {len(leaks)} in {heard} log records at DEBUG")  # fmt: skip
    for leak in leaks[:3] + [one.case for one in shown[:3]]:
        print("   " + leak)
    return len(shown) + len(leaks)


def _memory() -> int:
    print("\nmemory above the baseline, in MB (resident, and allocated by Python):")
    over = 0
    for fault, pick in HOSTILE:
        cells: list[str] = []
        for door in doors():
            cost = measured(door, fault, pick)
            over += max(cost["resident"], cost["traced"]) > BAR
            cells.append(f"{door} {cost['resident'] / 2**20:.1f}, {cost['traced'] / 2**20:.1f}")
        print(f"   {fault}#{pick}: " + "; ".join(cells))
    print(f"   beyond {BAR // 2**20} MB: {over}")
    return over


def _replay(seed: str, echo: bool) -> int:
    with Ear() as ear:
        one = alone(seed, echo=echo)
    print(one.case)
    for told in one.told:
        print(
            f"   told: {told.outcome} {told.error} after {told.took:.3f} s of {told.patience:.3f} s: {told.text}"
        )
    print("   faults met:", ", ".join(one.faults) or "none")
    leaks = [leak for told in one.told for leak in told.leaks] + (ear.leaks if echo else [])
    wrong = [*one.wrong, *one.late, *(f"a credential is shown: {leak}" for leak in leaks)]
    for what in wrong:
        print(f"   WRONG: {what}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
