"""`countermand bulk`: a file of orders, a journal, and the messages and questions around them."""

import shlex
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from ..bulk.results import InFlight
from ..bulk.stored import StoredRun, reopen
from ..errors import CountermandError, InvalidRequestError
from .accounts import Opened, opened
from .codes import Exit, Stop, code_of, worst
from .display import line, showing
from .results import writing
from .rows import Lines, Rows
from .signals import stopped_by_signals
from .survey import Survey, dry_run, survey
from .terminal import can_ask, files_of, people, plain, several, spare, tell

if TYPE_CHECKING:
    from ..bulk.blocking import CancelMany

#: Which rows of the journal are sent again.
Retry: TypeAlias = Literal["failed", "unknown"]
#: Interrupted calls that are listed one by one.
_SHOWN = 20


@attrs.frozen(kw_only=True)
class Options:
    """The options of a run."""

    path: str
    journal: Path | None
    out: str | None = None
    dry_run: bool = False
    yes: bool = False
    strict: bool = False
    retry: Retry | None = None
    concurrency: int = 8
    as_json: bool = False
    config: Path | None = None
    #: The command as typed, for the message that says how to resume.
    command: Sequence[str] = ()


def bulk(options: Options) -> Exit:
    """Cancel the orders of a file."""
    if options.journal is None and not options.dry_run:
        raise Stop("--journal is needed: it makes the run resumable, and is the source of its report")
    if options.concurrency < 1:
        raise Stop("--concurrency must be 1 or more")
    if options.as_json and options.out == "-":
        raise Stop("--json and --out - both write to standard output: give one of them")
    if options.out is not None and options.out != "-":
        spare(options.out, options.path, *files_of(options.journal), options.config)
    accounts = opened(options.config)
    with closing(accounts.client), closing(Lines(options.path)) as lines:
        rows = Rows(lines, accounts)
        if options.dry_run or options.journal is None:
            return dry_run(rows, accounts, options.as_json)
        try:
            total = _confirmed(rows, accounts, options, options.journal)
            if options.retry is not None:
                with StoredRun(options.journal) as run:
                    run.compare(rows.requests())
                reopen(options.journal, options.retry)
        except InvalidRequestError as error:
            return _tell_changed(error, rows)
        except KeyboardInterrupt:
            tell(
                "Interrupted: nothing was sent. To begin again:", f"  {_again(options.command)}", style="bold"
            )
            return Exit.INTERRUPTED
        with writing(options.out, options.as_json, rows) as write:
            return _Course(accounts, rows, options, total).run(write)


def _confirmed(rows: Rows, accounts: Opened, options: Options, journal: Path) -> int:
    """Survey the input and ask for confirmation; return the number of rows. Raises `Stop`."""
    found = survey(rows, accounts)
    if not found.rows:
        raise Stop(f"{rows.name}: it contains no orders")
    if found.bad and options.strict:
        raise Stop("nothing was sent: --strict, and there are bad rows")
    found.tell()
    left = _left(found, journal, options.retry)
    if left:
        _confirm(left, options)
    return found.rows


def _left(found: Survey, journal: Path, retry: Retry | None) -> int:
    """Return how many rows remain to be sent, and print what the journal has already."""
    if not journal.exists():
        if retry is not None:
            raise Stop(f"{journal}: there is no such journal, and nothing to retry")
        return found.orders.total()
    with StoredRun(journal) as run:
        counts = run.counts_by_account()
    stored = sum(counts.values())
    answered = sum(count for (_, kind), count in counts.items() if kind != "unanswered")
    again = sum(count for (account, kind), count in counts.items() if account and _is_retried(kind, retry))
    if stored:
        done = f"{several(answered, 'is', 'are')} answered, and will not be sent again"
        tell(f"{journal} has {several(stored, 'row')} of this run; {done}")
    if retry is not None:
        tell(f"{several(again, f'{retry} row')} will be {'sent' if retry == 'failed' else 'read'} again")
    return max(0, found.rows - answered + again)


def _tell_changed(error: InvalidRequestError, rows: Rows) -> Exit:
    tell(error.message, style="red")
    row = rows.read - 1
    tell(f"row {row} is line {rows.line_of(row)}: the input has changed since the journal was begun")
    tell("Put changed and new rows in a file of their own, and give it a journal of its own.")
    return Exit.USAGE


def _is_retried(kind: str, retry: Retry | None) -> bool:
    return kind == "unknown" if retry == "unknown" else retry == "failed" and kind.startswith("error:")


def _confirm(left: int, options: Options) -> None:
    """Ask for confirmation; the default is no. Raises `Stop` without it."""
    warning = f"This sends up to {several(left, 'cancellation')}. It cannot be taken back."
    tell(warning, style="bold")
    if options.yes:
        return
    if options.path == "-" or not can_ask():
        raise Stop("nothing was sent: there is no terminal to confirm on; --yes confirms")
    if _answer().strip().casefold() not in ("y", "yes"):
        raise Stop("nothing was sent")


def _answer() -> str:
    people().print("Go on? [y/N] ", end="")
    try:
        return input()
    except EOFError:
        tell("")  # end the line of the question
        return ""
    except KeyboardInterrupt:
        tell("")
        raise


class _Course:
    """One run, from its first result to its closing messages."""

    def __init__(self, accounts: Opened, rows: Rows, options: Options, total: int) -> None:
        self._rows = rows
        self._options = options
        self._total = total
        self._code = Exit.DONE
        self._run: CancelMany = accounts.client.cancel_many(
            rows.requests(), concurrency=options.concurrency, journal=options.journal
        )

    def run(self, write: Any) -> Exit:
        """Pass every result to `write`, and return the exit code."""
        try:
            with stopped_by_signals(), showing(self._run, self._total), self._run:
                for result in self._run:
                    write(result)
                    self._code = worst(self._code, code_of(result.ended))
        except KeyboardInterrupt:
            self._tell_interrupted("Interrupted")
            return Exit.INTERRUPTED
        except BrokenPipeError:
            self._tell_interrupted("The reader of the results has gone")
            raise
        except Stop as stop:
            self._tell_interrupted(str(stop))
            return stop.code
        except CountermandError as error:
            return self._failed(error)
        tell(line(self._run.progress, self._total), style="bold")
        if any(lane.state == "stopped" for lane in self._run.progress.lanes):
            self._tell_how_to_resume("To send what was not sent")
        return self._code

    def _failed(self, error: CountermandError) -> Exit:
        progress = self._run.progress
        if isinstance(error, InvalidRequestError) and progress.read:
            return _tell_changed(error, self._rows)
        if progress.done == progress.replayed and not self._run.in_flight:
            tell(error.message, style="red")
            return Exit.USAGE
        self._tell_interrupted(error.message, style="red")
        return Exit.FAILED

    def _tell_interrupted(self, why: str, style: str = "bold") -> None:
        progress = self._run.progress
        tell(f"{why}: {progress.done:,} of {self._total:,} rows are done.", style=style)
        cut_off = self._run.in_flight
        for each in cut_off[:_SHOWN]:
            tell(f"  line {self._rows.line_of(each.row)} was under way: {_known(each)}")
        if len(cut_off) > _SHOWN:
            tell(f"  … and {len(cut_off) - _SHOWN:,} more")
        self._tell_how_to_resume("To resume")

    def _tell_how_to_resume(self, why: str) -> None:
        tell(f"{why}:" if Path(self._options.path).is_file() else f"{why}, with the same input:")
        tell(f"  {_again(without_retry(self._options.command))}")


def _again(command: Sequence[str]) -> str:
    return shlex.join(["countermand", *command])


def _known(cut_off: InFlight) -> str:
    if cut_off.error is not None:
        return plain(f"untouched: {cut_off.error.message}")
    return plain(cut_off.outcome or "untouched")


def without_retry(command: Sequence[str]) -> list[str]:
    """Return a command without `--retry`: its rows were reset once, and must not be reset again."""
    kept: list[str] = []
    skip = False
    for word in command:
        if skip:
            skip = False
        elif word == "--retry":
            skip = True
        elif not word.startswith("--retry="):
            kept.append(word)
    return kept
