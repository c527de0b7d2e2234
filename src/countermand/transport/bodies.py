"""The body of a reply, gathered within bounds."""

import zlib
from collections.abc import Mapping

from ..wire import LARGEST_BODY, Reply

_ENCODINGS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


class Body:
    """Takes a reply's raw bytes as they come; `full` once there are more than anybody reads."""

    __slots__ = ("_chunks", "size")

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        #: Bytes taken so far.
        self.size = 0

    @property
    def full(self) -> bool:
        """Whether the body is larger than is read."""
        return self.size > LARGEST_BODY

    def take(self, chunk: bytes) -> None:
        """Add a piece."""
        self._chunks.append(chunk)
        self.size += len(chunk)

    def reply(self, status: int, headers: Mapping[str, str], flaw: str = "") -> Reply:
        """Return the reply that these bytes are the body of; with a `flaw`, they are dropped."""
        if flaw or self.full:
            return Reply(status, headers, b"", flaw or f"its body is larger than {LARGEST_BODY} bytes")
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        encoding = headers.get("content-encoding")
        if encoding and body and encoding.strip().lower() != "identity":
            return _decompressed(status, headers, body, encoding.strip().lower())
        return Reply(status, headers, body)


def _decompressed(status: int, headers: Mapping[str, str], body: bytes, encoding: str) -> Reply:
    """Undo a compression that was not asked for, never beyond the bound."""
    window = _ENCODINGS.get(encoding)
    if window is None:
        return Reply(status, headers, b"", "its body has an encoding that was not asked for")
    try:
        inflater = zlib.decompressobj(window)
        plain = inflater.decompress(body, LARGEST_BODY + 1)
    except zlib.error:
        return Reply(status, headers, b"", "its body's compression is broken")
    if len(plain) > LARGEST_BODY or not inflater.eof or inflater.unused_data:
        return Reply(status, headers, b"", "its body's compression is cut short, or hides too much")
    return Reply(status, headers, plain)
