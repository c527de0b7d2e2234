"""What countermand promises, held against this package: each promise is a test."""

import json

import pytest
from fifth_marketplace import CancelShopOrder, Shop

from countermand import Requested
from countermand.engine.wire import Reply
from countermand.sandbox.conformance import PROMISES, Counterpart, Promise

KEY = "shop-api-k3y"


def reply(status: int, **body: str) -> Reply:
    """Return a reply of Shop's."""
    return Reply(status, {"content-type": "application/json"}, json.dumps(body).encode())


#: How Shop answers about the order A-1, as its documents say.
COUNTERPART = Counterpart(
    accepted=reply(202, order="A-1", state="cancellation_requested"),
    accepted_means=Requested,
    cancelled=reply(200, order="A-1", state="cancelled"),
    still_open=reply(200, order="A-1", state="open"),
    another_accepted=reply(202, order="A-2", state="cancellation_requested"),
    another_cancelled=reply(200, order="A-2", state="cancelled"),
    not_found=reply(404, message="no such order"),
    refused=reply(409, order="A-1", state="shipped", error="it is too late"),
    another_refused=reply(409, order="A-2", state="shipped", error="it is too late"),
    blocked=reply(200, order="A-1", state="shipped"),
    repeated=reply(409, order="A-1", state="cancelled", error="it is too late"),
    repeatable=True,
    secrets=(KEY,),
)


@pytest.mark.parametrize("promise", PROMISES, ids=str)
def test_promise(promise: Promise) -> None:
    """Each promise holds, through both clients."""
    promise.check(Shop(api_key=KEY), CancelShopOrder("A-1"), COUNTERPART)
