"""Configuration from environment variables.

A marketplace is configured when any of its variables is set. `COUNTERMAND_<MARKETPLACE>_<FIELD>` sets the field of
the same name: COUNTERMAND_PATTERN_TOKEN, COUNTERMAND_VTEX_APP_KEY, COUNTERMAND_CRUX_ENVIRONMENT,
COUNTERMAND_KIBO_TENANT_ID, and so on for every field of `Pattern`, `Vtex`, `Crux` and `Kibo`.
"""

from collections.abc import Mapping
from typing import Any

import attrs

from .marketplaces.crux import Crux
from .marketplaces.kibo import Kibo
from .marketplaces.pattern import Pattern
from .marketplaces.vtex import Vtex
from .secret import SealedHeaders

_MARKETPLACES: tuple[type[Any], ...] = (Pattern, Vtex, Crux, Kibo)


def named_in(environ: Mapping[str, str]) -> dict[str, SealedHeaders]:
    """Return the fields that `environ` sets, by marketplace name; from here on they do not show themselves."""
    found: dict[str, SealedHeaders] = {}
    for kind in _MARKETPLACES:
        values = {field.name: environ.get(_variable(kind, field.name)) for field in attrs.fields(kind)}
        given = SealedHeaders({name: value for name, value in values.items() if value})
        if given:
            found[kind.__name__.lower()] = given
    return found


def configured(given: Mapping[str, SealedHeaders]) -> dict[str, Any]:
    """Return the configurations that these fields make, by marketplace name. Raises ValueError."""
    found: dict[str, Any] = {}
    for kind in _MARKETPLACES:
        name = kind.__name__.lower()
        if name not in given:
            continue
        missing = [
            _variable(kind, field.name)
            for field in attrs.fields(kind)
            if field.default is attrs.NOTHING and field.name not in given[name]
        ]
        if missing:
            raise ValueError(f"{' and '.join(missing)} must be set too")
        found[name] = kind(**given[name])
    return found


def _variable(kind: type[Any], field: str) -> str:
    return f"COUNTERMAND_{kind.__name__.upper()}_{field.upper()}"
