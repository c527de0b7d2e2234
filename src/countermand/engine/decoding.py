"""Bytes to typed models, strictly.

A `cattrs` converter preconfigured for msgspec does the work. Models whose fields carry the wire's own names are
decoded in one step; models with renamed fields are decoded and then structured. Either way scalars are strict
("no" never becomes True), statuses stay text, an unknown field is kept in `Answer.raw`, and an object that names
a field twice is refused: which of the two to believe would be a guess.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, get_args, get_origin

import attrs

if TYPE_CHECKING:
    from cattrs.preconf.msgspec import MsgspecJsonConverter

M = TypeVar("M", bound="Answer")


class DecodingError(ValueError):
    """The body is not what the marketplace documents; the text names the place, never the content."""


class Answer:
    """What a marketplace answered. The fields are typed; all that it sent stays in `raw`."""

    __slots__ = ("_body",)

    #: Python name → name on the wire, for the fields that differ.
    wire_names: ClassVar[Mapping[str, str]] = {}
    #: Other name on the wire → the usual one, where a marketplace writes a name in two ways.
    wire_aliases: ClassVar[Mapping[str, str]] = {}
    _body: bytes

    @property
    def raw(self) -> dict[str, Any]:
        """The whole JSON object that was answered, unknown fields included; empty for a model built by hand."""
        body: bytes = getattr(self, "_body", b"")
        value: dict[str, Any] = json.loads(body, parse_int=_integer) if body else {}
        return value

    def with_body(self, body: bytes) -> Self:
        """Keep `body` as what `raw` shows; returns the same answer. For decoders alone."""
        object.__setattr__(self, "_body", body)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        fields = attrs.fields(type(self))  # type: ignore[arg-type]
        values = {field.alias: getattr(self, field.name) for field in fields}
        return _restored, (type(self), values, getattr(self, "_body", b""))


def _restored(model: type[M], values: dict[str, Any], body: bytes) -> M:
    return model(**values).with_body(body)


def _integer(digits: str) -> Any:
    try:
        return int(digits)
    except ValueError:  # Python reads 4,300 digits at most, and a field that nobody asked for may have more
        from decimal import Decimal

        return Decimal(digits)


def decode(body: bytes, model: type[M]) -> M:
    """Return `body` as a `model`; raise `DecodingError` if it is anything else."""
    try:
        if not body.isascii():
            body.decode()  # msgspec looks at the fields it was asked for, and skips what is no text in others
        kind: Any = model
        answer: M = _decoder(kind)(body)
        if _may_repeat_a_name(body, answer):
            json.loads(body, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError, ExceptionGroup) as error:  # msgspec raises ValueErrors, cattrs groups
        problem = _place(error)
    else:
        return answer.with_body(body)
    raise DecodingError(problem)


def decode_object(body: bytes) -> dict[str, Any]:
    """Return `body` as a plain JSON object; raise `DecodingError` if it is anything else."""
    from msgspec.json import decode as loads

    try:
        found: dict[str, Any] = loads(body, type=dict[str, Any])
        json.loads(body, object_pairs_hook=_without_repeats)
        return found
    except (ValueError, RecursionError) as error:
        problem = _place(error)
    raise DecodingError(problem)


@cache
def _converter() -> "MsgspecJsonConverter":
    from cattrs.gen import make_dict_structure_fn, override
    from cattrs.preconf.msgspec import make_converter
    from msgspec import convert

    converter = make_converter()
    for scalar in (str, int, bool, float):
        # cattrs converts scalars by calling them, and bool("no") is True; msgspec only accepts the type itself.
        converter.register_structure_hook(scalar, convert)

    def renaming(model: type[Answer]) -> Callable[[Any, Any], Any]:
        renames = {name: override(rename=wire) for name, wire in model.wire_names.items()}
        return make_dict_structure_fn(model, converter, **renames)  # type: ignore[arg-type]

    def is_renamed(model: Any) -> bool:
        return bool(getattr(model, "wire_names", None))

    converter.register_structure_hook_factory(is_renamed, renaming)
    return converter


@cache
def _decoder(model: Any) -> Callable[[bytes], Any]:
    from msgspec.json import Decoder

    if not model.wire_names:
        return Decoder(model).decode
    loads = Decoder(dict[str, Any]).decode
    structure = _converter().structure

    def decode_renamed(body: bytes) -> Any:
        said = loads(body)
        for alias, usual in model.wire_aliases.items():
            if alias in said and said.setdefault(usual, said[alias]) != said[alias]:
                raise DecodingError(f"{alias} and {usual} differ")
        return structure(said, model)

    return decode_renamed


def _may_repeat_a_name(body: bytes, answer: Answer) -> bool:
    """Whether some field of the model stands in the body more often than in the model, or behind an escape.

    Counting is a hundred times cheaper than looking at every object, and misses no repetition of a field. A text that
    happens to hold a field's name, or a field that is null, only costs a closer look.
    """
    if b"\\" in body and b"\\u" in body:  # looking for one byte is by far the quicker
        return True
    model: Any = type(answer)
    most: dict[bytes, int] = _once(model) or {}
    if not most and body.count(b":") == _tally([answer], model, most):
        return False  # every colon belongs to a name that was read: there is none left for a second one
    return any(body.count(name) > times for name, times in most.items())


def _tally(objects: list[Any], model: Any, most: dict[bytes, int]) -> int:
    """Return how many names `objects` were surely read from; add to `most` how often each name may occur."""
    named = 0
    for alias in _aliases(model):
        most[alias] = len(objects)
    for name, wire, default, part in _fields(model):
        required = default is attrs.NOTHING
        times = len(objects) if required else sum([getattr(one, name) != default for one in objects])
        most[wire] = most.get(wire, 0) + times
        named += times
        if part is not None:
            named += _tally([item for one in objects for item in getattr(one, name) or ()], part, most)
    return named


@cache
def _once(model: Any) -> dict[bytes, int]:
    """Return how often each name may occur in an object without parts; nothing where a model has parts."""
    if any(part is not None for *_, part in _fields(model)):
        return {}
    return dict.fromkeys([*_aliases(model), *(wire for _, wire, *_ in _fields(model))], 1)


def _aliases(model: Any) -> list[bytes]:
    return [b'"%b"' % alias.encode() for alias in getattr(model, "wire_aliases", ())]


@cache
def _fields(model: Any) -> list[tuple[str, bytes, Any, type[Any] | None]]:
    """Return of each field its name, its name on the wire in quotes, its default, and the model of its parts."""
    names: Mapping[str, str] = getattr(model, "wire_names", {})
    found: list[tuple[str, bytes, Any, type[Any] | None]] = []
    for field in attrs.fields(attrs.resolve_types(model)):
        kinds = field.type, *get_args(field.type)  # a tuple of parts, or that or None
        args = next((get_args(kind) for kind in kinds if get_origin(kind) is tuple), ())
        part = args[0] if args and attrs.has(args[0]) else None
        wire = names.get(field.name, field.name).encode()
        found.append((field.name, b'"%b"' % wire, field.default, part))
    return found


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DecodingError("an object names a field twice")
    return found


def _place(error: Exception) -> str:
    """Return what is wrong and where, without what stood there."""
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "the body is not UTF-8"
    if isinstance(error, ValueError):  # ours, or msgspec's
        return str(error)
    from cattrs import transform_error

    return "; ".join(transform_error(error, path="$"))


def check_subject(answered: str | int, asked: str | int) -> None:
    """Raise `DecodingError` unless an answer is about the order that was asked for."""
    if answered != asked:
        raise DecodingError("it is about another order")
