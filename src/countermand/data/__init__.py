"""Values as plain data: what can be stored, sent to another process, and read back equal.

`Storable` is the parent of outcomes and requests. How a value is written, checked, read and described as JSON Schema
follows from its class, see `shapes`; nothing here knows a class of ours.
"""

import json
from typing import Any

#: The version of the written form. It grows when a field comes, goes or changes its meaning.
SCHEMA = 1


class Storable:
    """A value that has a written form."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return this as plain data: dicts, lists, texts, numbers, booleans and None, as JSON has them.

        Times are RFC 3339 in UTC. Raises `ValueError`, with the place, if a field holds what its type does not allow.

            job.result = outcome.to_dict()
        """
        from .shapes import shape_of

        written: dict[str, Any] = shape_of(type(self)).write(self, "$")
        return written

    def to_json(self) -> str:
        """Return this as JSON, in ASCII and on one line. Raises what `to_dict` raises.

        path.write_text(outcome.to_json())
        """
        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Tell pydantic how to validate, serialize and describe this. pydantic calls it, and nobody else."""
        from .pydantic import core_schema

        return core_schema(source, handler)
