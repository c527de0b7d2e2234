"""The judge can find fault: untrue words about known truths, each found; true ones, none."""

import pytest
from attrs import evolve

from .judge import Told, contradictions, lateness, second_sends, verdict
from .plain import IDS, case
from .spec import Report, Seen, Truth

_ORDER = IDS["crux"][0]
_UNTOUCHED = Truth(0, 0, "none", "none", landed=True)
_ACCEPTED = Truth(1, 1, "none", "all", landed=False)
_CANCELLED = Truth(1, 1, "all", "all", landed=True)
_DENIED = Truth(1, 1, "none", "none", landed=True)
_PARTLY = Truth(1, 1, "some", "some", landed=True)


@pytest.mark.parametrize(
    "outcome, truth",
    [
        ("raised", _ACCEPTED),
        ("raised", _DENIED),
        ("Cancelled", _UNTOUCHED),
        ("Cancelled", _ACCEPTED),
        ("Cancelled", _PARTLY),
        ("Refused", _ACCEPTED),
        ("Refused", _CANCELLED),
        ("Refused", _PARTLY),
        ("Requested", _UNTOUCHED),
        ("PartiallyCancelled", _UNTOUCHED),
        ("Perhaps", _ACCEPTED),
    ],
)
def test_an_untrue_word_is_found(outcome: str, truth: Truth) -> None:
    """Each of these contradicts the truth beside it."""
    assert contradictions(Told(_ORDER, outcome), truth)


@pytest.mark.parametrize(
    "outcome, truth",
    [
        ("raised", _UNTOUCHED),
        ("Cancelled", _CANCELLED),
        ("Refused", _UNTOUCHED),
        ("Refused", _DENIED),
        ("Requested", _ACCEPTED),
        ("Requested", _DENIED),
        ("PartiallyCancelled", _PARTLY),
        ("Unknown", _UNTOUCHED),
        ("Unknown", _CANCELLED),
    ],
)
def test_a_true_word_passes(outcome: str, truth: Truth) -> None:
    """None of these contradicts the truth beside it."""
    assert not contradictions(Told(_ORDER, outcome), truth)


def test_foreign_errors_other_orders_and_leaks_are_found() -> None:
    """What is wrong whatever the truth is."""
    assert contradictions(Told(_ORDER, "raised", "KeyError", ours=False), _UNTOUCHED)
    assert contradictions(Told(_ORDER, "Unknown", names=(IDS["crux"][1],)), _UNTOUCHED)
    assert contradictions(Told(_ORDER, "Unknown", leaks=("its repr",)), _UNTOUCHED)


def test_the_callers_own_exception_needs_evidence_and_no_more_than_that() -> None:
    """It passes, with the cancellations that were sent: none missing, none made up."""
    spec = case("crux")
    spec = evolve(spec, orders=spec.orders[:1])
    truths = {_ORDER: _ACCEPTED, spec.other.order_id: _UNTOUCHED}
    mine = Told(_ORDER, "raised", "HookError", ours=False, took=0.1, patience=1.0, planned=True)
    arrived = Report(truths, _seen("all"), (), 0)
    assert not verdict(spec, (evolve(mine, evidence=1),), arrived)
    assert verdict(spec, (mine,), arrived)
    assert verdict(spec, (evolve(mine, evidence=1),), Report(truths, _seen("nothing", "nothing"), (), 0))
    untouched = Report(truths | {_ORDER: _UNTOUCHED}, (), (), 0)
    assert not verdict(spec, (mine,), untouched)
    assert verdict(spec, (evolve(mine, evidence=1),), untouched)


def test_what_cannot_be_sent_and_what_is_shared_is_found() -> None:
    """Behind an invalid certificate nothing arrives; a fork and its parent share no connection."""
    spec = case("crux")
    spec = evolve(spec, orders=spec.orders[:2])
    orders = [order.order_id for order in spec.orders]
    truths = dict.fromkeys((*orders, spec.other.order_id), _UNTOUCHED)
    unsent = tuple(Told(one, "raised", "NotSentError", took=0.1, patience=1.0) for one in orders)
    assert not verdict(spec, unsent, Report(truths, (), (), 0), unsent=True)
    assert verdict(spec, unsent, Report(truths, _seen("nothing"), (), 0), unsent=True)
    assert verdict(spec, (evolve(unsent[0], error="RejectedError"),), Report(truths, (), (), 0), unsent=True)
    first = Seen("cancel", orders[0], None, "all", final=False, connection=1)
    second = evolve(first, order_id=orders[1])
    told = tuple(Told(one, "Unknown", took=1.0, patience=1.0) for one in orders)
    assert verdict(spec, told, Report(truths, (first, second), (), 0), forked=True)
    assert not verdict(spec, told, Report(truths, (first, evolve(second, connection=2)), (), 0), forked=True)


def _seen(*told: str) -> tuple[Seen, ...]:
    return tuple(Seen("cancel", _ORDER, "a fault", one, final=False, connection=1) for one in told)


def test_second_sends_are_counted_from_the_first_open_fate() -> None:
    """A 429 may be asked again; what may have been applied may not."""
    assert second_sends(_seen("no", "no", "all"), _ORDER) == 0
    assert second_sends(_seen("nothing"), _ORDER) == 0
    assert second_sends(_seen("nothing", "all"), _ORDER) == 1
    assert second_sends(_seen("no", "nothing", "no", "all"), _ORDER) == 2
    assert second_sends(_seen("nothing", "all"), IDS["crux"][1]) == 0


def test_effects_on_others_and_visits_to_the_trap_are_found() -> None:
    """What no call may cause."""
    spec = case("crux")
    spec = evolve(spec, orders=spec.orders[:1])
    told = (Told(_ORDER, "Requested", took=0.1, patience=1.0),)
    truths = {_ORDER: _ACCEPTED, spec.other.order_id: _UNTOUCHED}
    assert not verdict(spec, told, Report(truths, _seen("all"), (), 0))
    assert verdict(spec, told, Report(truths, _seen("all"), (), 1))
    assert verdict(spec, told, Report(truths | {spec.other.order_id: _ACCEPTED}, _seen("all"), (), 0))


def test_an_unknown_that_could_be_known_is_found() -> None:
    """The last read was answered truly, about an order in a final state, and there was time left."""
    spec = case("crux")
    spec = evolve(spec, orders=spec.orders[:1])
    read = Seen("read", _ORDER, None, "all", final=True, connection=1)
    truths = {_ORDER: _CANCELLED, spec.other.order_id: _UNTOUCHED}
    told = (Told(_ORDER, "Unknown", took=0.1, patience=1.0),)
    assert verdict(spec, told, Report(truths, (*_seen("nothing"), read), (), 0))
    assert not verdict(spec, told, Report(truths, (*_seen("nothing"), evolve(read, final=False)), (), 0))


def test_where_nothing_could_be_sent_an_unknown_is_wrong_unless_the_machine_was_busy() -> None:
    """One that came early is; one that a deadline ended is to be seen again, alone."""
    report, spec = Report(dict.fromkeys(IDS["crux"], _UNTOUCHED), (), (), 0), case("crux")
    early = Told(_ORDER, "Unknown", took=0.1, patience=0.4)
    assert verdict(spec, (early,), report, unsent=True)
    ended = evolve(early, took=0.4)
    assert not verdict(spec, (ended,), report, unsent=True)
    assert lateness(spec, (ended,), report, bounded=True, calm=False, unsent=True)
    assert not verdict(spec, (Told(_ORDER, "raised", "NotSentError"),), report, unsent=True)
