"""The settings of a client, and the options with which one call overrides them."""

import re
from collections.abc import Callable, Iterable, Mapping
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypedDict

from ..errors import InvalidRequestError
from . import checks
from .credentials import fits_a_header
from .retry import DEFAULT_RETRY, RetryPolicy
from .secret import SealedHeaders

if TYPE_CHECKING:
    from .events import Hook

_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
#: Headers that the package sets, that authenticate, or that change the meaning of a request or its reply.
_OURS = frozenset(
    """accept accept-encoding authorization connection content-encoding content-length content-type cookie expect
    host http2-settings if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive prefer
    proxy-authorization proxy-connection range te trailer transfer-encoding upgrade user-agent x-http-method
    x-http-method-override x-method-override""".split()
)


class RequestOptions(TypedDict, total=False):
    """The keyword arguments of every call, including `wait_until_settled`.

    None, the default, means the setting of the client.

        client.wait_until_settled(outcome, retry=RetryPolicy(attempts=6))
    """

    #: Replaces the client's retry policy.
    retry: RetryPolicy | None
    #: Additional headers for every request except logins, such as a trace id. Not for credentials.
    headers: Mapping[str, str] | None


class CallOptions(RequestOptions, total=False):
    """The keyword arguments of every call except `wait_until_settled`, which has its own timeout.

    None, the default, means the setting of the client.

        client.vtex.cancel_order("1172452900788-01", timeout=10, headers={"X-Trace-Id": "4bf92f3577b34da6"})
    """

    #: The deadline of the whole call, in seconds.
    timeout: float | None


class Settings:
    """The settings of a client."""

    def __init__(
        self,
        timeout: float = 30.0,
        retry: RetryPolicy = DEFAULT_RETRY,
        headers: SealedHeaders | None = None,
        hooks: "tuple[Hook, ...]" = (),
    ) -> None:
        self.timeout = timeout
        self.retry = retry
        #: Additional headers, if any.
        self.headers = headers
        self.hooks = hooks

    def but(self, own: frozenset[str] = frozenset(), **options: Any) -> "Settings":
        """Return the settings with `options` applied; None changes nothing.

        `own` are the lower-case names of the marketplace's authentication headers. Raises `InvalidRequestError` for
        an invalid value.
        """
        changed: dict[str, Any] = {}
        for name, value in options.items():
            if value is not None:
                changed[name] = _CHECKS[name](value)
        if "headers" in changed:
            given: SealedHeaders = changed["headers"]
            refuse(given, own)
            changed["headers"] = given if self.headers is None else merged(self.headers, given)
        return Settings(**(vars(self) | changed))


def check_names(options: Iterable[str]) -> None:
    """Raise TypeError if one of these is not an option of a call."""
    for name in options:
        if name not in CallOptions.__optional_keys__:
            known = ", ".join(sorted(CallOptions.__optional_keys__))
            raise TypeError(f"a call takes {known} by name, and not {name!r}")


def settings_of(timeout: object, retry: object, hooks: object) -> Settings:
    """Return a client's settings, checked. Raises `InvalidRequestError`."""
    return Settings(checks.seconds(timeout), _retry(retry), None, _hooks(hooks))


def merged(others: SealedHeaders, ours: SealedHeaders) -> SealedHeaders:
    """Merge headers; if a name is in both, in any case, `ours` wins."""
    taken = {name.lower() for name in ours}
    kept = {name: value for name, value in others.items() if name.lower() not in taken}
    return SealedHeaders({**kept, **ours})


def refuse(headers: SealedHeaders, own: frozenset[str]) -> None:
    """Raise `InvalidRequestError` if `headers` contains a reserved name, or one of `own`."""
    for name in headers:
        if name.lower() in _OURS or name.lower() in own:
            raise InvalidRequestError(f"headers must not contain {name}: it is reserved")


def _headers(given: object) -> SealedHeaders:
    if not isinstance(given, Mapping):
        raise InvalidRequestError(f"headers must be a mapping of names to values, not {checks.kind(given)}")
    pairs: Any = given  # pyright: ignore[reportUnknownVariableType]
    for name, value in pairs.items():
        if not (isinstance(name, str) and re.fullmatch(_NAME, name)):
            raise InvalidRequestError(f"headers: {ascii(name)[:100]} is not the name of a header")
        if not fits_a_header(value):
            raise InvalidRequestError(
                f"headers: {name} must be printable ASCII without line breaks or spaces at its ends"
            )
    if len({name.lower() for name in pairs}) < len(pairs):
        raise InvalidRequestError("headers: a name is there twice")
    return SealedHeaders(pairs)


def _hooks(given: object) -> "tuple[Hook, ...]":
    if not isinstance(given, Iterable):
        raise InvalidRequestError(f"hooks must be a list of functions, not {checks.kind(given)}")
    hooks: tuple[Any, ...] = (*given,)  # pyright: ignore[reportUnknownVariableType]
    for hook in hooks:
        if not callable(hook) or iscoroutinefunction(hook) or iscoroutinefunction(type(hook).__call__):
            raise InvalidRequestError(
                f"a hook must be a plain function of one event, not {checks.kind(hook)}"
            )
    return hooks


def _retry(given: Any) -> RetryPolicy:
    policy: RetryPolicy = checks.instance(given, RetryPolicy, "retry")
    return policy


_CHECKS: dict[str, Callable[[object], Any]] = {
    "timeout": checks.seconds,
    "retry": _retry,
    "headers": _headers,
    "hooks": _hooks,
}
