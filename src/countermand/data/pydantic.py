"""Written forms for pydantic, and so for FastAPI: `response_model=Outcome[VtexAnswer]`.

Only pydantic calls these hooks, so it is already imported. Nothing else imports this module.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any, get_args, get_origin

import attrs

from .scalars import Shape, wrong
from .shapes import shape_of


def core_schema(hint: Any, handler: Any) -> Any:
    """Return pydantic's schema for a type with a written form."""
    kind: type[Any] = get_origin(hint) or hint
    declared = (each for argument in get_args(hint) for each in get_args(argument) or (argument,))
    answers = tuple(each for each in declared if isinstance(each, type) and each is not Any)
    return handler.generate_schema(Annotated[Any, _Written(shape_of(hint), kind, answers)])


@attrs.frozen
class _Written:
    """The annotation with which pydantic validates, serializes and describes a value.

    Its JSON Schema is inlined, without references: pydantic has no public way to add definitions.
    """

    shape: Shape
    kind: type[Any]
    #: The types that an outcome's answer may have; empty for all.
    answers: tuple[type[Any], ...]

    def validate(self, value: Any) -> Any:
        """Return `value`, or the value that it is the written form of."""
        if isinstance(value, Mapping):
            return self.shape.read(value, "$")
        if not isinstance(value, self.kind):
            raise wrong(f"{self.kind.__name__} is wanted, not {type(value).__name__}", "$")
        answer = getattr(value, "answer", None)
        if self.answers and answer is not None and not isinstance(answer, self.answers):
            raise wrong(f"{type(answer).__name__} is not what was declared", "$.answer")
        return value

    def serialize(self, value: Any) -> Any:
        """Return the written form of `value`. In a union, pydantic tries the next type if it does not fit."""
        if not isinstance(value, self.kind):
            raise import_module("pydantic_core").PydanticSerializationUnexpectedValue
        return self.shape.write(value, "$")

    def describe(self, shape: Shape) -> dict[str, Any]:
        """Return the JSON Schema of `shape`, with a title if it has a name."""
        name: str | None = getattr(shape, "name", None)
        described = shape.schema(self.describe)
        return described if name is None else {"title": name, **described}

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        core = import_module("pydantic_core").core_schema
        serialization = core.plain_serializer_function_ser_schema(self.serialize)
        return core.no_info_plain_validator_function(self.validate, serialization=serialization)

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        return self.describe(self.shape)
