"""One request that is about to be answered badly: what the marketplace would say, and ways to write it down."""

import json
from collections.abc import Iterator
from enum import Enum
from typing import Any, TypeAlias

from attrs import define

from countermand.sandbox.http import SandboxReply


class Ending(Enum):
    """How the server leaves a connection; a fault that names no ending keeps it alive."""

    FIN = "close"
    RESET = "reset"
    HALF = "send a FIN and keep listening"
    HOLD = "say nothing more"


#: Bytes are sent, a number is a pause in seconds.
Step: TypeAlias = bytes | float | Ending
Steps: TypeAlias = Iterator[Step]

PHRASES = {200: "OK", 204: "No Content", 302: "Found", 404: "Not Found", 429: "Too Many Requests"}


@define
class Exchange:
    """What a fault has to work with."""

    marketplace: str
    #: The order that was asked for, one that nobody asks for, and the one that the next call will be about.
    order_id: str
    other_id: str
    next_id: str
    #: What the marketplace answers, or would answer had it been asked.
    reply: SandboxReply
    #: A number from the seed, by which a fault chooses among its variants.
    pick: int
    #: The time that the client's call has, in seconds.
    patience: float
    #: The origin of a server that nobody may be led to.
    trap: str
    #: Text that holds the request's credentials where they are echoed, else nothing.
    echo: str = ""

    @property
    def named(self) -> int | str:
        """The order's id as JSON has it."""
        return int(self.order_id) if self.marketplace == "kibo" else self.order_id

    @property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object; Crux answers a cancel with nothing, which is replaced by what it may say."""
        try:
            found: Any = json.loads(self.reply.body)
        except ValueError:
            found = None
        document: dict[str, Any] = found if isinstance(found, dict) else {"order_uuid": self.order_id}
        return {**document, "echo": self.echo} if self.echo else document

    @property
    def body(self) -> bytes:
        """The body as bytes, never empty."""
        return json.dumps(self.document).encode()

    def cut(self, length: int) -> int:
        """Return where to cut something of this length: not before its first byte, not after its last."""
        return 1 + self.pick % max(length - 1, 1)

    def head(
        self, status: int | None = None, *headers: str, length: int | None = None, kind: str = ""
    ) -> bytes:
        """Return a head; without `length` it says nothing about where the body ends."""
        code = status or (self.reply.status if self.reply.status != 204 else 200)
        phrase = PHRASES.get(code, "Status")
        lines = [f"HTTP/1.1 {code} {phrase} {self.echo}".rstrip()]
        if not kind and self.reply.body:
            kind = self.reply.header("content-type") or ""
        lines += [f"content-type: {kind or 'application/json'}"]
        lines += [f"{name}: {value}" for name, value in self.reply.headers if name != "content-type"]
        if self.echo:
            lines += [
                f"x-request-id: {self.echo}",
                f"set-cookie: session={self.echo}",
                f"x-echo: {self.echo}",
            ]
        lines += headers
        if length is not None:
            lines.append(f"content-length: {length}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")

    def whole(
        self, status: int | None = None, body: bytes | None = None, *headers: str, kind: str = ""
    ) -> bytes:
        """Return a complete reply with this body in place of the marketplace's own."""
        content = self.body if body is None else body
        return self.head(status, *headers, length=len(content), kind=kind) + content

    def genuine(self) -> bytes:
        """Return the marketplace's reply as it is."""
        if self.reply.status == 204:
            return self._bodiless()
        if self.echo and self.reply.body:
            return self.whole()
        return self.head(length=len(self.reply.body)) + self.reply.body

    def _bodiless(self) -> bytes:
        lines = ["HTTP/1.1 204 No Content", *(f"{name}: {value}" for name, value in self.reply.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunk(data: bytes, extension: str = "") -> bytes:
    """Return `data` as one chunk of a chunked body."""
    return f"{len(data):x}{extension}\r\n".encode() + data + b"\r\n"
