"""Accounts from environment variables.

A marketplace is configured when any of its variables is set. `COUNTERMAND_<MARKETPLACE>_<FIELD>` sets the field of
the same name: COUNTERMAND_PATTERN_TOKEN, COUNTERMAND_VTEX_APP_KEY, COUNTERMAND_CRUX_ENVIRONMENT,
COUNTERMAND_KIBO_TENANT_ID, and so on for every field of `Pattern`, `Vtex`, `Crux` and `Kibo`.
"""

from collections.abc import Mapping
from typing import Any

import attrs

from ..engine.secret import SealedHeaders
from .registry import OURS, AnyAccount, configuration_of


def named_in(environ: Mapping[str, str]) -> dict[str, SealedHeaders]:
    """Return the fields that `environ` sets, by marketplace name; from here on they do not show themselves."""
    found: dict[str, SealedHeaders] = {}
    for name in OURS:
        if not any(variable.startswith(_variable(name, "")) for variable in environ):
            continue
        fields = attrs.fields(_attrs_class(name))
        values = {field.name: environ.get(_variable(name, field.name)) for field in fields}
        given = SealedHeaders({field: value for field, value in values.items() if value})
        if given:
            found[name] = given
    return found


def configured(given: Mapping[str, SealedHeaders]) -> list[AnyAccount]:
    """Return the accounts that these fields make. Raises ValueError."""
    found: list[AnyAccount] = []
    for name, fields in given.items():
        kind = _attrs_class(name)
        missing = [
            _variable(name, field.name)
            for field in attrs.fields(kind)
            if field.default is attrs.NOTHING and field.name not in fields
        ]
        if missing:
            raise ValueError(f"{' and '.join(missing)} must be set too")
        found.append(kind(**fields))
    return found


def _attrs_class(name: str) -> Any:
    return configuration_of(name)


def _variable(name: str, field: str) -> str:
    return f"COUNTERMAND_{name.upper()}_{field.upper()}"
