"""Credentials that are read when they are needed, and what every credential has to look like.

A credential is given as text, as a function that returns the text, or as a `SecretFile`. The last two are
`SecretSource`s: they are read before the first request, and again when the marketplace answers 401.
"""

import os
import re
import sys
from collections.abc import Callable
from inspect import iscoroutine, iscoroutinefunction
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

from .secret import Secret, as_secret

#: No credential is longer than this, in bytes: a larger file is another file.
_LARGEST_FILE = 64 * 1024

_HEADER_SAFE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?", re.ASCII)
#: What may stand in no text that we send: control characters, line separators, halves of characters.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WITH_SCHEME = re.compile(r"(bearer|token|basic)\s.*|authorization\s*:.*", re.ASCII | re.IGNORECASE)


class UnreadableCredentialError(Exception):
    """A credential could not be read, or is none. `detail` says why, without it; `cause` is what was raised."""

    def __init__(self, detail: str, cause: BaseException | None = None) -> None:
        super().__init__(detail, cause)
        self.detail = detail
        self.cause = cause


class NotASecretError(ValueError):
    """A file holds no credential."""


class SecretSource:
    """Where a credential is read from. It holds no credential itself."""

    __slots__ = ()

    def read(self) -> object:
        """Return the credential's text as it is now."""
        raise NotImplementedError

    def stamp(self) -> object:
        """Return what differs once it is worth reading again; None where that cannot be told."""
        return None


class SecretFile(SecretSource):
    """A credential that stands in a file, as Docker and Kubernetes mount secrets: `Pattern(token=SecretFile(path))`.

    The file is read before the first request, again when it has changed, and again when the marketplace answers
    401. It holds the credential alone, in UTF-8; one line break at its end does not count. Whether it has changed is
    looked at with the requests, once a second at most. A changed file that holds no credential, because it is being
    written for instance, is passed over until the next look.

        client = Countermand(Pattern(token=SecretFile("/run/secrets/pattern-token")))
    """

    __slots__ = ("_path",)

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)

    @property
    def path(self) -> str:
        """The file's path."""
        return self._path

    def read(self) -> str:
        """Return the file's content, without one line break at its end. Raises OSError or ValueError."""
        with Path(self._path).open("rb") as file:
            content = Secret(_text(file.read(_LARGEST_FILE + 1)))
        if not content:
            raise NotASecretError("it is empty, longer than 64 KiB, or not UTF-8 text")
        return content.reveal().removesuffix("\n").removesuffix("\r")

    def stamp(self) -> object:
        """Return what changes when the file is written or replaced; None while it is not there."""
        try:
            found = Path(self._path).stat()
        except (OSError, ValueError):
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def __repr__(self) -> str:
        return f"SecretFile({self._path!r})"

    def __eq__(self, other: object) -> bool:
        return self._path == other._path if isinstance(other, SecretFile) else NotImplemented

    def __hash__(self) -> int:
        return hash((SecretFile, self._path))


class SecretFunction(SecretSource):
    """A credential that a function of the caller's returns. It shows nothing of the function: a partial holds more."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function

    @property
    def is_async(self) -> bool:
        """Whether the function returns a coroutine, which nobody here would await."""
        return iscoroutinefunction(self._function)

    def read(self) -> object:
        """Call the function, in this thread."""
        found = self._function()
        if iscoroutine(found):
            found.close()  # it would warn that it was never awaited
        return found

    def __repr__(self) -> str:
        return "SecretFunction(…)"

    def __eq__(self, other: object) -> bool:
        return self._function == other._function if isinstance(other, SecretFunction) else NotImplemented

    def __hash__(self) -> int:
        return hash((SecretFunction, id(self._function)))


#: A credential of a configuration: its text, or where it is read from.
Credential: TypeAlias = Secret | SecretSource
#: What a caller may give for one.
CredentialInput: TypeAlias = str | Secret | SecretSource | Callable[[], str]


def as_credential(value: CredentialInput) -> Credential:
    """Convert what a caller gave for a credential: text is sealed, a function becomes a `SecretSource`.

    An attrs converter, for the configuration of a marketplace of your own too. What is nothing of the kind is
    returned as it is, for the validator to refuse.
    """
    if isinstance(value, str | Secret):
        return as_secret(value)
    return SecretFunction(value) if callable(value) else value


def as_optional_credential(value: CredentialInput | None) -> Credential | None:
    """Convert what a caller gave for a credential that may be left out; None stays None."""
    return None if value is None else as_credential(value)


def fits_a_header(value: object) -> TypeGuard[str]:
    """Whether `value` is text that fits into one header line."""
    return isinstance(value, str) and _HEADER_SAFE.fullmatch(value) is not None


def is_text(value: object) -> bool:
    """Whether `value` is text of one line, and not empty."""
    return isinstance(value, str) and bool(value) and not CONTROL.search(value)


def problem_in_header(value: object) -> str | None:
    """Return what is wrong with a credential that travels in a header, or None. The text is not repeated."""
    if not isinstance(value, str):
        return f"must be text, a function that returns text, or SecretFile(path), not {type(value).__name__}"
    if not fits_a_header(value):
        return "must be printable ASCII without line breaks or spaces at its ends"
    if said := _WITH_SCHEME.fullmatch(value):
        scheme = f"{said[1].capitalize()} " if said[1] else "Authorization: "
        return f"must be the credential alone: it already says {scheme!r}"
    return None


def problem_in_body(value: object) -> str | None:
    """Return what is wrong with a credential that travels in a body, or None. The text is not repeated."""
    return None if is_text(value) else "must be text, and not empty"


def problem_of(value: object, problem_in: Callable[[object], str | None]) -> str | None:
    """Return what is wrong with a credential as a configuration holds it; a source is not read yet."""
    if isinstance(value, SecretFunction) and value.is_async:
        return "must be text or a function: a coroutine function is not awaited"
    if isinstance(value, SecretSource):
        return None
    return problem_in(value.reveal() if isinstance(value, Secret) else value)


def read(name: str, credential: Credential, problem_in: Callable[[object], str | None]) -> Secret:
    """Return a credential as it is now. Raises `UnreadableCredentialError`, which never repeats it.

    A function is called in this thread, and with no lock held; on an event loop it blocks the loop.
    """
    if isinstance(credential, Secret):
        return credential
    outer = sys.exception()
    try:
        found = _Found(credential.read())
    except Exception as error:  # noqa: BLE001 - a function of the caller's may raise anything
        cause = _presentable(error, outer)
    else:
        problem = problem_in(found.value)
        if problem is None:
            return Secret(str(found.value))
        raise UnreadableCredentialError(f"{name}, as read from {_told(credential)}, {problem}")
    raise UnreadableCredentialError(
        f"{name} could not be read from {_told(credential)}: {_why(cause)}", cause
    )


class _Found:
    """What was read, kept out of sight of whoever prints local variables."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


def _text(content: bytes) -> str:
    if len(content) > _LARGEST_FILE:
        return ""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return ""  # its exception would hold the content


def _told(credential: SecretSource) -> str:
    return credential.path if isinstance(credential, SecretFile) else "the function given for it"


def _why(cause: BaseException) -> str:
    """Say what was raised: in the operating system's words where it was the one, else by its type alone."""
    if isinstance(cause, OSError) and cause.errno is not None:
        return os.strerror(cause.errno)
    return str(cause) if isinstance(cause, NotASecretError) else type(cause).__name__


def _presentable(error: Exception, outer: BaseException | None) -> Exception:
    """Return `error` without its frames, whose variables hold what was read, and without what it quotes.

    `outer` is what the caller was handling already: it, and what is behind it, stays as it is.
    """
    seen = {id(outer)}
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        link.__traceback__ = None
        if isinstance(link, UnicodeError) or hasattr(link, "doc"):
            return ValueError(
                f"{type(link).__name__}: {link}"
            )  # it holds the whole text that it complains of
        link = link.__cause__ or link.__context__
    return error
