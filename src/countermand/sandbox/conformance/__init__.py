"""The conformance suite: the promises of countermand, which any marketplace can check in its own tests.

    from countermand.sandbox.conformance import PROMISES, Counterpart, Promise

    COUNTERPART = Counterpart(accepted=Reply(202, {}, b'{"order": "A-1", "state": "…"}'), …)

    @pytest.mark.parametrize("promise", PROMISES, ids=str)
    def test_promise(promise: Promise) -> None:
        promise.check(Shop(api_key="shop-api-k3y"), CancelShopOrder("A-1"), COUNTERPART)

Every promise is checked with both clients, in virtual time and without a socket. countermand supplies the faults; the
`Counterpart` supplies the marketplace's replies. A broken promise is an AssertionError with the case, the result, and
the requests that were made. This module does not need pytest: with unittest, loop over `PROMISES` in a `subTest`.
"""

from countermand.sandbox.conformance.answers import ANSWERS
from countermand.sandbox.conformance.counterpart import Counterpart
from countermand.sandbox.conformance.form import FORM
from countermand.sandbox.conformance.trial import Promise

__all__ = ["PROMISES", "Counterpart", "Promise"]

#: The promises. Each has `check(account, request, counterpart)`.
PROMISES: tuple[Promise, ...] = (*FORM, *ANSWERS)
