"""The registry of marketplaces by name: the built-in ones, and those that packages register as entry points."""

from functools import cache
from importlib import import_module
from typing import Any, TypeAlias, TypeGuard

from ..errors import NotConfiguredError
from .base import Account

AnyAccount: TypeAlias = Account[Any, Any]

#: Name → the name of the configuration class, in the module of the same name.
OURS = {"pattern": "Pattern", "vtex": "Vtex", "crux": "Crux", "kibo": "Kibo"}
#: The entry point group for configuration classes: `shop = "shop_package:Shop"`.
GROUP = "countermand.marketplaces"


@cache
def configuration_of(name: str) -> type[AnyAccount]:
    """Return the configuration class of a marketplace.

    Raises `NotConfiguredError` for an unknown name, and for one whose package cannot be loaded.

    Installed packages are scanned only for a name that is not built in: a scan takes about 50 ms.
    """
    if name in OURS:
        ours: type[AnyAccount] = getattr(import_module(f".{name}", __package__), OURS[name])
        return ours
    from importlib.metadata import entry_points

    problem = f"there is no marketplace {name[:100]!r}; the built-in ones are {', '.join(OURS)}"
    cause: Exception | None = None
    for point in entry_points(group=GROUP, name=name):
        try:
            found: object = point.load()
        except Exception as error:  # noqa: BLE001 - importing a package may raise anything
            cause = error
            problem = (
                f"the marketplace {name} cannot be loaded from {point.value}: {type(error).__name__}: {error}"
            )
        else:
            if _is_configuration(found) and found.marketplace == name:
                return found
            problem = f"{point.value}, which a package registers as {name}, is no configuration of a marketplace {name!r}"
    raise NotConfiguredError(problem, marketplace=name) from cause


def announced() -> tuple[str, ...]:
    """Return the names of the marketplaces that installed packages register, without the built-in ones."""
    from importlib.metadata import entry_points

    return tuple(dict.fromkeys(point.name for point in entry_points(group=GROUP) if point.name not in OURS))


def _is_configuration(found: object) -> TypeGuard[type[AnyAccount]]:
    return isinstance(found, type) and issubclass(found, Account)
