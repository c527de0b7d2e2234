"""The promises of countermand, for any marketplace to hold in its own tests.

    from countermand.sandbox.conformance import PROMISES, Counterpart, Promise

    COUNTERPART = Counterpart(accepted=Reply(202, {}, b'{"order": "A-1", "state": "…"}'), …)

    @pytest.mark.parametrize("promise", PROMISES, ids=str)
    def test_promise(promise: Promise) -> None:
        promise.check(Shop(api_key="shop-api-k3y"), CancelShopOrder("A-1"), COUNTERPART)

Every promise is held against the marketplace through both clients, in virtual time and without a socket. What goes
wrong on the way is countermand's business; what the marketplace's replies look like is the `Counterpart`'s. A broken
promise is an AssertionError that tells the case, what came back, and what had happened. This module needs no pytest:
with unittest, loop over `PROMISES` in a `subTest`.
"""

from countermand.sandbox.conformance.answers import ANSWERS
from countermand.sandbox.conformance.counterpart import Counterpart
from countermand.sandbox.conformance.form import FORM
from countermand.sandbox.conformance.trial import Promise

__all__ = ["PROMISES", "Counterpart", "Promise"]

#: What any marketplace has to keep. Each has `check(account, request, counterpart)`.
PROMISES: tuple[Promise, ...] = (*FORM, *ANSWERS)
