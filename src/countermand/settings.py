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


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the configurations that `environ` describes, by marketplace name. Raises ValueError."""
    found: dict[str, Any] = {}
    for kind in _MARKETPLACES:
        name = kind.__name__.lower()
        prefix = f"COUNTERMAND_{name.upper()}_"
        fields = attrs.fields(kind)
        given = SealedHeaders(
            {field.name: value for field in fields if (value := environ.get(prefix + field.name.upper()))}
        )
        missing = [
            prefix + field.name.upper()
            for field in fields
            if field.default is attrs.NOTHING and field.name not in given
        ]
        if not given:
            continue
        if missing:
            raise ValueError(f"{' and '.join(missing)} must be set too")
        found[name] = kind(**given)
    return found
