"""The results of a run as data: a CSV file, or JSON Lines of `result.to_dict()` with the number of the line."""

import csv
import json
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from ..bulk.records import kind_of
from ..bulk.results import BulkResult
from ..bulk.unread import UnreadRow
from ..errors import CountermandError
from .codes import Stop
from .rows import Rows
from .terminal import data_json, plain
from .texts import slots_of

COLUMNS = (
    "line", "marketplace", "account", "order_id", "result", "settled", "message", "replayed", "duplicate_of_line"
)  # fmt: skip

Write: TypeAlias = Callable[[BulkResult], None]


@contextmanager
def writing(out: str | None, as_json: bool, rows: Rows) -> Generator[Write]:
    """Yield a function that writes a result where it is asked for: `out`, and standard output with `--json`.

    `out` is JSON Lines if its name ends in .jsonl, CSV otherwise; `-` is standard output.
    """
    with ExitStack() as stack:
        writers: list[Write] = []
        if as_json:
            writers.append(lambda result: data_json(_as_json(result, rows)))
        if out == "-":
            writers.append(_csv(sys.stdout, rows))
        elif out is not None:
            try:
                file = stack.enter_context(Path(out).open("w", encoding="utf-8", newline=""))
            except OSError as error:
                raise Stop(f"{out}: it cannot be written: {error.strerror}") from None
            if out.endswith((".jsonl", ".ndjson")):
                writers.append(_json_lines(file, rows))
            else:
                writers.append(_csv(file, rows))

        def write(result: BulkResult) -> None:
            for each in writers:
                each(result)

        yield write


def order_of(result: BulkResult) -> str | None:
    """Return the id of a result's order, as far as one is known."""
    known = result.outcome or result.error
    if known is not None and known.order_id is not None:
        return known.order_id
    if isinstance(result.request, UnreadRow):
        return None
    return str(getattr(result.request, slots_of(result.request.marketplace).fields["order_id"]))


def message_of(result: BulkResult) -> str:
    """Return in words what became of a request."""
    if result.error is not None:
        return plain(result.error.message)
    said = plain(result.outcome)
    return said.partition(": ")[2] or said  # the columns beside it name the order


def _as_json(result: BulkResult, rows: Rows) -> dict[str, Any]:
    return {**result.to_dict(), **_lines(result, rows)}


def _lines(result: BulkResult, rows: Rows) -> dict[str, Any]:
    first = result.duplicate_of
    return {
        "line": rows.line_of(result.row),
        "duplicate_of_line": None if first is None else rows.line_of(first),
    }


def _json_lines(file: Any, rows: Rows) -> Write:
    def write(result: BulkResult) -> None:
        file.write(json.dumps(_as_json(result, rows), allow_nan=False) + "\n")

    return write


def _csv(file: Any, rows: Rows) -> Write:
    writer: csv.DictWriter[str] = csv.DictWriter(file, COLUMNS)
    writer.writeheader()

    def write(result: BulkResult) -> None:
        ended: Any = result.outcome if result.outcome is not None else result.error
        about: Any = ended if isinstance(ended, CountermandError) else result.outcome
        writer.writerow(
            {
                **_lines(result, rows),
                "marketplace": about.marketplace or getattr(result.request, "marketplace", None),
                "account": about.account or result.request.account,
                "order_id": order_of(result),
                "result": kind_of(ended),
                "settled": str(result.settled).lower(),
                "message": message_of(result),
                "replayed": str(result.replayed).lower(),
            }
        )

    return write
