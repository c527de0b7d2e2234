"""The requests and replies of a simulated marketplace, as plain data."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, Self, cast
from urllib.parse import parse_qsl, unquote

from attrs import evolve, field, frozen

Headers = tuple[tuple[str, str], ...]


@frozen
class SandboxRequest:
    """One request as it arrives: path and query percent-encoded, header names in lower case.

    A world answers it without any client.

        reply = sandbox.world.handle(SandboxRequest("GET", "/kibo/api/v2/order/1010101"))
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(factory=dict[str, str])
    body: bytes = b""

    @classmethod
    def to(
        cls, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Self:
        """Make a request from its target (`/path?query`), whatever the case of the header names."""
        path, _, query = target.partition("?")
        lowered = {name.lower(): value for name, value in (headers or {}).items()}
        return cls(method, path, query, lowered, body)


@frozen
class SandboxReply:
    """One reply as it leaves.

    The mishap `Raw` sends one.

        reply = SandboxReply(200, (("content-type", "application/json"),), b"{}")
    """

    status: int
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first header of this name, or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def with_headers(self, *headers: tuple[str, str]) -> Self:
        """Return the same reply with more headers."""
        return evolve(self, headers=self.headers + headers)


def json_reply(status: int, value: object, *headers: tuple[str, str]) -> SandboxReply:
    """Return a reply whose body is `value` in JSON."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return SandboxReply(status, (("content-type", "application/json; charset=utf-8"), *headers), body)


def problem_reply(status: int, detail: str) -> SandboxReply:
    """Return an error as problem details (RFC 9457, which replaces RFC 7807)."""
    said = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return evolve(json_reply(status, said), headers=(("content-type", "application/problem+json"),))


def html_reply(status: int) -> SandboxReply:
    """Return an error as a gateway or a web server gives it: a page in HTML."""
    title = f"{status} {HTTPStatus(status).phrase}"
    page = f"<!doctype html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return SandboxReply(status, (("content-type", "text/html; charset=utf-8"),), page.encode())


#: What a 404 for an address, not for an order, can look like: a gateway's page, an empty object, and
#: the words of a web framework.
HTML_404: Final = html_reply(404)
EMPTY_404: Final = json_reply(404, {})
FRAMEWORK_404: Final = json_reply(404, {"detail": "Not Found"})


def with_byte_order_mark(reply: SandboxReply) -> SandboxReply:
    """Return the same reply with a byte order mark before its JSON body; any other reply as it is."""
    if not reply.body or "json" not in (reply.header("content-type") or ""):
        return reply
    return evolve(reply, body=b"\xef\xbb\xbf" + reply.body)


def path_segments(path: str) -> list[str]:
    """Split a path at its slashes, and only then decode each segment: `a%2Fb` stays one segment.

    A trailing slash shows as an empty last segment. Raises UnicodeDecodeError for bytes that are no UTF-8.
    """
    return [unquote(segment, errors="strict") for segment in path.removeprefix("/").split("/")]


def query_values(query: str, name: str) -> list[str]:
    """Return every value `name` has in a query string, decoded as an HTML form would be."""
    pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    return [value for key, value in pairs if key == name]


def media_type(request: SandboxRequest) -> str:
    """Return the request's media type, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def json_object(body: bytes) -> dict[str, object] | None:
    """Return the JSON object in `body`, or None when it holds anything else."""
    try:
        value: object = json.loads(body.decode())
    except ValueError:
        return None
    return cast("dict[str, object]", value) if isinstance(value, dict) else None
