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
from tests.support.tables import table

from .mistakes import (
    KEY,
    AnswersWithALocalClass,
    AsksAboutNoOrder,
    AsksAgainWhenItLooks,
    AsksBeforeItWaits,
    BelievesAnotherOrder,
    BelievesAnotherRefusal,
    BelievesTheStatus,
    CancelUnchecked,
    CopiesInterruptions,
    DoesNotQuoteTheId,
    DropsTheAccount,
    DropsTheAnswer,
    ForgetsTheLabel,
    ForgetsTheTimeout,
    HasAMethodMore,
    HasAnotherName,
    IsNotSealed,
    KeepsTheKey,
    KnowsNoOrderByTheStatus,
    NamesNoSecrets,
    NeverSettles,
    RaisesAfterARefusal,
    RaisesItsOwnError,
    RaisesWhatIsUnknown,
    ReadsAnyId,
    RefusesByTheStatus,
    RefusesWhatIsUnknown,
    RepeatsAWrongKey,
    ReturnsText,
    SendsNoKey,
    SendsTheKeyInTheURL,
    SettlesByWaiting,
    SharesItsRules,
    ShowsItsKey,
    StoresAnotherRequest,
    StoresNoAnswer,
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
    another_refused=reply(409, {"order": "A-2", "state": "shipped", "error": "it is too late"}),
    blocked=reply(200, {"order": "A-1", "state": "shipped"}),
    repeated=reply(409, {"order": "A-1", "state": "cancelled", "error": "it is too late"}),
    repeatable=True,
    secrets=(KEY,),
)
#: The same shop, if each cancellation were forwarded to a supplier.
FORWARDING = attrs.evolve(RIGHT, repeatable=False)
#: The same shop, if it answered 409 and nothing more to whatever cannot be cancelled.
CURT = attrs.evolve(RIGHT, refused=reply(409), repeated=reply(409), another_refused=None)


READ = "an unclear cancellation that was applied is seen by reading"
OPEN = "an unclear cancellation that was not applied is not reported as one"
UNREADABLE = "an order that cannot be read is unknown"
ACCEPTED = "an accepted cancellation is what the marketplace says"
VERDICT = "a 4xx after an unclear attempt is not the verdict"
PARTS = "its parts name each other"
SHOWN = "an account shows no credential"
WRONG = "a wrong credential is refused without repeating it"
REFUSED = "a refusal is believed in documented words only"
NOT_THERE = "an order that is not there is not cancelled"
ACCOUNT = "a request names its account"
LASTS = "an outcome outlives its process"
ID = "an id that names no order is refused before sending"
INTERRUPTED = "an interruption passes through with the evidence"
CASES: dict[str, tuple[Callable[[], Any], Counterpart, str, str]] = {
    "believes the status": (
        lambda: with_rules(BelievesTheStatus),
        RIGHT,
        READ,
        "no reply was evidence for that",
    ),
    "takes received for cancelled": (
        lambda: with_rules(TakesReceivedForCancelled),
        RIGHT,
        ACCEPTED,
        "no reply was evidence for that",
    ),
    "believes another order": (
        lambda: with_rules(BelievesAnotherOrder),
        RIGHT,
        UNREADABLE,
        "no reply was evidence for that",
    ),
    "raises its own error": (
        lambda: with_rules(RaisesItsOwnError),
        RIGHT,
        READ,
        "only errors of countermand may leave a call",
    ),
    "takes gone for cancelled": (
        lambda: with_rules(TakesGoneForCancelled),
        RIGHT,
        NOT_THERE,
        "no reply was evidence for that",
    ),
    "knows no order by the status": (
        lambda: with_rules(KnowsNoOrderByTheStatus),
        RIGHT,
        NOT_THERE,
        "a gateway does not know which orders there are",
    ),
    "refuses by the status": (
        lambda: with_rules(RefusesByTheStatus),
        CURT,
        VERDICT,
        "the order is cancelled",
    ),
    "refuses by a page": (
        lambda: with_rules(RefusesByTheStatus),
        RIGHT,
        REFUSED,
        "Requested or Unknown or CountermandError was expected",
    ),
    "believes another order's refusal": (
        lambda: with_rules(BelievesAnotherRefusal),
        RIGHT,
        REFUSED,
        "another order's refusal",
    ),
    "asks about no order": (
        lambda: with_rules(AsksAboutNoOrder),
        RIGHT,
        "a request names its order",
        "the cancel does not: POST /v1/orders/latest/cancellation",
    ),
    "takes open for requested": (
        lambda: with_rules(TakesOpenForRequested),
        RIGHT,
        OPEN,
        "no reply was evidence for that",
    ),
    "takes open for refused": (
        lambda: with_rules(TakesOpenForRefused),
        RIGHT,
        OPEN,
        "Requested was expected",
    ),
    "takes every end for cancelled": (
        lambda: with_rules(TakesEveryEndForCancelled),
        RIGHT,
        "a refusal is refused or raised",
        "no reply was evidence for that",
    ),
    "never settles": (
        lambda: with_rules(NeverSettles),
        RIGHT,
        "waiting ends when the order has settled",
        "Cancelled was expected",
    ),
    "says that asking twice is harmless": (
        lambda: with_rules(ShopRules),
        FORWARDING,
        OPEN,
        "a cancellation was sent again after one that may have been applied",
    ),
    "takes 403 for missing": (
        lambda: with_rules(TakesUnauthorizedForMissing),
        RIGHT,
        "a credential that is not accepted is raised",
        "PermissionDeniedError was expected",
    ),
    "sends the key in the URL": (
        lambda: with_rules(SendsTheKeyInTheURL),
        RIGHT,
        READ,
        "a URL holds a credential: URLs are logged everywhere",
    ),
    "does not quote the id": (
        lambda: with_rules(DoesNotQuoteTheId),
        RIGHT,
        "an id stays one part of the url",
        "it leads to /v1/orders/A/../B/cancellation",
    ),
    "reads any id": (
        lambda: with_rules(ReadsAnyId),
        RIGHT,
        ID,
        "InvalidRequestError was expected, and nothing on the wire",
    ),
    "names no secrets": (
        lambda: with_rules(NamesNoSecrets),
        RIGHT,
        "a credential that is echoed is struck out",
        "it shows a credential, in its repr",
    ),
    "sends no key": (
        lambda: with_rules(SendsNoKey),
        RIGHT,
        ACCEPTED,
        "no request carried a credential in its headers",
    ),
    "keeps the key": (
        lambda: with_rules(KeepsTheKey),
        RIGHT,
        SHOWN,
        "what it is made of shows a credential, in its repr",
    ),
    "forgets the label": (
        lambda: with_rules(ForgetsTheLabel),
        RIGHT,
        PARTS,
        "the rules carry the account's label 'eu', not 'shop'",
    ),
    "has another name": (
        lambda: with_rules(HasAnotherName),
        RIGHT,
        PARTS,
        "configuration, request and rules name one marketplace, not ['shop', 'store']",
    ),
    "answers with a local class": (
        lambda: with_rules(AnswersWithALocalClass),
        RIGHT,
        LASTS,
        "local object '_local.<locals>.LocalOrder'",
    ),
    "stores no answer": (
        lambda: StoresNoAnswer(api_key=KEY, label="eu"),
        RIGHT,
        LASTS,
        "it cannot be written as JSON and read back",
    ),
    "stores another request": (
        lambda: StoresAnotherRequest(api_key=KEY, label="eu"),
        RIGHT,
        LASTS,
        "stored() returns the request's class first",
    ),
    "has a method more": (
        lambda: with_client(HasAMethodMore),
        RIGHT,
        PARTS,
        "the two sub-clients differ in order_again",
    ),
    "forgets the timeout": (
        lambda: with_client(ForgetsTheTimeout),
        RIGHT,
        "a call keeps its deadline",
        "the call was given 0.5 s and took 3600.00 s",
    ),
    "swallows errors": (
        lambda: with_client(SwallowsErrors),
        RIGHT,
        "what was not sent is sent again or raised",
        "NotSentError was expected",
    ),
    "tries again by itself": (
        lambda: with_client(TriesAgainByItself),
        RIGHT,
        "a rate limit is kept",
        "its attempts are not the requests that were made",
    ),
    "raises what is unknown": (
        lambda: with_client(RaisesWhatIsUnknown),
        CURT,
        "a denied read decides nothing",
        "it raised, although the order is cancelled: raised means untouched",
    ),
    "wraps interruptions": (
        lambda: with_client(WrapsInterruptions),
        RIGHT,
        INTERRUPTED,
        "the interruption did not leave the call unchanged",
    ),
    "asks before it waits": (
        lambda: with_client(AsksBeforeItWaits),
        RIGHT,
        "waiting believes nothing else",
        "looking at an order sent a cancellation",
    ),
    "swaps its clients": (
        lambda: SwapsItsClients(api_key=KEY),
        RIGHT,
        PARTS,
        "clients() returns a SubClient and an AsyncSubClient, in this order",
    ),
    "shares its rules": (
        lambda: SharesItsRules(api_key=KEY),
        RIGHT,
        PARTS,
        "rules() makes new ones: a client's gate and tokens are its own",
    ),
    "shows its key": (
        lambda: ShowsItsKey(api_key=KEY),
        RIGHT,
        SHOWN,
        "the configuration shows a credential, in its repr",
    ),
    "can be pickled": (
        lambda: IsNotSealed(api_key=KEY),
        RIGHT,
        SHOWN,
        "the configuration can be pickled, credentials and all: decorate it with @sealed",
    ),
    "shows its key in a traceback": (
        lambda: IsNotSealed(api_key=KEY),
        RIGHT,
        WRONG,
        "its ValueError shows a credential, in its traceback with local variables",
    ),
    "takes any key": (
        lambda: TakesAnyKey(api_key=KEY),
        RIGHT,
        WRONG,
        "ValueError was expected: it does not fit into a header",
    ),
    "repeats a wrong key": (
        lambda: RepeatsAWrongKey(api_key=KEY),
        RIGHT,
        WRONG,
        "its ValueError shows a credential, in its repr",
    ),
    "raises what is unclear": (
        lambda: with_client(RaisesWhatIsUnknown),
        RIGHT,
        "a call keeps its deadline",
        "it raised, although a request may have been applied: raised means untouched",
    ),
    "looks by asking again": (
        lambda: with_client(AsksAgainWhenItLooks),
        RIGHT,
        "a later look starts from the outcome",
        "looking at an order sent a cancellation",
    ),
    "settles by waiting": (
        lambda: with_client(SettlesByWaiting),
        RIGHT,
        "waiting believes nothing else",
        "no reply was evidence for that",
    ),
    "raises what was cancelled before": (
        lambda: with_client(RaisesAfterARefusal),
        RIGHT,
        READ,
        "it raised, although the order is cancelled: raised means untouched",
    ),
    "returns text": (
        lambda: with_client(ReturnsText),
        RIGHT,
        ACCEPTED,
        "a call returns one of the five outcomes",
    ),
    "copies interruptions": (
        lambda: with_client(CopiesInterruptions),
        RIGHT,
        INTERRUPTED,
        "the interruption did not leave the call unchanged",
    ),
    "drops the account": (
        lambda: with_client(DropsTheAccount),
        RIGHT,
        ACCEPTED,
        "it is about ('shop', None, 'A-1'), not about ('shop', 'eu', 'A-1')",
    ),
    "drops the answer": (lambda: with_client(DropsTheAnswer), RIGHT, ACCEPTED, "and this is another thing"),
    "refuses what is unknown": (
        lambda: with_client(RefusesWhatIsUnknown),
        RIGHT,
        UNREADABLE,
        "the order is cancelled",
    ),
}


@table("build, counterpart, name, problem", CASES.values(), ids=CASES)
def test_a_mistake_is_caught(
    build: Callable[[], Any], counterpart: Counterpart, name: str, problem: str
) -> None:
    """By the promise that it breaks, and the message says which, and how."""
    promise = next(promise for promise in PROMISES if str(promise) == name)
    with pytest.raises(AssertionError, match=f"^shop breaks a promise: {name}") as caught:
        promise.check(build(), CancelShopOrder("A-1"), counterpart)
    assert problem in str(caught.value)


def test_an_id_that_nobody_checks_is_caught() -> None:
    """A request has to check itself when it is built."""
    promise = next(promise for promise in PROMISES if str(promise) == ID)
    request: Any = CancelUnchecked("A-1")
    with pytest.raises(AssertionError, match="nothing on the wire"):
        promise.check(with_rules(ShopRules), request, RIGHT)


def test_an_account_that_nobody_checks_is_caught() -> None:
    """A label that is no text is refused like any other wrong field."""
    promise = next(promise for promise in PROMISES if str(promise) == ACCOUNT)
    request: Any = CancelUnchecked("A-1")
    with pytest.raises(AssertionError, match="InvalidRequestError was expected"):
        promise.check(with_rules(ShopRules), request, RIGHT)


def test_a_name_of_ours_is_caught() -> None:
    """Stored data of that name would be read back as ours."""

    class Rules(ShopRules):
        name: ClassVar[str] = "vtex"

    class Taken(Shop):
        marketplace: ClassVar[str] = "vtex"

        def rules(self) -> ShopRules:
            return Rules(self)

    class CancelTaken(CancelShopOrder):
        marketplace: ClassVar[str] = "vtex"

    promise = next(promise for promise in PROMISES if str(promise) == PARTS)
    with pytest.raises(AssertionError, match="'vtex' is the name of a built-in marketplace"):
        promise.check(Taken(api_key=KEY), CancelTaken("A-1"), RIGHT)


def test_a_request_that_can_be_changed_is_caught() -> None:
    """The order that was checked is the one that is asked about."""

    class Changeable(CancelShopOrder):
        __setattr__ = object.__setattr__

    promise = next(promise for promise in PROMISES if str(promise) == ACCOUNT)
    with pytest.raises(AssertionError, match="a request is frozen"):
        promise.check(with_rules(ShopRules), Changeable("A-1"), RIGHT)


@table("promise", PROMISES, ids=str)
@table("counterpart", [RIGHT, CURT], ids=["right", "curt"])
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
    assert {name for _, _, name, _ in CASES.values()} | {ACCOUNT} == {str(promise) for promise in PROMISES}
