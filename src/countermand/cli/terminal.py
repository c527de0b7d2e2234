"""What is written for people, to standard error, and data, to standard output."""

import json
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

#: What would begin another line, or steer a terminal: a marketplace's words may hold it.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def plain(text: object) -> str:
    """Return text on one line that steers no terminal."""
    return _CONTROL.sub(" ", str(text))


def people() -> Console:
    """Return the console of standard error. NO_COLOR and TERM=dumb hold."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True, emoji=False)


def tell(*lines: object, style: str = "") -> None:
    """Write lines to standard error."""
    console = people()
    for line in lines:
        console.print(Text(plain(line), style=style))


def is_live() -> bool:
    """Whether standard error is a terminal that a display can redraw."""
    return people().is_terminal and not people().is_dumb_terminal and not os.environ.get("CI")


def can_ask() -> bool:
    """Whether a person can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def data(line: str) -> None:
    """Write one line to standard output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()  # whoever reads a pipe gets each result as it comes


def data_json(value: Mapping[str, Any]) -> None:
    """Write one JSON object, on one line, to standard output."""
    data(json.dumps(value, allow_nan=False))


def number(value: int) -> str:
    """Return a number with its thousands apart."""
    return f"{value:,}"


def several(count: int, one: str, many: str | None = None) -> str:
    """Return "1 order", "1,200 orders"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
