"""Accounts from texts: the common part of `environment` and `accounts_file`.

Both collect `Given` values by field name. `account_of` builds an account from them, or returns the problems, with the
marketplace and the source of each value. A message never repeats a value: even in the wrong place, it may be a
credential.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter, signature
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import attrs

from ..engine import checks
from ..engine.credentials import (
    SecretFile,
    UnreadableCredentialError,
    as_credential,
    as_optional_credential,
    read,
)
from ..engine.secret import Secret, redacted_text
from ..errors import InvalidRequestError
from .registry import OURS, AnyAccount, configuration_of

#: The default timeout of a call, in seconds.
_TIMEOUT = 30.0
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class Given:
    """A value and its source. The value is redacted in the repr."""

    __slots__ = ("source", "value")

    def __init__(self, source: str, value: object) -> None:
        #: The variable or the key that set it.
        self.source: str = source
        #: A `Secret`, a `SecretFile`, or what a TOML file holds.
        self.value: object = value

    def reveal(self) -> Any:
        """Return the value itself."""
        return self.value.reveal() if isinstance(self.value, Secret) else self.value

    def __repr__(self) -> str:
        return f"Given({self.source})"


class Environ:
    """Environment variables, redacted in the repr. By default those of the process."""

    __slots__ = ("_values",)

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        given = os.environ if variables is None else variables
        if not isinstance(given, Mapping):
            raise InvalidRequestError(f"environ must be a mapping, not {checks.kind(given)}")
        if not all(isinstance(name, str) for name in given):
            raise InvalidRequestError("environ must have names that are text")
        self._values = {name: Secret(value) for name, value in given.items()}

    def names(self) -> Iterable[str]:
        """Return the names of all variables."""
        return self._values.keys()

    def get(self, name: str) -> Secret | None:
        """Return the value of a variable, or None if it is not set or empty."""
        return self._values.get(name) or None


class Setup:
    """The result of loading: accounts, a timeout, and all problems."""

    def __init__(self) -> None:
        self.accounts: list[AnyAccount] = []
        self.timeout: float | None = None
        self.problems: list[str] = []
        #: Whether a credential stands in the file itself.
        self.holds_secret: bool = False
        self.warning: str | None = None
        self._sources: dict[str, str] = {}

    def add(
        self, name: str, given: Mapping[str, Given], name_of: Callable[[str], str], where: str = ""
    ) -> None:
        """Add the account at the marketplace `name` with these values, or the problems with them.

        `name_of` returns the variable or key of a field; `where` is the prefix of every message.
        """
        account, problems = _account_of(name, given, name_of)
        if account is not None:
            source = given["label"].source if "label" in given else name_of("label")
            if (taken := self._sources.get(account.label)) is not None:
                problems = [
                    f"{source}: {name}: the label {account.label!r} is taken by {taken}: give it another"
                ]
            self._sources[account.label] = name
            self.accounts.append(account)
        self.problems.extend(where + problem for problem in problems)

    def checked(self) -> list[AnyAccount]:
        """Return the accounts. Raises ValueError with one line for each problem."""
        if self.problems:
            raise ValueError("\n".join(self.problems))
        return self.accounts

    def patience(self, timeout: float | None) -> float:
        """Return the timeout of calls: the argument, the loaded value, or the default."""
        if timeout is not None:
            return timeout
        return _TIMEOUT if self.timeout is None else self.timeout


@attrs.frozen
class Field:
    """One argument of a configuration."""

    name: str
    required: bool
    #: Whether it accepts a credential, and so a `SecretFile`.
    credential: bool
    #: The types that its annotation allows.
    kinds: frozenset[object]

    def typed(self, value: Any) -> Any:
        """Convert a text to the field's type. Raises ValueError."""
        if not isinstance(value, str) or str in self.kinds or not self.kinds & {bool, int, float}:
            return value
        if bool in self.kinds:
            if value.casefold() in (*_TRUE, *_FALSE):
                return value.casefold() in _TRUE
            raise ValueError(f"{self.name} must be true or false")
        number = number_in(value)
        if float in self.kinds and number is not None:
            return number
        if number is not None and value.lstrip("+-").isdecimal():
            return int(value)
        raise ValueError(f"{self.name} must be {'a number' if float in self.kinds else 'a whole number'}")


def fields_of(kind: type[AnyAccount]) -> dict[str, Field]:
    """Return the arguments of a configuration by name."""
    try:
        hints = get_type_hints(kind, include_extras=True)
    except Exception:  # noqa: BLE001 - a name that only type checkers can resolve: its values stay text
        hints = {}
    readable = {
        field.alias
        for field in (attrs.fields(kind) if attrs.has(kind) else ())
        if field.converter in (as_credential, as_optional_credential)
    }
    found = signature(kind).parameters.values()
    return {
        each.name: Field(
            each.name,
            each.default is Parameter.empty,
            each.name in readable,
            frozenset(_kinds(hints.get(each.name, str))),
        )
        for each in found
        if each.kind in (Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    }


def _kinds(hint: Any) -> Iterable[object]:
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    members = get_args(hint)
    if not members or isinstance(hint, type):
        yield hint
    for member in members:
        yield from _kinds(member)


def _account_of(
    name: str, given: Mapping[str, Given], name_of: Callable[[str], str]
) -> tuple[AnyAccount | None, list[str]]:
    """Return the account, or None and the problems."""
    kind = configuration_of(name)
    known = fields_of(kind)
    problems: list[str] = []
    plain: dict[str, Given] = {}
    for field, each in given.items():
        try:
            plain[field] = _plain(known[field], each)
        except KeyError:
            guess = near(field, known)
            meant = f"did you mean {guess}? " if guess else ""
            has = "" if guess else f"; it has {', '.join(known)}"
            problems.append(f"{each.source}: {meant}{name} has no such field{has}")
        except (ValueError, UnreadableCredentialError) as error:
            problems.append(f"{each.source}: {name}: {error.args[0]}")
    missing = [name_of(field.name) for field in known.values() if field.required and field.name not in given]
    if missing:
        problems.append(f"{' and '.join(missing)}: {name}: must be set too")
    if problems:
        return None, problems
    # First with the contents of the files, to validate them too.
    account, said = _built(kind, plain)
    if account is None:
        told = said.removeprefix(f"{name}: ")
        named = [field for field in known if re.search(rf"\b{field}\b", told)]
        sources = [plain[field].source if field in plain else name_of(field) for field in named or plain]
        return None, [f"{' and '.join(sources)}: {name}: {told}"]
    files = {field: each for field, each in given.items() if isinstance(each.value, SecretFile)}
    kept = {field: each for field, each in files.items() if known[field].credential}
    return (_built(kind, plain | kept)[0] if kept else account), []


def number_in(text: str) -> float | None:
    """Return the number that a text is, or None. Python's own form, such as 1_000, is none."""
    if not text.isascii() or "_" in text or text.strip() != text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def near(word: str, words: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the closest match for a misspelt `word`, or None."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(words), 1, cutoff)), None)


def marketplaces() -> str:
    """Return the names of the built-in marketplaces, for messages."""
    return ", ".join(OURS)


def _plain(field: Field, each: Given) -> Given:
    """Convert a value for the configuration. Raises ValueError or `UnreadableCredentialError`."""
    value = each.value
    if isinstance(value, SecretFile):
        value = read(field.name, value, lambda _: None)  # the configuration has its own validators
    elif not isinstance(value, Secret | str | int | float):
        raise ValueError(f"{field.name} must be text or a number, not {checks.kind(value)}")
    return Given(each.source, field.typed(Given("", value).reveal()))


def _built(kind: type[AnyAccount], given: Mapping[str, Given]) -> tuple[AnyAccount | None, str]:
    """Return a configuration, or None and the problem, without any of the values."""
    try:
        return kind(**{field: each.reveal() for field, each in given.items()}), ""
    except (ValueError, TypeError) as error:
        said = str(error.args[0]) if error.args else "it is not valid"
    secrets = {
        form for each in given.values() if isinstance(each.value, str) for form in Secret(each.value).forms()
    }
    return None, redacted_text(said, secrets)
