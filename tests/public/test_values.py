"""Outcomes and errors as values: they print, compare, copy and pickle."""

import copy
import inspect
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

import countermand
from countermand import (
    Attempt,
    Cancelled,
    CancelRequest,
    CancelVtexOrder,
    CountermandError,
    InvalidRequestError,
    NotConfiguredError,
    NotSentError,
    OrderNotFoundError,
    Part,
    PartiallyCancelled,
    PermissionDeniedError,
    RateLimitedError,
    Refused,
    Requested,
    Unknown,
    VtexOrder,
)
from countermand.data import Shown
from tests.support.doors import OnStage
from tests.support.markets import MARKETS, PATTERN, Market, pattern_answer
from tests.support.stage import Stage, lost, reply
from tests.support.tables import table

ANSWERS = (Cancelled, Requested, PartiallyCancelled, Refused, Unknown)
AT = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
TRIED = Attempt("cancel", AT, 0.25, 503, "answered 503", request_id="r-1")
ORDER: dict[str, Any] = {"marketplace": "vtex", "order_id": "1172-01"}
ONE, TWO = Part("1", "canceled"), Part("2", "invoiced", "It has left")

OUTCOMES: list[tuple[Any, str, str]] = [
    (
        Cancelled(**ORDER, cancelled=(ONE,)),
        "vtex order 1172-01: cancelled",
        (
            "Cancelled(marketplace='vtex', order_id='1172-01', account=None, answer=None, attempts=(), "
            "cancelled=(Part(id='1', status='canceled', reason=None),))"
        ),
    ),
    (
        Requested(**ORDER),
        "vtex order 1172-01: cancellation requested",
        (
            "Requested(marketplace='vtex', order_id='1172-01', account=None, answer=None, attempts=(), "
            "status=None, cancelled=())"
        ),
    ),
    (
        Requested(**ORDER, status="request-cancel"),
        "vtex order 1172-01: cancellation requested, now request-cancel",
        (
            "Requested(marketplace='vtex', order_id='1172-01', account=None, answer=None, attempts=(), "
            "status='request-cancel', cancelled=())"
        ),
    ),
    (
        PartiallyCancelled(**ORDER, cancelled=(ONE,), refused=(TWO,), settled=True),
        "vtex order 1172-01: partially cancelled, 1 of 2",
        (
            "PartiallyCancelled(marketplace='vtex', order_id='1172-01', account=None, answer=None, attempts=(), "
            "cancelled=(Part(id='1', status='canceled', reason=None),), "
            "refused=(Part(id='2', status='invoiced', reason='It has left'),), settled=True)"
        ),
    ),
    (
        Refused(**ORDER, refused=(TWO, Part("3", "invoiced"), TWO)),
        "vtex order 1172-01: refused: It has left; invoiced",
        (
            "Refused(marketplace='vtex', order_id='1172-01', account=None, answer=None, attempts=(), "
            "refused=(Part(id='2', status='invoiced', reason='It has left'), "
            "Part(id='3', status='invoiced', reason=None), "
            "Part(id='2', status='invoiced', reason='It has left')), cancelled=())"
        ),
    ),
    (
        Unknown(**ORDER, reason="no answer in time", attempts=(TRIED,)),
        "vtex order 1172-01: unknown: no answer in time",
        (
            "Unknown(marketplace='vtex', order_id='1172-01', account=None, answer=None, attempts=("
            "Attempt(what='cancel', at=datetime.datetime(2026, 3, 2, 9, 0, tzinfo=datetime.timezone.utc), "
            "took=0.25, status=503, ended='answered 503', sent=True, request_id='r-1', account=None, date=None),), "
            "reason='no answer in time')"
        ),
    ),
]
names = pytest.mark.parametrize(
    "outcome", [outcome for outcome, _, _ in OUTCOMES], ids=lambda outcome: type(outcome).__name__
)


@pytest.mark.parametrize("outcome, text, shown", OUTCOMES, ids=lambda value: type(value).__name__)
def test_an_outcome_prints_well(outcome: Any, text: str, shown: str) -> None:
    """A sentence for people, a constructor for programmers."""
    assert str(outcome) == text
    assert repr(outcome) == shown


def test_an_attempt_prints_well() -> None:
    """What, when, how long, and how it ended."""
    assert str(TRIED) == "cancel at 09:00:00 (0.250 s): answered 503"


@names
def test_an_outcome_is_frozen(outcome: Any) -> None:
    """What happened does not change."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        outcome.order_id = "another"


@names
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_outcome_pickles(outcome: Any, protocol: int) -> None:
    """It crosses to another process with its evidence."""
    back = pickle.loads(pickle.dumps(outcome, protocol))
    assert back == outcome
    assert back.attempts == outcome.attempts
    assert repr(back) == repr(outcome)


@names
def test_an_outcome_copies_and_hashes(outcome: Any) -> None:
    """It can be a key."""
    for twin in (copy.copy(outcome), copy.deepcopy(outcome), attrs.evolve(outcome)):
        assert twin == outcome
        assert hash(twin) == hash(outcome)


def test_outcomes_compare_by_what_happened() -> None:
    """Not by when, and not across kinds."""
    assert Cancelled(**ORDER) == Cancelled(**ORDER, attempts=(TRIED,))
    assert Cancelled(**ORDER) != Cancelled(marketplace="vtex", order_id="1172-02")
    requested: object = Requested(**ORDER)
    assert requested != Cancelled(**ORDER)


def test_settled_says_whether_more_can_change() -> None:
    """For a partial cancellation it depends."""
    settled = {type(outcome).__name__: outcome.settled for outcome, _, _ in OUTCOMES}
    assert settled == {
        "Cancelled": True,
        "Requested": False,
        "PartiallyCancelled": True,
        "Refused": True,
        "Unknown": False,
    }


@table("market", MARKETS, ids=lambda market: market.name)
def test_a_real_answer_pickles_whole(market: Market, on_stage: OnStage) -> None:
    """With `raw`, unknown fields included."""
    stage = Stage(cancel=[market.accepted], read=[market.cancelled, market.blocked])
    door = on_stage(stage, market)
    for outcome in (market.cancel(door), market.wait(door), market.wait(door)):
        back = pickle.loads(pickle.dumps(outcome))
        assert back == outcome == copy.deepcopy(outcome)
        assert back.attempts == outcome.attempts
        if outcome.answer is not None:
            assert back.answer.raw == outcome.answer.raw != {}


KINDS: list[type[CountermandError]] = [
    getattr(countermand, name) for name in vars(countermand)["__all__"] if name.endswith("Error")
]
ABOUT: dict[str, Any] = {
    "marketplace": "kibo",
    "order_id": "1010101",
    "status": 403,
    "request_id": "c-1",
    "body": "no",
    "attempts": (TRIED,),
}


@table("kind", KINDS)
@table("about", [{}, ABOUT], ids=["bare", "full"])
def test_an_error_is_a_value(kind: type[CountermandError], about: dict[str, Any]) -> None:
    """It pickles, copies and compares, with all it carries."""
    error = kind("went wrong", **about)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        back = pickle.loads(pickle.dumps(error, protocol))
        assert type(back) is kind
        assert back == error
        assert vars(back) == vars(error)
        assert (str(back), repr(back), back.args) == (str(error), repr(error), error.args)
    for twin in (copy.copy(error), copy.deepcopy(error)):
        assert twin == error
        assert hash(twin) == hash(error)
    assert error != kind("went differently", **about)
    assert error != "went wrong"


@table("kind", KINDS)
def test_errors_of_two_kinds_differ(kind: type[CountermandError]) -> None:
    """Although they say the same."""
    assert [other for other in KINDS if other("no", **ABOUT) == kind("no", **ABOUT)] == [kind]


def test_errors_print_well() -> None:
    """Where, what, and the marketplace's own name of the request."""
    assert str(CountermandError("no")) == "no"
    assert str(NotConfiguredError("no", marketplace="vtex")) == "vtex: no"
    assert str(OrderNotFoundError("no", **ABOUT)) == "kibo order 1010101: no (request id c-1)"
    assert repr(NotSentError("no", marketplace="vtex", order_id="1")) == (
        "NotSentError('no', marketplace='vtex', account=None, order_id='1', status=None, detail=None, code=None, request_id=None, attempts=())"
    )
    assert repr(InvalidRequestError("no", errors=("a",))) == (
        "InvalidRequestError('no', marketplace=None, account=None, order_id=None, status=None, detail=None, code=None, request_id=None, "
        "attempts=(), errors=('a',))"
    )
    assert repr(RateLimitedError("no", retry_after=2.5)) == (
        "RateLimitedError('no', marketplace=None, account=None, order_id=None, status=None, detail=None, code=None, request_id=None, "
        "attempts=(), retry_after=2.5, retry_after_from='marketplace')"
    )


def test_real_errors_pickle(market: Market, on_stage: OnStage) -> None:
    """With errors, retry_after and attempts."""
    for answer in (reply(404, b"gone"), reply(429, retry_after="99"), reply(401)):
        with pytest.raises(CountermandError) as caught:
            market.cancel(on_stage(Stage(cancel=[answer]), market))
        back = pickle.loads(pickle.dumps(caught.value))
        assert back == caught.value
        assert back.attempts == caught.value.attempts
    with pytest.raises(InvalidRequestError) as invalid:
        PATTERN.cancel(on_stage(Stage(cancel=[reply(422, {"errors": ["a"]})]), PATTERN))
    assert pickle.loads(pickle.dumps(invalid.value)).errors == ("a",)


@table("name", ["x-request-id", "X-Correlation-Id", "request-id", "the marketplace's own"])
def test_the_requests_id_is_found(name: str, market: Market, on_stage: OnStage) -> None:
    """In the headers that name one, on the error and on the attempt, bounded."""
    if name == "the marketplace's own":
        name = {"vtex": "x-vtex-operation-id", "kibo": "x-vol-correlation"}.get(market.name, "x-request-id")
    answer = reply(403, **{name.lower().replace("-", "_"): "c-1" * 500})
    with pytest.raises(PermissionDeniedError) as caught:
        market.cancel(on_stage(Stage(cancel=[answer]), market))
    assert caught.value.request_id == ("c-1" * 500)[:200]
    assert caught.value.attempts[0].request_id == caught.value.request_id


def test_a_body_is_bounded(market: Market, on_stage: OnStage) -> None:
    """2,000 characters, whatever it is made of."""
    for body in (b"x" * 10_000, "\N{SNOWMAN}".encode() * 10_000, b"\xff" * 10_000):
        with pytest.raises(PermissionDeniedError) as caught:
            market.cancel(on_stage(Stage(cancel=[reply(403, body)]), market))
        assert len(caught.value.body) == 2000


def test_attempts_tell_the_story(on_stage: OnStage) -> None:
    """What was tried, when, how long it took, and how each ended."""
    accepted = reply(200, pattern_answer({1: "cancelled"}, {}))
    stage = Stage(cancel=[lost("the connection broke"), accepted], read=[PATTERN.still_open])
    outcome = PATTERN.cancel(on_stage(stage, PATTERN))
    assert [(attempt.what, attempt.status, attempt.ended) for attempt in outcome.attempts] == [
        ("cancel", None, "the connection broke"),
        ("read", 200, "answered 200"),
        ("cancel", 200, "answered 200"),
    ]
    assert [attempt.at for attempt in outcome.attempts] == sorted(attempt.at for attempt in outcome.attempts)
    assert outcome.attempts[0].at == AT
    assert all(attempt.at.tzinfo is UTC and attempt.sent for attempt in outcome.attempts)


@pytest.mark.parametrize("kind", ANSWERS)
def test_outcomes_are_made_by_keyword(kind: type[Any]) -> None:
    """A field that is added later takes no other's place."""
    parameters = inspect.signature(kind).parameters.values()
    assert {parameter.kind for parameter in parameters} == {inspect.Parameter.KEYWORD_ONLY}


def shown(kind: type[Any] = Shown) -> Iterator[type[Any]]:
    """Return all attrs classes of the package that share one method for their repr."""
    for inner in kind.__subclasses__():
        if attrs.has(inner) and inner.__module__.startswith("countermand."):
            yield inner
        yield from shown(inner)


def filled(kind: type[Any]) -> str:
    """Return the repr of an object whose fields hold their own names."""
    made = object.__new__(kind)
    for field in attrs.fields(kind):
        object.__setattr__(made, field.name, field.name)
    return repr(made)


def test_a_value_shows_what_attrs_would_show() -> None:
    """Outcomes, answers, parts, attempts and requests: every field, by its name."""
    kinds = {kind for kind in shown() if not kind.__name__.startswith("_")}
    assert {Attempt, Part, *ANSWERS, VtexOrder, CancelVtexOrder} <= kinds
    for kind in kinds:
        twin = attrs.make_class(kind.__name__, [], bases=(kind,), frozen=True)
        assert "__repr__" in vars(twin)
        assert filled(kind) == filled(twin)


def test_a_class_without_fields_shows_itself_too() -> None:
    """A third party's request need not be an attrs class."""

    class Own(CancelRequest[Any]):
        """A request of a marketplace of one's own."""

    assert "Own object at" in repr(Own())
