"""What a marketplace says went wrong: in its own words, wherever its error body has them, and in its headers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .decoding import DecodingError, decode_object
from .secret import redacted
from .wire import Reply

#: The longest text that is repeated, in characters.
_LONGEST = 500

#: The headers of a reply that an error shows beside those that name the request: who answered, when, what, and when to come back.
_SHOWN = (
    *"date retry-after content-type content-length server via age www-authenticate allow location".split(),
    *"ratelimit ratelimit-policy ratelimit-limit ratelimit-remaining ratelimit-reset".split(),
    *"x-ratelimit-limit x-ratelimit-remaining x-ratelimit-reset x-cache cf-ray".split(),
    *"x-amzn-requestid x-amzn-trace-id x-amz-cf-id x-azure-ref".split(),
)
#: The longest value of a header that is shown, in characters.
_LONGEST_VALUE = 200


def shown_headers(reply: Reply, names: Iterable[str], secrets: Iterable[bytes]) -> dict[str, str]:
    """Return the headers of a reply that help to tell what went wrong, cut short and without credentials.

    `names` are those by which the marketplace names a request.
    """
    shown: dict[str, str] = {}
    for name in (*names, *_SHOWN):
        if value := reply.headers.get(name):
            clean = redacted(value.encode(errors="replace"), secrets).decode(errors="replace")
            shown[name] = clean[:_LONGEST_VALUE]
    return shown


class Words(NamedTuple):
    """A marketplace's own words; empty where its body has none."""

    #: The sentence for a person, or None.
    detail: str | None = None
    #: The code for a program, or None.
    code: str | None = None


def words_of(reply: Reply) -> Words:
    """Return the words in a reply's body.

    Looked for are `error.message` and `error.code` (VTEX), `message` and `errorCode` (Kibo), `errors` (Pattern Hub),
    `detail` and `{field: [text, …]}` (the web framework whose `Authorization: Token` Crux Connect uses), and `detail`
    and `title` of RFC 9457 problem details.
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
    """Return the JSON object that is a reply's body; None if it is anything else."""
    try:
        return decode_object(reply.body)
    except DecodingError:
        return None


def names_its_error(reply: Reply) -> bool:
    """Whether an error's body is a JSON object with a text in `message`, `error.message`, `errors` or `detail`.

    A marketplace's own 404 is; a gateway's page, an empty object or a framework's "no such path" is not.
    """
    said = object_in(reply)
    if said is None:
        return False
    if isinstance(said.get("error"), str):
        said = {**said, "error": None}  # a framework's bare "error": "Not Found" names no problem of its own
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


def _flat(value: Any) -> Iterator[str]:
    """Yield the texts in a text, a list of texts, or an object with a message."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _flat(each)
    elif isinstance(value, dict):
        yield from _flat(value.get("message") or value.get("detail"))  # pyright: ignore[reportUnknownMemberType]
