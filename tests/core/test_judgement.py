"""DESIGN.md, "How a cancellation is judged", row by row, at every marketplace, through both doors."""

from itertools import repeat
from typing import Any

import pytest
from tenacity import wait_fixed

from countermand import (
    AuthenticationError,
    Cancelled,
    CountermandError,
    InvalidRequestError,
    NotSentError,
    OrderNotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    Refused,
    RejectedError,
    Requested,
    RetryPolicy,
    Unknown,
)
from countermand.engine.rules import by_parts, requested
from tests.support.doors import OnStage
from tests.support.markets import (
    CRUX,
    KIBO,
    MARKETS,
    PATTERN,
    REPEATABLE,
    VTEX,
    Market,
    pattern_answer,
    pattern_order,
)
from tests.support.stage import Stage, lost, reply, unsent
from tests.support.tables import table

#: Waits of no length, so that only what is asked decides.
SWIFT = RetryPolicy(first_pause=0.0)

AMBIGUOUS = {
    "a lost answer": lost(),
    "300": reply(300),
    "302": reply(302, location="https://elsewhere.example/"),
    "307": reply(307, location="https://elsewhere.example/"),
    "408": reply(408),
    "500": reply(500),
    "502": reply(502, b"<html>Bad Gateway</html>"),
    "503": reply(503, retry_after="1"),
    "504": reply(504),
}
UNCLEAR_SUCCESS = {
    "HTML": reply(200, b"<!doctype html><title>Log in</title>"),
    "half a body": reply(200, b'{"orderId": "11'),
    "a list": reply(200, [1]),
    "null": reply(200, b"null"),
    "text that is not UTF-8": reply(200, b'{"a": "\xff\xfe"}'),
    "a flaw": reply(200).__class__(200, {}, b"", "its body is too large"),
    "another 2xx": reply(299),
}
NOT_APPLIED: dict[int, type[CountermandError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: OrderNotFoundError,
}


def test_what_was_not_sent_is_tried_again(market: Market, on_stage: OnStage) -> None:
    """DNS, refused connections, connect and pool timeouts, TLS: nothing arrived, so it is sent again."""
    stage = Stage(cancel=[unsent(), unsent(), market.accepted])
    outcome = market.cancel(on_stage(stage, market))
    assert isinstance(outcome, Requested)
    assert stage.kinds == ["cancel"] * 3
    assert [attempt.sent for attempt in outcome.attempts] == [False, False, True]


def test_what_could_never_be_sent_raises(market: Market, on_stage: OnStage) -> None:
    """NotSentError says that the order is untouched, and keeps every attempt."""
    stage = Stage(cancel=repeat(unsent("no connection")))
    with pytest.raises(NotSentError, match="no connection") as caught:
        market.cancel(on_stage(stage, market, retry=RetryPolicy(attempts=3)))
    error = caught.value
    assert (error.marketplace, error.order_id, error.status) == (market.name, str(market.order_id), None)
    assert [attempt.ended for attempt in error.attempts] == ["no connection"] * 3
    assert stage.kinds == ["cancel"] * 3


def test_a_429_is_not_applied_and_tried_again(market: Market, on_stage: OnStage) -> None:
    """After the time that Retry-After names, and not before."""
    stage = Stage(cancel=[reply(429, retry_after="7"), market.accepted])
    outcome = market.cancel(on_stage(stage, market))
    assert isinstance(outcome, Requested)
    assert stage.times[1] == pytest.approx(7.0)
    assert [attempt.status for attempt in outcome.attempts] == [429, int(market.accepted.status)]


def test_a_429_closes_the_gate_for_every_call_on_the_account(market: Market, on_stage: OnStage) -> None:
    """The call beside it, a read included, waits as long."""
    stage = Stage(cancel=[reply(429, retry_after="7")], read=[market.still_open])
    door = on_stage(stage, market, retry=RetryPolicy.never())
    with pytest.raises(RateLimitedError):
        market.cancel(door)
    market.read(door)
    assert stage.times[1] == pytest.approx(7.0)


@table("status", NOT_APPLIED)
def test_a_clean_4xx_raises_its_error(market: Market, status: int, on_stage: OnStage) -> None:
    """On a first, clean attempt 401, 403 and 404 mean "not applied" everywhere; nothing else is asked."""
    stage = Stage(cancel=[reply(status, {"message": "no"}, x_request_id="r-1")])
    # Crux Connect documents 404 as a wrong URL.
    kind = RejectedError if (market, status) == (CRUX, 404) else NOT_APPLIED[status]
    with pytest.raises(kind) as caught:
        market.cancel(on_stage(stage, market))
    error = caught.value
    assert type(error) is kind
    assert error.detail == "no"
    assert (error.marketplace, error.order_id, error.status) == (market.name, str(market.order_id), status)
    assert (error.request_id, error.body) == ("r-1", '{"message": "no"}')
    assert [attempt.status for attempt in error.attempts] == [status]


@table(
    "market, status, error",
    [
        *((market, 400, InvalidRequestError) for market in (PATTERN, CRUX)),
        (PATTERN, 422, InvalidRequestError),  # Crux documents it as a refusal
        # VTEX and Kibo document neither code, so neither is a word about the request.
        *((market, status, RejectedError) for market in (VTEX, KIBO) for status in (400, 422)),
        *((market, status, RejectedError) for market in MARKETS for status in (405, 410, 415, 418)),
        (VTEX, 409, RejectedError),
        (KIBO, 409, RejectedError),
        (CRUX, 409, PermissionDeniedError),
    ],
    ids=lambda value: value.name if isinstance(value, Market) else getattr(value, "__name__", None),
)
def test_any_other_4xx_on_an_open_order_raises(
    market: Market, status: int, error: type[CountermandError], on_stage: OnStage
) -> None:
    """Whether it is documented, or the order had to be read first: open, and so the code is the answer."""
    stage = Stage(cancel=[reply(status)], read=[market.still_open])
    with pytest.raises(error) as caught:
        market.cancel(on_stage(stage, market))
    assert type(caught.value) is error
    assert caught.value.status == status
    assert [attempt.what for attempt in caught.value.attempts] == stage.kinds
    assert stage.kinds.count("cancel") == 1


class TestWhatMayHaveBeenApplied:
    """Write errors, read timeouts, disconnects, 408, 5xx and 3xx are settled by reading."""

    @table("unclear", AMBIGUOUS.values(), ids=AMBIGUOUS)
    def test_a_cancelled_order_says_cancelled(self, market: Market, unclear: Any, on_stage: OnStage) -> None:
        """The state decides, and the answer is the order."""
        stage = Stage(cancel=[unclear], read=[market.cancelled])
        outcome = market.cancel(on_stage(stage, market))
        assert isinstance(outcome, Cancelled)
        assert outcome.answer == market.read(on_stage(Stage(read=[market.cancelled]), market))
        assert stage.kinds == ["cancel", "read"]

    @table("unclear", AMBIGUOUS.values(), ids=AMBIGUOUS)
    def test_an_order_past_cancelling_says_refused(
        self, market: Market, unclear: Any, on_stage: OnStage
    ) -> None:
        """Final and not cancelled: nothing was cancelled, and the status says why."""
        stage = Stage(cancel=[unclear], read=[market.blocked])
        outcome = market.cancel(on_stage(stage, market))
        assert isinstance(outcome, Refused)
        assert outcome.cancelled == ()
        assert len(outcome.refused) == 1
        assert stage.kinds == ["cancel", "read"]

    @table("unclear", AMBIGUOUS.values(), ids=AMBIGUOUS)
    @pytest.mark.parametrize("market", REPEATABLE, ids=lambda market: market.name)
    def test_an_open_order_is_asked_again_where_that_is_harmless(
        self, market: Market, unclear: Any, on_stage: OnStage
    ) -> None:
        """At Pattern, VTEX and Kibo an order is cancelled once or not at all."""
        stage = Stage(cancel=[unclear, market.accepted], read=repeat(market.still_open))
        outcome = market.cancel(on_stage(stage, market))
        assert isinstance(outcome, Requested)
        assert stage.kinds[:2] == ["cancel", "read"]
        assert stage.kinds[-2:] == ["read", "cancel"]
        assert stage.kinds.count("cancel") == 2
        # At VTEX a second cancellation confirms a first one that does not show yet.
        assert (stage.times[-1] >= 10.0) is (market is VTEX)
        assert stage.kinds.count("read") == 1 or market is VTEX

    @table("unclear", AMBIGUOUS.values(), ids=AMBIGUOUS)
    def test_an_open_order_at_crux_is_polled_and_never_asked_again(
        self, unclear: Any, on_stage: OnStage
    ) -> None:
        """At Crux the cancellation would be forwarded to the suppliers again."""
        stage = Stage(cancel=[unclear], read=[CRUX.still_open, CRUX.still_open, CRUX.cancelled])
        outcome = CRUX.cancel(on_stage(stage, CRUX))
        assert isinstance(outcome, Cancelled)
        assert stage.kinds == ["cancel", "read", "read", "read"]

    @table("unclear", AMBIGUOUS.values(), ids=AMBIGUOUS)
    def test_nothing_decided_is_unknown(self, market: Market, unclear: Any, on_stage: OnStage) -> None:
        """With every attempt as evidence, within the one budget."""
        stage = Stage(cancel=repeat(unclear), read=repeat(market.still_open))
        outcome = market.cancel(on_stage(stage, market), timeout=20.0)
        assert isinstance(outcome, Unknown)
        assert outcome.reason
        assert outcome.answer is not None
        assert [attempt.what for attempt in outcome.attempts] == stage.kinds
        # At VTEX each is given ten seconds to show.
        assert stage.kinds.count("cancel") == {"crux": 1, "vtex": 2}.get(market.name, 4)
        assert stage.now <= 20.0

    @table("unclear", AMBIGUOUS.values(), ids=AMBIGUOUS)
    def test_an_unreadable_order_is_unknown(self, market: Market, unclear: Any, on_stage: OnStage) -> None:
        """A read that fails says nothing about the order."""
        stage = Stage(cancel=repeat(unclear), read=repeat(reply(500)))
        outcome = market.cancel(on_stage(stage, market))
        assert isinstance(outcome, Unknown)
        assert outcome.answer is None
        assert [attempt.what for attempt in outcome.attempts] == stage.kinds
        assert stage.kinds.count("cancel") == 1

    @table("unclear", AMBIGUOUS.values(), ids=AMBIGUOUS)
    def test_another_order_decides_nothing(self, market: Market, unclear: Any, on_stage: OnStage) -> None:
        """VTEX reads by sequence number too: an answer about another order is no evidence."""
        stage = Stage(cancel=[unclear], read=repeat(market.another))
        assert isinstance(market.cancel(on_stage(stage, market)), Unknown)

    @table("unclear", AMBIGUOUS.values(), ids=AMBIGUOUS)
    def test_the_first_failure_is_read_once_even_without_retries(
        self, market: Market, unclear: Any, on_stage: OnStage
    ) -> None:
        """RetryPolicy.never() forbids asking twice, not looking."""
        stage = Stage(cancel=[unclear], read=[market.cancelled])
        assert isinstance(market.cancel(on_stage(stage, market, retry=RetryPolicy.never())), Cancelled)


@table("unclear", UNCLEAR_SUCCESS.values(), ids=UNCLEAR_SUCCESS)
def test_an_unusable_2xx_is_settled_by_reading(market: Market, unclear: Any, on_stage: OnStage) -> None:
    """It was probably applied: never "failed"."""
    stage = Stage(cancel=[unclear], read=[market.cancelled])
    outcome = market.cancel(on_stage(stage, market))
    if market is CRUX and unclear.body in (b"null", b"[1]"):
        # No body is documented: one that names no order says no more than the status.
        assert isinstance(outcome, Requested)
        return
    assert isinstance(outcome, Cancelled)
    assert stage.kinds == ["cancel", "read"]


def test_a_2xx_about_another_order_is_settled_by_reading(market: Market, on_stage: OnStage) -> None:
    """Cancelled needs a body that names this order."""
    stage = Stage(cancel=[market.accepted_another], read=[market.blocked])
    assert isinstance(market.cancel(on_stage(stage, market)), Refused)


def test_a_documented_2xx_is_the_outcome(market: Market, on_stage: OnStage) -> None:
    """And nothing else is asked."""
    stage = Stage(cancel=[market.accepted])
    outcome = market.cancel(on_stage(stage, market))
    assert isinstance(outcome, Requested)
    assert outcome.settled is False
    assert (outcome.marketplace, outcome.order_id) == (market.name, str(market.order_id))
    assert stage.kinds == ["cancel"]


@pytest.mark.parametrize("market", REPEATABLE, ids=lambda market: market.name)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 415, 422])
class TestA4xxAfterAnUnclearAttempt:
    """A hint, never the verdict: the first attempt may be what caused it."""

    def test_is_settled_by_reading(self, market: Market, status: int, on_stage: OnStage) -> None:
        """The order was cancelled by the lost request, and the second was answered "not possible"."""
        refusal = _refusal(market, status)
        stage: Stage

        def asked_again() -> Any:
            return market.cancelled if "cancel" in stage.kinds[1:] else market.still_open

        stage = Stage(cancel=[lost(), refusal], read=repeat(asked_again))
        outcome = market.cancel(on_stage(stage, market, retry=SWIFT))
        assert isinstance(outcome, Cancelled)
        assert stage.kinds.count("cancel") == 2
        assert stage.kinds[-3:] == ["read", "cancel", "read"]

    def test_is_unknown_where_the_state_does_not_decide(
        self, market: Market, status: int, on_stage: OnStage
    ) -> None:
        """Nobody knows, and so nothing is raised."""
        refusal = _refusal(market, status)
        stage = Stage(cancel=[lost(), *repeat(refusal, 9)], read=repeat(market.still_open))
        outcome = market.cancel(on_stage(stage, market, retry=SWIFT))
        # Pattern's 409 names every part, and no earlier request of ours can have made one "picked".
        believed = market.name == "pattern" and status == 409
        assert isinstance(outcome, Refused if believed else Unknown)
        assert stage.kinds.count("cancel") >= 2
        assert stage.kinds[-1] == "read"


@pytest.mark.parametrize("status, answer", [("picked", Refused), ("cancellation_pending", Unknown)])
def test_only_a_status_of_the_warehouse_is_believed(
    status: str, answer: type[object], on_stage: OnStage
) -> None:
    """The lost request may have led to any other."""
    stage = Stage(
        cancel=[lost(), *repeat(_refusal(PATTERN, 409, status), 9)], read=repeat(PATTERN.still_open)
    )
    assert isinstance(PATTERN.cancel(on_stage(stage, PATTERN, retry=SWIFT)), answer)


def test_a_refusal_that_the_first_attempt_may_have_caused_in_part_is_not_believed(on_stage: OnStage) -> None:
    """One part is picked, which no cancellation does; the other may be as it is because of the first attempt."""
    both = reply(409, pattern_answer({}, {1: ("picked", "Too late"), 2: ("processing", "Busy")}))
    stage = Stage(cancel=[lost(), *repeat(both, 9)], read=repeat(PATTERN.still_open))
    assert isinstance(PATTERN.cancel(on_stage(stage, PATTERN, retry=SWIFT)), Unknown)


def test_a_partial_refusal_after_an_unclear_attempt_is_read_first(on_stage: OnStage) -> None:
    """By then the order may be cancelled as a whole."""
    partly = reply(409, pattern_answer({1: "cancelled"}, {2: ("picked", "Too late")}))
    gone = pattern_order("cancelled", "cancelled", "cancelled")
    stage = Stage(cancel=[lost(), partly], read=[PATTERN.still_open, gone])
    assert isinstance(PATTERN.cancel(on_stage(stage, PATTERN, retry=SWIFT)), Cancelled)
    assert stage.kinds == ["cancel", "read", "cancel", "read"]


@table("market", [PATTERN, KIBO], ids=lambda market: market.name)
def test_a_cancellation_is_not_repeated_in_the_last_moment(market: Market, on_stage: OnStage) -> None:
    """It would leave less than a tenth of the time for its answer."""
    for pause, asked in [(8.9, 2), (9.1, 1)]:
        stage = Stage(cancel=[reply(500), market.accepted], read=[market.still_open])
        market.cancel(on_stage(stage, market, timeout=10.0, retry=RetryPolicy(wait=wait_fixed(pause))))
        assert stage.kinds.count("cancel") == asked


def _refusal(market: Market, status: int, part: str = "picked") -> Any:
    if (market.name, status) == ("pattern", 409):
        order = {"warehouse_order_id": 1, "status": part, "reason": part}
        lists = {"cancelled_orders": [], "non_cancellable_orders": [order]}
        about = {"market_order_id": market.order_id, "success": False, "message": "no"}
        return reply(409, about | lists)
    return reply(status)


@table("later", [unsent(), reply(429, retry_after="9999"), reply(429)], ids=["unsent", "429 too late", "429"])
@table("market", REPEATABLE, ids=lambda market: market.name)
def test_no_error_is_raised_after_an_unclear_attempt(market: Market, later: Any, on_stage: OnStage) -> None:
    """Raised means untouched: what would be an error on a clean attempt is Unknown now."""
    stage = Stage(cancel=[lost(), *repeat(later, 9)], read=repeat(market.still_open))
    outcome = market.cancel(on_stage(stage, market, retry=SWIFT))
    assert isinstance(outcome, Unknown)
    assert len(outcome.attempts) == len(stage.calls)


def test_a_login_that_fails_after_an_unclear_attempt_is_unknown(on_stage: OnStage) -> None:
    """The token expires while the order is settled, and the next login is refused."""
    from countermand import Crux

    stage = Stage(
        login=[reply(200, {"auth_token": "one"}), reply(401)],
        cancel=[lost()],
        read=[reply(401)],
    )
    outcome = CRUX.cancel(on_stage(stage, CRUX, crux=Crux(username="u", password="p4ssword")))
    assert isinstance(outcome, Unknown)
    assert [attempt.what for attempt in outcome.attempts] == ["login", "cancel", "read", "login"]


@pytest.mark.parametrize("market", [PATTERN], ids=["pattern"])
def test_a_refusal_on_a_clean_attempt_is_refused_without_a_read(market: Market, on_stage: OnStage) -> None:
    """Pattern documents 409 as "none could be cancelled"."""
    stage = Stage(cancel=[_refusal(market, 409)])
    assert isinstance(market.cancel(on_stage(stage, market)), Refused)


@table("status", [201, 202, 206, 302, 404, 500])
def test_an_order_is_believed_with_200_only(market: Market, on_stage: OnStage, status: int) -> None:
    """Whatever comes with another status, be it the whole order as cancelled, settles nothing."""
    stage = Stage(cancel=[lost()], read=[reply(status, market.cancelled.body)])
    outcome = market.cancel(on_stage(stage, market, retry=RetryPolicy.never()))
    assert isinstance(outcome, Unknown)
    assert outcome.answer is None


def test_an_order_in_a_flawed_body_is_not_believed(market: Market, on_stage: OnStage) -> None:
    """What there is of the body may be the whole order, and is not looked at."""
    flawed = market.cancelled._replace(flaw="its body is not whole")
    stage = Stage(cancel=[lost()], read=[flawed])
    outcome = market.cancel(on_stage(stage, market, retry=RetryPolicy.never()))
    assert isinstance(outcome, Unknown)


def test_an_order_without_parts_counts_as_open() -> None:
    """An empty list is no evidence that all of it was cancelled, nor that nothing can be."""
    found = by_parts("order", (), "cancelled".__eq__, "shipped".__eq__, "new")
    assert found == requested("order", "new", conclusive=False)
