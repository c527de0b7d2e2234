"""The protocol `Shape`, and the shapes of single values: text, numbers, times.

Reading is strict: a bool is not an integer. Every problem is a `ValueError` with the path
(`… @ $.attempts[2].status`), without the value.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol, TypeAlias, cast

import attrs

#: Returns the JSON Schema of a nested shape: the schema itself, or a reference to it.
Describe: TypeAlias = "Callable[[Shape], dict[str, Any]]"

_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


class Shape(Protocol):
    """The written form of one type."""

    def write(self, value: Any, path: str) -> Any:
        """Return `value` as plain data."""
        ...

    def read(self, data: Any, path: str) -> Any:
        """Return the value that `data` is the written form of."""
        ...

    def schema(self, describe: Describe) -> dict[str, Any]:
        """Return the JSON Schema of what `write` returns."""
        ...


def wrong(problem: str, path: str) -> ValueError:
    """Return the error for a problem at a path."""
    return ValueError(f"{problem} @ {path}")


@attrs.frozen
class Scalar:
    """Text, an integer or a boolean."""

    kind: type

    _NAMES: ClassVar[Mapping[type, tuple[str, str]]] = {
        str: ("text", "string"),
        int: ("an integer", "integer"),
        bool: ("true or false", "boolean"),
    }

    def write(self, value: Any, path: str) -> Any:
        return self.read(value, path)

    def read(self, data: Any, path: str) -> Any:
        if not isinstance(data, self.kind) or (self.kind is int and isinstance(data, bool)):
            raise wrong(f"{self._NAMES[self.kind][0]} is wanted, not {named(data)}", path)
        return data

    def schema(self, describe: Describe) -> dict[str, Any]:
        return {"type": self._NAMES[self.kind][1]}


class Number:
    """A float. An integer is accepted too: some JSON encoders write 2.0 as 2."""

    def write(self, value: Any, path: str) -> float:
        """Return the value as a finite float: JSON has no infinity."""
        return self.read(value, path)

    def read(self, data: Any, path: str) -> float:
        if isinstance(data, int | float) and not isinstance(data, bool):
            try:
                number = float(data)
            except OverflowError:
                number = math.inf
            if math.isfinite(number):
                return number
            raise wrong("a finite number is wanted", path)
        raise wrong(f"a number is wanted, not {named(data)}", path)

    def schema(self, describe: Describe) -> dict[str, Any]:
        return {"type": "number"}


class Time:
    """An aware datetime, as RFC 3339 in UTC."""

    def write(self, value: Any, path: str) -> str:
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise wrong("a datetime with a time zone is wanted", path)
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

    def read(self, data: Any, path: str) -> datetime:
        if not isinstance(data, str) or not _TIME.fullmatch(data):
            raise wrong("a time as in RFC 3339 is wanted", path)
        try:
            return datetime.fromisoformat(data).astimezone(UTC)
        except (ValueError, OverflowError):
            raise wrong("there is no such time", path) from None

    def schema(self, describe: Describe) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "pattern": f"^{_TIME.pattern}$"}


@attrs.frozen
class OneOf:
    """One of a few texts or numbers: a `Literal`."""

    values: tuple[Any, ...]

    def write(self, value: Any, path: str) -> Any:
        return self.read(value, path)

    def read(self, data: Any, path: str) -> Any:
        if not any(type(data) is type(value) and data == value for value in self.values):
            raise wrong(f"it is none of {', '.join(map(str, self.values))}", path)
        return data

    def schema(self, describe: Describe) -> dict[str, Any]:
        return {"enum": list(self.values)}


def as_object(data: Any, path: str) -> Mapping[str, Any]:
    """Return `data` if it is an object."""
    if not isinstance(data, Mapping):
        raise wrong(f"an object is wanted, not {named(data)}", path)
    return cast("Mapping[str, Any]", data)


def named(data: object) -> str:
    """Return the name of the type of `data`, without its content."""
    return "null" if data is None else type(data).__name__
