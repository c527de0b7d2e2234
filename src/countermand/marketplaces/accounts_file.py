"""Accounts from a TOML file, each with a label.

    timeout = 30

    [accounts.ar]
    marketplace = "vtex"
    account = "brand-ar"
    app_key = { env = "VTEX_AR_KEY" }
    app_token = { file = "/run/secrets/vtex-ar" }

The keys of an account are the fields of its marketplace's configuration. A value is text, a number, the name of an
environment variable, or the path of a file, relative to the accounts file. A credential in its own file is a
`SecretFile`: it is read again when it changes.
"""

import os
import re
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard

from ..engine import checks
from ..engine.credentials import SecretFile
from ..engine.secret import Secret
from ..errors import InvalidRequestError, NotConfiguredError
from .environment import surrounded
from .loading import Environ, Given, Setup, fields_of, marketplaces, near
from .registry import OURS, announced, configuration_of

_HEADER = re.compile(r"""\s*\[\s*accounts\s*\.\s*(["']?)(.+?)\1\s*\]""")
_MARKETPLACE = re.compile(r"""\s*marketplace\s*=\s*["'](\w+)["']""")
_LINE = re.compile(r"at line (\d+)")
_KEYS = ("accounts", "timeout")
_KINDS = ("env", "file")


def _is_table(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


class _Document:
    """The content of the file, redacted in the repr, because any part of it may be a credential."""

    __slots__ = ("is_open", "tables")

    def __init__(self, tables: dict[str, Any], mode: int) -> None:
        self.tables = tables
        #: Whether users other than its owner can read it.
        self.is_open = os.name != "nt" and bool(mode & (stat.S_IRGRP | stat.S_IROTH))


def from_accounts_file(path: str | os.PathLike[str], environ: Environ) -> Setup:
    """Return the accounts and the timeout from a file, and the problems with them."""
    setup, where = Setup(), f"{os.fspath(path)}: "
    try:
        document = _document(Path(path))
    except ValueError as problem:
        setup.problems.append(f"{where}{problem}")
        return setup
    problems = list(_top_level(document, setup))
    labels = [] if problems else list(document.tables.get("accounts", ()))
    if not (labels or problems):
        problems.append(
            f'it has no account: give one a table [accounts.<label>] with marketplace = "…", one of {marketplaces()}'
        )
    setup.problems.extend(where + problem for problem in problems)
    for label in labels:
        _add_account(setup, document, label, Path(path).parent, environ, where)
    if setup.holds_secret and document.is_open:
        setup.warning = (
            f"{where}it holds credentials, and others can read it: chmod 600, "
            'or give the credentials as { env = "…" } or { file = "…" }'
        )
    return setup


def _document(path: Path) -> _Document:
    """Return the content of a file. Raises ValueError for the problem with it, which repeats none of it."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = Secret(file.read().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError(f"must be UTF-8 text with the accounts of {marketplaces()}") from None
    except (OSError, ValueError) as error:  # a ValueError, if no file can have that path
        told = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"could not be read: {told}; it holds the accounts of {marketplaces()}") from None
    try:
        return _Document(tomllib.loads(content.reveal()), mode)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(_syntax(str(error), content)) from None
    except RecursionError:
        raise ValueError(_syntax("it is nested too deeply", content)) from None


def _syntax(said: str, content: Secret) -> str:
    """Return a syntax error with its account and marketplace."""
    line = _LINE.search(said)
    label: str | None = None
    found: dict[str, str] = {}
    for text in content.reveal().splitlines()[: int(line[1]) if line else None]:
        if header := _HEADER.match(text):
            label = header[2]
        elif label is not None and (named := _MARKETPLACE.match(text)):
            found[label] = named[1]
    if label is None:
        return f"{said}, for {marketplaces()}"
    return f"accounts.{label}: {found.get(label, marketplaces())}: {said}"


def _top_level(document: _Document, setup: Setup) -> Iterator[str]:
    for key in document.tables:
        if key in _KEYS:
            continue
        if _is_table(document.tables[key]):
            yield f"{key}: did you mean accounts.{key}? The accounts of {marketplaces()} are in [accounts.<label>]"
        else:
            guess = near(key, _KEYS)
            meant = f"did you mean {guess}? " if guess else ""
            yield f"{key}: {meant}There is no such key; the fields of {marketplaces()} are in [accounts.<label>]"
    if "timeout" in document.tables:
        try:
            setup.timeout = checks.seconds(document.tables["timeout"])
        except InvalidRequestError as error:
            yield f"{error.message}; it holds for {marketplaces()}"
    accounts = document.tables.get("accounts", {})
    if not _is_table(accounts):
        yield f"accounts: must be tables [accounts.<label>] for {marketplaces()}, not {checks.kind(accounts)}"


def _add_account(
    setup: Setup, document: _Document, label: str, folder: Path, environ: Environ, where: str
) -> None:
    place = f"accounts.{label}"
    given = _given(document, label, folder)
    if given is None:
        setup.problems.append(f"{where}{place}: must be a table with the fields of one of {marketplaces()}")
        return
    marketplace, problem = _marketplace(given.pop("marketplace", None), place, given)
    if marketplace is None:
        setup.problems.append(where + problem)
        return
    try:
        known = fields_of(configuration_of(marketplace))
    except NotConfiguredError as error:
        setup.problems.append(f"{where}{place}.marketplace: {error.message}")
        return
    problems: list[str] = []
    for field, each in given.items():
        setup.holds_secret |= isinstance(each.value, Secret) and field in known and known[field].credential
        try:
            given[field] = _resolved(each, environ)
        except ValueError as error:
            problems.append(f"{where}{each.source}: {marketplace}: {error}")
    if "label" in given:
        problems.append(f"{where}{place}.label: {marketplace}: the label is the table's name, {label}")
    if problems:
        setup.problems.extend(problems)
        return
    if "label" in known:
        given["label"] = Given(place, label)
    setup.add(marketplace, given, lambda field: f"{place}.{field}", where)


def _given(document: _Document, label: str, folder: Path) -> dict[str, Given] | None:
    """Return the values of an account's table, or None if it is not a table."""
    table = document.tables["accounts"][label]
    if not _is_table(table):
        return None
    return {key: _sealed(f"accounts.{label}.{key}", value, folder) for key, value in table.items()}


def _sealed(source: str, value: Any, folder: Path) -> Given:
    if _is_table(value) and value.keys() == {"file"} and isinstance(value["file"], str):
        return Given(source, SecretFile(folder / value["file"]))
    return Given(source, Secret(value) if isinstance(value, str) else value)


def _marketplace(given: Given | None, place: str, others: dict[str, Given]) -> tuple[str | None, str]:
    """Return the marketplace of an account, or None and the problem."""
    if given is None:
        close = next((key for key in others if near(key.casefold(), ["marketplace"])), None)
        if close is not None:
            return None, f"{place}.{close}: did you mean marketplace? It must be one of {marketplaces()}"
        return None, f"{place}.marketplace: must be set, to one of {marketplaces()}"
    name = given.reveal()
    if isinstance(name, str) and (name in OURS or name in announced()):
        return name, ""
    everybody = [*OURS, *announced()]
    guess = near(name, everybody) if isinstance(name, str) else None
    meant = f"did you mean {guess}? " if guess else ""
    return None, f"{given.source}: {meant}it must be one of {', '.join(everybody)}"


def _resolved(given: Given, environ: Environ) -> Given:
    """Return the value that a reference stands for. Raises ValueError for the problem with the reference."""
    reference = given.value
    if not _is_table(reference):
        return given
    for key in reference:
        if key not in _KINDS:
            guess = near(key, _KINDS)
            wanted = 'must be text, a number, { env = "…" } or { file = "…" }'
            raise ValueError(f"did you mean {guess}?" if guess else wanted)
    name = reference.get("env")
    if len(reference) != 1 or not isinstance(name, str):
        raise ValueError('must be { env = "…" } or { file = "…" }, with one text')
    value = environ.get(name)
    if value is None:
        raise ValueError(f"the environment variable {name} is not set, or empty")
    if problem := surrounded(value):
        raise ValueError(f"{name} {problem}")
    return Given(f"{given.source} ({name})", value)
