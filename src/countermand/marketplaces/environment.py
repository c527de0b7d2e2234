"""Accounts from environment variables.

A marketplace is configured when any of its variables is set. `COUNTERMAND_<MARKETPLACE>_<FIELD>` sets the field of
the same name: COUNTERMAND_PATTERN_TOKEN, COUNTERMAND_VTEX_APP_KEY, COUNTERMAND_CRUX_ENVIRONMENT,
COUNTERMAND_KIBO_TENANT_ID, and so on for every field of `Pattern`, `Vtex`, `Crux` and `Kibo`, and of the
configuration of every marketplace that an installed package registers. A credential may also be in a file that
COUNTERMAND_PATTERN_TOKEN_FILE names; it is read again when it changes. COUNTERMAND_TIMEOUT is the client's timeout.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property, partial
from typing import NamedTuple

from ..engine import checks
from ..engine.credentials import SecretFile
from ..engine.logs import LEVELS, VARIABLE
from ..engine.secret import Secret
from ..errors import InvalidRequestError, NotConfiguredError
from .loading import Environ, Given, Setup, fields_of, marketplaces, near, number_in
from .registry import OURS, announced, configuration_of

_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
#: The prefix unless another one is chosen.
PREFIX = "COUNTERMAND_"
_QUOTES = ("'", '"')


class _Variable(NamedTuple):
    """The field that a variable sets."""

    marketplace: str
    field: str
    names_a_file: bool = False


def from_environment(environ: Environ, prefix: str) -> Setup:
    """Return the accounts and the timeout from the variables with `prefix`, and the problems with them."""
    setup = Setup()
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        setup.problems.append(f"prefix: must be text such as COUNTERMAND_, for {marketplaces()}")
        return setup
    known = _Names(prefix)
    found: dict[str, dict[str, Given]] = {}
    spoilt: set[str] = set()
    empty: list[tuple[str, _Variable]] = []
    for name in environ.names():
        value = environ.get(name)
        if not name.startswith(prefix):
            setup.problems.extend(known.misspelt(name))
        elif name in known.general:
            if value is not None:
                known.general[name](setup, name, value)
        elif (variable := known.find(name)) is None:
            setup.problems.append(known.unknown(name))
        elif value is None:
            empty.append((name, variable))
        elif problem := surrounded(value):
            setup.problems.append(f"{name}: {variable.marketplace}: {variable.field} {problem}")
            spoilt.add(variable.marketplace)
        else:
            given = found.setdefault(variable.marketplace, {})
            if variable.field in given:
                both = " and ".join(sorted((name, given[variable.field].source)))
                setup.problems.append(f"{both}: {variable.marketplace}: set one of them, not both")
                spoilt.add(variable.marketplace)
            given[variable.field] = Given(
                name, SecretFile(value.reveal()) if variable.names_a_file else value
            )
    setup.problems.extend(
        f"{name}: {marketplace}: it is empty; set it, or leave it out"
        for name, (marketplace, field, _) in empty
        if marketplace in found
        # Those that say where credentials are sent.
        and (field in ("environment", "release") or field.endswith("_url"))
    )
    for marketplace in sorted(found.keys() - spoilt, key=[*OURS, *found].index):
        setup.add(marketplace, found[marketplace], partial(_name, prefix, marketplace))
    if not (setup.accounts or setup.problems):
        setup.problems.append(known.nothing(environ.names(), [name for name, _ in empty]))
    return setup


def surrounded(value: Secret) -> str | None:
    """Return the problem with a value in quotation marks or with surrounding spaces, or None."""
    text = value.reveal()
    if not isinstance(text, str):
        return f"must be text, not {checks.kind(text)}"
    if text.strip() != text:
        return "has spaces or a line break at its ends: leave them out"
    if len(text) > 1 and text[0] in _QUOTES and text[-1] == text[0]:
        return "is in quotation marks: leave them out, they are taken for a part of it"
    return None


def _set_timeout(setup: Setup, name: str, value: Secret) -> None:
    try:
        setup.timeout = checks.seconds(number_in(str(value.reveal())))
    except InvalidRequestError:
        setup.problems.append(
            f"{name}: must be a positive number of seconds, a year at most; it holds for {marketplaces()}"
        )


def _check_log(setup: Setup, name: str, value: Secret) -> None:
    if str(value.reveal()).strip().lower() not in LEVELS:
        setup.problems.append(f"{name}: must be one of {', '.join(LEVELS)}; it holds for {marketplaces()}")


def _name(prefix: str, marketplace: str, field: str) -> str:
    return f"{prefix}{re.sub(r'[^A-Z0-9]', '_', marketplace.upper())}_{field.upper()}"


class _Names:
    """The known variables with a prefix. Marketplaces are lazily imported, and packages scanned only if need be."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._of = cache(self._variables)
        #: Why the package of a marketplace cannot be loaded. It has no variables then.
        self._unloadable: dict[str, str] = {}
        #: The variables for all marketplaces. Logging reads its own when the package is imported, by one name only.
        self.general: dict[str, Callable[[Setup, str, Secret], None]] = {f"{prefix}TIMEOUT": _set_timeout}
        if prefix == PREFIX:
            self.general[VARIABLE] = _check_log

    def find(self, name: str) -> _Variable | None:
        """Return the field that a variable sets, or None if it is unknown."""
        found = (self._of(owner).get(name) for owner in self._owners(name))
        return next((variable for variable in found if variable is not None), None)

    def unknown(self, name: str) -> str:
        """Return the message for an unknown variable, with the one that may be meant."""
        for owner in self._owners(name):
            if not self._of(owner):
                return f"{name}: {self._unloadable[owner]}"
        if said := self._meant(name, name.removeprefix(self._prefix)):
            return said
        for owner in self._owners(name):
            return f"{name}: {owner} has no such variable; it has {', '.join(self._of(owner))}"
        return f"{name}: there is no such variable; the marketplaces are {', '.join(self._everybody)}"

    def misspelt(self, name: str) -> Iterable[str]:
        """Yield the message for a variable whose prefix is in the wrong case, or nearly the default one."""
        plain = re.sub(r"[^A-Z0-9]", "_", name.upper())
        end = self._after_prefix(plain)
        if end is not None and (said := self._meant(name, end)):
            yield said
        elif self._prefix == PREFIX == plain.rstrip("_") + "_":
            yield self.unknown(name)

    def nothing(self, names: Iterable[str], empty: list[str]) -> str:
        """Return the message that no account is configured, with the likely reason."""
        if empty:
            return f"no account is configured: {', '.join(empty)} is empty; the marketplaces are {marketplaces()}"
        everything = self._everything()
        for name in names:
            if "_" in name and (guess := near(name, everything, 0.85)):
                return f"{name}: did you mean {guess}? No account is configured, not even at {everything[guess].marketplace}"
        needed = ", ".join(f"{next(iter(self._of(owner)))} ({owner})" for owner in OURS)
        return f"no account is configured: set the variables of one at least, such as {needed}"

    def _after_prefix(self, name: str) -> str | None:
        length = len(self._prefix)
        if name.startswith(self._prefix.upper()):
            return name[length:]
        if self._prefix == PREFIX:  # another prefix may be too short to tell a misspelling from another word
            for owner in OURS:
                begin = name.find(f"{owner.upper()}_", length - 3, length + 12)
                if begin > 0 and near(name[:begin], [self._prefix], 0.9):
                    return name[begin:]
        return None

    def _meant(self, name: str, end: str) -> str | None:
        """Return the message with the variable that is meant by a name that ends so, or None."""
        everything = self._everything()
        ends = [each.removeprefix(self._prefix) for each in (*everything, *self.general)]
        close = near(end.upper(), ends, 0.8)
        if close is None:
            return None
        guess = f"{self._prefix}{close}"
        if guess in everything:
            return f"{name}: did you mean {guess}? {everything[guess].marketplace} has no such variable"
        return f"{name}: did you mean {guess}? None of {', '.join(self._everybody)} has such a variable"

    def _owners(self, name: str) -> Iterator[str]:
        """Yield the marketplaces whose variables begin as `name` does: ours, then the longest of the others."""

        def begins(owner: str) -> bool:
            return name.startswith(_name(self._prefix, owner, ""))

        yield from filter(begins, OURS)
        yield from sorted(filter(begins, self._others), key=len, reverse=True)

    @cached_property
    def _others(self) -> tuple[str, ...]:
        return announced()

    @property
    def _everybody(self) -> list[str]:
        return [*OURS, *self._others]

    def _variables(self, owner: str) -> dict[str, _Variable]:
        found: dict[str, _Variable] = {}
        try:
            fields = fields_of(configuration_of(owner)).values()
        except NotConfiguredError as error:
            self._unloadable[owner] = error.message
            return found
        for field in fields:
            found[_name(self._prefix, owner, field.name)] = _Variable(owner, field.name)
        for field in fields:
            if field.credential:
                found.setdefault(
                    _name(self._prefix, owner, f"{field.name}_file"), _Variable(owner, field.name, True)
                )
        return found

    def _everything(self) -> dict[str, _Variable]:
        return {name: each for owner in self._everybody for name, each in self._of(owner).items()}
