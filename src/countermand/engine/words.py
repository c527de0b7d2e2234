"""The error message of a marketplace, from the body and the headers of its reply."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .decoding import DecodingError, decode_object
from .secret import redacted
from .wire import Reply

#: The maximum length of a repeated text, in characters.
_LONGEST = 500

#: The headers of a reply that an error shows besides the request id: server, date, content and rate limits.
_SHOWN = (
    *"date retry-after content-type content-length server via age www-authenticate allow location".split(),
    *"ratelimit ratelimit-policy ratelimit-limit ratelimit-remaining ratelimit-reset".split(),
    *"x-ratelimit-limit x-ratelimit-remaining x-ratelimit-reset x-cache cf-ray".split(),
    *"x-amzn-requestid x-amzn-trace-id x-amz-cf-id x-azure-ref".split(),
)
#: The maximum length of a shown header value, in characters.
_LONGEST_VALUE = 200


def shown_headers(reply: Reply, names: Iterable[str], secrets: Iterable[bytes]) -> dict[str, str]:
    """Return the headers of a reply that help to find the error, truncated, and with credentials redacted.

    `names` are the marketplace's request id headers.
    """
    shown: dict[str, str] = {}
    for name in (*names, *_SHOWN):
        if value := reply.headers.get(name):
            clean = redacted(value.encode(errors="replace"), secrets).decode(errors="replace")
            shown[name] = clean[:_LONGEST_VALUE]
    return shown


class Words(NamedTuple):
    """A marketplace's own error message; empty if the body has none."""

    #: The message for people, or None.
    detail: str | None = None
    #: The code for programs, or None.
    code: str | None = None


def words_of(reply: Reply) -> Words:
    """Return the error message in a reply's body.

    The fields are `error.message` and `error.code` (VTEX), `message` and `errorCode` (Kibo), `errors` (Pattern Hub),
    `detail` and `{field: [text, …]}` (the web framework of Crux Connect, inferred), and
    `detail` and `title` of RFC 9457 problem details.
    """
    said = object_in(reply)
    if said is None:
        return Words()
    detail = next(_sentences(said), None)
    nested: Any = said.get("error")
    codes: list[Any] = [said.get("errorCode"), said.get("code")]
    if isinstance(nested, dict):
        codes.insert(0, nested.get("code"))  # pyright: ignore[reportUnknownMemberType]
    code = next((str(each) for each in codes if isinstance(each, str | int) and str(each).strip()), None)
    return Words(detail and detail[:_LONGEST], code and code[:_LONGEST])


def object_in(reply: Reply) -> dict[str, Any] | None:
    """Return the body of a reply if it is a JSON object, else None."""
    try:
        return decode_object(reply.body)
    except DecodingError:
        return None


def names_its_error(reply: Reply) -> bool:
    """Whether an error's body is a JSON object with a text in `message`, `error.message`, `errors` or `detail`.

    True for a marketplace's own 404; False for a gateway's page, an empty object or a framework's "Not Found".
    """
    said = object_in(reply)
    if said is None:
        return False
    if isinstance(said.get("error"), str):
        said = {**said, "error": None}  # a framework's "error": "Not Found" says nothing about the order
    return next(_texts(said, _OWN), None) is not None


_OWN = ("error", "message", "errors", "detail")


def _sentences(said: Mapping[str, Any]) -> Iterator[str]:
    yield from _texts(said, (*_OWN, "title"))
    # A framework's {field: [text, …]}.
    for name, value in said.items():
        if isinstance(value, list) and name not in _OWN:
            yield from (f"{name}: {text}" for text in _flat(value))


def _texts(said: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        texts = [text for text in _flat(said.get(name)) if text.strip()]
        if texts:
            yield "; ".join(texts)


def _flat(value: Any, levels: int = 4) -> Iterator[str]:
    """Yield the texts in a text, a list, or an object with a message, down to a maximum depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and levels:
        for each in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _flat(each, levels - 1)
    elif isinstance(value, dict) and levels:
        yield from _flat(value.get("message") or value.get("detail"), levels - 1)  # pyright: ignore[reportUnknownMemberType]
