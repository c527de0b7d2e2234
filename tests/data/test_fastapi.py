"""pydantic and FastAPI: an outcome is a response model, and its five variants are told apart."""

import json
import random
from typing import Annotated, Any

import pytest

from countermand import (
    CancelKiboOrder,
    Cancelled,
    KiboAnswer,
    KiboOrder,
    Outcome,
    Part,
    PartiallyCancelled,
    Refused,
    Requested,
    Unknown,
    VtexAnswer,
    VtexReceipt,
)
from countermand.engine.decoding import Answer

from . import made
from .test_round_trip import same

pydantic: Any = pytest.importorskip("pydantic", reason="pydantic is not among the oldest dependencies")

#: mypy takes a union with its argument for a type, and for no value.
ANY: Any = Outcome
ABOUT: dict[str, Any] = {"marketplace": "vtex", "order_id": "1", "answer": VtexReceipt("d", "1")}
FIVE: dict[str, Any] = {
    "cancelled": Cancelled(**ABOUT, cancelled=(Part("1", "canceled"),)),
    "requested": Requested(**ABOUT, status="handling"),
    "partially_cancelled": PartiallyCancelled(**ABOUT, cancelled=(), refused=(), settled=False),
    "refused": Refused(**ABOUT, refused=(Part("1", "invoiced"),)),
    "unknown": Unknown(**ABOUT, reason="no answer"),
}


@pytest.mark.parametrize("outcome", FIVE.values(), ids=FIVE)
def test_pydantic_validates_and_serializes(outcome: Any) -> None:
    """An instance as it is, and its written form as an equal one; both modes write the same."""
    adapter = pydantic.TypeAdapter(ANY[VtexAnswer])
    assert adapter.validate_python(outcome) is outcome
    assert same(outcome, adapter.validate_python(outcome.to_dict()))
    assert same(outcome, adapter.validate_json(outcome.to_json()))
    assert adapter.dump_python(outcome) == outcome.to_dict()
    assert json.loads(adapter.dump_json(outcome)) == outcome.to_dict()


def test_pydantic_reads_what_was_made_by_chance() -> None:
    """Of any marketplace that the type declares."""
    from countermand import CruxAnswer, PatternAnswer

    adapter = pydantic.TypeAdapter(ANY[VtexAnswer | KiboAnswer | CruxAnswer | PatternAnswer])
    for seed in range(100):
        outcome = made.outcome(random.Random(seed))
        assert same(outcome, adapter.validate_python(adapter.dump_python(outcome))), seed


@pytest.mark.parametrize(
    "value",
    [None, 1, "unknown", {}, KiboOrder(1), Cancelled(marketplace="kibo", order_id="1", answer=KiboOrder(1))],
)
def test_pydantic_refuses_all_else(value: Any) -> None:
    """The answer of another marketplace as well."""
    with pytest.raises(pydantic.ValidationError):
        pydantic.TypeAdapter(ANY[VtexAnswer]).validate_python(value)


@pytest.mark.parametrize("hint", [Requested, ANY, ANY[Any], ANY[object], ANY[Answer]])
def test_an_outcome_whose_answer_is_not_declared_is_written_only(hint: Any) -> None:
    """Nothing says what the answer is to be read as."""
    adapter = pydantic.TypeAdapter(hint)
    assert adapter.validate_python(FIVE["requested"]) is FIVE["requested"]
    assert adapter.json_schema()
    assert adapter.dump_python(FIVE["requested"]) == FIVE["requested"].to_dict()
    with pytest.raises(pydantic.ValidationError, match=r"its type is not declared @ \$\.answer"):
        adapter.validate_python(FIVE["requested"].to_dict())


def test_a_tag_that_there_is_not_is_named() -> None:
    """And not a field that another variant does not have."""
    data = FIVE["requested"].to_dict() | {"outcome": "done"}
    with pytest.raises(pydantic.ValidationError) as caught:
        pydantic.TypeAdapter(ANY[VtexAnswer]).validate_python(data)
    assert all("@ $.outcome" in each["msg"] for each in caught.value.errors())


def service() -> Any:
    """Return a service that answers with outcomes, and takes them."""
    fastapi: Any = pytest.importorskip("fastapi", reason="fastapi is not among the oldest dependencies")
    app = fastapi.FastAPI()

    def show(tag: str) -> Any:
        return FIVE[tag]

    def take(outcome: Any) -> str:
        return repr(outcome)

    def ask(request: Any) -> Any:
        return request

    take.__annotations__["outcome"] = ANY[VtexAnswer]
    ask.__annotations__["request"] = Annotated[CancelKiboOrder, fastapi.Body()]
    app.get("/outcomes/{tag}", response_model=ANY[VtexAnswer])(show)
    app.post("/outcomes")(take)
    app.post("/requests", response_model=CancelKiboOrder)(ask)
    return app


def test_the_openapi_schema_tells_five_variants_apart() -> None:
    """By constants; and it is valid."""
    api = service().openapi()
    content = api["paths"]["/outcomes/{tag}"]["get"]["responses"]["200"]["content"]
    variants = content["application/json"]["schema"]["anyOf"]
    assert [each["title"] for each in variants] == [type(outcome).__name__ for outcome in FIVE.values()]
    assert [each["properties"]["outcome"]["const"] for each in variants] == list(FIVE)
    assert all({"outcome", "answer", "attempts", "settled"} <= {*each["required"]} for each in variants)
    assert "vtex.receipt" in json.dumps(variants)
    assert "kibo.order" not in json.dumps(variants)
    jsonschema: Any = pytest.importorskip(
        "jsonschema", reason="jsonschema is not among the oldest dependencies"
    )
    for tag, outcome in FIVE.items():
        fits = [jsonschema.Draft202012Validator(each).is_valid(outcome.to_dict()) for each in variants]
        assert fits == [each == tag for each in FIVE]
    validator: Any = pytest.importorskip(
        "openapi_spec_validator", reason="it is not among the oldest dependencies"
    )
    validator.validate(api)


async def test_a_service_answers_with_outcomes_and_takes_them() -> None:
    """The written form over HTTP, there and back."""
    import httpx

    async with httpx.AsyncClient(transport=httpx.ASGITransport(service()), base_url="http://test") as client:
        for tag, outcome in FIVE.items():
            answered = (await client.get(f"/outcomes/{tag}")).json()
            assert answered == outcome.to_dict()
            assert (await client.post("/outcomes", json=answered)).json() == repr(outcome)
        assert (await client.post("/outcomes", json={"outcome": "cancelled"})).status_code == 422
        request = CancelKiboOrder(2**60 + 1, "other", "why").to_dict()
        assert (await client.post("/requests", json=request)).json() == request
        assert (await client.post("/requests", json=request | {"order_id": "1"})).status_code == 422
