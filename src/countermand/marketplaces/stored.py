"""Reading stored outcomes, errors and requests.

The request and answer classes come from the marketplace's configuration, which the registry finds by name. So
third-party marketplaces work like the built-in ones.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Union, get_args

from .. import errors
from ..data import SCHEMA
from ..data.scalars import OneOf, Scalar, Shape, as_object, named, wrong
from ..data.shapes import shape_of, tag_of
from ..engine.decoding import Answer, without_repeats
from ..engine.rules import AnyRequest
from ..errors import CountermandError, NotConfiguredError
from ..outcomes import Outcome
from .base import Stored
from .registry import OURS, configuration_of

_OUTCOMES: dict[str, Any] = {tag_of(kind): kind for kind in (each.__origin__ for each in get_args(Outcome))}
_ERRORS: dict[str, type[CountermandError]] = {
    tag_of(kind): kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CountermandError)
}


def outcome_from_dict(data: Mapping[str, Any]) -> Outcome[Any]:
    """Return the outcome that `outcome.to_dict()` wrote: an equal one, including its attempts and `answer.raw`.

    The data is validated as strictly as a marketplace's answer. Raises `ValueError`, with the path, for malformed
    data, for a marketplace that is not installed, and for the schema of a newer version.

        outcome = outcome_from_dict(job.result)
    """
    return outcome_of(data, _registered)


def outcome_of(data: Mapping[str, Any], stored: Callable[[Mapping[str, Any]], Stored]) -> Outcome[Any]:
    """Return the outcome in `data`; `stored` returns the classes of its marketplace."""
    kind = _OUTCOMES[_tag(data, "outcome", _OUTCOMES)]
    _, answers = stored(data)
    outcome: Outcome[Any] = shape_of(kind[_union(answers)]).read(data, "$")
    return outcome


def outcome_from_json(text: str | bytes) -> Outcome[Any]:
    """Return the outcome that `outcome.to_json()` wrote.

    Raises what `outcome_from_dict` raises.

        outcome = outcome_from_json(path.read_text())
    """
    if not isinstance(text, str | bytes | bytearray):
        raise wrong(f"JSON text is wanted, not {named(text)}", "$")
    try:
        data = json.loads(text, object_pairs_hook=without_repeats)
    except RecursionError:
        problem = "the JSON is nested too deeply"
    except ValueError as error:
        problem = f"it is not JSON: {error}"
    else:
        return outcome_from_dict(data)
    # Outside of the handlers: the library's own errors hold the whole text.
    raise wrong(problem, "$")


def error_from_dict(data: Mapping[str, Any]) -> CountermandError:
    """Return the error that `error.to_dict()` wrote, without raising it.

    Raises `ValueError` for any other data.

        error = error_from_dict(job.failure)
    """
    error: CountermandError = shape_of(_ERRORS[_tag(data, "error", _ERRORS)]).read(data, "$")
    return error


def request_from_dict(data: Mapping[str, Any]) -> AnyRequest:
    """Return the request that `request.to_dict()` wrote.

    The request is validated. Raises what `outcome_from_dict` raises.

        outcome = client.cancel(request_from_dict(job.request))
    """
    return request_of(data, _registered)


def request_of(data: Mapping[str, Any], stored: Callable[[Mapping[str, Any]], Stored]) -> AnyRequest:
    """Return the request in `data`; `stored` returns the classes of its marketplace."""
    _tag(data, "request", ["cancel"])
    kind, _ = stored(data)
    request: AnyRequest = shape_of(kind).read(data, "$")
    return request


def json_schema(*marketplaces: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of outcomes, errors and requests, generated from the classes.

    `marketplaces` are the names of those to include; the default is the built-in ones, as in `data/schema.json`.

        jsonschema.validate(outcome.to_dict(), json_schema())
    """
    registered = {name: configuration_of(name).stored() for name in marketplaces or OURS}
    answers = _union(answer for _, found in registered.values() for answer in found)
    defined: dict[str, Any] = {}

    def describe(shape: Shape) -> dict[str, Any]:
        name: str | None = getattr(shape, "name", None)
        if name is None:
            return shape.schema(describe)
        if name not in defined:
            defined[name] = {}
            defined[name] |= shape.schema(describe)
        return {"$ref": f"#/$defs/{name}"}

    def any_of(hints: Iterable[Any]) -> dict[str, Any]:
        return {"anyOf": [describe(shape_of(hint)) for hint in hints]}

    groups = {
        "Outcome": any_of(kind[answers] for kind in _OUTCOMES.values()) | _answered_by(registered),
        "Error": any_of(_ERRORS.values()),
        "Request": any_of(request for request, _ in registered.values()),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Outcomes, errors and requests of countermand, schema {SCHEMA}",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in groups],
        "$defs": groups | dict(sorted(defined.items())),
    }


def _answered_by(registered: Mapping[str, Stored]) -> dict[str, Any]:
    """Return the schema that an outcome is of one of these marketplaces, and its answer, if any, of the same."""

    def when(name: str, answers: Iterable[type[Answer]]) -> dict[str, Any]:
        answer = {"properties": {"kind": {"enum": [each.kind for each in answers]}}}
        return {
            "if": {"properties": {"marketplace": {"const": name}}},
            "then": {"properties": {"answer": answer}},
        }

    return {
        "properties": {"marketplace": {"enum": [*registered]}},
        "allOf": [when(name, answers) for name, (_, answers) in registered.items()],
    }


def _union(types: Iterable[type[Answer]]) -> Any:
    union: Any = Union
    return union[tuple(types)]


def _tag(data: Any, name: str, known: Iterable[str]) -> str:
    """Return the tag of `data`, after checking that this version can read its schema."""
    said = as_object(data, "$")
    for needed in ("schema", name):
        if needed not in said:
            raise wrong("it is missing", f"$.{needed}")
    schema = Scalar(int).read(said["schema"], "$.schema")
    if schema > SCHEMA:
        raise wrong(f"schema {schema} is newer than this version reads, which is {SCHEMA}", "$.schema")
    tag: str = OneOf(tuple(known)).read(said[name], f"$.{name}")
    return tag


def _registered(data: Mapping[str, Any]) -> Stored:
    if "marketplace" not in data:
        raise wrong("it is missing", "$.marketplace")
    try:
        return configuration_of(Scalar(str).read(data["marketplace"], "$.marketplace")).stored()
    except NotConfiguredError as problem:
        raise wrong(problem.message, "$.marketplace") from None
