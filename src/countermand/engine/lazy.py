"""Public names that are imported when they are first used, so that importing a package is cheap.

A package lists its names once, in its stub `__init__.pyi`, which type checkers and editors read too.
"""

from importlib import import_module
from typing import Any


def lazily(package: dict[str, Any]) -> None:
    """Give a package, by its globals, the names that its stub imports."""
    stub = package["__spec__"].loader.get_data(
        f"{package['__path__'][0]}/__init__.pyi"
    )  # also from a zip file
    # Each is "from .module import name as name".
    imports = [line.split() for line in stub.decode().splitlines() if line.startswith("from ")]
    homes = {words[-1]: words[1] for words in imports}

    def imported(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package['__name__']!r} has no attribute {name!r}")
        value: object = getattr(import_module(homes[name], package["__name__"]), name)
        package[name] = value
        return value

    package["__all__"] = sorted(name for name in homes if name[0] != "_")
    package["__getattr__"] = imported
    package["__dir__"] = lambda: sorted({*package, *homes})
