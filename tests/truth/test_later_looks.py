"""A later look starts from what is known: `check` and `wait_until_settled` after each of the five answers."""

import pickle
from itertools import product, repeat
from typing import Any

import attrs
import pytest

from countermand import (
    AsyncCountermand,
    Cancelled,
    Countermand,
    InvalidRequestError,
    NotConfiguredError,
    OrderNotFoundError,
    Part,
    PartiallyCancelled,
    Requested,
    RetryPolicy,
    Unknown,
    Vtex,
)
from tests.support.doors import Door, Kind, OnStage
from tests.support.markets import (
    CRUX,
    KIBO,
    MARKETS,
    PATTERN,
    VTEX,
    VTEX_KEY,
    VTEX_TOKEN,
    Market,
    crux_order,
    kibo_order,
    names,
    pattern_answer,
    pattern_order,
    vtex_order,
)
from tests.support.stage import Stage, lost, reply, unsent
from tests.support.tables import table

OPEN = "the order is open and shows no cancellation"

#: How a first call ended, at each marketplace: the answers to the cancellation, and to the reads.
PRIORS: dict[str, dict[str, tuple[list[Any], list[Any]]]] = {
    "Requested": {market.name: ([market.accepted], []) for market in MARKETS},
    "Unknown": {market.name: ([lost()], [reply(500)] * 9) for market in MARKETS},
    "Cancelled": {market.name: ([lost()], [market.cancelled]) for market in MARKETS},
    "Refused": {
        "pattern": ([reply(409, pattern_answer({}, {1: ("picked", "Too late")}))], []),
        "vtex": ([reply(409, {"message": "Too late"})], [vtex_order("invoiced")]),
        "crux": ([reply(422, {"detail": "Too late"})], [crux_order("Allocated")]),
        "kibo": ([reply(409, {"message": "Too late"})], [kibo_order("SHIPPED")]),
    },
    "PartiallyCancelled": {
        "pattern": ([reply(206, pattern_answer({1: "cancelled"}, {2: ("picked", "Too late")}))], []),
        "crux": ([reply(422, {"detail": "Too late"})], [crux_order("Cancelled", "Allocated")]),
    },
}
STATES: dict[str, dict[str, Any]] = {
    "open": {market.name: market.still_open for market in MARKETS},
    "cancelled": {market.name: market.cancelled for market in MARKETS},
    "past cancelling": {market.name: market.blocked for market in MARKETS},
    "partly cancelled": {
        "pattern": pattern_order("processing", "cancelled", "processing"),
        "crux": crux_order("Cancelled", "Allocated"),
    },
    "hidden": {market.name: reply(403) for market in MARKETS},
    "gone": {market.name: reply(404, {"message": "no such order"}) for market in MARKETS},
    "another": {market.name: market.another for market in MARKETS},
    "500": {market.name: reply(500) for market in MARKETS},
    "429": {market.name: reply(429, retry_after="9999") for market in MARKETS},
    "lost": {market.name: lost() for market in MARKETS},
    "unsent": {market.name: unsent() for market in MARKETS},
    "201": {market.name: market.cancelled._replace(status=201) for market in MARKETS},
}
#: What a prior is after an order in a state; where a state is not here, nothing was seen, and the prior stands.
STANDS: dict[tuple[str, str], str] = {
    **{(prior, "cancelled"): "Cancelled" for prior in PRIORS},
    **{(prior, "partly cancelled"): "PartiallyCancelled" for prior in PRIORS},
    **{(prior, "past cancelling"): "Refused" for prior in PRIORS},
    **{(prior, "open"): prior for prior in PRIORS},
    **{("Cancelled", state): "Unknown" for state in ("open", "past cancelling", "partly cancelled")},
}
TABLE = [
    (market, prior, state)
    for market, prior, state in product(MARKETS, PRIORS, STATES)
    if market.name in PRIORS[prior] and market.name in STATES[state]
]


def ended(market: Market, prior: str, on_stage: OnStage, **settings: Any) -> Any:
    """Return the outcome of a first call that ended so."""
    cancels, reads = PRIORS[prior][market.name]
    outcome = market.cancel(on_stage(Stage(cancel=cancels, read=reads), market, **settings))
    assert names(outcome) == prior
    return outcome


def check(door: Door, outcome: Any, **options: Any) -> Any:
    """Look once."""
    return door.run(lambda: door.client.check(outcome, **options))


def wait(door: Door, outcome: Any, **options: Any) -> Any:
    """Wait at the account that the outcome names."""
    return door.run(lambda: door.client.wait_until_settled(outcome, **options))


def told(value: object) -> str | None:
    """Name a parameter."""
    return value.name if isinstance(value, Market) else str(value)


class TestEveryPriorAndEveryState:
    """`check` reads once; `wait_until_settled` says in the end what `check` would."""

    @table("market, prior, state", TABLE, ids=told)
    def test_check(self, market: Market, prior: str, state: str, on_stage: OnStage) -> None:
        """The prior decides what an open order means, and a read that fails changes nothing."""
        before = ended(market, prior, on_stage)
        stage = Stage(read=[STATES[state][market.name]])
        after = check(on_stage(stage, market), before)
        assert stage.kinds == ["read"]
        seen = (prior, state) in STANDS
        assert names(after) == STANDS.get((prior, state), prior)
        assert seen or after == before
        assert after.attempts[: len(before.attempts)] == before.attempts
        assert [attempt.what for attempt in after.attempts[len(before.attempts) :]] == ["read"]
        assert (after.marketplace, after.order_id, after.account) == (
            before.marketplace,
            before.order_id,
            before.account,
        )
        if isinstance(after, Unknown) and seen:
            assert after.answer is not None
            if prior == "Cancelled":
                assert after.reason.startswith("it was cancelled, and now it reads ")
            else:
                assert after.reason == OPEN

    @table("market, prior, state", TABLE, ids=told)
    def test_wait(self, market: Market, prior: str, state: str, on_stage: OnStage) -> None:
        """Within its time, and unsettled where nothing settles it."""
        before = ended(market, prior, on_stage)
        stage = Stage(read=repeat(STATES[state][market.name]))
        after = wait(on_stage(stage, market), before, timeout=100.0)
        assert names(after) == STANDS.get((prior, state), prior)
        assert stage.now <= 100.0
        assert set(stage.kinds) == {"read"}
        assert len(after.attempts) == len(before.attempts) + len(stage.kinds)
        seen = (prior, state) in STANDS
        assert len(stage.kinds) == 1 or not (seen and after.settled)


@table("prior", PRIORS)
def test_a_wait_after_an_outcome_ends_when_the_order_is_cancelled(
    prior: str, market: Market, on_stage: OnStage
) -> None:
    """Trouble on the way is waited out; a settled prior needs no wait."""
    if market.name not in PRIORS[prior]:
        return
    before = ended(market, prior, on_stage)
    stage = Stage(read=[reply(500), lost(), market.still_open, market.still_open, market.cancelled])
    after = wait(on_stage(stage, market), before)
    if prior == "Refused":
        assert (names(after), len(stage.kinds)) == ("Refused", 3)
    else:
        assert (names(after), len(stage.kinds)) == ("Cancelled", 5)


def test_an_outcome_that_was_stored_is_looked_at_by_another_client(market: Market, on_stage: OnStage) -> None:
    """In another process, days later."""
    before = pickle.loads(pickle.dumps(ended(market, "Requested", on_stage)))
    stage = Stage(read=[market.still_open, market.cancelled])
    stage.now = 5 * 86_400.0
    door = on_stage(stage, market)
    still = check(door, before)
    assert isinstance(still, Requested)
    assert isinstance(check(door, pickle.loads(pickle.dumps(still))), Cancelled)


def test_the_sub_client_looks_too(market: Market, on_stage: OnStage) -> None:
    """With the same methods."""
    before = ended(market, "Requested", on_stage)
    door = on_stage(Stage(read=[market.still_open, market.cancelled]), market)
    assert isinstance(door.do(market.name, "check", before), Requested)
    assert isinstance(door.do(market.name, "wait_until_settled", before), Cancelled)


def test_a_closed_gate_leaves_the_outcome_as_it_was(market: Market, on_stage: OnStage) -> None:
    """Nothing is raised, and nothing is sent."""
    before = ended(market, "Requested", on_stage)
    stage = Stage(read=[reply(429, retry_after="9999")])
    door = on_stage(stage, market)
    for _ in range(2):
        after = check(door, before)
        assert after == before
        assert len(stage.calls) == 1
    assert check(door, before).attempts == before.attempts


# By its id alone nothing is known.


def test_by_id_an_open_order_is_never_called_requested(market: Market, on_stage: OnStage) -> None:
    """Nobody knows whether it was asked for."""
    outcome = market.wait(on_stage(Stage(read=repeat(market.still_open)), market), timeout=50.0)
    assert isinstance(outcome, Unknown)
    assert outcome.reason == OPEN


def test_after_a_request_that_never_arrived_an_open_order_is_unknown(
    market: Market, on_stage: OnStage
) -> None:
    """Not "cancellation requested, now Allocated"."""
    before = ended(market, "Unknown", on_stage)
    door = on_stage(Stage(read=repeat(market.still_open)), market)
    for after in (check(door, before), wait(door, before, timeout=50.0), market.wait(door, timeout=50.0)):
        assert isinstance(after, Unknown)
        assert after.reason == OPEN


def test_by_id_an_order_that_is_not_there_raises(market: Market, on_stage: OnStage) -> None:
    """There is no prior to return."""
    with pytest.raises(OrderNotFoundError):
        market.wait(on_stage(Stage(read=[reply(404, {"message": "no such order"})]), market))


def test_an_outcomes_order_id_is_an_id(market: Market, on_stage: OnStage) -> None:
    """Wherever an id is: canonical decimal text at Kibo too."""
    before = ended(market, "Requested", on_stage)
    assert isinstance(before.order_id, str)
    stage = Stage(cancel=[market.accepted] * 2, read=[market.cancelled] * 2)
    door = on_stage(stage, market)
    field = attrs.fields(type(market.request))[0].name
    door.cancel(attrs.evolve(market.request, **{field: before.order_id}))
    door.do(market.name, "cancel_order", before.order_id, *market.arguments[1:])
    door.do(market.name, market.reads, before.order_id)
    assert isinstance(door.do(market.name, "wait_until_settled", before.order_id), Cancelled)


# Parts keep their ids.


def test_parts_keep_the_ids_that_the_first_answer_named(on_stage: OnStage) -> None:
    """The reads of Pattern Hub carry none; a look after a look still has them."""
    begun = reply(200, pattern_answer({1001: "new", 1002: "new"}, {}))
    reads = [
        pattern_order("pending", "pending", "pending"),
        pattern_order("processing", "cancelled", "pending"),
        pattern_order("cancelled", "cancelled", "cancelled"),
    ]
    door = on_stage(Stage(cancel=[begun], read=reads), PATTERN)
    first = check(door, PATTERN.cancel(door))
    assert isinstance(first, Requested)
    assert first.status == "pending"
    assert [part.id for part in first.cancelled] == ["1001", "1002"]
    assert isinstance(check(door, first), PartiallyCancelled)
    last = check(door, first)
    assert isinstance(last, Cancelled)
    assert last.cancelled == (Part("1001", "cancelled"), Part("1002", "cancelled"))


def test_parts_of_a_partial_cancellation_keep_their_ids_and_reasons(on_stage: OnStage) -> None:
    """Where as many are cancelled as were begun; where all are, all of them."""
    reads = [
        pattern_order("processing", "processing", "pending"),
        pattern_order("processing", "processing", "cancelled"),
        pattern_order("partially shipped", "shipped", "cancelled"),
        pattern_order("cancelled", "cancelled", "cancelled"),
        pattern_order("complete", "shipped", "shipped"),
    ]
    before = ended(PATTERN, "PartiallyCancelled", on_stage)
    door = on_stage(Stage(read=reads), PATTERN)
    still = check(door, before)
    assert isinstance(still, PartiallyCancelled)
    assert still == attrs.evolve(before, answer=still.answer)
    half = check(door, before)
    assert isinstance(half, PartiallyCancelled)
    assert half.cancelled == (Part("1", "cancelled"),)
    assert half.refused == (Part("2", "processing", "Too late"),)
    assert half.settled is False
    done = check(door, half)
    assert done.settled is True
    assert (done.cancelled[0].id, done.refused[0].id) == ("1", "2")
    assert [part.id for part in check(door, before).cancelled] == ["1", "2"]
    assert [part.id for part in check(door, before).refused] == ["1", "2"]


def test_a_wait_keeps_the_ids_past_a_read_in_which_the_parts_differ(on_stage: OnStage) -> None:
    """Which of the two was cancelled first is not known; in the end both were."""
    begun = reply(200, pattern_answer({1001: "new", 1002: "new"}, {}))
    reads = [
        pattern_order("processing", "cancelled", "pending"),
        pattern_order("cancelled", "cancelled", "cancelled"),
    ]
    door = on_stage(Stage(cancel=[begun], read=reads), PATTERN)
    outcome = wait(door, PATTERN.cancel(door))
    assert isinstance(outcome, Cancelled)
    assert outcome.cancelled == (Part("1001", "cancelled"), Part("1002", "cancelled"))


@pytest.mark.parametrize("listed", [(), ("cancelled",)])
def test_all_parts_keep_their_ids_where_a_read_lists_fewer(listed: Any, on_stage: OnStage) -> None:
    """The whole order is cancelled, so each of its parts is."""
    begun = reply(206, pattern_answer({1001: "new"}, {1002: ("picked", "Too late")}))
    door = on_stage(Stage(cancel=[begun], read=[pattern_order("cancelled", *listed)]), PATTERN)
    outcome = check(door, PATTERN.cancel(door))
    assert isinstance(outcome, Cancelled)
    assert outcome.cancelled == (Part("1001", "cancelled"), Part("1002", "cancelled"))


def test_a_settled_partial_cancellation_stays_settled(on_stage: OnStage) -> None:
    """The parts that are not cancelled are past it, although a read only says "processing"."""
    final = reply(409, pattern_answer({}, {1: ("cancelled", "r"), 2: ("picked", "Too late")}))
    stage = Stage(cancel=[final], read=[pattern_order("processing", "cancelled", "processing")])
    door = on_stage(stage, PATTERN)
    before = PATTERN.cancel(door)
    assert before.settled is True
    after = wait(door, before)
    assert isinstance(after, PartiallyCancelled)
    assert after.settled is True


@table(
    "read, says",
    [
        (pattern_order("processing", "processing", "pending"), ""),
        (
            pattern_order("complete", "shipped", "shipped"),
            "it was partially cancelled, and now it reads shipped",
        ),
    ],
    ids=["open", "nothing cancelled"],
)
def test_a_settled_partial_cancellation_outlives_an_open_order_alone(
    read: Any, says: str, on_stage: OnStage
) -> None:
    """A read that shows no decision changes nothing; a final state that contradicts it is named."""
    final = reply(409, pattern_answer({}, {1: ("cancelled", "r"), 2: ("picked", "Too late")}))
    door = on_stage(Stage(cancel=[final], read=[read]), PATTERN)
    before = PATTERN.cancel(door)
    after = check(door, before)
    if says:
        assert isinstance(after, Unknown)
        assert after.reason == says
    else:
        assert after == attrs.evolve(before, answer=after.answer)
        assert after.settled is True


def test_what_contradicts_a_settled_outcome_is_named(on_stage: OnStage) -> None:
    """VTEX: `canceled` is known to fall back to `cancel`; and it may come back."""
    before = ended(VTEX, "Cancelled", on_stage)
    door = on_stage(Stage(read=[vtex_order("cancel"), vtex_order("cancel"), vtex_order("canceled")]), VTEX)
    now = check(door, before)
    assert isinstance(now, Unknown)
    assert now.reason == "it was cancelled, and now it reads cancel"
    assert isinstance(wait(door, before), Cancelled)


def test_a_wait_remembers_what_it_has_seen(on_stage: OnStage) -> None:
    """A cancellation that was under way was asked for, although the next read shows an open order."""
    reads = [vtex_order("handling"), vtex_order("request-cancel"), *repeat(vtex_order("handling"), 99)]
    before = ended(VTEX, "Unknown", on_stage)
    for order_or_outcome in (before, "1172-01"):
        door = on_stage(Stage(read=reads), VTEX)
        outcome = door.do("vtex", "wait_until_settled", order_or_outcome, timeout=100.0)
        assert isinstance(outcome, Requested)
        assert outcome.status == "handling"


# At the account that the outcome names.


TWO = (
    Vtex(account="brand-ar", app_key=VTEX_KEY, app_token=VTEX_TOKEN),
    Vtex(account="brand-br", app_key=VTEX_KEY, app_token=VTEX_TOKEN),
)


def test_the_outcomes_account_is_asked(kind: Kind) -> None:
    """A brand has one account per country."""
    stage = Stage(read=[VTEX.cancelled, VTEX.cancelled])
    opened: Any = Countermand if kind == "sync" else AsyncCountermand
    driver = stage.driver if kind == "sync" else stage.async_driver
    with Door.to(kind, opened(*TWO, http_client=driver)) as door:
        before: Any = Requested(marketplace="vtex", order_id="1172-01", account="brand-br")
        assert isinstance(check(door, before), Cancelled)
        assert isinstance(wait(door, before), Cancelled)
        assert {call.origin for call in stage.calls} == {"https://brand-br.vtexcommercestable.com.br"}
        with pytest.raises(NotConfiguredError, match="several"):
            check(door, attrs.evolve(before, account=None))
        with pytest.raises(NotConfiguredError, match="brand-cl"):
            check(door, attrs.evolve(before, account="brand-cl"))


@table("wrong", [None, "1172-01", 5, object()], ids=["None", "text", "number", "object"])
def test_what_is_no_outcome_is_refused(wrong: Any, market: Market, on_stage: OnStage) -> None:
    """By both methods of the client, and by the sub-client's `check`."""
    stage = Stage()
    door = on_stage(stage, market)
    for look in (check, wait):
        with pytest.raises(InvalidRequestError, match="outcome"):
            look(door, wrong)
    with pytest.raises(InvalidRequestError, match="outcome"):
        door.do(market.name, "check", wrong)
    assert stage.calls == []


def test_an_outcome_of_another_marketplace_is_refused(market: Market, on_stage: OnStage) -> None:
    """By the sub-client: its orders are others."""
    other = next(each for each in MARKETS if each is not market)
    before = ended(other, "Requested", on_stage)
    stage = Stage()
    door = on_stage(stage, market)
    for method in ("check", "wait_until_settled"):
        for outcome in (before, attrs.evolve(before, account=None)):
            with pytest.raises(InvalidRequestError, match=f"an outcome of {market.name} is wanted"):
                door.do(market.name, method, outcome)
    with pytest.raises(NotConfiguredError):
        check(door, before)
    assert stage.calls == []


@pytest.mark.parametrize("market", [CRUX, KIBO], ids=told)
def test_a_look_takes_one_read_and_no_retries(market: Market, on_stage: OnStage) -> None:
    """`check` looks once, whatever the policy says."""
    before = ended(market, "Requested", on_stage)
    stage = Stage(read=[reply(500)])
    after = check(on_stage(stage, market, retry=RetryPolicy(attempts=9)), before)
    assert isinstance(after, Requested)
    assert len(stage.calls) == 1
