"""A run that is killed again and again, and resumed: `python -m tests.bulk.killing --orders 100000 --kills 20`.

With `--small FOLDER`, a folder on a small file system of its own, such as a tmpfs, the journal is in it, and the file
system is full at first.
"""

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import attrs

from .faulty import judged, rows

#: Bytes that a small file system has at first: for a write-ahead log, and for half of each row.
_ROOM, _ROOM_FOR_A_ROW = 6_000_000, 500


@attrs.frozen
class Killed:
    """What came of a run that was killed and resumed."""

    #: Everything that contradicts the ledger, or is missing, in the last run's results.
    wrong: list[str]
    #: Rows that two runs told differently.
    told_twice: list[str]
    kinds: Counter[str]
    kills: int
    #: Results that were told before the file system was full.
    until_full: int
    seconds: float


def killed(
    orders: int,
    kills: int,
    *,
    kind: str = "async",
    seed: int = 1,
    share: float = 0.02,
    concurrency: int = 8,
    between: tuple[float, float] = (0.3, 3.0),
    small: Path | None = None,
) -> Killed:
    """Run, kill at random moments, resume to the end; return what the ledger says of the results."""
    dice = random.Random(seed)
    module = [sys.executable, "-m", "tests.bulk.faulty"]
    began = time.monotonic()
    done = until_full = 0
    with tempfile.TemporaryDirectory() as folder:
        at = Path(small or folder)
        journal, out, filler = at / "run.db", Path(folder, "results.jsonl"), at / "filler"
        if small is not None:
            with filler.open("wb") as file:
                file.write(bytes(shutil.disk_usage(at).free - _ROOM - _ROOM_FOR_A_ROW * orders))
        with subprocess.Popen(
            [*module, "serve", str(orders), str(seed), str(share)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            origin = server.stdout.readline().strip()
            command = [*module, "run", kind, origin, str(orders), str(journal), str(out), str(concurrency)]
            told: dict[int, dict[str, Any]] = {}
            differing: list[str] = []
            while True:
                out.write_bytes(b"")
                with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
                    try:
                        kill_after = dice.uniform(*between) if done < kills and not filler.exists() else None
                        _, problem = run.communicate(timeout=kill_after)
                    except subprocess.TimeoutExpired:
                        run.send_signal(signal.SIGKILL)
                        _, problem = run.communicate()
                        done += 1
                    ended = run.returncode
                latest = _read(out)
                differing += [
                    f"row {row}: {_said(was)}, and then {_said(latest[row])}"
                    for row, was in told.items()
                    if row in latest and _said(was) != _said(latest[row])
                ]
                told |= latest
                if ended == 0:
                    break
                if "disk is full" in problem and filler.exists():
                    filler.unlink()
                    until_full = len(latest)
                elif ended != -signal.SIGKILL:
                    raise RuntimeError(f"a run ended with {ended}: {problem}")
            truth = [json.loads(line) for line in server.communicate("now\n")[0].splitlines()]
        assert len(truth) == orders
        wrong, kinds = judged(orders, latest, truth)
        left = sorted(path.name for path in at.iterdir() if path != out)
        if left != ["run.db"]:
            wrong.append(f"there is more than one file: {left}")
        if len(latest) != len(rows(orders)):
            wrong.append(f"{len(latest)} results for {len(rows(orders))} rows")
    return Killed(wrong, differing, kinds, done, until_full, time.monotonic() - began)


def _read(out: Path) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for line in out.read_text(encoding="utf-8").splitlines(keepends=True):
        if not line.endswith("\n"):
            continue  # the kill struck while it was written
        result = json.loads(line)
        if result["row"] in found:
            raise AssertionError(f"row {result['row']} was told twice in one run")
        found[result["row"]] = result
    return found


def _said(result: dict[str, Any]) -> Any:
    return result["outcome"], result["error"]


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--kind", choices=("async", "blocking"), default="async")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.02, help="of the requests that a fault strikes")
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument(
        "--between", type=float, nargs=2, default=(0.5, 8.0), help="seconds between two kills"
    )
    parser.add_argument(
        "--small", type=Path, help="a folder on a small file system of its own, for the journal"
    )
    given = vars(parser.parse_args())
    given["between"] = tuple(given["between"])
    found = killed(given.pop("orders"), given.pop("kills"), **given)
    print(f"{found.kills} kills, {found.seconds:.0f} s: {dict(found.kinds)}")
    if found.until_full:
        print(f"the file system was full after {found.until_full:,} results")
    for text in (*found.wrong[:20], *found.told_twice[:20]):
        print(text)
    print(f"{len(found.wrong)} wrong, {len(found.told_twice)} told differently by two runs")
    return 1 if found.wrong or found.told_twice else 0


if __name__ == "__main__":
    sys.exit(main())
