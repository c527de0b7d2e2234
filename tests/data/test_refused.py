"""Data that nobody wrote, or that somebody changed, is refused with the place, as strictly as a marketplace's answer."""

import json
import random
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

import attrs
import pytest

from countermand import (
    Account,
    Attempt,
    CancelKiboOrder,
    CancelRequest,
    CancelVtexOrder,
    Part,
    Requested,
    Unknown,
    VtexOrder,
    error_from_dict,
    outcome_from_dict,
    outcome_from_json,
    request_from_dict,
)
from countermand.engine.decoding import Answer, decode
from countermand.marketplaces import registry
from tests.support.tables import table

from . import made
from .test_round_trip import AT, attempt_written, same


def written() -> dict[str, Any]:
    """Return the written form of an outcome in which every field is filled."""
    body = b'{"orderId": "1", "status": "handling", "cancellationRequests": [{"reason": "r"}]}'
    outcome: Unknown[VtexOrder] = Unknown(
        marketplace="vtex",
        order_id="1",
        account="brand-ar",
        answer=decode(body, VtexOrder),
        attempts=(Attempt("cancel", AT, 0.25, 503, "answered 503", request_id="r"),),
        reason="no answer",
    )
    return outcome.to_dict()


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return `written()` with the value at `path` changed; `...` takes it away."""
    data: Any = written()
    *way, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    place = data
    for step in way:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return dict(data)


CHANGES: list[tuple[str, Any, str]] = [
    ("schema", 2, r"schema 2 is newer than this version reads, which is 1 @ \$\.schema"),
    ("schema", True, r"an integer is wanted, not bool @ \$\.schema"),
    ("schema", "1", r"@ \$\.schema"),
    ("schema", 0, r"@ \$\.schema"),
    ("schema", ..., r"it is missing @ \$\.schema"),
    ("outcome", "canceled", r"it is none of cancelled, requested, .*@ \$\.outcome"),
    ("outcome", ["unknown"], r"@ \$\.outcome"),
    ("outcome", ..., r"it is missing @ \$\.outcome"),
    ("outcome", "requested", r"@ \$\.reason"),
    ("settled", True, r"@ \$\.settled"),
    ("settled", 0, r"@ \$\.settled"),
    ("settled", ..., r"it is missing @ \$\.settled"),
    ("marketplace", "shop", r"there is no marketplace 'shop'.*@ \$\.marketplace"),
    ("marketplace", None, r"text is wanted, not null @ \$\.marketplace"),
    ("marketplace", ..., r"it is missing @ \$\.marketplace"),
    ("marketplace", "kibo", r"it is none of kibo\.order @ \$\.answer\.kind"),
    ("order_id", 1, r"text is wanted, not int @ \$\.order_id"),
    ("order_id", ..., r"it is missing @ \$\.order_id"),
    ("account", False, r"@ \$\.account"),
    ("account", ..., r"it is missing @ \$\.account"),
    ("reason", None, r"@ \$\.reason"),
    ("new", 1, r"there is no such field @ \$\.new"),
    ("attempts", {}, r"a list is wanted, not dict @ \$\.attempts"),
    ("attempts", "", r"@ \$\.attempts"),
    ("attempts/0", [], r"an object is wanted, not list @ \$\.attempts\[0\]"),
    ("attempts/0/what", "look", r"it is none of cancel, read, login @ \$\.attempts\[0\]\.what"),
    ("attempts/0/at", 0, r"@ \$\.attempts\[0\]\.at"),
    ("attempts/0/at", "2026-03-02", r"@ \$\.attempts\[0\]\.at"),
    ("attempts/0/at", "2026-03-02T09:00:00", r"@ \$\.attempts\[0\]\.at"),
    ("attempts/0/at", "2026-02-30T09:00:00Z", r"there is no such time @ \$\.attempts\[0\]\.at"),
    ("attempts/0/at", "0001-01-01T00:00:00+01:00", r"there is no such time @ \$\.attempts\[0\]\.at"),
    ("attempts/0/took", True, r"@ \$\.attempts\[0\]\.took"),
    ("attempts/0/took", "1", r"@ \$\.attempts\[0\]\.took"),
    ("attempts/0/took", float("inf"), r"@ \$\.attempts\[0\]\.took"),
    ("attempts/0/took", 10**400, r"@ \$\.attempts\[0\]\.took"),
    ("attempts/0/status", True, r"@ \$\.attempts\[0\]\.status"),
    ("attempts/0/status", 503.0, r"@ \$\.attempts\[0\]\.status"),
    ("attempts/0/sent", 1, r"@ \$\.attempts\[0\]\.sent"),
    ("attempts/0/sent", ..., r"it is missing @ \$\.attempts\[0\]\.sent"),
    ("attempts/0/new", 1, r"there is no such field @ \$\.attempts\[0\]\.new"),
    ("answer", [], r"@ \$\.answer"),
    ("answer", {}, r"@ \$\.answer\.kind"),
    ("answer/kind", "vtex.thing", r"it is none of vtex\.order, vtex\.receipt @ \$\.answer\.kind"),
    ("answer/kind", "vtex.receipt", r"@ \$\.answer\.raw"),
    ("answer/kind", ["vtex.order"], r"@ \$\.answer\.kind"),
    ("answer/kind", ..., r"@ \$\.answer\.kind"),
    ("answer/new", 1, r"there is no such field @ \$\.answer\.new"),
    ("answer/raw", ..., r"it is missing @ \$\.answer\.raw"),
    ("answer/raw", [], r"@ \$\.answer\.raw"),
    ("answer/raw", {}, r"@ \$\.answer\.raw"),
    ("answer/raw/status", 1, r"status.*@ \$\.answer\.raw"),
    ("answer/raw/allowCancellation", 1, r"allow.*@ \$\.answer\.raw"),
    ("answer/raw/new", float("nan"), r"@ \$\.answer\.raw"),
    ("answer/raw/new", AT, r"@ \$\.answer\.raw"),
    ("answer/fields", {"orderId": "1"}, r"it is missing @ \$\.answer\.fields\.allowCancellation"),
    ("answer/fields", [], r"@ \$\.answer\.fields"),
]


@table("path, value, problem", CHANGES)
def test_what_was_changed_is_refused(path: str, value: Any, problem: str) -> None:
    """The error is a ValueError, and names the place."""
    with pytest.raises(ValueError, match=problem):
        outcome_from_dict(changed(path, value))


def test_every_field_is_needed_and_of_its_type() -> None:
    """Wherever it stands; and no error repeats what stood there."""
    for steps, _ in leaves(written()):
        if steps[:2] == ["answer", "raw"]:
            continue
        path = "/".join(map(str, steps))
        for value in (..., {"sekret": "sekret"}, ["sekret"], 7.5):
            if path == "attempts/0/took" and value == 7.5:
                continue
            with pytest.raises(ValueError, match=r" @ \$") as caught:
                outcome_from_dict(changed(path, value))
            assert "sekret" not in str(caught.value)


def leaves(data: Any, *way: Any) -> Iterator[tuple[list[Any], Any]]:
    """Yield the way to each single value."""
    if isinstance(data, dict | list) and data:
        for step, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(value, *way, step)
    else:
        yield list(way), data


@pytest.mark.parametrize("thing", [None, [], "unknown", 1, {}, [1]])
def test_what_is_no_object_is_refused(thing: Any) -> None:
    """By all three."""
    for load in (outcome_from_dict, error_from_dict, request_from_dict):
        with pytest.raises(ValueError, match=r"@ \$"):
            load(thing)


@table("text", ["", '{"sekret', "NaN", "[]", b"\xff", "[" * 10**5, "9" * 5000, None, 5])
def test_what_is_no_json_is_refused(text: Any) -> None:
    """Broken, cut short, nested without end, or no text; and the error does not keep the text."""
    with pytest.raises(ValueError, match=r" @ \$") as caught:
        outcome_from_json(text)
    assert type(caught.value) is ValueError
    assert caught.value.__context__ is None


def test_a_long_name_is_cut() -> None:
    """A message stays readable, whatever stands in the data."""
    for change in ({"marketplace": "x" * 10**5}, {"x" * 10**5: 1}):
        with pytest.raises(ValueError, match=r"x{50}") as caught:
            outcome_from_dict(written() | change)
        assert len(str(caught.value)) < 300


def test_a_field_that_is_named_twice_is_refused() -> None:
    """Which of the two to believe would be a guess."""
    text = json.dumps(written())
    assert outcome_from_json(text) == outcome_from_dict(written())
    with pytest.raises(ValueError, match="twice"):
        outcome_from_json(text.replace('"sent": true', '"sent": true, "sent": false'))


def test_kinds_are_not_taken_for_one_another() -> None:
    """An outcome is no error, and an error no request."""
    outcome, error, request = (
        written(),
        made.error(random.Random(1)).to_dict(),
        CancelVtexOrder("1").to_dict(),
    )
    for load, data in ((outcome_from_dict, error), (error_from_dict, request), (request_from_dict, outcome)):
        with pytest.raises(ValueError, match="it is missing"):
            load(data)


@table(
    "change, problem",
    [
        ({"order_id": "1"}, r"an integer is wanted, not str @ \$\.order_id"),
        ({"order_id": True}, r"@ \$\.order_id"),
        ({"request": "refund"}, r"it is none of cancel @ \$\.request"),
        ({"marketplace": "shop"}, r"@ \$\.marketplace"),
        ({"marketplace": "vtex"}, r"@ \$\.disposition"),
        ({"disposition_reason": 1}, r"@ \$\.disposition_reason"),
        ({"token": "t"}, r"@ \$\.token"),
        ({"order_id": 0}, r"order_id must be .* @ \$$"),
        ({"disposition_other_reason": ""}, r"disposition_other_reason must be .* @ \$$"),
        ({"schema": 2}, r"@ \$\.schema"),
    ],
)
def test_a_request_is_checked(change: dict[str, Any], problem: str) -> None:
    """Its types, that no field is missing or superfluous, and all that is checked when it is built."""
    with pytest.raises(ValueError, match=problem):
        request_from_dict(CancelKiboOrder(1, "other").to_dict() | change)


@pytest.mark.parametrize(
    "change, problem",
    [
        ({"error": "shop_closed"}, r"@ \$\.error"),
        ({"schema": 2}, r"@ \$\.schema"),
        ({"retry_after": "1"}, r"@ \$\.retry_after"),
        ({"error": "not_sent"}, r"there is no such field @ \$\.retry_after"),
        ({"attempts": [attempt_written() | {"at": ""}]}, r"@ \$\.attempts\[0\]\.at"),
    ],
)
def test_an_error_is_checked(change: dict[str, Any], problem: str) -> None:
    """Like an outcome."""
    data = countermand_error() | change
    with pytest.raises(ValueError, match=problem):
        error_from_dict(data)


def countermand_error() -> dict[str, Any]:
    """Return the written form of a rate limit."""
    from countermand import RateLimitedError

    return RateLimitedError("later", retry_after=1.0).to_dict()


def test_what_cannot_be_read_back_is_not_written() -> None:
    """A time without its zone, a number that JSON does not have, a status that is no text, an answer of no kind."""

    class Nameless(Answer):
        pass

    made_up: list[tuple[dict[str, Any], str]] = [
        (
            {"attempts": (Attempt("read", AT.replace(tzinfo=None), 0.1, 200, "ok"),)},
            r"@ \$\.attempts\[0\]\.at",
        ),
        ({"attempts": (Attempt("read", AT, float("nan"), 200, "ok"),)}, r"@ \$\.attempts\[0\]\.took"),
        ({"status": 5}, r"@ \$\.status"),
        ({"answer": attrs.frozen(Nameless)()}, r"Nameless has no kind.*@ \$\.answer"),
        ({"answer": 5}, r"@ \$\.answer"),
        ({"attempts": (Part("1", "s"),)}, r"Attempt is wanted, not Part @ \$\.attempts\[0\]"),
        ({"answer": Part("1", "s")}, r"@ \$\.answer"),
    ]
    for about, problem in made_up:
        with pytest.raises(ValueError, match=problem):
            Requested(marketplace="vtex", order_id="1", **about).to_dict()


@attrs.frozen
class ShopOrder(Answer):
    """What a third party's marketplace answers, with names that ours use for something else."""

    kind = "shop.order"

    schema: int
    raw_status: str


@attrs.frozen
class CancelShopOrder(CancelRequest[ShopOrder]):
    """A third party's request."""

    marketplace = "shop"
    number: int
    account: str | None = None


class Shop(Account[Any, Any]):
    """A third party's configuration."""

    marketplace = "shop"

    @classmethod
    def stored(cls) -> Any:
        """Return what stored data is read back as."""
        return CancelShopOrder, (ShopOrder,)


def test_a_third_partys_marketplace_is_found_by_its_name(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Through its entry point."""
    point = EntryPoint("shop", f"{__name__}:Shop", registry.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda self: Shop)
    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda **named: [point] if named["name"] == "shop" else []
    )
    registry.configuration_of.cache_clear()
    request.addfinalizer(registry.configuration_of.cache_clear)
    answer = decode(b'{"schema": 7, "raw_status": "gone", "new": [1.5]}', ShopOrder)
    outcome: Requested[ShopOrder] = Requested(marketplace="shop", order_id="7", answer=answer)
    assert same(outcome, outcome_from_json(outcome.to_json()))
    assert request_from_dict(json.loads(CancelShopOrder(7).to_json())) == CancelShopOrder(7)
