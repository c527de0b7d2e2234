"""Credentials that are read on demand, and the format that every credential must have.

A credential is text, a function that returns text, or a `SecretFile`. The last two are `SecretSource`s: they are read
before the first request, and again after a 401.
"""

import os
import re
import sys
from collections.abc import Callable
from inspect import iscoroutine, iscoroutinefunction
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

from .secret import Secret, as_secret

#: The longest credential, in bytes. A larger file is not a credential file.
_LARGEST_FILE = 64 * 1024

#: Characters that no text we send may contain: control characters, line separators, lone surrogates.
_CONTROL = r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
#: What a credential copied together with its header begins with.
_WITH_SCHEME = r"(?ai)(bearer|token|basic)[\s:=].*|(bearer)|(authorization|x-[a-z-]+)\s*[:=].*"
#: What a template leaves behind if nothing is filled in: ${TOKEN}, $TOKEN, {{ token }}, <your token>, %TOKEN%, None.
_PLACEHOLDER = (
    r"(?a)\$\{.*\}|\$[A-Z_]+|\{\{.*\}\}|<.*>|%\w+%|[*.]+|(?i:none|null|undefined|changeme|your[_-]\w+)"
)
_IS_PLACEHOLDER = "must be a credential, and not the placeholder of a template"
_QUOTES = ("'", '"', "`")


class UnreadableCredentialError(Exception):
    """A credential could not be read, or is malformed. `detail` says why, without the value; `cause` is the exception."""

    def __init__(self, detail: str, cause: BaseException | None = None) -> None:
        super().__init__(detail, cause)
        self.detail = detail
        self.cause = cause


class NotASecretError(ValueError):
    """A file does not contain a credential."""


class SecretSource:
    """A source from which a credential is read. It does not store the credential."""

    __slots__ = ()

    def read(self) -> object:
        """Return the credential's text as it is now."""
        raise NotImplementedError

    def stamp(self) -> object:
        """Return a value that changes when the source should be read again; None if it cannot tell."""
        return None


class SecretFile(SecretSource):
    """A credential in a file, as Docker and Kubernetes mount secrets.

    The file contains only the credential, in UTF-8; one trailing line break is ignored. It is read before the first
    request, when it has changed, and after a 401. Requests check for changes at most once a second. A changed file
    without a valid credential, for example one that is being written, is ignored until the next check.

        client = Countermand(Pattern(token=SecretFile("/run/secrets/pattern-token")))
    """

    __slots__ = ("_path",)

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        if not isinstance(self._path, str) or not self._path.strip():
            raise ValueError("the path of a SecretFile must be text, and not empty")

    @property
    def path(self) -> str:
        """The file's path."""
        return self._path

    def read(self) -> str:
        """Return the file's content without one trailing line break. Raises OSError or ValueError."""
        with Path(self._path).open("rb") as file:
            content = Secret(_text(file.read(_LARGEST_FILE + 1)))
        if not content:
            raise NotASecretError("it is empty, longer than 64 KiB, or not UTF-8 text")
        return content.reveal().removesuffix("\n").removesuffix("\r")

    def stamp(self) -> object:
        """Return a value that changes when the file is written or replaced; None if it does not exist."""
        try:
            found = Path(self._path).stat()
        except (OSError, ValueError):
            return None
        return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size

    def __repr__(self) -> str:
        return f"SecretFile({self._path!r})"

    def __eq__(self, other: object) -> bool:
        return self._path == other._path if isinstance(other, SecretFile) else NotImplemented

    def __hash__(self) -> int:
        return hash((SecretFile, self._path))


class SecretFunction(SecretSource):
    """A credential returned by a function of the caller. The repr omits the function: a partial may hold secrets."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function

    @property
    def problem(self) -> str | None:
        """Why it cannot return a credential, or None."""
        if isinstance(self._function, type):
            return "must be text, a function that returns text, or SecretFile(path), not a class"
        if iscoroutinefunction(self._function) or iscoroutinefunction(type(self._function).__call__):
            return (
                "must be text or a plain function, also on an event loop: a coroutine function is not awaited; "
                "let a task of yours keep the credential, and give a function that returns what it has"
            )
        return None

    def read(self) -> object:
        """Call the function, in this thread."""
        found = self._function()
        if iscoroutine(found):
            found.close()  # prevents the warning that it was never awaited
        return found

    def __repr__(self) -> str:
        return "SecretFunction(…)"

    def __eq__(self, other: object) -> bool:
        return self._function == other._function if isinstance(other, SecretFunction) else NotImplemented

    def __hash__(self) -> int:
        return hash((SecretFunction, id(self._function)))


#: A credential of a configuration: its text, or the source from which it is read.
Credential: TypeAlias = Secret | SecretSource
#: The types that a caller may pass for a credential.
CredentialInput: TypeAlias = str | Secret | SecretSource | Callable[[], str]


def as_credential(value: CredentialInput) -> Credential:
    """Convert a caller's credential: text becomes a `Secret`, a function becomes a `SecretSource`.

    An attrs converter, also for the configuration of your own marketplace. Any other value is returned unchanged,
    and the validator refuses it.
    """
    if isinstance(value, str | Secret):
        return as_secret(value)
    return SecretFunction(value) if callable(value) else value


def as_optional_credential(value: CredentialInput | None) -> Credential | None:
    """Convert an optional credential; None stays None."""
    return None if value is None else as_credential(value)


def fits_a_header(value: object) -> TypeGuard[str]:
    """Whether `value` is text that fits into one header line."""
    if not isinstance(value, str) or not value:
        return False
    return value.isascii() and value.isprintable() and value == value.strip()


def has_control(text: str) -> bool:
    """Whether a text has a character that no text we send may contain. A printable text has none."""
    return re.search(_CONTROL, text) is not None


def is_text(value: object) -> bool:
    """Whether `value` is text of one line, and not empty."""
    return isinstance(value, str) and bool(value) and (value.isprintable() or not has_control(value))


def problem_in_header(value: object) -> str | None:
    """Return what is wrong with a credential for a header, or None. The text is not repeated."""
    if not isinstance(value, str):
        return f"must be text, a function that returns text, or SecretFile(path), not {type(value).__name__}"
    if not value:
        return "must be a credential: it is empty"
    if not fits_a_header(value):
        return "must be printable ASCII without line breaks or spaces at its ends"
    if said := re.fullmatch(_WITH_SCHEME, value):
        scheme = said[1] or said[2]
        says = f"{scheme.capitalize()} " if scheme else f"{said[3].capitalize()}: "
        return f"must be the credential alone: it already says {says!r}"
    if value.startswith(_QUOTES) or value.endswith(_QUOTES):
        return "must be the credential alone, without quotation marks"
    if re.fullmatch(_PLACEHOLDER, value):
        return _IS_PLACEHOLDER
    if "://" in value:
        return "must be the credential itself, and not an address"
    return "must not hold a space" if " " in value else None


def problem_in_body(value: object) -> str | None:
    """Return what is wrong with a credential for a body, or None. The text is not repeated."""
    if not is_text(value):
        return "must be text, and not empty"
    return _IS_PLACEHOLDER if re.fullmatch(_PLACEHOLDER, str(value)) else None


def problem_of(value: object, problem_in: Callable[[object], str | None]) -> str | None:
    """Return what is wrong with a credential of a configuration, or None. A source is not read yet."""
    if isinstance(value, SecretFunction):
        return value.problem
    if isinstance(value, SecretSource):
        return None
    return problem_in(value.reveal() if isinstance(value, Secret) else value)


def read(name: str, credential: Credential, problem_in: Callable[[object], str | None]) -> Secret:
    """Return the current credential. Raises `UnreadableCredentialError`, which never repeats the value.

    A function is called in this thread without holding a lock. On an event loop it blocks the loop.
    """
    if isinstance(credential, Secret):
        return credential
    outer = sys.exception()
    try:
        found = _Found(credential.read())
    except Exception as error:  # noqa: BLE001 - the caller's function may raise anything
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
    """The value that was read, hidden from tracebacks with local variables."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


def _text(content: bytes) -> str:
    if len(content) > _LARGEST_FILE:
        return ""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return ""  # the exception would contain the content


def _told(credential: SecretSource) -> str:
    return credential.path if isinstance(credential, SecretFile) else "the function given for it"


def _why(cause: BaseException) -> str:
    """Describe an exception: by the operating system's message if it is an OSError, else by its type only."""
    if isinstance(cause, OSError) and cause.errno is not None:
        return os.strerror(cause.errno)
    return str(cause) if isinstance(cause, NotASecretError) else type(cause).__name__


def _presentable(error: Exception, outer: BaseException | None) -> Exception:
    """Return `error` without its frames, whose variables hold the value, and without the text that it quotes.

    `outer` is the exception that the caller was already handling. It and its causes are left unchanged.
    """
    seen = {id(outer)}
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        link.__traceback__ = None
        if isinstance(link, UnicodeError) or hasattr(link, "doc"):
            return ValueError(f"{type(link).__name__}: {link}")  # it contains the whole text
        link = link.__cause__ or link.__context__
    return error
