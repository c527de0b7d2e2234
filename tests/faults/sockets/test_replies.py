"""Replies that lie, lead elsewhere, are too much, or come from a login; and what one call makes of them."""

from typing import Any

import pytest
from attrs import evolve

from countermand import Cancelled, RateLimitedError, Refused, Unknown

from .conftest import Opener
from .faults import catalogue
from .judge import contradictions
from .memory import BAR, measured
from .plain import IDS, ask, case, lost, named
from .playing import told
from .spec import OrderSpec
from .statuses import RETRY_AFTER

_MARKETPLACES = ("pattern", "vtex", "crux", "kibo")


@pytest.mark.parametrize("status", range(8))
def test_redirects_lead_nowhere(stage: Opener, door: str, status: int) -> None:
    """No redirect is followed, to any host: nothing arrives there, and the order is read."""
    redirects = [lost("redirect", "no", status, always=True)]
    spec = case("vtex", 0.4, cancel=redirects, read=redirects)
    spec = evolve(spec, orders=spec.orders[:1])
    results = ask(door, scene := stage(spec), spec, calm=False)
    assert named(results) == ["Unknown"]
    assert scene.report().trapped == 0


@pytest.mark.parametrize("marketplace", ["crux", "kibo"])
@pytest.mark.parametrize(
    "name", [kind.name for kind in catalogue().values() if kind.told == "nothing" and "no" in kind.applied]
)
def test_what_cannot_be_believed_is_settled_by_reading(stage: Opener, marketplace: str, name: str) -> None:
    """The cancel was not applied, and what came back does not say so in a way to rely on: it is never "done".

    Where repeating is harmless it is asked for again, and done; at Crux nobody knows.
    """
    kind = catalogue()[name]
    if "cancel" not in kind.where or marketplace in kind.not_at:
        pytest.skip("it does not strike there")
    spec = case(marketplace, 0.4, cancel=[lost(name, "no", 0)])
    spec = evolve(spec, orders=spec.orders[:1])
    results = ask("stock", scene := stage(spec), spec, calm=False)
    done = scene.report().truths[spec.orders[0].order_id].forwarded
    expected = Unknown if marketplace == "crux" else Cancelled
    if isinstance(results[0], Unknown) and "no time was left" in results[0].reason:
        return  # a busy machine: the fault took the call's time, or nearly
    assert isinstance(results[0], expected)
    assert done == (marketplace != "crux")


@pytest.mark.parametrize("marketplace", _MARKETPLACES)
def test_a_refusal_after_a_lost_reply_is_read(stage: Opener, door: str, marketplace: str) -> None:
    """The first attempt was applied and its reply lost; the order that answers the second with 409 is not refused."""
    spec = case(marketplace, 0.5, cancel=[lost("fin"), lost("4xx", "no", 6, always=True)])
    spec = evolve(spec, orders=spec.orders[:1])
    results = ask(door, scene := stage(spec), spec, calm=False)
    assert not isinstance(results[0], Refused | BaseException)
    assert scene.report().truths[spec.orders[0].order_id].forwarded == 1


@pytest.mark.parametrize("variant", range(len(RETRY_AFTER)))
def test_every_retry_after(stage: Opener, variant: int) -> None:
    """Sense or nonsense: the call asks again and is answered, or says when to come back. The order is untouched."""
    spec = case("kibo", 0.5, cancel=[lost("429", "no", variant)])
    spec = evolve(spec, orders=spec.orders[:1])
    results = ask("stock", scene := stage(spec), spec, calm=False)
    assert isinstance(results[0], Cancelled | RateLimitedError)
    accepted = scene.report().truths[spec.orders[0].order_id].forwarded
    assert accepted == isinstance(results[0], Cancelled)
    if isinstance(results[0], RateLimitedError):
        assert (results[0].retry_after or 0) > 0.4


@pytest.mark.parametrize("marketplace", ["crux", "kibo"])
@pytest.mark.parametrize("name", [kind.name for kind in catalogue().values() if "login" in kind.where])
def test_no_fault_of_a_login_touches_an_order(stage: Opener, marketplace: str, name: str) -> None:
    """A login that fails for good raises one of ours, and no cancel was sent."""
    kind = catalogue()[name]
    about: dict[str, Any] = {"require_bearer": True} if marketplace == "kibo" else {}
    spec = case(marketplace, 0.3, login=[lost(name, kind.applied[0], 0, always=True)], settings=about)
    spec = evolve(spec, orders=spec.orders[:1])
    results = ask("stock", scene := stage(spec), spec, login="login", calm=False)
    truth = scene.report().truths[spec.orders[0].order_id]
    assert not contradictions(told(spec.orders[0].order_id, 0.3, 0.0, results[0]), truth)
    if not truth.cancels and kind.told != "all":
        assert type(results[0]).__name__ in ("NotSentError", "AuthenticationError", "RateLimitedError")


@pytest.mark.parametrize("door", ["stock", "async stock"])
@pytest.mark.parametrize("fault, pick", [("gzip bomb", 0), ("endless body", 2)])
def test_a_hostile_body_costs_little_memory(door: str, fault: str, pick: int) -> None:
    """Measured in a process of its own; the sweep measures the others, through every door."""
    found = measured(door, fault, pick)
    assert found["told"] == "Unknown"
    assert max(found["resident"], found["traced"]) <= BAR


def test_an_order_that_nobody_asked_for_stays_as_it_is(stage: Opener, door: str) -> None:
    """The answers are another order's; it is not taken for ours, and it is not touched."""
    others = [lost("another order's answer", "yes", always=True)]
    spec = case("pattern", 0.4, cancel=others, read=others)
    spec = evolve(spec, orders=(OrderSpec(IDS["pattern"][0], {"warehouse_orders": {"1": "new"}}),))
    results = ask(door, scene := stage(spec), spec, calm=False)
    assert named(results) == ["Unknown"]
    assert results[0].order_id == IDS["pattern"][0]
    assert scene.report().truths[spec.other.order_id].cancels == 0
