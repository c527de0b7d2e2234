"""Strict decoding of bytes to typed models.

msgspec parses the JSON. The model is built by msgspec or, if it has renamed fields, by a preconfigured cattrs converter.
Scalars are strict ("no" never becomes True), statuses stay text, unknown fields stay in `Answer.raw`, and an object
with a duplicate field is refused, because choosing one of the two values would be a guess. Large bodies have a
quicker way, `direct`, to the same result.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, get_args, get_origin

import attrs

from ..data import Shown

if TYPE_CHECKING:
    from cattrs.preconf.msgspec import MsgspecJsonConverter

    from ..data.scalars import Shape

M = TypeVar("M", bound="Answer")

_BOM = b"\xef\xbb\xbf"
#: How deeply a body may be nested. Beyond it, `Answer.raw` could exceed Python's recursion limit.
_DEEPEST = 200
#: Up to this size of a body, a decoder of its own for the model is not worth making.
_SMALL = 4096
_NO_MARKS = bytes(set(range(256)) - set(b"[]{}:"))


class DecodingError(ValueError):
    """The body is not as documented. The message names the path, never the content."""


class Answer(Shown):
    """The answer of a marketplace. The fields are typed; the complete JSON object is in `raw`."""

    __slots__ = ("_body",)

    #: The tag of its stored form, such as "vtex.receipt"; empty for a part of another answer.
    kind: ClassVar[str] = ""
    #: Python name → name on the wire, for the fields that differ.
    wire_names: ClassVar[Mapping[str, str]] = {}
    #: The fields in which null is the same as absence.
    nullable: ClassVar[frozenset[str]] = frozenset()
    _body: bytes

    @property
    def raw(self) -> dict[str, Any]:
        """The complete JSON object, including unknown fields; empty for a model built by hand."""
        body: bytes = getattr(self, "_body", b"")
        value: dict[str, Any] = json.loads(body) if body else {}
        return value

    @classmethod
    def prepared(cls, said: dict[str, Any]) -> dict[str, Any]:
        """Return `said` normalized, if the marketplace has several forms of it."""
        return said

    def with_body(self, body: bytes) -> Self:
        """Keep `body` for `raw`, and return the same answer. For decoders only."""
        object.__setattr__(self, "_body", body)
        return self

    @classmethod
    def __countermand_shape__(cls) -> "Shape":
        from ..data.answers import AnswerShape
        from ..data.shapes import Undeclared, fields_of

        if cls is Answer:
            return Undeclared()
        fields = fields_of(cls, is_open=True)
        if not cls.kind:
            return fields
        return AnswerShape(cls.kind, fields, partial(decode, model=cls), not (cls.nullable or _prepares(cls)))

    def __reduce__(self) -> tuple[Any, ...]:
        fields = attrs.fields(type(self))  # type: ignore[arg-type]
        values = {field.alias: getattr(self, field.name) for field in fields}
        return _restored, (type(self), values, getattr(self, "_body", b""))


def _restored(model: type[M], values: dict[str, Any], body: bytes) -> M:
    return model(**values).with_body(body)


def decode(body: bytes, model: type[M]) -> M:
    """Decode `body` as a `model`; raise `DecodingError` if it is anything else."""
    kind: Any = model
    said = _said(body, kind)
    if model.nullable:
        said = {
            name: value for name, value in said.items() if value is not None or name not in model.nullable
        }
    try:
        answer: M = _structure(kind)(model.prepared(said))
    except (ValueError, ExceptionGroup) as error:  # msgspec raises ValueErrors, cattrs groups
        problem = _place(error, _wire_names(kind))
    else:
        return answer.with_body(body)
    raise DecodingError(problem)


def _prepares(model: type[Answer]) -> bool:
    """Whether a model has a `prepared` of its own."""
    return any("prepared" in vars(kind) for kind in model.__mro__[: model.__mro__.index(Answer)])


def _said(body: bytes, model: Any) -> dict[str, Any]:
    """Return the object in `body`. In a large body, the parts of `model` may be built already."""
    if len(body) <= _SMALL or model.wire_names or _prepares(model):
        return decode_object(body)
    from .direct import decode_directly

    return decode_directly(body, model, decode_object)


def is_empty(body: bytes) -> bool:
    """Whether there is nothing in `body` but a byte order mark and whitespace."""
    return not body.removeprefix(_BOM).strip()


def decode_object(body: bytes) -> dict[str, Any]:
    """Decode `body` as a JSON object; raise `DecodingError` if it is anything else, or has a duplicate field."""
    said: Any = decode_value(body)
    if isinstance(said, dict):
        return said  # pyright: ignore[reportUnknownVariableType]
    raise DecodingError("it is no JSON object")


def decode_value(body: bytes) -> object:
    """Decode `body` as any JSON value; raise `DecodingError` if it is not JSON, or has a duplicate field."""
    try:
        body = body.removeprefix(_BOM)  # RFC 8259, section 8.1, allows ignoring it
        said = _loads()(body)
        marks = body.translate(None, _NO_MARKS)  # those in texts, too
        if _may_be_too_deep(marks) and _is_too_deep(said):
            raise RecursionError
        if b"\\" in body or _names_differ(marks, said):
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


def _may_be_too_deep(marks: bytes) -> bool:
    """Whether a body with these brackets may have more than the allowed levels; those in its texts may make it so."""
    if len(marks) <= 2 * _DEEPEST:
        return False
    brackets = marks.translate(None, b":")
    for _ in range(_DEEPEST // 2):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")  # one or two of the levels
        if not brackets:
            return False
    return True


def _is_too_deep(said: Any) -> bool:
    level: list[Any] = [said]
    for _ in range(_DEEPEST):
        inside: list[Any] = [each.values() if isinstance(each, dict) else each for each in level]
        level = [each for values in inside for each in values if isinstance(each, dict | list)]
        if not level:
            return False
    return True


def _names_differ(marks: bytes, said: object) -> bool:
    """Whether a body with these colons had a name more than once in one object; `said` is the decoded value.

    A decoded object has each name once. Texts without escapes are the same in the body and in `said`, so the two have
    the same number of colons unless a field was dropped. Where there are escapes, a slower check decides.
    """
    from msgspec.json import encode

    return marks.count(b":") != encode(said).count(b":")


@cache
def _wire_names(model: Any) -> dict[str, str]:
    """Return Python name → name on the wire, for a model and its parts."""
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
        # cattrs converts scalars by calling the type, and bool("no") is True. msgspec accepts only the type itself.
        converter.register_structure_hook(scalar, convert)

    def from_object(model: Any) -> Callable[[Any, Any], Any]:
        wire_names: Mapping[str, str] = getattr(model, "wire_names", {})
        renames: dict[str, Any] = {name: override(rename=wire) for name, wire in wire_names.items()}
        structure: Callable[[Any, Any], Any] = make_dict_structure_fn(model, converter, **renames)

        def structured(value: Any, _: Any) -> Any:
            if not isinstance(value, dict):
                raise ValueError("not an object")
            return structure(value, model)  # pyright: ignore[reportUnknownArgumentType]

        return structured

    def from_array(kind: Any) -> Callable[[Any, Any], Any]:
        # cattrs accepts any iterable as a list, including an object and a text.
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
    converter.register_structure_hook_factory(attrs.has, from_object)
    return converter


@cache
def _structure(model: Any) -> Callable[[dict[str, Any]], Any]:
    """Return the function that builds a `model` from a JSON object."""
    if not model.wire_names:
        from msgspec import convert

        return partial(convert, type=model)
    structure = _converter().structure
    return lambda said: structure(said, model)


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the fields of an object; raise `DecodingError` for a duplicate field."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DecodingError("an object names a field twice")
    return found


def _place(error: Exception, names: Mapping[str, str] | None = None) -> str:
    """Describe an error and its path, by the names on the wire, without the content."""
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "the body is not UTF-8"
    if isinstance(error, ValueError):  # ours or msgspec's
        return str(error)
    from cattrs import transform_error

    problem = "; ".join(transform_error(error, path="$"))
    return re.sub(r"(?<=\.)\w+", lambda name: (names or {}).get(name[0], name[0]), problem)


def check_subject(answered: str | int, asked: str | int) -> None:
    """Raise `DecodingError` unless an answer is about the requested order."""
    if answered != asked:
        raise DecodingError("it is about another order")
