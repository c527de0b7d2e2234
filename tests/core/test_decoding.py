"""What a body may not hold: a field that is named twice, because to choose one would be a guess; and endless nesting."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from countermand import (
    CruxOrder,
    KiboOrder,
    PatternCancellation,
    PatternOrderStatus,
    Requested,
    VtexOrder,
    VtexReceipt,
    outcome_from_json,
)
from countermand.engine.decoding import Answer, DecodingError, decode
from countermand.engine.direct import decode_directly
from tests.support.tables import table

BODIES: dict[type[Answer], Mapping[str, Any]] = {
    PatternCancellation: {
        "market_order_id": "114-1",
        "success": True,
        "message": "initiated",
        "cancelled_orders": [{"warehouse_order_id": 1, "status": "new"}],
        "non_cancellable_orders": [
            {"warehouse_order_id": 2, "status": "picked", "reason": "too late"},
            {"warehouse_order_id": 3, "status": "picked"},
            {"warehouse_order_id": 4, "status": "picked", "reason": None},
        ],
    },
    PatternOrderStatus: {
        "market_order_id": "114-1",
        "order_status": "processing",
        "sub_orders": [
            {
                "sub_order_status": "shipped",
                "items": [{"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 2}],
            },
            {"sub_order_status": "pending"},
            {"sub_order_status": "pending", "items": []},
        ],
    },
    VtexReceipt: {"date": "2014-02-07T15:22:56.7612218-02:00", "orderId": "1172-01", "receipt": "38e0"},
    VtexOrder: {
        "orderId": "1172-01",
        "status": "handling",
        "allowCancellation": True,
        "workflowIsInError": None,
        "cancellationRequests": [
            {
                "id": "1",
                "reason": "r",
                "requestedByUser": True,
                "deniedBySeller": True,
                "deniedBySellerReason": "d",
            },
            {"id": "2", "deniedBySeller": False, "cancellationRequestDate": "2024-01-01T00:00:00"},
        ],
    },
    CruxOrder: {
        "uuid": "521a91e5-058d-4474-aeee-f0c148594a00",
        "line_items": [{"uuid": "1", "status": "Allocated"}, {"uuid": "2", "status": "Cancelled"}],
    },
    KiboOrder: {"orderID": 1010101, "orderStatus": "CANCELED", "orderState": None, "orderDate": "2010-04-08"},
}

#: Space behind a body makes it a large one, which is decoded in another way.
LARGE = " " * 5000


def written(pairs: list[tuple[str, str]]) -> str:
    """Return a JSON object of names and values that are JSON already."""
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in pairs) + "}"


def repeating(value: Any) -> Iterator[str]:
    """Return `value` as JSON, in as many ways as there are names in it to be repeated."""
    if isinstance(value, Mapping):
        pairs = [(name, json.dumps(inner)) for name, inner in value.items()]
        for name, inner in value.items():
            yield written([*pairs, (name, json.dumps(inner))])
            yield written([(name, json.dumps(inner)), *pairs])
            for text in repeating(inner):
                yield written([(other, text if other == name else kept) for other, kept in pairs])
    elif isinstance(value, list):
        for place in range(len(value)):
            for text in repeating(value[place]):
                yield (
                    "["
                    + ", ".join([*map(json.dumps, value[:place]), text, *map(json.dumps, value[place + 1 :])])
                    + "]"
                )


@pytest.mark.parametrize("model", BODIES, ids=lambda model: model.__name__)
def test_every_name_of_every_object_may_stand_once(model: type[Answer]) -> None:
    """In whichever order, and however often its namesakes in other objects are left out."""
    body = BODIES[model]
    assert decode(json.dumps(body).encode(), model).raw == body
    texts = list(repeating(body))
    assert len(texts) >= 2 * len(body)
    for text in texts:
        for space in ("", LARGE):
            with pytest.raises(DecodingError, match="twice"):
                decode((text + space).encode(), model)


@pytest.mark.parametrize("model", BODIES, ids=lambda model: model.__name__)
def test_a_text_that_looks_like_a_repetition_is_none(model: type[Answer]) -> None:
    """Texts hold colons, braces and names; and what nobody asked for may hold them all."""
    names = "".join(f'"{name}": 1, ' for name in BODIES[model])
    body = {**BODIES[model], "note": "{" + names + "}", "elsewhere": dict(BODIES[model])}
    for space in ("", LARGE):
        assert decode((json.dumps(body) + space).encode(), model).raw == body


@pytest.mark.parametrize("opening, closing", [("[", "]"), ('{"a":', "}")], ids=["arrays", "objects"])
def test_what_is_decoded_is_not_nested_too_deeply_for_raw(opening: str, closing: str) -> None:
    """`raw` and `to_json` would exceed Python's recursion limit: such a body is refused at once."""
    body = b'{"orderId": "1", "date": "d", "new": %s1%s, "many": [%s[]]}'
    many = b"[], " * 1000
    for depth in (190, 199):
        answer = decode(body % (opening.encode() * depth, closing.encode() * depth, many), VtexReceipt)
        outcome: Requested[VtexReceipt] = Requested(marketplace="vtex", order_id="1", answer=answer)
        assert outcome_from_json(outcome.to_json()) == outcome
    for depth in (200, 990, 10**5):
        with pytest.raises(DecodingError, match="nested too deeply"):
            decode(body % (opening.encode() * depth, closing.encode() * depth, many), VtexReceipt)


@table("note", ["\\u003a", "\\u003a\\u003a", "a\\\\", '\\":', "::", "a:b", "\\/", "é:"])
@table("gap", ["", " ", "\n\t"])
def test_no_other_text_hides_a_repetition(note: str, gap: str) -> None:
    """Whatever escapes and colons a field beside it holds, and whatever space stands before a colon."""
    once = f'{{"date": "1", "orderId"{gap}:"1172-01", "receipt": "38e0", "note": "{note}"}}'
    assert decode(once.encode(), VtexReceipt).order_id == "1172-01"
    for twice in ('"date": "1:2"', '"note": 1', f'"note"{gap}: "{note}"', '"receipt": {"a": {"b": ":"}}'):
        with pytest.raises(DecodingError, match="twice"):
            decode(once.replace("{", f"{{{twice}, ", 1).encode(), VtexReceipt)


def changed(value: Any) -> Iterator[Any]:
    """Return `value` with each of its parts left out, replaced by what it may not be, and with something new beside it."""
    wrong: tuple[Any, ...] = (
        None,
        True,
        7,
        7.0,
        2**70,
        "",
        "a:b",
        '"',
        "é",
        [],
        [None],
        [[]],
        [{}],
        {},
        {"": 1},
    )
    if isinstance(value, dict):
        yield {**value, "new": 1}
        for name, inner in value.items():
            yield {other: kept for other, kept in value.items() if other != name}
            yield from ({**value, name: other} for other in (*wrong, *changed(inner)))
    elif isinstance(value, list):
        for place in range(len(value)):
            yield value[:place] + value[place + 1 :]
            yield from (
                [*value[:place], other, *value[place + 1 :]] for other in (*wrong, *changed(value[place]))
            )


@pytest.mark.parametrize("model", BODIES, ids=lambda model: model.__name__)
def test_a_large_body_is_decoded_as_a_small_one(model: type[Answer]) -> None:
    """Its fields are the same, and so are the place and the words of what is wrong with it."""

    def decoded(text: str) -> object:
        try:
            return decode(text.encode(), model)
        except DecodingError as error:
            return str(error)

    results: list[bool] = []
    for body in changed(BODIES[model]):
        for text in (
            json.dumps(body),
            json.dumps(body, ensure_ascii=False)[:-1],
            "\ufeff" + json.dumps(body),
        ):
            small = decoded(text)
            assert decoded(text + LARGE) == small, text
            results.append(isinstance(small, str))
    assert set(results) == {True, False}


def test_the_parts_of_a_large_body_are_built_while_it_is_parsed() -> None:
    """If it has each name once and none that is unknown, it is not decoded again; otherwise it is checked as a whole."""
    checked: list[bytes] = []

    def check(body: bytes) -> dict[str, Any]:
        checked.append(body)
        return {}

    body = dict(BODIES[PatternCancellation])
    body["non_cancellable_orders"] = body["non_cancellable_orders"][:2]
    once = json.dumps(body).encode()
    answer = decode(once, PatternCancellation)
    assert PatternCancellation(**decode_directly(once, PatternCancellation, check)) == answer
    assert not checked
    new = once.replace(b"{", b'{"new": 1, ', 1)
    assert PatternCancellation(**decode_directly(new, PatternCancellation, check)) == answer
    status = json.dumps(BODIES[PatternOrderStatus]).encode()
    for other, model in (
        (b"[]", PatternCancellation),
        (b"\xff", PatternCancellation),
        (status, PatternOrderStatus),
    ):
        assert decode_directly(other, model, check) == {}
    assert checked == [new, b"[]", b"\xff", status]
