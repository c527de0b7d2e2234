"""What is checked before a byte is sent: ids, credentials, base URLs, timeouts.

A bad value of a call is an `InvalidRequestError`; a bad value of a configuration is a `ValueError`. Neither
repeats the value when it is a credential.
"""

import re
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

from ..errors import InvalidRequestError
from .credentials import CONTROL, is_text, problem_in_body, problem_in_header, problem_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import attrs

T = TypeVar("T")

#: The longest a call may take, in seconds: the clocks of sockets and event loops do not count much further.
LONGEST_TIMEOUT = 366 * 86400.0

_PLAIN = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|::1", re.ASCII)


def order_id(value: object, marketplace: str, name: str = "order_id") -> str:
    """Return `value` if it can name an order; raise `InvalidRequestError` otherwise."""
    if not isinstance(value, str):
        problem = f"must be text, not {kind(value)}"
    elif not value.strip() or value in (".", ".."):
        problem = "names no order"
    elif CONTROL.search(value):
        problem = "holds a control character or half a character"
    elif len(value) > 1024:
        problem = "is longer than 1024 characters"
    else:
        # A subclass may print as another text, and every request must name the same order.
        return str.__str__(value)
    raise bad(marketplace, name, problem, value)


def bad(marketplace: str, name: str, problem: str, order_id: object) -> InvalidRequestError:
    """Return the error for an argument that makes no sense; it carries the order's id as it was given."""
    given = ascii(order_id)[:100] if not isinstance(order_id, str) else order_id[:100]
    return InvalidRequestError(f"{name} {problem}", marketplace=marketplace, order_id=given)


def quoted(value: str) -> str:
    """Return `value` as exactly one path segment or one query value."""
    return value if _PLAIN.fullmatch(value) else quote(value, safe="")


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
    """attrs validator: a credential fits into one header line, and is the credential alone. It is never repeated."""
    if value is None and field.default is None:
        return
    if problem := problem_of(value, problem_in_header):
        raise ValueError(f"{field.name} {problem}")


def secret_text(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    """attrs validator: a credential that travels in a body. Its text is never repeated."""
    if value is not None and (problem := problem_of(value, problem_in_body)):
        raise ValueError(f"{field.name} {problem}")


def one_of(*words: str) -> "Callable[[object, attrs.Attribute[Any], object], None]":
    """Return an attrs validator: one of these words. What was given is not repeated: it may be a credential."""

    def check(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
        if value not in words:
            raise ValueError(f"{field.name} must be one of {', '.join(words)}")

    return check


def text(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    """attrs validator: text that travels in a body, if it is given."""
    if value is not None and not is_text(value):
        raise ValueError(f"{field.name} must be text, and not empty")


def label(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    """attrs validator: the label of an account, a short text for people and files."""
    if not (is_text(value) and str(value).strip() == value and len(str(value)) <= 100):
        raise ValueError(f"{field.name} must be text of 1 to 100 characters, without spaces at its ends")


def host_label(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    """attrs validator: a value that becomes part of a host name, so it must not choose another host."""
    if not (isinstance(value, str) and _LABEL.fullmatch(value)):
        raise ValueError(f"{field.name} must be letters, digits and hyphens: it is part of a host name")


def base_url(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    """attrs validator: https, or http to this machine; a host, and nothing after the path."""
    if value is None and field.default is None:
        return
    if (
        not isinstance(value, str)
        or CONTROL.search(value)
        or " " in value
        or "\\" in value
        or not value.isascii()
    ):
        raise ValueError(f"{field.name} must be an ASCII URL without spaces")
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"{field.name} is not a URL") from None
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise ValueError(f"{field.name} must not hold a user name or a password")
    if not host or "?" in value or "#" in value:
        raise ValueError(f"{field.name} must be scheme, host and path, without a query or a fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and _LOOPBACK.fullmatch(host)):
        raise ValueError(
            f"{field.name} must be https; http is for this machine alone (localhost, 127.0.0.1, [::1])"
        )


def split_base_url(url: str) -> tuple[str, str]:
    """Return a checked base URL as (origin, path without its last slash)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
