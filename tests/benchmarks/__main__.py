"""`python -m tests.benchmarks`: measure, and write `docs/benchmarks.md`; `check`: measure briefly, and judge."""

import argparse
import os
import platform
import random
import sys
from importlib.metadata import version
from pathlib import Path

from . import report
from .harness import Results, measure
from .measures import TOLERANCE, failures, groups, measures

RESULTS = Path("build/bench/results.json")
FULL, QUICK = 300.0, 60.0
LIBRARIES = (
    "countermand",
    "httpx",
    "httpcore",
    "httpx2",
    "aiohttp",
    "httpx-aiohttp",
    "openapi-python-client",
    "githubkit",
    "openai",
    "stripe",
    "azure-core",
)


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("action", nargs="?", choices=("run", "check", "report"), default="run")
    parser.add_argument("--quick", action="store_true", help=f"about {QUICK:.0f} s; the page is not written")
    parser.add_argument("--seconds", type=float, help="how long to measure")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="of the shuffling")
    parser.add_argument("--results", type=Path, help="judge or report these instead of measuring")
    given = parser.parse_args()
    quick = given.quick or (given.action == "check" and given.seconds is None)

    if given.results or given.action == "report":
        results = Results.load(given.results or RESULTS)
    else:
        seconds = given.seconds or (QUICK if quick else FULL)
        results = measure(groups(quick=quick), seconds, given.seed)
        results.about = _about(seconds, given.seed)
        results.save(RESULTS)
    table = measures(results)
    print(report.plain_table(report.lines(table)))
    if given.action == "check":
        return _judge(len(failures(table)))
    if not quick:
        report.write(results)
        print(f"\n{report.PAGE} and {report.PLOT} are written.")
    return 0


def _judge(failed: int) -> int:
    if failed:
        print(f"\n{failed} beyond the bar by more than the tolerance of {TOLERANCE:.0%}.")
        return 1
    print(f"\nNothing is beyond its bar by more than the tolerance of {TOLERANCE:.0%}.")
    return 0


def _about(seconds: float, seed: int) -> dict[str, object]:
    return {
        "command": "make bench",
        "machine": f"{os.cpu_count()} cores ({_processor()}, {platform.system()})",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": ", ".join(f"{library} {version(library)}" for library in LIBRARIES),
        "seconds": round(seconds),
        "seed": seed,
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    sys.exit(main())
