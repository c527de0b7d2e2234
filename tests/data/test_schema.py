"""The JSON Schema that ships with the package is the one that the classes make, and allows what they write."""

import json
import random
from importlib.resources import files
from typing import Any

import pytest

from countermand import json_schema

from . import made
from .test_refused import CHANGES, changed


def test_the_shipped_schema_is_made_from_the_classes() -> None:
    """If this fails: `python .ci/schema.py`."""
    shipped = files("countermand").joinpath("data/schema.json").read_text(encoding="utf-8")
    assert json.loads(shipped) == json_schema()


def test_every_class_is_in_it_and_every_reference_leads_somewhere() -> None:
    """Outcomes, errors, requests, answers and their parts."""
    schema = json_schema()
    defined = schema["$defs"]
    for kind in made.KINDS:
        assert defined[kind.__name__]["properties"]["error"] == {"const": kind("no").to_dict()["error"]}
    outcomes = [defined[each["$ref"].rpartition("/")[2]] for each in defined["Outcome"]["anyOf"]]
    assert [each["properties"]["outcome"]["const"] for each in outcomes] == [
        "cancelled",
        "requested",
        "partially_cancelled",
        "refused",
        "unknown",
    ]
    references = {part.partition('"')[0] for part in json.dumps(schema).split('"$ref": "#/$defs/')[1:]}
    assert references == defined.keys()


def test_a_schema_of_one_marketplace() -> None:
    """Names no other's answers."""
    assert "KiboOrder" in json_schema("kibo")["$defs"]
    assert "VtexOrder" not in json_schema("kibo")["$defs"]


def test_it_allows_what_is_written_and_little_else() -> None:
    """With jsonschema: 180 values are valid; of the changed ones, those that a schema can tell are not."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not among the oldest dependencies")
    jsonschema.Draft202012Validator.check_schema(json_schema())
    valid = jsonschema.Draft202012Validator(json_schema()).is_valid
    for seed in range(60):
        rng = random.Random(seed)
        for make in (made.outcome, made.error, made.request):
            value: Any = make(rng)
            assert valid(value.to_dict()), (seed, value)
    # A schema does not know the calendar, or that 503.0 is no integer here.
    beyond: list[Any] = [("attempts/0/status", 503.0)]
    beyond += [("attempts/0/at", day) for day in ("2026-02-30T09:00:00Z", "0001-01-01T00:00:00+01:00")]
    beyond += [("schema", True), ("settled", 0)]  # True is 1 to Python, and to a validator written in it
    for path, value, _ in CHANGES:
        is_json = path not in ("attempts/0/took", "answer/raw/new")
        if is_json and (path, value) not in beyond:
            assert not valid(changed(path, value)), (path, value)
