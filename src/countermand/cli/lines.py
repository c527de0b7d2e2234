"""The lines of an input file, whatever is in them: as text where they are UTF-8 and not too long."""

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfileobj
from typing import IO

import attrs

from .codes import Stop

#: Longer lines are not read. A CSV cell may not be longer either.
LONGEST_LINE = 131_072
#: What is kept of a line that makes no request.
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
    """A file's lines, as often as they are asked for. Standard input, or a pipe, is kept in a temporary file."""

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
