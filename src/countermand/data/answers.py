"""The written form of a marketplace's answer: its kind and its content.

`{"kind": "vtex.receipt", "raw": {…}}`, where `raw` is the JSON object that the marketplace sent. The typed fields are
derived from it. If they cannot be, `fields` has them by their names on the wire: an answer built by hand has no `raw`,
and some answers are decoded from another form than that of their class.
"""

import json
from collections.abc import Callable
from typing import Any

import attrs

from .scalars import Describe, OneOf, as_object, wrong
from .shapes import Fields, Tagged


@attrs.frozen(eq=False)
class AnswerShape(Tagged):
    """The written form of one kind of answer."""

    tag: str
    fields: Fields
    #: Decodes a body to the typed answer; raises `ValueError`.
    decode: Callable[[bytes], Any]
    #: Whether the marketplace sends the fields only in this form.
    is_regular: bool = True

    @property
    def name(self) -> str:
        """The name in a schema."""
        return f"{self.fields.name}Answer"

    def write(self, value: Any, path: str) -> dict[str, Any]:
        """Return the kind with `raw`, `fields`, or both."""
        raw = value.raw
        written: dict[str, Any] = {"kind": self.tag}
        if raw:
            written["raw"] = raw
        if not raw or self._decoded(raw) != value:
            written["fields"] = self.fields.write(value, f"{path}.fields")
        return written

    def read(self, data: Any, path: str) -> Any:
        """Return the typed answer, validated like one from the marketplace."""
        said = as_object(data, path)
        if "kind" not in said:
            raise wrong("it is missing", f"{path}.kind")
        OneOf((self.tag,)).read(said["kind"], f"{path}.kind")
        for name in said.keys() - {"kind", "raw", "fields"}:
            raise wrong("there is no such field", f"{path}.{str(name)[:100]}")
        if "fields" in said:
            answer = self.fields.read(said["fields"], f"{path}.fields")
            return answer.with_body(_body(said["raw"], f"{path}.raw")) if "raw" in said else answer
        if "raw" not in said:
            raise wrong("it is missing", f"{path}.raw")
        body = _body(said["raw"], f"{path}.raw")
        try:
            return self.decode(body)
        except ValueError as problem:
            raise wrong(f"{self.tag}: {problem}", f"{path}.raw") from None

    def schema(self, describe: Describe) -> dict[str, Any]:
        kind, fields, some = {"const": self.tag}, describe(self.fields), {"type": "object"}
        whole = fields | {"required": [field.written for field in self.fields.fields]}

        def form(**properties: Any) -> dict[str, Any]:
            return {"properties": {"kind": kind, **properties}, "additionalProperties": False}

        return {
            "type": "object",
            "anyOf": [
                form(raw=fields if self.is_regular else some) | {"required": ["kind", "raw"]},
                form(fields=whole, raw=some) | {"required": ["kind", "fields"]},
            ],
        }

    def _decoded(self, raw: dict[str, Any]) -> Any:
        try:
            return self.decode(json.dumps(raw).encode())
        except ValueError:
            return None


def _body(raw: Any, path: str) -> bytes:
    try:
        return json.dumps(as_object(raw, path), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise wrong("a JSON object is wanted", path) from None
