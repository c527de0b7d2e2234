"""Serialization: values as plain data that can be stored, sent to another process, and read back equal.

`Storable` is the base class of outcomes and requests. How a value is written, validated, read and described as JSON
Schema is derived from its class, see `shapes`. This package does not know any specific class.
"""

import json
from typing import Any

import attrs

#: The version of the written form. It increases when a field is added, removed or changes its meaning.
SCHEMA = 1


class Shown:
    """A value that shows and compares its fields.

    The methods are the same for all: what attrs generates for a class would be compiled at each import.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        kind: Any = type(self)
        if not attrs.has(kind):
            return super().__repr__()
        shown = (f"{field.name}={getattr(self, field.name)!r}" for field in attrs.fields(kind) if field.repr)
        return f"{kind.__qualname__.rpartition('>.')[2]}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        return _compared(self) == _compared(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(_compared(self))


def _compared(value: object) -> tuple[Any, ...]:
    kind: Any = type(value)
    if attrs.has(kind):
        return (kind, *(getattr(value, field.name) for field in attrs.fields(kind) if field.eq))
    return (id(value),)


class Storable(Shown):
    """A value with a written form."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the value as JSON-compatible data: dicts, lists, texts, numbers, booleans and None.

        Times are RFC 3339 in UTC. Raises `ValueError`, with the path, if a field has a value of the wrong type.

            job.result = outcome.to_dict()
        """
        from .shapes import shape_of

        written: dict[str, Any] = shape_of(type(self)).write(self, "$")
        return written

    def to_json(self) -> str:
        """Return the value as JSON, in ASCII and on one line.

        Raises what `to_dict` raises.

            path.write_text(outcome.to_json())
        """
        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Return the schema with which pydantic validates, serializes and describes the value."""
        from .pydantic import core_schema

        return core_schema(source, handler)
