"""Validation before anything is sent: ids, credentials, base URLs, timeouts.

An invalid argument of a call is an `InvalidRequestError`, an invalid field of a configuration a `ValueError`. Neither
repeats a credential.
"""

import re
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

from ..errors import InvalidRequestError
from .credentials import has_control, is_text, problem_in_body, problem_in_header, problem_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import attrs

T = TypeVar("T")

#: The longest timeout, in seconds: sockets and event loops do not support much longer ones.
LONGEST_TIMEOUT = 366 * 86400.0

_IN_URLS = frozenset(f"{ascii_letters}{digits}!#%&'()*+,-./:;=?@[]_~")

# Patterns of the `re` module's functions, which compile them when they are first used.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:.]+"
_LOOPBACK = r"localhost|127(?:\.[0-9]{1,3}){3}|::1"


def order_id(value: object, marketplace: str, name: str = "order_id") -> str:
    """Return `value` if it is a valid order id; raise `InvalidRequestError` otherwise."""
    if not isinstance(value, str):
        problem = f"must be text, not {kind(value)}"
    elif not value.strip() or value in (".", ".."):
        problem = "names no order"
    elif not value.isprintable() and has_control(value):
        problem = "holds a control character or half a character"
    elif len(value) > 1024:
        problem = "is longer than 1024 characters"
    else:
        # A subclass of str may print as another text, and every request must name the same order.
        return str.__str__(value)
    raise bad(marketplace, name, problem, value)


def bad(marketplace: str, name: str, problem: str, order_id: object) -> InvalidRequestError:
    """Return the error for an invalid argument, with the order id as given."""
    given = ascii(order_id)[:100] if not isinstance(order_id, str) else order_id[:100]
    return InvalidRequestError(f"{name} {problem}", marketplace=marketplace, order_id=given)


def account(request: Any, field: "attrs.Attribute[Any]", value: object) -> None:
    """attrs validator: the label of the account that a request names, or None."""
    if value is None or is_text(value):
        return
    problem = "must be the label of an account, or None"
    raise bad(request.marketplace, field.name, problem, order_asked_for(request))


def order_asked_for(request: Any) -> Any:
    """Return the order id of a request, which is its first field."""
    return getattr(request, request.__attrs_attrs__[0].name)


def quoted(value: str) -> str:
    """Return `value` as exactly one path segment or one query value."""
    return quote(value, safe="")


def seconds(value: object, name: str = "timeout") -> float:
    """Return `value` as a positive number of seconds, a year at most; raise `InvalidRequestError` otherwise."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LONGEST_TIMEOUT:
        return float(value)
    raise InvalidRequestError(f"{name} must be a positive number of seconds, a year at most")


def kind(value: object) -> str:
    """Return the name of the type of `value`, for messages that must not repeat the value."""
    return type(value).__name__


def instance(value: T, kind: type[T], name: str) -> T:
    """Return `value` if it is a `kind`; raise `InvalidRequestError` otherwise."""
    if isinstance(value, kind):
        return value
    raise InvalidRequestError(f"{name} must be a {kind.__name__}, not {type(value).__name__}")


def credential(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    """attrs validator: a credential for a header, without a scheme. The message never repeats it."""
    if value is None and field.default is None:
        return
    if problem := problem_of(value, problem_in_header):
        raise ValueError(f"{field.name} {problem}")


def secret_text(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    """attrs validator: a credential for a body. The message never repeats it."""
    if value is not None and (problem := problem_of(value, problem_in_body)):
        raise ValueError(f"{field.name} {problem}")


def one_of(*words: str) -> "Callable[[object, attrs.Attribute[Any], object], None]":
    """Return an attrs validator: one of these words. The message never repeats the value: it may be a credential."""

    def check(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
        if value not in words:
            raise ValueError(f"{field.name} must be one of {', '.join(words)}")

    return check


def label(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    """attrs validator: the label of an account, a short text."""
    if not (is_text(value) and str(value).strip() == value and len(str(value)) <= 100):
        raise ValueError(f"{field.name} must be text of 1 to 100 characters, without spaces at its ends")


def host_label(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    """attrs validator: part of a host name, which must not lead to another host."""
    if not (isinstance(value, str) and re.fullmatch(_LABEL, value)):
        raise ValueError(f"{field.name} must be letters, digits and hyphens: it is part of a host name")


def base_url(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    """attrs validator: https, or http to this machine; no query, no fragment, no user name."""
    if value is None and field.default is None:
        return
    if not isinstance(value, str) or not value or not _IN_URLS.issuperset(value):
        raise ValueError(f"{field.name} must be an ASCII URL without spaces and placeholders")
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"{field.name} is not a URL") from None
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise ValueError(f"{field.name} must not hold a user name or a password")
    if not host or "?" in value or "#" in value:
        raise ValueError(f"{field.name} must be scheme, host and path, without a query or a fragment")
    if ".." in host or not re.fullmatch(_HOST, host) or port == 0 or parts.netloc.endswith(":"):
        raise ValueError(f"{field.name} has an invalid host or port")
    if parts.scheme != "https" and not (parts.scheme == "http" and re.fullmatch(_LOOPBACK, host)):
        raise ValueError(
            f"{field.name} must be https; http is for this machine alone (localhost, 127.0.0.1, [::1])"
        )
    *inner, last = parts.path.split("/")[1:] or [""]
    if not {"", ".", ".."}.isdisjoint(inner) or last in (".", ".."):
        raise ValueError(f"{field.name} has a path with an empty segment, '.' or '..'")


def base_url_before(domain: str, *paths: str) -> "Callable[[object, attrs.Attribute[Any], object], None]":
    """Return an attrs validator: a base URL without the `paths` that requests add to it.

    The first segment of one, alone, is a mistake only at the marketplace's own `domain`: a gateway may have it too.
    """

    def check(account: object, field: "attrs.Attribute[Any]", value: Any) -> None:
        base_url(account, field, value)
        parts = urlsplit(value or "")
        path = parts.path.rstrip("/").lower() + "/"
        for added in paths:
            first = added[: added.index("/", 1) + 1]
            if f"{added}/" in path or (path.endswith(first) and f".{parts.hostname}".endswith(f".{domain}")):
                raise ValueError(f"{field.name} must end before {added}: each request adds its own path")

    return check


def split_base_url(url: str) -> tuple[str, str]:
    """Split a valid base URL into the origin and the path without a trailing slash."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
