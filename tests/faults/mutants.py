"""Plant wrong versions of the SDK, and see that the suite catches each: `python -m tests.faults.mutants`.

A mutant is one small change of the source, made in a copy of it. The checks that a mutant names are run against the
copy until one fails; a mutant that passes them all has not been caught, and the exit status is 1. The same checks
are run first against a copy without any change, where they have to pass.
"""

import argparse
import os
import random
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from .planted import CHECKS, MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
_PATIENCE = 300.0


class NotPlantedError(Exception):
    """A mutant's old text is not in the source, or is there more than once: bring the mutant up to date."""


class NotRunError(Exception):
    """A check did not come to a verdict: it was not found, or it is broken itself."""


@contextmanager
def planted(mutant: Mutant | None) -> Generator[Path, None, None]:
    """Give a copy of `src` with the mutant in it (or as it is), for as long as the block lasts."""
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "src")
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
        if mutant is not None:
            plant(mutant, source / "countermand" / mutant.module)
        yield source


def plant(mutant: Mutant, module: Path) -> None:
    """Make a mutant's change in a module."""
    changed = module.read_text(encoding="utf-8").replace(mutant.old, mutant.new)
    compile(changed, mutant.module, "exec")
    module.write_text(changed, encoding="utf-8")


def out_of_date(mutants: Iterable[Mutant]) -> Iterator[str]:
    """Name the mutants whose old text is not in the source, or is there more than once."""
    for mutant in mutants:
        text = (ROOT / "src" / "countermand" / mutant.module).read_text(encoding="utf-8")
        if (found := text.count(mutant.old)) != 1:
            yield f"{mutant.name}: {mutant.module} has its old text {found} times: {mutant.old!r}"


def caught_by(check: str, source: Path) -> str | None:
    """Run a check against a copy of the source; return what it found to be wrong, or None."""
    paths = os.pathsep.join((str(source), str(ROOT)))
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", *CHECKS[check]]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return "it does not come to an end"
    if done.returncode == 0:
        return None
    if done.returncode != 1:
        raise NotRunError(f"{check} cannot be run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return _first_failure(done.stdout) or _first_failure(done.stderr) or "it fails"


def _first_failure(said: str) -> str | None:
    found = re.search(
        r"^(?:FAILED|ERROR) \S+?::(.*?)(?: - .*)?$|^seed \d+: (.*)$|^(\w*Error\b.*)$", said, re.MULTILINE
    )
    return next(group for group in found.groups() if group) if found else None


def hunted(mutant: Mutant) -> str | None:
    """Plant a mutant and run its checks; return which of them caught it, and how, or None."""
    with planted(mutant) as source:
        for check in mutant.checks:
            if (found := caught_by(check, source)) is not None:
                return f"{check}: {found:.100}"
    return None


def _baseline(checks: list[str]) -> list[str]:
    with planted(None) as source, ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda check: caught_by(check, source), checks)
        return [f"{check}: {wrong}" for check, wrong in zip(checks, found, strict=True) if wrong is not None]


def main(arguments: list[str] | None = None) -> int:
    """Hunt mutants; 1 if one got away, 2 if the hunt could not be held."""
    try:
        return hunt(arguments)
    except (NotPlantedError, NotRunError) as problem:
        print(problem, file=sys.stderr)
        return 2


def hunt(arguments: list[str] | None) -> int:
    """Hunt all mutants, or a random slice of them, and print which check caught each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slice", type=int, default=None, help="only so many of them, at random")
    parser.add_argument("--seed", type=int, default=None, help="which slice; a fresh one by default")
    parser.add_argument("--only", default="", help="only those with this text in their names")
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else secrets.randbelow(10**6)
    mutants = [mutant for mutant in MUTANTS if options.only in mutant.name]
    if options.slice is not None:
        mutants = random.Random(seed).sample(mutants, min(options.slice, len(mutants)))
        print(f"a slice with the seed {seed}")
    began = time.monotonic()
    if stale := list(out_of_date(mutants)):
        raise NotPlantedError("\n".join(stale))
    used = list(dict.fromkeys(chain.from_iterable(mutant.checks for mutant in mutants)))
    if wrong := _baseline(used):
        print("the checks fail without any mutant:", *wrong, sep="\n  ")
        return 1
    with ThreadPoolExecutor(2) as pool:
        catches = list(pool.map(hunted, mutants))
    print("| mutant | caught by |\n|---|---|")
    for mutant, catch in zip(mutants, catches, strict=True):
        print(f"| {mutant.name} | {catch or '**nothing**'} |")
    loose = sum(catch is None for catch in catches)
    print(f"\n{len(mutants) - loose} of {len(mutants)} caught in {time.monotonic() - began:.0f} s")
    return int(loose > 0)


if __name__ == "__main__":
    sys.exit(main())
