"""countermand cancels orders at Pattern Hub, VTEX OMS, Crux Connect and Kibo OMS, and reports what became of them.

Names are lazily imported, so importing this package is cheap. They are listed once, in the stub `__init__.pyi`, which
type checkers and editors read too.
"""

from importlib import import_module as _import_module


def _homes() -> dict[str, str]:
    """Return the module of every public name, from the imports of the stub."""
    stub = __spec__.loader.get_data(f"{__path__[0]}/__init__.pyi").decode()  # also from a zip file
    # Each line is "from .module import name as name".
    return {words[-1]: words[1] for words in map(str.split, stub.splitlines())}


_HOMES = _homes()
# Not as `__all__ = …`: type checkers read the stub.
globals()["__all__"] = sorted(name for name in _HOMES if name[0] != "_")


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(_import_module(home, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
