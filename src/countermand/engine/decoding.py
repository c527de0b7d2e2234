"""Bytes to typed models, strictly.

msgspec reads the JSON; it, or for models with renamed fields a `cattrs` converter preconfigured for it, makes the model.
Scalars are strict ("no" never becomes True), statuses stay text, an unknown field is kept in `Answer.raw`, and an
object that names a field twice is refused: which of the two to believe would be a guess.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, get_args, get_origin

import attrs

if TYPE_CHECKING:
    from cattrs.preconf.msgspec import MsgspecJsonConverter

    from ..data.scalars import Shape

M = TypeVar("M", bound="Answer")

_BOM = b"\xef\xbb\xbf"


class DecodingError(ValueError):
    """The body is not what the marketplace documents; the text names the place, never the content."""


class Answer:
    """What a marketplace answered. The fields are typed; all that it sent stays in `raw`."""

    __slots__ = ("_body",)

    #: What it is called where it is stored, such as "vtex.receipt"; empty for a part of another answer.
    kind: ClassVar[str] = ""
    #: Python name → name on the wire, for the fields that differ.
    wire_names: ClassVar[Mapping[str, str]] = {}
    _body: bytes

    @property
    def raw(self) -> dict[str, Any]:
        """The whole JSON object that was answered, unknown fields included; empty for a model built by hand."""
        body: bytes = getattr(self, "_body", b"")
        value: dict[str, Any] = json.loads(body.removeprefix(_BOM), parse_int=_integer) if body else {}
        return value

    @classmethod
    def prepared(cls, said: dict[str, Any]) -> dict[str, Any]:
        """Return `said` in the one form that the fields have, where a marketplace writes it in several."""
        return said

    def with_body(self, body: bytes) -> Self:
        """Keep `body` as what `raw` shows; returns the same answer. For decoders alone."""
        object.__setattr__(self, "_body", body)
        return self

    @classmethod
    def __countermand_shape__(cls) -> "Shape":
        from ..data.answers import AnswerShape
        from ..data.shapes import fields_of

        fields = fields_of(cls, is_open=True)
        if not cls.kind:
            return fields
        own = cls.__mro__[: cls.__mro__.index(Answer)]
        is_regular = not any("prepared" in vars(kind) for kind in own)
        return AnswerShape(cls.kind, fields, partial(decode, model=cls), is_regular)

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
    said = decode_object(body)
    kind: Any = model
    try:
        answer: M = _structure(kind)(model.prepared(said))
    except (ValueError, ExceptionGroup) as error:  # msgspec raises ValueErrors, cattrs groups
        problem = _place(error, _wire_names(kind))
    else:
        return answer.with_body(body)
    raise DecodingError(problem)


def decode_object(body: bytes) -> dict[str, Any]:
    """Return `body` as a plain JSON object; raise `DecodingError` if it is anything else, or names a field twice."""
    said: Any = decode_value(body)
    if isinstance(said, dict):
        return said  # pyright: ignore[reportUnknownVariableType]
    raise DecodingError("it is no JSON object")


def decode_value(body: bytes) -> object:
    """Return `body` as plain JSON of any kind; raise `DecodingError` if it is none, or names a field twice."""
    try:
        body = body.removeprefix(_BOM)  # RFC 8259, 8.1, allows to ignore it
        said = _loads()(body)
        if _may_repeat_a_name(body, said):
            json.loads(body, object_pairs_hook=without_repeats)
    except (ValueError, RecursionError) as error:
        problem = _place(error)
    else:
        return said
    raise DecodingError(problem)


@cache
def _loads() -> Callable[[bytes], object]:
    from msgspec.json import Decoder

    return Decoder().decode


def _may_repeat_a_name(body: bytes, said: object) -> bool:
    """Whether some object in `body` may name a field twice; `said` is what `body` was decoded to.

    A decoded object holds each name once. If it encodes to the same text, spaces aside, nothing was dropped. Where
    the texts differ for another reason, such as an escaped character, a closer look has to tell.
    """
    from msgspec.json import encode
    from msgspec.json import format as reformat

    return encode(said) != reformat(body, indent=-1)


@cache
def _wire_names(model: Any) -> dict[str, str]:
    """Return Python name → name on the wire, of a model and of its parts."""
    names: dict[str, str] = dict(getattr(model, "wire_names", {}))
    if attrs.has(model):
        kinds = [field.type for field in attrs.fields(attrs.resolve_types(model))]
        while kinds:
            kind: Any = kinds.pop()
            kinds += get_args(kind)
            if attrs.has(kind):
                names |= _wire_names(kind)
    return names


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

    def from_array(kind: Any) -> Callable[[Any, Any], Any]:
        # cattrs takes whatever can be iterated for a list, an object and a text as well.
        listed: Any = list.__class_getitem__(get_args(kind)[0])
        structure = converter.get_structure_hook(listed)

        def structured(value: Any, _: Any) -> tuple[Any, ...]:
            if not isinstance(value, list):
                raise ValueError("not an array")
            return tuple(structure(value, listed))

        return structured

    def is_array(kind: Any) -> bool:
        origin: Any = get_origin(kind)
        return origin is tuple

    converter.register_structure_hook_factory(is_array, from_array)
    converter.register_structure_hook_factory(is_renamed, renaming)
    return converter


@cache
def _structure(model: Any) -> Callable[[dict[str, Any]], Any]:
    """Return what makes a `model` of a JSON object."""
    if not model.wire_names:
        from msgspec import convert

        return partial(convert, type=model)
    structure = _converter().structure
    return lambda said: structure(said, model)


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the fields of an object; raise `DecodingError` if one is named twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DecodingError("an object names a field twice")
    return found


def _place(error: Exception, names: Mapping[str, str] | None = None) -> str:
    """Return what is wrong and where, by the names on the wire, without what stood there."""
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "the body is not UTF-8"
    if isinstance(error, ValueError):  # ours, or msgspec's
        return str(error)
    from cattrs import transform_error

    problem = "; ".join(transform_error(error, path="$"))
    return re.sub(r"(?<=\.)\w+", lambda name: (names or {}).get(name[0], name[0]), problem)


def check_subject(answered: str | int, asked: str | int) -> None:
    """Raise `DecodingError` unless an answer is about the order that was asked for."""
    if answered != asked:
        raise DecodingError("it is about another order")
