"""The command line, `countermand`; it comes with the extra `countermand[cli]`. See `docs/cli.md`.

Standard output is data, standard error is for people. The exit codes are in `codes`.
"""

import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for, and return the exit code.

    main(["accounts", "--json"])
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # it is closed, as after `2>&-`
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 - it stays open, as the stream would
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
