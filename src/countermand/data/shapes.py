"""The shapes of unions, lists and objects, and building a shape from a type hint.

A new field of an attrs class needs no change here. An object must have all of its fields, and no others.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from inspect import getdoc, signature
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import attrs

from .scalars import Describe, Number, OneOf, Scalar, Shape, Time, as_object, named, wrong


class Tagged:
    """The base class of shapes with a `kind` in their data."""

    __slots__ = ()
    #: The kind.
    tag: str


def tag_of(kind: type) -> str:
    """Return the tag of a class in written data: `partially_cancelled`, or `rate_limited` for an error."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__.removesuffix("Error")).lower()


@attrs.frozen
class Several:
    """A tuple of any length, as a list."""

    item: Shape

    def write(self, value: Any, path: str) -> list[Any]:
        return [self.item.write(each, f"{path}[{number}]") for number, each in enumerate(value)]

    def read(self, data: Any, path: str) -> tuple[Any, ...]:
        if not isinstance(data, list | tuple):
            raise wrong(f"a list is wanted, not {named(data)}", path)
        items = cast("Sequence[Any]", data)
        return tuple(self.item.read(each, f"{path}[{number}]") for number, each in enumerate(items))

    def schema(self, describe: Describe) -> dict[str, Any]:
        return {"type": "array", "items": describe(self.item)}


@attrs.frozen
class Table:
    """A mapping from texts, as an object."""

    item: Shape

    def write(self, value: Any, path: str) -> dict[str, Any]:
        return {name: self.item.write(each, f"{path}.{name}") for name, each in value.items()}

    def read(self, data: Any, path: str) -> dict[str, Any]:
        return {name: self.item.read(each, f"{path}.{name}") for name, each in as_object(data, path).items()}

    def schema(self, describe: Describe) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": describe(self.item)}


@attrs.frozen
class Either:
    """A union. The tag in the data selects the member; without tags, it is the first one that fits."""

    members: tuple[Shape, ...]
    nullable: bool

    def write(self, value: Any, path: str) -> Any:
        if value is None and self.nullable:
            return None
        if self._tags():
            return Undeclared().write(value, path)
        return self._first("write", value, path)

    def read(self, data: Any, path: str) -> Any:
        if data is None and self.nullable:
            return None
        if tags := self._tags():
            tag = OneOf(tuple(tags)).read(as_object(data, path).get("kind"), f"{path}.kind")
            return tags[tag].read(data, path)
        return self._first("read", data, path)

    def _tags(self) -> dict[str, Shape]:
        return {member.tag: member for member in self.members if isinstance(member, Tagged)}

    def _first(self, do: Literal["read", "write"], given: Any, path: str) -> Any:
        for member in self.members[:-1]:
            try:
                return getattr(member, do)(given, path)
            except ValueError:  # try the next one
                continue
        return getattr(self.members[-1], do)(given, path)

    def schema(self, describe: Describe) -> dict[str, Any]:
        return {"anyOf": [*map(describe, self.members), *([{"type": "null"}] if self.nullable else [])]}


class Undeclared:
    """An unspecified type parameter, or `Any`. A value is written by its own class, and cannot be read."""

    def write(self, value: Any, path: str) -> Any:
        try:
            shape = shape_of(value.__class__)
        except TypeError as problem:
            raise wrong(str(problem), path) from None
        if not isinstance(shape, Tagged):
            raise wrong(f"{type(value).__name__} has no kind to be read back by", path)
        return shape.write(value, path)

    def read(self, data: Any, path: str) -> Any:
        raise wrong("its type is not declared", path)

    def schema(self, describe: Describe) -> dict[str, Any]:
        return {"type": "object"}


@attrs.frozen
class Field:
    """One field of an object: the names of the attribute, the constructor argument and the key."""

    attribute: str
    argument: str
    written: str
    shape: Shape
    #: Whether the schema makes it optional. `Fields.read` requires every field.
    optional: bool = False


@attrs.frozen(eq=False)
class Fields:
    """An object of named fields and identifying constants."""

    make: type[Any]
    #: The name in a schema.
    name: str
    fields: tuple[Field, ...]
    constants: Mapping[str, Any] = attrs.Factory(dict[str, Any])
    #: Whether the schema allows unknown fields, as in answers of marketplaces.
    is_open: bool = False

    def write(self, value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, self.make):
            raise wrong(f"{self.name} is wanted, not {named(value)}", path)
        written = dict(self.constants)
        for field in self.fields:
            written[field.written] = field.shape.write(
                getattr(value, field.attribute), f"{path}.{field.written}"
            )
        return written

    def read(self, data: Any, path: str) -> Any:
        """Return the value. All fields are required, and no others are allowed."""
        said = as_object(data, path)
        known = {*self.constants, *(field.written for field in self.fields)}
        for name, constant in self.constants.items():  # first, because another tag has other fields
            if name in said:
                OneOf((constant,)).read(said[name], f"{path}.{name}")
        for name in said.keys() - known:
            raise wrong("there is no such field", f"{path}.{str(name)[:100]}")
        for name in sorted(known - said.keys()):
            raise wrong("it is missing", f"{path}.{name}")
        given = {
            field.argument: field.shape.read(said[field.written], f"{path}.{field.written}")
            for field in self.fields
        }
        try:
            return self.make(**given)
        except (TypeError, ValueError) as problem:
            raise wrong(getattr(problem, "message", str(problem)), path) from None

    def schema(self, describe: Describe) -> dict[str, Any]:
        """Return the object's schema, with the first sentence of the class's docstring."""
        described: dict[str, Any] = {"type": "object"}
        if (doc := getdoc(self.make)) is not None:
            described["description"] = doc.partition("\n\n")[0].replace("\n", " ")
        described["properties"] = {name: {"const": value} for name, value in self.constants.items()} | {
            field.written: describe(field.shape) for field in self.fields
        }
        described["required"] = [
            *self.constants,
            *(field.written for field in self.fields if not (self.is_open and field.optional)),
        ]
        return described if self.is_open else described | {"additionalProperties": False}


def fields_of(
    kind: type[Any],
    constants: Mapping[str, Any] | None = None,
    argument: Any = None,
    *,
    is_open: bool = False,
) -> Fields:
    """Return the shape of an attrs class by its fields; `argument` is its type parameter.

    A class with `wire_names` is written with those names.
    """
    hints = get_type_hints(kind)
    wire_names: Mapping[str, str] = getattr(kind, "wire_names", {})
    fields: list[Field] = []
    for field in attrs.fields(kind):
        name = wire_names.get(field.name, field.name)
        shape = shape_of(hints[field.name], argument, is_open)
        optional = field.default is not attrs.NOTHING
        fields.append(Field(field.name, field.alias or field.name, name, shape, optional))
    return Fields(kind, kind.__name__, tuple(fields), constants or {}, is_open)


def fields_of_arguments(kind: type[Any], constants: Mapping[str, Any]) -> Fields:
    """Return the shape of a class by the constructor arguments of it and its bases, which are its attributes."""
    hints: dict[str, Any] = {}
    for parent in reversed(kind.__mro__):
        made = vars(parent).get("__init__")
        if parent.__module__ == kind.__module__ and made is not None:
            known = get_type_hints(made)
            named = (
                one.name for one in signature(made).parameters.values() if one.kind is not one.VAR_KEYWORD
            )
            hints |= {name: known[name] for name in named if name in known}
    fields = tuple(Field(name, name, name, shape_of(hint)) for name, hint in hints.items())
    return Fields(kind, kind.__name__, fields, constants)


def shape_of(hint: Any, argument: Any = None, is_open: bool = False) -> Shape:
    """Return the shape of a type hint. Raises `TypeError` for one that has no written form."""
    return _shape_of(hint, argument, is_open)


@cache
def _shape_of(hint: Any, argument: Any, is_open: bool) -> Shape:
    origin, inner = get_origin(hint), get_args(hint)
    if hint in (str, int, bool):
        return Scalar(hint)
    if hint is float:
        return Number()
    if hint is datetime:
        return Time()
    if hint in (Any, object):
        return Undeclared()
    if isinstance(hint, TypeVar):
        return Undeclared() if argument is None else shape_of(argument)
    if origin is Literal:
        return OneOf(inner)
    if origin in (Union, UnionType):
        members = (shape_of(each, argument, is_open) for each in inner if each is not NoneType)
        # Unions that differ only in order are equal and share a cache entry, so tags are sorted.
        return Either(
            tuple(sorted(members, key=lambda member: getattr(member, "tag", ""))), NoneType in inner
        )
    if origin is tuple and inner[1:] == (...,):
        return Several(shape_of(inner[0], argument, is_open))
    if isinstance(origin, type) and issubclass(origin, Mapping) and inner[0] is str:
        return Table(shape_of(inner[1], argument, is_open))
    own = getattr(cast("Any", origin) or hint, "__countermand_shape__", None)
    if own is not None:
        shape: Shape = own(*inner)
        return shape
    if attrs.has(hint):
        return fields_of(hint, is_open=is_open)
    raise TypeError(f"{hint} has no written form")
