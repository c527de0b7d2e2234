"""Every marketplace keeps the promises of the conformance suite: ours do, and so does whoever signs in."""

from typing import Any

import attrs

from countermand import Crux, Kibo
from countermand.sandbox.conformance import PROMISES, Counterpart, Promise
from tests.support.markets import CRUX, KIBO, MARKETS, Market, crux_order, pattern_answer
from tests.support.stage import reply
from tests.support.tables import table


@attrs.frozen
class Case:
    """A marketplace, as the suite takes it."""

    name: str
    account: Any
    request: Any
    counterpart: Counterpart


def counterpart(market: Market, **more: Any) -> Counterpart:
    """Return what a row of the tests' marketplaces says, as the suite takes it."""
    documented: dict[str, Any] = {
        "accepted": market.accepted,
        "cancelled": market.cancelled,
        "still_open": market.still_open,
        "another_accepted": market.accepted_another,
        "another_cancelled": market.another,
        "not_found": reply(404, {"message": "there is no such order"}),
        "blocked": market.blocked,
        "repeatable": market.repeatable,
        "secrets": market.secrets,
    }
    return Counterpart(**documented | more)


COUNTERPARTS: dict[str, dict[str, Any]] = {
    "pattern": {
        "refused": reply(409, pattern_answer({}, {1: ("departed", "it has left")})),
        "another_refused": reply(409, pattern_answer({}, {1: ("departed", "it has left")}, order_id="114-2")),
        "repeated": reply(409, pattern_answer({}, {1: ("cancelled", "it is cancelled")})),
    },
    "vtex": {},
    "crux": {"refused": reply(422), "repeated": reply(422), "blocked": crux_order("HasTracking")},
    "kibo": {"refused": reply(409, {"message": "it has shipped"})},
}
CASES = [
    *(
        Case(market.name, market.access, market.request, counterpart(market, **COUNTERPARTS[market.name]))
        for market in MARKETS
    ),
    Case(
        "crux, signing in",
        Crux(username="shop", password="sekret-one"),
        CRUX.request,
        counterpart(
            CRUX, login=reply(200, {"auth_token": "sekret-two"}), secrets=("sekret-one", "sekret-two")
        ),
    ),
    Case(
        "kibo, signing in",
        Kibo(tenant_id=12345, client_id="app", client_secret="sekret-one"),
        KIBO.request,
        counterpart(
            KIBO,
            login=reply(200, {"access_token": "sekret-two", "expires_in": 3600}),
            secrets=("sekret-one", "sekret-two"),
        ),
    ),
]


@table("case", CASES, ids=lambda case: case.name)
@table("promise", PROMISES, ids=str)
def test_each_of_ours_keeps_each_promise(case: Case, promise: Promise) -> None:
    """Through both clients, in virtual time."""
    promise.check(case.account, case.request, case.counterpart)
