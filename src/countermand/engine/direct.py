"""Decoding a large body in one pass: its parts are built while it is parsed, without a dict for each.

In JSON, every name of an object has a colon. If a body has no more colons than names that must be in it, each of them is
there once, and there is nothing in it that the model does not know. Any other body is decoded a second time, as a whole,
to check it.
"""

from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, TypedDict, get_args

import attrs
from msgspec.json import Decoder


def decode_directly(body: bytes, model: Any, check: Callable[[bytes], dict[str, Any]]) -> dict[str, Any]:
    """Return the known fields in `body` by their names, with typed parts.

    If there may be anything else in it, `check` decodes all of it, or raises. What it returns is the result if the body
    is not as the model says.
    """
    direct = _direct(model)
    if direct is None:
        return check(body)
    try:
        said = direct.decode(body)
    except (ValueError, RecursionError):
        return check(body)
    if direct.count_names(said) != body.count(b":"):
        check(body)
    return said


@attrs.frozen
class _Parts:
    """How many names are in each part of an array."""

    required: int
    #: Getters of the fields that may be absent, and are None then.
    optional: list[Callable[[Any], Any]]

    def count_names(self, parts: tuple[Any, ...]) -> int:
        """Return how many names there must have been in these parts: null is not told from absence."""
        present = sum(value is not None for field in self.optional for value in map(field, parts))
        return self.required * len(parts) + present


@attrs.frozen
class _Direct:
    """Decodes the fields of one model."""

    decode: Callable[[bytes], dict[str, Any]]
    parts: Mapping[str, _Parts]

    def count_names(self, said: dict[str, Any]) -> int:
        """Return how many names there must have been in a decoded object and its parts."""
        return len(said) + sum(parts.count_names(said.get(name) or ()) for name, parts in self.parts.items())


@cache
def _direct(model: Any) -> _Direct | None:
    """Return the decoder for a model; None unless its fields are scalars, and arrays of objects that have only scalars."""
    kinds: dict[str, Any] = {}
    parts: dict[str, _Parts] = {}
    for field in attrs.fields(attrs.resolve_types(model)):
        part: Any = next(iter(get_args(field.type)), None)
        if get_args(field.type)[1:] == (...,) and attrs.has(part):
            inner = attrs.fields(attrs.resolve_types(part))
            if not all(_is_scalar(each.type) for each in inner):
                return None
            parts[field.name] = _Parts(
                sum(each.default is attrs.NOTHING for each in inner),
                [attrgetter(each.name) for each in inner if each.default is None],
            )
        elif not _is_scalar(field.type):
            return None
        kinds[field.name] = field.type | None if field.name in model.nullable else field.type
    typed_dict: Any = TypedDict
    return _Direct(Decoder(typed_dict("Fields", kinds, total=False)).decode, parts)


def _is_scalar(kind: Any) -> bool:
    return all(each in (str, int, float, bool, type(None)) for each in get_args(kind) or (kind,))
