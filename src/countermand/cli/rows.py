"""The rows of an input: requests, and rows that are not valid, each with its line number.

A row is one line: CSV with a header, or JSON Lines of `request.to_dict()`. An unclosed quotation mark makes its own row
invalid, and does not affect the next one.
"""

import csv
import hashlib
import json
import sys
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from shutil import copyfileobj
from typing import IO, Any

import attrs

from ..bulk.results import UnreadRow
from ..engine.checks import order_asked_for
from ..engine.decoding import without_repeats
from ..engine.rules import AnyRequest
from ..errors import CountermandError, InvalidRequestError
from ..marketplaces.stored import request_from_dict
from .accounts import Opened, marketplace_of
from .codes import Stop
from .terminal import plain, several
from .texts import COLUMNS, NEEDED, check_id, request_of

#: Longer lines are not read. A CSV cell may not be longer either.
LONGEST_LINE = 131_072
#: How much is kept of a line that is not a valid request.
_SHOWN = 200


@attrs.frozen
class Line:
    """One line. Exactly one of `text` and `problem` is set."""

    number: int
    text: str | None = None
    #: Why there is no text.
    problem: str | None = None
    #: The beginning of the line, for people.
    beginning: str = ""
    #: A digest of the whole line.
    digest: str = ""


class Lines:
    """The lines of a file, which can be iterated repeatedly. Standard input, or a pipe, is kept in a temporary file."""

    def __init__(self, path: str) -> None:
        self.name: str = "standard input" if path == "-" else path
        self._file: IO[bytes]
        try:
            source = sys.stdin.buffer if path == "-" else Path(path).open("rb")  # noqa: SIM115
            if source.seekable() and path != "-":
                self._file = source
                return
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
            copyfileobj(source, self._file)
            if path != "-":
                source.close()
        except FileNotFoundError:
            raise Stop(f"{path}: there is no such file") from None
        except OSError as error:
            raise Stop(f"{self.name}: could not be read: {error.strerror}") from None

    def __iter__(self) -> Iterator[Line]:
        self._file.seek(0)
        try:
            yield from _lines(self._file)
        except OSError as error:
            raise Stop(f"{self.name}: could not be read: {error.strerror}") from None

    def close(self) -> None:
        """Close the file, or remove the copy."""
        self._file.close()


def _lines(file: IO[bytes]) -> Iterator[Line]:
    number = 0
    while raw := file.readline(LONGEST_LINE):
        number += 1
        digest = hashlib.sha256(raw)
        if number == 1:
            if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise Stop("the input is UTF-16: save it as UTF-8 (“CSV UTF-8” in a spreadsheet)")
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        length = len(raw)
        is_whole = len(raw) < LONGEST_LINE or raw.endswith(b"\n")
        while not is_whole and (more := file.readline(LONGEST_LINE)):
            digest.update(more)
            length += len(more)
            is_whole = more.endswith(b"\n")
        beginning = raw[:_SHOWN].decode("utf-8", "replace").rstrip("\r\n")
        text = problem = None
        if length > LONGEST_LINE:
            problem = f"the line is too long: {length:,} bytes, and {LONGEST_LINE:,} are read at most"
        else:
            try:
                text = raw.decode("utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                problem = f"it is not UTF-8 (byte {error.start + 1} of the line)"
        yield Line(number, text, problem, beginning, digest.hexdigest()[:16])


@attrs.frozen
class InputRow:
    """One row of the input."""

    line: int
    #: An `UnreadRow` if it is not a valid request.
    request: AnyRequest
    #: Columns with a value that its marketplace does not take.
    unused: tuple[str, ...] = ()

    @property
    def problem(self) -> str | None:
        """What is wrong with it."""
        return self.request.error.message if isinstance(self.request, UnreadRow) else None


def is_json_lines(name: str) -> bool:
    """Return whether a file is JSON Lines by its name."""
    return name.casefold().endswith((".jsonl", ".ndjson"))


class Rows:
    """The rows of an input, which can be iterated repeatedly."""

    def __init__(self, lines: Lines, accounts: Opened) -> None:
        self._lines = lines
        self.name: str = lines.name
        self._accounts = accounts
        #: Rows that were given since the input was last begun.
        self.read: int = 0
        #: The first row of each stretch with a constant difference between line and row numbers, and that difference.
        self._from: list[int] = []
        self._apart: list[int] = []

    def __iter__(self) -> Iterator[InputRow]:
        self._from, self._apart, self.read = [], [], 0
        read: Callable[[str], tuple[AnyRequest, tuple[str, ...]] | None] | None = None
        for line in self._lines:
            if line.text is not None and not line.text.strip():
                continue
            if read is None:
                is_json = line.beginning.lstrip().startswith("{") or is_json_lines(self.name)
                if not is_json and line.text is None:
                    raise Stop(f"{self.name}: the first line: {line.problem}")
                read = _from_json if is_json else _Header(line.text or "", self.name).read
                if not is_json:
                    continue
            found = self._row(line, read)
            if found is not None:
                self._note(self.read, line.number)
                self.read += 1
                yield found

    def requests(self) -> Iterator[AnyRequest]:
        """Yield the requests, including `UnreadRow`s."""
        for row in self:
            yield row.request

    def line_of(self, row: int) -> int:
        """Return the number of the line that a row was read from."""
        return row + self._apart[bisect_right(self._from, row) - 1]

    def _note(self, row: int, line: int) -> None:
        if not self._apart or self._apart[-1] != line - row:
            self._from.append(row)
            self._apart.append(line - row)

    def _row(
        self, line: Line, read: Callable[[str], tuple[AnyRequest, tuple[str, ...]] | None]
    ) -> InputRow | None:
        try:
            if line.text is None:
                raise InvalidRequestError(str(line.problem))
            found = read(line.text)
            if found is None:
                return None
            request, unused = found
            self._place(request)
        except (CountermandError, ValueError) as error:
            return _unread(line, error)
        return InputRow(line.number, request, unused)

    def _place(self, request: AnyRequest) -> None:
        """Raise InvalidRequestError, which names the order, if the request has no account."""
        try:
            self._accounts.label_for(request.marketplace, request.account)
        except InvalidRequestError as error:
            error.place(request.marketplace, request.account, str(order_asked_for(request)))
            raise


def _unread(line: Line, problem: Exception) -> InputRow:
    said = problem.message if isinstance(problem, CountermandError) else str(problem)
    about: dict[str, Any] = {
        name: getattr(problem, name, None) for name in ("marketplace", "account", "order_id")
    }
    error = InvalidRequestError(f"line {line.number}: {said}", **about)
    kept = {"line": line.number, "text": plain(line.beginning), "digest": line.digest}
    return InputRow(line.number, UnreadRow(error, kept))


class _Header:
    """The first line of a CSV file, and how the rows below it are read."""

    def __init__(self, text: str, name: str) -> None:
        self._delimiter = max(",;\t", key=text.count)
        where = f"{name}: the first line"
        try:
            self._columns = [cell.strip().casefold() for cell in _cells(text, self._delimiter)]
        except InvalidRequestError as error:
            raise Stop(f"{where}: {error.message}") from None
        while self._columns and not self._columns[-1]:
            self._columns.pop()  # a spreadsheet writes columns that were used once
        for column in self._columns:
            if column not in COLUMNS:
                close = get_close_matches(column, COLUMNS, 1, 0.6)
                guess = f"did you mean {close[0]}? " if close else ""
                raise Stop(
                    f"{where}: {guess}There is no column {column!r}; the columns are {', '.join(COLUMNS)}"
                )
            if self._columns.count(column) > 1:
                raise Stop(f"{where}: the column {column} is there twice")
        missing = [column for column in NEEDED if column not in self._columns]
        if missing:
            raise Stop(f"{where}: it must name the columns; missing: {' and '.join(missing)}")

    def read(self, text: str) -> tuple[AnyRequest, tuple[str, ...]] | None:
        """Return the request of a row, and the columns that it does not use; None for a row of empty cells."""
        cells = _cells(text, self._delimiter)
        if not any(cell.strip() for cell in cells):
            return None
        while len(cells) > len(self._columns) and not cells[-1].strip():
            cells.pop()
        if len(cells) != len(self._columns):
            raise InvalidRequestError(
                f"it has {several(len(cells), 'column')}, but the first line has {len(self._columns)}"
            )
        named = dict(zip(self._columns, cells, strict=True))
        marketplace = marketplace_of(named.pop("marketplace"))
        account = named.pop("account", "").strip() or None
        others: dict[str, str | None] = {
            column: cell if column == "order_id" else cell.strip() for column, cell in named.items()
        }
        return request_of(marketplace, account, others)


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        found = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        said = str(error)
        if "unexpected end" in said:
            said = "a quotation mark is not closed on its line"
        elif "new-line character" in said:
            said = "a line ends in a carriage return alone: save it with the line ends of Windows or Unix"
        raise InvalidRequestError(f"invalid CSV: {said}") from None
    return found[0] if found else []


def _from_json(text: str) -> tuple[AnyRequest, tuple[str, ...]]:
    try:
        said: Any = json.loads(text, object_pairs_hook=without_repeats)
    except RecursionError:
        raise InvalidRequestError("the JSON is nested too deeply") from None
    except ValueError as error:
        raise InvalidRequestError(f"invalid JSON: {error}") from None
    request = request_from_dict(said)
    for name, value in said.items():
        if "order" in name and isinstance(value, str):
            check_id(value)
    return request, ()
