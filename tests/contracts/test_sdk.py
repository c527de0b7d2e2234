"""The SDK makes of every documented answer and status what the documents mean by it, at both doors."""

import json
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Any

import attrs
import pytest

import countermand
from countermand import (
    CountermandError,
    Crux,
    Kibo,
    OrderUnreadableError,
    PartiallyCancelled,
    RejectedError,
    Requested,
    RetryPolicy,
    Unknown,
)
from countermand.engine.wire import Reply
from tests.support.doors import Door, Kind, OpenDoor
from tests.support.markets import MARKETS
from tests.support.stage import Stage, lost
from tests.support.tables import table

from .documents import MARKETPLACES, OUTCOMES, Case, Marketplace, Row, cases, receipt_date, requests, statuses

READS = {"pattern": "order_status", "vtex": "get_order", "crux": "get_order", "kibo": "get_order"}
#: What goes with an order's id to cancel it.
MORE: dict[str, tuple[Any, ...]] = {"kibo": ("customer_changed_mind",)}
ACCESS = {market.name: market.access for market in MARKETS}
ONCE = RetryPolicy.never()


def replied(case: Case) -> Reply:
    """Return the case's answer."""
    return Reply(case.status, dict(case.headers), case.body)


def access(case: Case | Row) -> Any:
    """Return the configuration that the case is about."""
    return (
        Crux(token="crux-tok3n", release=case.release)
        if case.marketplace == "crux"
        else ACCESS[case.marketplace]
    )


def of_kind(request: str, *, expected: Iterable[str] = ()) -> list[Any]:
    """Return the cases of one kind of request, whose expectation is one of these, if any are named."""
    return [
        pytest.param(case, id=f"{case.marketplace}-{case.name}")
        for marketplace in MARKETPLACES
        for case in cases(marketplace)
        if case.request == request and (not expected or case.expected in set(expected))
    ]


def named(marketplace: Marketplace, name: str) -> Reply:
    """Return the answer of another case."""
    return next(replied(case) for case in cases(marketplace) if case.name == name)


class Scene:
    """A client of one marketplace on a stage."""

    def __init__(
        self, kind: Kind, open_door: OpenDoor, configuration: Any, stage: Stage, **more: Any
    ) -> None:
        self.stage = stage
        driver = stage.driver if kind == "sync" else stage.async_driver
        self.door: Door = open_door(
            **{configuration.marketplace: configuration, "http_client": driver, **more}
        )
        self._name: str = configuration.marketplace

    def ended(self, method: str, order_id: object, *more: Any, **options: Any) -> Any:
        """Return what a call returns, or the error that it raises."""
        try:
            return self.door.do(self._name, method, order_id, *more, **options)
        except CountermandError as error:
            return error


def assert_is(found: Any, expected: str, facts: Any, *, settled: bool | None = None) -> None:
    """Hold an outcome or an error against the word for it, and what the case says of it."""
    if expected in OUTCOMES:
        assert type(found).__name__ == expected, found
    else:
        assert isinstance(found, getattr(countermand, expected)), found
    for name in ("code", "retry_after", "retry_after_from"):
        if name in facts and isinstance(found, CountermandError):
            assert getattr(found, name) == facts[name]
    if "detail" in facts and isinstance(found, CountermandError):
        assert facts["detail"] in (found.detail or "")
    if isinstance(found, CountermandError) and found.detail is not None:
        assert found.detail in str(found)
    if never := facts.get("never"):
        assert not isinstance(found, getattr(countermand, never))
    for name in ("cancelled", "refused"):
        if name in facts and not isinstance(found, Requested):  # whose answer names them
            assert [part.id for part in getattr(found, name)] == facts[name]
    wanted = facts.get("settled", settled)
    if isinstance(found, PartiallyCancelled) and wanted is not None:
        assert found.settled is wanted


DECIDED = [
    each
    for each in {case.values[0].expected for case in of_kind("cancel")}
    if each not in ("settled by reading", "asked again as orderID")
]


@table("case", of_kind("cancel", expected=DECIDED))
def test_a_cancellation_answered_so_is(case: Case, kind: Kind, open_door: OpenDoor) -> None:
    """Decided by the answer alone: no order is read, nothing is asked twice."""
    stage = Stage(cancel=[replied(case)])
    scene = Scene(kind, open_door, access(case), stage, retry=ONCE)
    found = scene.ended("cancel_order", case.order_id, *MORE.get(case.marketplace, ()))
    assert_is(found, case.expected, case.facts)
    assert stage.kinds == ["cancel"]
    if case.expected in OUTCOMES and found.answer is not None:
        assert found.answer.raw == case.said


def continued() -> Iterator[Any]:
    """Yield each case that decides nothing by itself, with each thing that may come then."""
    for param in of_kind("cancel", expected=("settled by reading", "asked again as orderID")):
        case: Case = param.values[0]
        for then in case.facts["then"]:
            name = then.get("read") or then["cancel"]
            yield pytest.param(case, then, id=f"{case.marketplace}-{case.name}-then-{name}")


@table("case, then", list(continued()))
def test_what_is_not_decided_at_once_is(
    case: Case, then: dict[str, Any], kind: Kind, open_door: OpenDoor
) -> None:
    """Settled by what is read, or by what the other wording is answered; a cancellation is not sent again blindly."""
    answers = named(case.marketplace, then.get("read") or then["cancel"])
    cancels = [replied(case)] if "read" in then else [replied(case), answers]
    read = answers if "read" in then else named("kibo", "read-open")
    stage = Stage(cancel=cancels, read=repeat(read))
    scene = Scene(kind, open_door, access(case), stage, retry=ONCE, timeout=9.0)
    found = scene.ended("cancel_order", case.order_id, *MORE.get(case.marketplace, ()))
    assert_is(found, then["expected"], then)
    assert stage.kinds.count("cancel") == len(cancels)
    if "cancel" in then:
        bodies = [json.loads(call.body or b"") for call in stage.calls[:2]]
        assert ["orderId" in body for body in bodies] == [True, False]
        assert ["orderID" in body for body in bodies] == [False, True]


@table("case", of_kind("read"))
def test_a_read_answered_so_is(case: Case, kind: Kind, open_door: OpenDoor) -> None:
    """The order, with nothing lost in `raw`; or an error, and never an order that was not said."""
    stage = Stage(read=[replied(case)])
    scene = Scene(kind, open_door, access(case), stage, retry=ONCE)
    found = scene.ended(READS[case.marketplace], case.order_id)
    if case.expected == "order":
        assert not isinstance(found, CountermandError), found
        assert found.raw == case.said
        for name, value in case.facts.get("decoded", {}).items():
            assert found.raw[name] == value
    elif case.expected == "unreadable":
        assert isinstance(found, OrderUnreadableError | RejectedError), found
    else:
        assert_is(found, case.expected, case.facts)


def logins() -> list[Any]:
    """Return the cases of logins that are about a path of the release's own."""
    return [param for param in of_kind("login") if "at-the-other-path" not in param.id]


@table("case", logins())
def test_a_login_answered_so_is(case: Case, kind: Kind, open_door: OpenDoor) -> None:
    """A token, sought where the release has it; or an authentication error."""
    configuration: Any = (
        Crux(username="u", password="sekret-password", release=case.release)
        if case.marketplace == "crux"
        else Kibo(tenant_id=12345, client_id="c", client_secret="sekret-secret")
    )
    market = next(each for each in MARKETS if each.name == case.marketplace)
    stage = Stage(login=[replied(case)], cancel=[market.accepted])
    scene = Scene(kind, open_door, configuration, stage, retry=ONCE)
    found = scene.ended("cancel_order", market.order_id, *MORE.get(case.marketplace, ()))
    if case.expected != "token":
        assert_is(found, case.expected, case.facts)
        return
    assert stage.kinds == ["login", "cancel"]
    assert stage.calls[0].target == case.facts.get("path", stage.calls[0].target)


def tables() -> Iterator[Any]:
    """Yield each status, with each thing that may have been known before."""
    for marketplace in MARKETPLACES:
        for number, row in enumerate(statuses(marketplace)):
            columns = dict(row.words)
            if "after_old_denial" in row.denials:
                columns["after_old_denial"] = row.words["after_requested"]
            for column, word in columns.items():
                yield pytest.param(row, column, word, id=f"{marketplace}-{number}-{row.status}-{column}")


def prior(row: Row, column: str, scene: Scene) -> Any:
    """Return the outcome that is known before; None where nothing is."""
    about: dict[str, Any] = {
        "marketplace": row.marketplace,
        "order_id": str(row.order_id),
        "account": scene.door.client.accounts[0],
    }
    if column.endswith("by_id"):
        return None
    if column == "after_unknown":
        return Unknown(**about, reason="no answer in time")
    if column == "after_refused":
        return countermand.Refused(**about, refused=(countermand.Part("1", "too late"),))
    if column == "after_cancelled":
        return countermand.Cancelled(**about)
    answer = countermand.VtexReceipt(receipt_date(), about["order_id"]) if row.marketplace == "vtex" else None
    return countermand.Requested(**about, answer=answer)


@table("row, column, word", list(tables()))
def test_a_status_means(row: Row, column: str, word: Any, kind: Kind, open_door: OpenDoor) -> None:
    """By what was known before: the table that the documentation prints."""
    stage = Stage(read=[Reply(200, {}, json.dumps(row.read_body(column)).encode())])
    scene = Scene(kind, open_door, access(row), stage)
    known = prior(row, column, scene)
    if known is None:
        found = scene.ended("wait_until_settled", row.order_id, timeout=0.001)
    else:
        found = scene.ended("check", known)
    words = [word] if isinstance(word, str) else word
    assert type(found).__name__ in words, found
    if isinstance(found, PartiallyCancelled) and row.settled is not None:
        assert found.settled is row.settled
    if known is not None:
        assert len(found.attempts) == 1


@table(
    "row",
    [
        pytest.param(row, id=f"{m}-{n}-{row.status}")
        for m in MARKETPLACES
        for n, row in enumerate(statuses(m))
    ],
)
def test_a_lost_cancellation_is_asked_for_again_only_where_the_status_allows_it(
    row: Row, kind: Kind, open_door: OpenDoor
) -> None:
    """At VTEX not before ten seconds after the first request; at Crux never."""
    market = next(each for each in MARKETS if each.name == row.marketplace)
    body = json.dumps(row.read_body()).encode()
    stage = Stage(
        cancel=[lost(), attrs.evolve(market).accepted, *[lost()] * 9], read=repeat(Reply(200, {}, body))
    )
    scene = Scene(kind, open_door, access(row), stage, timeout=60.0)
    scene.ended("cancel_order", row.order_id, *MORE.get(row.marketplace, ()))
    asked = [at for at, what in zip(stage.times, stage.kinds, strict=True) if what == "cancel"]
    assert (len(asked) > 1) is row.ask_again
    if row.marketplace == "vtex" and row.ask_again:
        assert asked[1] - asked[0] >= 10.0


@table(
    "row",
    [
        pytest.param(row, id=f"{m}-{n}-{row.status}")
        for m in MARKETPLACES
        for n, row in enumerate(statuses(m))
        if row.declined is not None
    ],
)
def test_after_a_clean_4xx_a_status_means(row: Row, kind: Kind, open_door: OpenDoor) -> None:
    """A code that does not say why, or that no document names: the order is read once, and nothing is sent again."""
    declines = Reply(422 if row.marketplace == "crux" else 409, {}, b'{"message": "not now"}')
    stage = Stage(cancel=[declines], read=[Reply(200, {}, json.dumps(row.read_body()).encode())])
    scene = Scene(kind, open_door, access(row), stage)
    found = scene.ended("cancel_order", row.order_id, *MORE.get(row.marketplace, ()))
    assert type(found).__name__ == row.declined, found
    if isinstance(found, countermand.Refused | RejectedError):
        assert "not now" in str(found)
    assert stage.kinds == ["cancel", "read"]


def test_vtex_is_asked_as_its_description_says(kind: Kind, open_door: OpenDoor) -> None:
    """Method, path, required headers and body fields of both calls, without a body as well."""
    market = next(each for each in MARKETS if each.name == "vtex")
    stage = Stage(cancel=[market.accepted] * 2, read=[market.still_open])
    scene = Scene(kind, open_door, market.access, stage)
    scene.ended("cancel_order", market.order_id)
    scene.ended("cancel_order", market.order_id, reason="r", requested_by_user=True)
    scene.ended("get_order", market.order_id)
    described = {each["name"]: each for each in requests()}
    for call, name in zip(stage.calls, ("cancel", "cancel", "read"), strict=True):
        wanted = described[name]
        assert call.method == wanted["method"]
        assert call.target == wanted["path"].format(orderId=market.order_id)
        # Accept is every driver's, which tests/http holds.
        for header in wanted["headers"]:
            assert header["name"] == "Accept" or call.headers[header["name"]] == header["value"]
        assert {each["name"] for each in wanted["authentication"]} <= set(call.headers)
        fields = set(json.loads(call.body)) if call.body else set()
        assert fields <= set((wanted["body"] or {"fields": {}})["fields"])
    assert [bool(call.body) for call in stage.calls] == [False, True, False]
