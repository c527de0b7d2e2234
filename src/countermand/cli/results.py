"""The results of a run as data: a CSV file, or JSON Lines of `result.to_dict()` with line numbers."""

import csv
import json
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG
from typing import Any, TypeAlias

from ..bulk.records import kind_of
from ..bulk.results import BulkResult, UnreadRow
from .codes import Exit, Stop
from .rows import Rows, is_json_lines
from .terminal import data_json, plain
from .texts import slots_of

COLUMNS = (
    "line", "marketplace", "account", "order_id", "result", "settled", "message", "replayed", "duplicate_of_line"
)  # fmt: skip

Write: TypeAlias = Callable[[BulkResult], None]


@contextmanager
def writing(out: str | None, as_json: bool, rows: Rows) -> Generator[Write]:
    """Yield a function that writes a result to `out`, and to standard output with `--json`.

    `out` is JSON Lines if its name ends in .jsonl, CSV otherwise; `-` is standard output. A file is emptied with the first
    result, so that a run that is refused while another one writes the same file leaves it alone. The function raises
    `Stop` if a result cannot be written.
    """
    writers: list[Write] = [lambda result: data_json(_as_json(result, rows))] if as_json else []
    file: Any = None
    try:
        if out is not None:
            file = sys.stdout if out == "-" else Path(out).open("a", encoding="utf-8", newline="")  # noqa: SIM115
            writers.append(_writer(file, rows, as_json=is_json_lines(out)))
    except OSError as error:
        raise Stop(f"{out}: it cannot be written: {error.strerror}") from None

    def write(result: BulkResult) -> None:
        try:
            for each in writers:
                each(result)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Stop(f"the results cannot be written: {error.strerror}", Exit.FAILED) from None

    try:
        yield write
    finally:
        if file is not sys.stdout and file is not None:
            with suppress(OSError):  # it was reported
                file.close()


def order_of(result: BulkResult) -> str | None:
    """Return the order id of a result, if it is known."""
    if result.ended.order_id is not None or isinstance(result.request, UnreadRow):
        return result.ended.order_id
    return str(getattr(result.request, slots_of(result.request.marketplace).fields["order_id"]))


def message_of(result: BulkResult) -> str:
    """Return a result as text."""
    if result.error is not None:
        return plain(result.error.message)
    outcome = result.ended
    order = f"{outcome.marketplace} order {outcome.order_id}: "
    return plain(str(outcome).removeprefix(order))  # the columns beside it name the order


def _writer(file: Any, rows: Rows, *, as_json: bool) -> Write:
    """Return a function that writes a result to a file and flushes it, so that a reader gets each one at once."""
    writer: csv.DictWriter[str] = csv.DictWriter(file, COLUMNS)

    def begin() -> None:
        if not as_json:
            writer.writeheader()
            file.flush()

    is_kept = file is not sys.stdout and S_ISREG(os.fstat(file.fileno()).st_mode)
    if not is_kept:
        begin()

    def write(result: BulkResult) -> None:
        nonlocal is_kept
        if is_kept:
            file.truncate(0)
            is_kept = False
            begin()
        if as_json:
            file.write(json.dumps(_as_json(result, rows), allow_nan=False) + "\n")
        else:
            writer.writerow(_as_columns(result, rows))
        file.flush()

    return write


def _as_json(result: BulkResult, rows: Rows) -> dict[str, Any]:
    return {**result.to_dict(), **_lines(result, rows)}


def _as_columns(result: BulkResult, rows: Rows) -> dict[str, Any]:
    ended = result.ended
    return {
        **_lines(result, rows),
        "marketplace": ended.marketplace or getattr(result.request, "marketplace", None),
        "account": ended.account or result.request.account,
        "order_id": order_of(result),
        "result": kind_of(ended),
        "settled": str(result.settled).lower(),
        "message": message_of(result),
        "replayed": str(result.replayed).lower(),
    }


def _lines(result: BulkResult, rows: Rows) -> dict[str, Any]:
    first = result.duplicate_of
    return {
        "line": rows.line_of(result.row),
        "duplicate_of_line": None if first is None else rows.line_of(first),
    }
