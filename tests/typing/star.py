"""A star import gives type checkers every public name, and no other. Checked by `make types`, never run."""

# ruff: noqa: F403, F405
# pyright: reportUnnecessaryTypeIgnoreComment=true, reportWildcardImportFromLibrary=false

from countermand import *

outcome: Cancelled[object]
connected: Countermand
misspelt: Canceled[object]  # type: ignore[name-defined]
