"""The error message of a marketplace, from the body and the headers of its reply."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from .decoding import DecodingError, decode_value, is_empty
from .wire import BODY_LOST, Reply

#: The maximum length of a repeated text, in characters.
_LONGEST = 500

#: The headers of a reply that an error shows besides the request id: server, date, content and rate limits.
SHOWN_HEADERS = (
    *"date retry-after content-type content-length server via age www-authenticate allow location".split(),
    *"ratelimit ratelimit-policy ratelimit-limit ratelimit-remaining ratelimit-reset".split(),
    *"x-ratelimit-limit x-ratelimit-remaining x-ratelimit-reset x-cache cf-ray".split(),
    *"x-amzn-requestid x-amzn-trace-id x-amz-cf-id x-azure-ref".split(),
)


class Words(NamedTuple):
    """A marketplace's own error message; empty if the body has none."""

    #: The message for people, or None.
    detail: str | None = None
    #: The code for programs, or None.
    code: str | None = None


#: The fields of an error that may hold its message. The first that does is used.
_MESSAGES = ("message", "Message", "msg", "error_description", "detail")
#: The types of problem details that say no more than the status: none, or a section of the RFC about HTTP.
_PLAIN_TYPE = r"(?i)about:blank|.*\brfc\d+\b.*"
#: A Content-Type of JSON: `application/json; charset=utf-8`, `application/problem+json`.
_JSON = r"(?i)\s*application/([\w.-]+\+)?json\s*(;.*)?"


def words_of(reply: Reply) -> Words:
    """Return the error message in a reply's body.

    The fields are `error.message` and `error.code` (VTEX), `message` and `errorCode` (Kibo), `errors` (Pattern Hub),
    and `detail`, `{field: [text, …]}` or `[text, …]` (the web framework of Crux Connect, inferred). At all of them also
    what other frameworks write: `detail`, `title` and `type` of RFC 9457 problem details, `errors` by field, `detail`
    as a list of objects with `loc` and `msg`, `Message`, a text as `error`.
    """
    said = _value_in(reply)
    detail = "; ".join(dict.fromkeys(_sentences(said)))
    code = next(_codes(said), None)
    return Words(detail[:_LONGEST] or None, code and code[:_LONGEST])


def object_in(reply: Reply) -> dict[str, Any] | None:
    """Return the body of a reply if it is a JSON object, else None."""
    said = _value_in(reply)
    return _fields(said) if isinstance(said, dict) else None


def is_a_page(reply: Reply) -> bool:
    """Whether the body of an error is neither empty nor JSON, so that it may come from a gateway."""
    try:
        decode_value(reply.body)
    except DecodingError:
        return not is_empty(reply.body)
    return False


def names_its_error(reply: Reply) -> bool:
    """Whether an error's body is a JSON object with a text in `message`, `error.message`, `errors` or `detail`.

    True for a marketplace's own 404; False for a gateway's page, an empty object or a framework's "Not Found". If a
    hook of the caller's client has lost the body, the Content-Type decides: a gateway's page is not JSON.
    """
    if reply.flaw == BODY_LOST:
        return re.fullmatch(_JSON, reply.headers.get("content-type") or "") is not None
    said = _fields(_value_in(reply))
    own = (
        said.get("message"),
        _fields(said.get("error")).get("message"),
        said.get("errors"),
        said.get("detail"),
    )
    return any(True for value in own for _ in _texts(value))


def _value_in(reply: Reply) -> Any:
    """Return the JSON value in a body; None for null, and for a body that is not JSON."""
    try:
        return decode_value(reply.body)
    except DecodingError:
        return None


def _sentences(said: Any) -> Iterator[str]:
    if not isinstance(said, dict):
        yield from _texts(said)
        return
    fields = _fields(said)
    error, errors = fields.get("error"), fields.get("errors")
    # A bare text as `error` is often only the name of the status.
    names = _MESSAGES if isinstance(error, str) else ("error", *_MESSAGES)
    told = [*_first(fields, names), *(list(_texts(errors)) or _by_field(_fields(errors)))]
    told = told or _first(fields, ("error", "title"))
    yield from told or _by_field({name: each for name, each in fields.items() if isinstance(each, list)})


def _codes(said: Any) -> Iterator[str]:
    """Yield the codes in an error, the most specific one first."""
    fields = _fields(said)
    error, errors = fields.get("error"), fields.get("errors")
    inner = map(_fields, _items(errors))
    for each in (_fields(error), fields, *inner):
        yield from filter(None, map(_code, (each.get("errorCode"), each.get("code"))))
    if "error_description" in fields:  # RFC 6749, section 5.2
        yield from filter(None, [_code(error)])
    kind = _code(fields.get("type"))
    if kind and not re.fullmatch(_PLAIN_TYPE, kind):
        yield kind


def _code(value: Any) -> str | None:
    is_code = isinstance(value, str | int) and not isinstance(value, bool)
    return (str(value).strip() or None) if is_code else None


def _first(fields: Mapping[str, Any], names: Iterable[str], levels: int = 4) -> list[str]:
    """Return the texts in the first of these fields that has any."""
    for name in names:
        if texts := list(_texts(fields.get(name), levels)):
            return texts
    return []


def _by_field(fields: Mapping[str, Any]) -> list[str]:
    """Return the texts in an object of a framework: `{field: [text, …]}`."""
    listed = ((name, value) for name, value in fields.items() if not isinstance(value, dict))
    return [f"{name}: {text}" for name, value in listed for text in _texts(value)]


def _texts(value: Any, levels: int = 4) -> Iterator[str]:
    """Yield the texts in a text, a list, or an object with a message, down to a maximum depth."""
    if isinstance(value, str) and value.strip():
        yield value
    if not levels or not value:
        return
    for each in _items(value):
        yield from _texts(each, levels - 1)
    fields = _fields(value)
    if not fields:
        return
    where = ".".join(map(str, _items(fields.get("loc"))))
    for text in _first(fields, (*_MESSAGES, "title"), levels - 1):
        yield f"{where}: {text}" if where else text


def _fields(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]
