"""The conformance suite finds what is wrong with a marketplace: each mistake here is a real one, and each is caught.

The mistakes are made in the worked example, `examples/fifth_marketplace`, which keeps every promise without them.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import attrs
import pytest
from fifth_marketplace import CancelShopOrder, Shop, ShopRules

from countermand.sandbox.conformance import PROMISES, Counterpart
from tests.support.stage import reply

from .mistakes import (
    KEY,
    AnswersWithALocalClass,
    AsksBeforeItWaits,
    BelievesAnotherOrder,
    BelievesTheStatus,
    CancelsAnyId,
    DoesNotQuoteTheId,
    ForgetsTheLabel,
    ForgetsTheTimeout,
    HasAnotherName,
    IsNotSealed,
    KeepsTheKey,
    NamesNoSecrets,
    NeverSettles,
    RaisesItsOwnError,
    RaisesWhatIsUnknown,
    ReadsAnyId,
    RefusesByTheStatus,
    RepeatsAWrongKey,
    SendsNoKey,
    SendsTheKeyInTheURL,
    SharesItsRules,
    ShowsItsKey,
    SwallowsErrors,
    SwapsItsClients,
    TakesAnyKey,
    TakesEveryEndForCancelled,
    TakesGoneForCancelled,
    TakesOpenForRefused,
    TakesOpenForRequested,
    TakesReceivedForCancelled,
    TakesUnauthorizedForMissing,
    TriesAgainByItself,
    WrapsInterruptions,
    with_client,
    with_rules,
)

RIGHT = Counterpart(
    accepted=reply(202, {"order": "A-1", "state": "cancellation_requested"}),
    cancelled=reply(200, {"order": "A-1", "state": "cancelled"}),
    still_open=reply(200, {"order": "A-1", "state": "open"}),
    another_accepted=reply(202, {"order": "A-2", "state": "cancellation_requested"}),
    another_cancelled=reply(200, {"order": "A-2", "state": "cancelled"}),
    not_found=reply(404, {"error": "no such order"}),
    refused=reply(409, {"order": "A-1", "state": "shipped", "error": "it is too late"}),
    blocked=reply(200, {"order": "A-1", "state": "shipped"}),
    repeated=reply(409, {"order": "A-1", "state": "cancelled", "error": "it is too late"}),
    repeatable=True,
    secrets=(KEY,),
)
#: The same shop, if each cancellation were forwarded to a supplier.
FORWARDING = attrs.evolve(RIGHT, repeatable=False)
#: The same shop, if it answered 409 and nothing more to whatever cannot be cancelled.
CURT = attrs.evolve(RIGHT, refused=reply(409), repeated=reply(409))


READ = "an unclear cancellation that was applied is seen by reading"
OPEN = "an unclear cancellation that was not applied is not reported as one"
UNREADABLE = "an order that cannot be read is unknown"
ACCEPTED = "an accepted cancellation is what the marketplace says"
VERDICT = "a 4xx after an unclear attempt is not the verdict"
PARTS = "its parts name each other"
SHOWN = "an account shows no credential"
WRONG = "a wrong credential is refused without repeating it"
ID = "an id that names no order is refused before sending"
INTERRUPTED = "an interruption passes through with the evidence"
CASES: list[tuple[Callable[[], Any], Counterpart, str]] = [
    (lambda: with_rules(BelievesTheStatus), RIGHT, READ),
    (lambda: with_rules(TakesReceivedForCancelled), RIGHT, ACCEPTED),
    (lambda: with_rules(BelievesAnotherOrder), RIGHT, UNREADABLE),
    (lambda: with_rules(RaisesItsOwnError), RIGHT, READ),
    (lambda: with_rules(TakesGoneForCancelled), RIGHT, "an order that is not there is not cancelled"),
    (lambda: with_rules(RefusesByTheStatus), CURT, VERDICT),
    (lambda: with_rules(TakesOpenForRequested), RIGHT, OPEN),
    (lambda: with_rules(TakesOpenForRefused), RIGHT, OPEN),
    (lambda: with_rules(TakesEveryEndForCancelled), RIGHT, "a refusal is refused or raised"),
    (lambda: with_rules(NeverSettles), RIGHT, "waiting ends when the order has settled"),
    (lambda: with_rules(ShopRules), FORWARDING, OPEN),
    (lambda: with_rules(TakesUnauthorizedForMissing), RIGHT, "a credential that is not accepted is raised"),
    (lambda: with_rules(SendsTheKeyInTheURL), RIGHT, READ),
    (lambda: with_rules(DoesNotQuoteTheId), RIGHT, "an id stays one part of the url"),
    (lambda: with_rules(ReadsAnyId), RIGHT, ID),
    (lambda: with_rules(CancelsAnyId), RIGHT, ID),
    (lambda: with_rules(NamesNoSecrets), RIGHT, "a credential that is echoed is struck out"),
    (lambda: with_rules(SendsNoKey), RIGHT, ACCEPTED),
    (lambda: with_rules(KeepsTheKey), RIGHT, SHOWN),
    (lambda: with_rules(ForgetsTheLabel), RIGHT, PARTS),
    (lambda: with_rules(HasAnotherName), RIGHT, PARTS),
    (lambda: with_rules(AnswersWithALocalClass), RIGHT, "an outcome outlives its process"),
    (lambda: with_client(ForgetsTheTimeout), RIGHT, "a call keeps its deadline"),
    (lambda: with_client(SwallowsErrors), RIGHT, "what was not sent is sent again or raised"),
    (lambda: with_client(TriesAgainByItself), RIGHT, "a rate limit is kept"),
    (lambda: with_client(RaisesWhatIsUnknown), CURT, "a denied read decides nothing"),
    (lambda: with_client(WrapsInterruptions), RIGHT, INTERRUPTED),
    (lambda: with_client(AsksBeforeItWaits), RIGHT, "waiting believes nothing else"),
    (lambda: SwapsItsClients(api_key=KEY), RIGHT, PARTS),
    (lambda: SharesItsRules(api_key=KEY), RIGHT, PARTS),
    (lambda: ShowsItsKey(api_key=KEY), RIGHT, SHOWN),
    (lambda: IsNotSealed(api_key=KEY), RIGHT, SHOWN),
    (lambda: IsNotSealed(api_key=KEY), RIGHT, WRONG),
    (lambda: TakesAnyKey(api_key=KEY), RIGHT, WRONG),
    (lambda: RepeatsAWrongKey(api_key=KEY), RIGHT, WRONG),
]
NAMES = """
    believes the status, takes received for cancelled, believes another order, raises its own error,
    takes gone for cancelled, refuses by the status, takes open for requested, takes open for refused,
    takes every end for cancelled, never settles, says that asking twice is harmless, takes 403 for missing,
    sends the key in the URL, does not quote the id, reads any id, cancels any id, names no secrets, sends no key,
    keeps the key, forgets the label, has another name, answers with a local class, forgets the timeout, swallows errors,
    tries again by itself, raises what is unknown,
    wraps interruptions, asks before it waits, swaps its clients, shares its rules, shows its key, can be pickled,
    shows its key in a traceback, takes any key, repeats a wrong key
"""


@pytest.mark.parametrize("build, counterpart, name", CASES, ids=[each.strip() for each in NAMES.split(",")])
def test_a_mistake_is_caught(build: Callable[[], Any], counterpart: Counterpart, name: str) -> None:
    """By the promise that it breaks, and the message says which."""
    promise = next(promise for promise in PROMISES if str(promise) == name)
    with pytest.raises(AssertionError, match=f"^shop breaks a promise: {name}"):
        promise.check(build(), CancelShopOrder("A-1"), counterpart)


@pytest.mark.parametrize("promise", PROMISES, ids=str)
@pytest.mark.parametrize("counterpart", [RIGHT, CURT], ids=["right", "curt"])
def test_without_a_mistake_each_promise_is_kept(promise: Any, counterpart: Counterpart) -> None:
    """The mistakes above are what is caught, and nothing else of this Shop."""
    promise.check(Shop(api_key=KEY, label="eu"), CancelShopOrder("A-1"), counterpart)


def test_a_marketplace_that_forwards_keeps_its_promises_by_not_repeating() -> None:
    """With `repeatable = False` the same Shop is right where each cancellation is forwarded."""

    class Careful(ShopRules):
        repeatable: ClassVar[bool] = False

    for promise in PROMISES:
        promise.check(with_rules(Careful), CancelShopOrder("A-1"), FORWARDING)


def test_each_promise_is_broken_by_a_mistake_of_its_own() -> None:
    """A promise that nothing breaks would hold nothing."""
    assert {name for _, _, name in CASES} == {str(promise) for promise in PROMISES}
