"""The sandbox gives every answer that the documents show, in the same shape."""

import json
from typing import Any

from countermand.sandbox.http import SandboxReply
from tests.support.tables import table

from .documents import MARKETPLACES, Case, cases
from .recipes import followed

SHOWN = [case for marketplace in MARKETPLACES for case in cases(marketplace) if case.sandbox is not None]
#: What every reply may carry beside what a case lists.
ALWAYS = {"date", "content-length", "allow", "www-authenticate"}


def shape(value: Any) -> Any:
    """Return the keys at each level and the JSON types; elements of one shape in a list count once."""
    match value:
        case dict():
            return {key: shape(each) for key, each in value.items()}
        case list():
            return ["list", *sorted({json.dumps(shape(each), sort_keys=True) for each in value})]
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case _:
            return type(value).__name__


def whole_shape(body: bytes) -> Any:
    """Return the shape of a body, whatever it is."""
    if not body:
        return "empty"
    marked = body.startswith(b"\xef\xbb\xbf")
    try:
        return marked, shape(json.loads(body.decode("utf-8-sig")))
    except ValueError:
        return marked, "page" if body.lstrip().startswith(b"<") else "text"


def media_type(reply: SandboxReply | Case) -> str:
    """Return a content type without its parameters."""
    value = reply.header("content-type") if isinstance(reply, SandboxReply) else None
    value = value if isinstance(reply, SandboxReply) else reply.headers.get("content-type")
    return (value or "").partition(";")[0]


@table("case", SHOWN, ids=lambda case: f"{case.marketplace}-{case.name}")
def test_the_sandbox_answers_as_the_documents_show(case: Case) -> None:
    """Same status, same headers, same keys at each level, same JSON types."""
    reply = followed(case)
    assert reply.status == case.status, reply.body
    assert whole_shape(reply.body) == whole_shape(case.body)
    assert media_type(reply) == media_type(case)
    assert {name.lower() for name, _ in reply.headers} - ALWAYS == set(case.headers) - ALWAYS
    assert set(case.headers) <= {name.lower() for name, _ in reply.headers}


def test_a_shape_is_told_from_another() -> None:
    """A key more, a null, a text in place of a number and a mark each make another shape."""
    shapes = [
        {"a": 1},
        {"a": None},
        {"a": "1"},
        {"a": True},
        {"a": 1, "b": 1},
        {"a": [1]},
        {"a": []},
        {"a": [1, None]},
        {"a": {"b": 1}},
        None,
        "a",
    ]
    bodies = [json.dumps(each).encode() for each in shapes]
    bodies += [b"", b"<html>", b"\xef\xbb\xbf" + bodies[0], b"text"]
    told = [json.dumps(whole_shape(body)) for body in bodies]
    assert len(set(told)) == len(bodies)
    assert shape([{"a": 1}, {"a": 2.5}]) == shape([{"a": 3}])
