"""The command line, `countermand`; it comes with the extra `countermand[cli]`. See `docs/cli.md`.

Standard output is data, standard error is for people. The exit codes are in `codes`.
"""

import sys
from collections.abc import Sequence

from ..transport.extras import needs


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for, and return the exit code.

    main(["accounts", "--json"])
    """
    try:
        with needs("cli", "cyclopts", "rich"):
            from .app import run
    except ModuleNotFoundError as error:
        sys.stderr.write(f"countermand: {error}\n")
        return 2
    return run(sys.argv[1:] if arguments is None else list(arguments))
