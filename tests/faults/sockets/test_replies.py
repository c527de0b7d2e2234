"""Replies that lie, lead elsewhere, are too much, or come from a login; and what one call makes of them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from attrs import evolve

from countermand import AuthenticationError, Cancelled, NotSentError, RateLimitedError, Refused, Unknown

from .conftest import Opener
from .faults import Kind, catalogue
from .judge import contradictions
from .memory import BAR, measured
from .plain import IDS, ask, case, lost, named, patiently
from .playing import told
from .spec import OrderSpec
from .statuses import RETRY_AFTER

_MARKETPLACES = ("pattern", "vtex", "crux", "kibo")


@pytest.mark.parametrize("status", range(8))
def test_redirects_lead_nowhere(stage: Opener, door: str, status: int) -> None:
    """No redirect is followed, to any host: nothing arrives there, and the order is read."""
    redirects = [lost("redirect", "no", status, always=True)]

    def played(patience: float) -> tuple[str, int]:
        spec = case("vtex", patience, cancel=redirects, read=redirects)
        spec = evolve(spec, orders=spec.orders[:1])
        results = ask(door, scene := stage(spec), spec, calm=False)
        return named(results)[0], scene.report().trapped

    assert patiently(played, lambda found: found != ("NotSentError", 0)) == ("Unknown", 0)


@pytest.mark.parametrize("marketplace", ["crux", "kibo"])
def test_what_cannot_be_believed_is_settled_by_reading(stage: Opener, marketplace: str) -> None:
    """The cancel was not applied, and what came back does not say so in a way to rely on: it is never "done".

    Where repeating is harmless it is asked for again, and done; at Crux nobody knows.
    """

    def problem(kind: Kind, patience: float = 1.2) -> str:
        spec = case(marketplace, patience, cancel=[lost(kind.name, "no", 0)])
        spec = evolve(spec, orders=spec.orders[:1])
        result = ask("stock", scene := stage(spec), spec, calm=False)[0]
        if isinstance(result, Unknown) and "no time was left" in result.reason:
            return ""  # the fault took the call's time, or nearly
        done = scene.report().truths[spec.orders[0].order_id].forwarded
        expected = (Unknown, 0) if marketplace == "crux" else (Cancelled, 1)
        if (type(result), done) == expected:
            return ""
        if isinstance(result, Unknown | NotSentError) and patience < 9:
            return problem(kind, 3 * patience)  # the machine is busy, or there is a problem
        return f"{kind.name}: {result!r}"

    unclear = [kind for kind in catalogue().values() if kind.told == "nothing" and "no" in kind.applied]
    assert not _problems(
        problem, [one for one in unclear if "cancel" in one.where and marketplace not in one.not_at]
    )


def _problems(of: Callable[[Kind], str], kinds: list[Kind]) -> list[str]:
    """Return what `of` finds wrong; several at a time, because most of them only wait."""
    with ThreadPoolExecutor(8) as threads:
        return [found for found in threads.map(of, kinds) if found]


@pytest.mark.parametrize("marketplace", _MARKETPLACES)
def test_a_refusal_after_a_lost_reply_is_read(stage: Opener, door: str, marketplace: str) -> None:
    """The first attempt was applied and its reply lost; the order that answers the second with 409 is not refused."""
    spec = case(marketplace, 2.0, cancel=[lost("fin"), lost("4xx", "no", 6, always=True)])
    spec = evolve(spec, orders=spec.orders[:1])
    results = ask(door, scene := stage(spec), spec, calm=False)
    assert not isinstance(results[0], Refused | BaseException)
    assert scene.report().truths[spec.orders[0].order_id].forwarded == 1


@pytest.mark.parametrize("variant", range(len(RETRY_AFTER)))
def test_every_retry_after(stage: Opener, variant: int) -> None:
    """Sense or nonsense: the call asks again and is answered, or says when to come back. The order is untouched."""

    def played(patience: float) -> tuple[Any, int]:
        spec = case("kibo", patience, cancel=[lost("429", "no", variant)])
        spec = evolve(spec, orders=spec.orders[:1])
        results = ask("stock", scene := stage(spec), spec, calm=False)
        return results[0], scene.report().truths[spec.orders[0].order_id].forwarded

    result, accepted = patiently(played, lambda found: not isinstance(found[0], NotSentError | Unknown))
    assert isinstance(result, Cancelled | RateLimitedError)
    assert accepted == isinstance(result, Cancelled)
    if isinstance(result, RateLimitedError):
        assert (result.retry_after or 0) > 0.3


@pytest.mark.parametrize("marketplace", ["crux", "kibo"])
def test_no_fault_of_a_login_touches_an_order(stage: Opener, marketplace: str) -> None:
    """A login that fails for good raises one of ours, and no cancel was sent."""
    about: dict[str, Any] = {"require_bearer": True} if marketplace == "kibo" else {}

    def problem(kind: Kind) -> str:
        spec = case(
            marketplace, 0.3, login=[lost(kind.name, kind.applied[0], 0, always=True)], settings=about
        )
        spec = evolve(spec, orders=spec.orders[:1])
        result = ask("stock", scene := stage(spec), spec, login="login", calm=False)[0]
        truth = scene.report().truths[spec.orders[0].order_id]
        wrong = contradictions(told(spec.orders[0].order_id, 0.3, 0.0, result), truth)
        failed = isinstance(result, NotSentError | AuthenticationError | RateLimitedError)
        if not truth.cancels and kind.told != "all" and not failed:
            wrong.append(repr(result))
        return f"{kind.name}: {wrong}" if wrong else ""

    assert not _problems(problem, [kind for kind in catalogue().values() if "login" in kind.where])


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

    def played(patience: float) -> tuple[Any, int]:
        spec = case("pattern", patience, cancel=others, read=others)
        spec = evolve(spec, orders=(OrderSpec(IDS["pattern"][0], {"warehouse_orders": {"1": "new"}}),))
        results = ask(door, scene := stage(spec), spec, calm=False)
        return results[0], scene.report().truths[spec.other.order_id].cancels

    result, cancels = patiently(played, lambda found: not isinstance(found[0], NotSentError))
    assert isinstance(result, Unknown)
    assert result.order_id == IDS["pattern"][0]
    assert cancels == 0
