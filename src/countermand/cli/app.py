"""The commands, their arguments and their help."""

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console

from ..errors import CountermandError
from ..transport.agent import __version__
from .codes import Exit, Stop
from .terminal import data, plain, tell

_Config = Annotated[
    Path | None,
    Parameter(help="A TOML file of accounts. Without it they come from COUNTERMAND_… variables."),
]
_Json = Annotated[
    bool, Parameter(name="--json", negative=(), show_default=False, help="Write JSON, one object a line.")
]
_Account = Annotated[str | None, Parameter(help="The account's label, where a marketplace has several.")]
_Wait = Annotated[
    bool, Parameter(negative=(), show_default=False, help="Wait until the cancellation has settled.")
]
_Timeout = Annotated[float | None, Parameter(help="How long to wait with --wait, in seconds (default: 600).")]
_Marketplace = Annotated[str, Parameter(help="pattern, vtex, crux, kibo, or that of an installed package.")]

_EPILOGUE = (
    "Exit codes: 0 all done and settled; 1 something was refused, is unknown or failed; 2 the command, the "
    "configuration or the input is not valid, and nothing was sent; 3 accepted and not settled yet; 130 interrupted."
)

app: App = App(
    name="countermand",
    help="Cancel orders at Pattern Hub, VTEX OMS, Crux Connect and Kibo OMS, and learn how each cancellation ended.",
    help_format="plaintext",
    help_epilogue=_EPILOGUE,
    version=__version__,
)
#: Stands for a lone hyphen while the arguments are parsed: it would be taken for an option.
_HYPHEN = "\0-"
#: The arguments as typed, for messages that show a command again.
_typed: list[str] = []


@app.command
def cancel(
    marketplace: _Marketplace,
    order_id: Annotated[str, Parameter(help="The order.")],
    /,
    *,
    reason: Annotated[str | None, Parameter(help="Why, where the marketplace takes a reason.")] = None,
    reason_detail: Annotated[
        str | None, Parameter(help='An explanation; at Kibo with the reason "other".')
    ] = None,
    requested_by_user: Annotated[
        bool | None, Parameter(help="Whether the shopper asked for it, where the marketplace takes that.")
    ] = None,
    account: _Account = None,
    wait: _Wait = False,
    timeout: _Timeout = None,
    json: _Json = False,
    config: _Config = None,
) -> int:
    """Cancel one order."""
    from .single import cancel as do

    by_user = None if requested_by_user is None else str(requested_by_user)
    columns = {"reason": reason, "reason_detail": reason_detail, "requested_by_user": by_user}
    return do(
        marketplace, order_id, columns, account, wait=wait, timeout=timeout, as_json=json, config=config
    )


@app.command
def check(
    file: Annotated[
        Path, Parameter(help="An outcome as JSON, or one outcome or result a line; - for standard input.")
    ],
    /,
    *,
    wait: _Wait = False,
    timeout: _Timeout = None,
    json: _Json = False,
    config: _Config = None,
) -> int:
    """Look again at the order of a stored outcome."""
    from .single import check as do

    return do(_name(file), wait=wait, timeout=timeout, as_json=json, config=config)


@app.command
def status(
    marketplace: _Marketplace,
    order_id: Annotated[str, Parameter(help="The order.")],
    /,
    *,
    account: _Account = None,
    json: _Json = False,
    config: _Config = None,
) -> int:
    """Read one order. Nothing is cancelled."""
    from .single import status as do

    return do(marketplace, order_id, account, as_json=json, config=config)


@app.command
def bulk(
    file: Annotated[
        Path,
        Parameter(help="CSV with a line of column names, or JSON Lines of requests; - for standard input."),
    ],
    /,
    *,
    journal: Annotated[
        Path | None, Parameter(help="The file that records the run; the same command again resumes it.")
    ] = None,
    out: Annotated[
        Path | None,
        Parameter(help="Write the results: CSV, or JSON Lines for a name in .jsonl; - for standard output."),
    ] = None,
    dry_run: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Check every row, and send nothing.")
    ] = False,
    yes: Annotated[
        bool,
        Parameter(name=("--yes", "-y"), negative=(), show_default=False, help="Do not ask before sending."),
    ] = False,
    strict: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Send nothing if there is a bad row.")
    ] = False,
    retry: Annotated[
        Literal["failed", "unknown"] | None,
        Parameter(help="Ask again about the journal's errors, or its unknown orders, which are read first."),
    ] = None,
    concurrency: Annotated[int, Parameter(help="Calls at once on each account.")] = 8,
    json: _Json = False,
    config: _Config = None,
) -> int:
    """Cancel the orders of a file, and report the result of each.

    Columns: marketplace, order_id, account, reason, reason_detail, requested_by_user. The first two are needed.
    """
    from .bulk import Options
    from .bulk import bulk as do

    return do(
        Options(
            path=_name(file),
            journal=journal,
            out=None if out is None else _name(out),
            dry_run=dry_run,
            yes=yes,
            strict=strict,
            retry=retry,
            concurrency=concurrency,
            as_json=json,
            config=config,
            command=tuple(_typed),
        )
    )


@app.command
def report(
    journal: Annotated[Path, Parameter(help="The journal of a run.")],
    /,
    *,
    html: Annotated[Path | None, Parameter(help="Write the report as one HTML file, too.")] = None,
    json: _Json = False,
) -> int:
    """Report what a run has done: counts, what needs a person and why, and a timeline."""
    from .report import report as do

    return do(journal, html, as_json=json)


@app.command
def sandbox(
    *,
    speed: Annotated[
        float, Parameter(help="How fast the sandbox's time passes; 60 is a minute a second.")
    ] = 1.0,
    json: _Json = False,
) -> int:
    """Serve the simulated marketplaces on this machine, and print the variables that point a client at them."""
    from .sandbox import serve as do

    return do(speed, as_json=json)


@app.command
def accounts(*, json: _Json = False, config: _Config = None) -> int:
    """List the configured accounts, without their credentials."""
    from .accounts import list_accounts as do

    return do(config, json)


@app.command
def completion(shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="Your shell.")], /) -> int:
    """Print a script that completes the commands and options in a shell."""
    data(app.generate_completion(shell=shell))
    return Exit.DONE


def _name(path: Path) -> str:
    """Return a file's name, where "-" stands for a standard stream."""
    name = str(path)
    return {_HYPHEN: "-", "-": "./-"}.get(name, name)


def run(arguments: Sequence[str]) -> int:
    """Run a command, and return the exit code."""
    _typed[:] = arguments
    if "COUNTERMAND_LOG" not in os.environ:
        # The commands themselves report what the log would warn about.
        logging.getLogger("countermand").addHandler(logging.NullHandler())
    try:
        code: int | None = app(
            [_HYPHEN if word == "-" else word for word in arguments],
            console=Console(highlight=False),
            error_console=Console(stderr=True, highlight=False),
            exit_on_error=False,
            print_error=True,
            result_action="return_value",
        )
        sys.stdout.flush()
    except CycloptsError:
        return Exit.USAGE
    except Stop as stop:
        for line in str(stop).splitlines():
            tell(f"countermand: {line}", style="red")
        return stop.code
    except CountermandError as error:
        tell(f"countermand: {plain(error)}", style="red")
        return Exit.USAGE
    except OSError as error:
        # Standard output is closed or cannot be written. The rest of its buffer would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return Exit.INTERRUPTED
        tell(f"countermand: {error.strerror or error}", style="red")
        return Exit.FAILED
    return code or Exit.DONE
