"""Output for people, to standard error, and data, to standard output."""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from .codes import Stop

#: Characters that would start another line or control a terminal; a marketplace's text may contain them.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def plain(text: object) -> str:
    """Return text on one line, without control characters."""
    return _CONTROL.sub(" ", str(text))


def people(*, wraps: bool = False) -> Console:
    """Return the console of standard error. Unless `wraps`, a line may be longer than it is wide.

    It respects NO_COLOR and TERM=dumb.
    """
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=not wraps, emoji=False)


def tell(*lines: object, style: str = "") -> None:
    """Write lines to standard error."""
    console = people()
    for line in lines:
        console.print(Text(plain(line), style=style))


def is_live() -> bool:
    """Return whether standard error is a terminal that a display can redraw."""
    return people().is_terminal and not people().is_dumb_terminal and not os.environ.get("CI")


def can_ask() -> bool:
    """Return whether a person can be asked: the question is visible, and can be answered."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def data(line: str) -> None:
    """Write one line to standard output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()  # so that a reader of a pipe gets each result at once


def data_json(value: Mapping[str, Any]) -> None:
    """Write one JSON object, on one line, to standard output."""
    data(json.dumps(value, allow_nan=False))


def spare(target: str | Path, *needed: str | Path | None) -> None:
    """Raise `Stop` if `target`, which is about to be written, is a file that the command needs."""
    for each in needed:
        if each is not None and (Path(target).resolve() == Path(each).resolve() or _is_same(target, each)):
            raise Stop(f"{target}: nothing was done: it would overwrite {each}")


def files_of(journal: Path | None) -> list[str | Path]:
    """Return a journal, and the files next to it while it is written."""
    return [] if journal is None else [journal, *(f"{journal}{end}" for end in ("-wal", "-shm", ".lock"))]


def _is_same(one: str | Path, other: str | Path) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:
        return False


def several(count: int, one: str, many: str | None = None) -> str:
    """Return "1 order", "1,200 orders"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
