"""The command line, `countermand`, from the extra `countermand[cli]`. See `docs/cli.md`.

Standard output is data, standard error is for people. The exit codes are in `codes`.
"""

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return the exit code.

    main(["accounts", "--json"])
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # it was closed, as by `2>&-`
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 - it stays open, as the stream would
    for stream in (sys.stdin, sys.stdout):
        # Data is UTF-8 in every locale. A terminal keeps its encoding, and shows other characters as `\u65e5`.
        if isinstance(stream, TextIOWrapper) and stream.isatty():
            stream.reconfigure(errors="backslashreplace")
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    try:
        from ..transport.extras import needs

        try:
            with needs("cli", "cyclopts", "rich"):
                from .app import run
        except ModuleNotFoundError as error:
            sys.stderr.write(f"countermand: {error}\n")
            return 2
        return run(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt:
        return 130
