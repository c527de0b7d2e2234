"""Kibo OMS with translated APIs, simulated."""

from typing import Literal

import pytest

from countermand.sandbox.http import SandboxRequest
from countermand.sandbox.world import World
from tests.sandbox.calls import JSON, KIBO, decode, kibo_cancel, kibo_get, kibo_oauth

ORDER = 1010101


def test_the_order_comes_back_cancelled(world: World) -> None:
    """The answer to a cancel is the order, as a read gives it."""
    world.kibo.add_order(ORDER)
    reply = world.handle(
        kibo_cancel(ORDER, "other", more={"dispositionOtherReason": "Customer changed mind"})
    )
    order = decode(reply)
    assert reply.status == 200
    assert (order["orderID"], order["orderState"], order["orderStatus"]) == (ORDER, "CANCELED", "CANCELED")
    assert decode(world.handle(kibo_get(ORDER))) == order
    assert world.truth("kibo", ORDER).cancelled == "all"


def test_it_may_take_a_while(world: World) -> None:
    """An answer may show the order still open."""
    world.kibo.add_order(ORDER, cancels_after=2.0)
    assert decode(world.handle(kibo_cancel(ORDER)))["orderState"] == "READY"
    world.advance(2)
    assert decode(world.handle(kibo_get(ORDER)))["orderState"] == "CANCELED"


def test_it_may_ship_first(world: World) -> None:
    """An order that ships before its cancellation is done is not cancelled."""
    world.kibo.add_order(ORDER, cancels_after=2.0)
    world.kibo.move(ORDER, "SHIPPED", after=1.0)
    world.handle(kibo_cancel(ORDER))
    world.settle()
    assert decode(world.handle(kibo_get(ORDER)))["orderState"] == "SHIPPED"
    assert world.truth("kibo", ORDER).cancelled == "none"


def test_the_answer_spells_the_id_either_way(world: World) -> None:
    """Public documents write orderID and orderId."""
    world.kibo.add_order(ORDER)
    world.kibo.order_key = "orderId"
    assert decode(world.handle(kibo_cancel(ORDER)))["orderId"] == ORDER


def test_a_large_id_stays_exact(world: World) -> None:
    """Ids beyond 2^53 are told apart."""
    world.kibo.add_order(2**53 + 1)
    assert decode(world.handle(kibo_cancel(2**53 + 1)))["orderID"] == 2**53 + 1
    assert world.handle(kibo_cancel(2**53)).status == 404


@pytest.mark.parametrize("state", ["SHIPPED", "FULFILLED", "COMPLETED"])
@pytest.mark.parametrize("refusal", [409, 422])
def test_some_states_forbid_it(world: World, state: str, refusal: int) -> None:
    """A shipped order is refused with a code that Kibo does not document."""
    world.kibo.add_order(ORDER, state=state)
    world.kibo.refuses_with = refusal
    assert world.handle(kibo_cancel(ORDER)).status == refusal
    assert not world.truth("kibo", ORDER).accepted


def test_a_cancelled_order_comes_back_again(world: World) -> None:
    """Repeating a cancel is harmless."""
    world.kibo.add_order(ORDER)
    first, second = world.handle(kibo_cancel(ORDER)), world.handle(kibo_cancel(ORDER))
    assert (second.status, second.body) == (200, first.body)
    assert world.truth("kibo", ORDER).forwarded == 1


@pytest.mark.parametrize(
    "reason, more",
    [
        (None, {}),
        ("", {}),
        (7, {}),
        ("customer_changed_mind", {"dispositionOtherReason": "because"}),
        ("other", {"dispositionOtherReason": ""}),
        ("other", {"dispositionOtherReason": "x" * 256}),
        ("other", {"dispositionOtherReason": None}),
    ],
)
def test_bad_reasons(world: World, reason: object, more: dict[str, object]) -> None:
    """A reason is required; another reason goes with `other` only, and has 1 to 255 characters."""
    world.kibo.add_order(ORDER)
    assert world.handle(kibo_cancel(ORDER, reason, more=more)).status == 400
    assert world.truth("kibo", ORDER).cancels == 0


def test_a_tenant_may_know_few_reasons(world: World) -> None:
    """A tenant's schema may list the reasons it takes."""
    world.kibo.add_order(ORDER)
    world.kibo.reasons = {"created_by_mistake"}
    assert world.handle(kibo_cancel(ORDER)).status == 400
    assert world.handle(kibo_cancel(ORDER, "created_by_mistake")).status == 200


@pytest.mark.parametrize("order_id", ["1010101", True, 1010101.0, 0, -1, None])
def test_an_id_is_an_integer(world: World, order_id: object) -> None:
    """Text, booleans, floats and anything below 1 are no order id."""
    world.kibo.add_order(ORDER)
    assert world.handle(kibo_cancel(order_id)).status == 400


def test_the_door(world: World) -> None:
    """Whatever is turned away leaves the order untouched."""
    world.kibo.add_order(ORDER)
    path = "/kibo/api/v2/order/action/cancel"
    headers = {**KIBO, **JSON}
    body = kibo_cancel(ORDER).body
    assert world.handle(SandboxRequest.to("POST", f"{path}/", headers, body)).status == 404
    assert world.handle(SandboxRequest.to("PUT", path, headers, body)).status == 405
    assert world.handle(SandboxRequest.to("POST", path, KIBO, body)).status == 415
    assert world.handle(SandboxRequest.to("POST", path, headers, b"[]")).status == 400
    assert (
        world.handle(SandboxRequest.to("POST", path, headers, body.replace(b"orderId", b"orderID"))).status
        == 400
    )
    assert world.handle(kibo_cancel(404)).status == 404
    assert world.handle(kibo_get(404)).status == 404
    for wrong in ({}, {"x-vol-tenant": "54321"}, {**KIBO, "Authorization": "Bearer wrong"}):
        assert world.handle(kibo_cancel(ORDER, headers=wrong)).status == 401
        assert world.handle(kibo_get(ORDER, headers=wrong)).status == 401
    world.kibo.may_cancel = world.kibo.may_read = False
    assert world.handle(kibo_cancel(ORDER)).status == 403
    assert world.handle(kibo_get(ORDER)).status == 403
    assert world.truth("kibo", ORDER).cancels == 0


def test_a_tenant_may_require_a_bearer_token(world: World) -> None:
    """An OAuth token opens the door until it expires."""
    world.kibo.add_order(ORDER)
    world.kibo.require_bearer = True
    assert world.handle(kibo_get(ORDER)).status == 401
    ticket = decode(world.handle(kibo_oauth()))
    headers = {**KIBO, "Authorization": f"Bearer {ticket['access_token']}"}
    assert world.handle(kibo_get(ORDER, headers)).status == 200
    world.advance(ticket["expires_in"])
    assert world.handle(kibo_get(ORDER, headers)).status == 401


def test_wrong_client_credentials(world: World) -> None:
    """401 for wrong credentials, 400 for another grant."""
    assert world.handle(kibo_oauth(client_secret="wrong")).status == 401
    assert world.handle(kibo_oauth(grant_type="password")).status == 400


def test_every_answer_has_a_correlation_id(world: World) -> None:
    """x-vol-correlation names each answer, errors included."""
    world.kibo.add_order(ORDER)
    ids = {world.handle(kibo_get(number)).header("x-vol-correlation") for number in (ORDER, 404)}
    assert len(ids) == 2
    assert None not in ids


def test_a_tenant_may_want_the_other_spelling(world: World) -> None:
    """Without `orderID` such a tenant misses request data (OMS error 5011), and does nothing."""
    world.kibo.add_order(ORDER)
    world.kibo.request_key = "orderID"
    reply = world.handle(kibo_cancel(ORDER))
    assert (reply.status, decode(reply)["errorCode"]) == (400, "5011")
    assert "orderID" in decode(reply)["message"]
    assert world.truth("kibo", ORDER).cancels == 0
    assert world.handle(kibo_cancel(ORDER, key="orderID")).status == 200
    world.kibo.error_shape = "fields"
    assert list(decode(world.handle(kibo_cancel(ORDER)))) == ["orderID"]


@pytest.mark.parametrize("where, state, status", [("orderStatus", "OPEN", "X"), ("orderState", "X", "OPEN")])
def test_one_of_the_two_may_say_that_it_is_cancelled(
    world: World, where: Literal["orderState", "orderStatus"], state: str, status: str
) -> None:
    """orderState and orderStatus may differ: the other one stays what it was."""
    world.kibo.add_order(ORDER, state="OPEN")
    world.kibo.cancelled_shows_in, world.kibo.canceled_word = where, "X"
    order = decode(world.handle(kibo_cancel(ORDER)))
    assert (order["orderState"], order["orderStatus"]) == (state, status)
    assert world.truth("kibo", ORDER).cancelled == "all"


def test_either_may_be_null_or_missing(world: World) -> None:
    """An order says what it is with one of the two."""
    world.kibo.add_order(ORDER)
    world.kibo.absent_state, world.kibo.absent_status = "null", None
    order = decode(world.handle(kibo_cancel(ORDER)))
    assert (order["orderState"], order["orderStatus"]) == (None, "CANCELED")
    world.kibo.absent_state, world.kibo.absent_status = None, "missing"
    order = decode(world.handle(kibo_get(ORDER)))
    assert order["orderState"] == "CANCELED"
    assert "orderStatus" not in order


@pytest.mark.parametrize("state", ["shipped", "Shipped", "Order Shipped", "fulfilled"])
def test_a_state_has_many_spellings(world: World, state: str) -> None:
    """Case and a leading "Order" do not change what a state means."""
    world.kibo.add_order(ORDER, state=state)
    assert world.handle(kibo_cancel(ORDER)).status == 409
    assert decode(world.handle(kibo_get(ORDER)))["orderStatus"] == state


@pytest.mark.parametrize("state", ["Order Canceled", "canceled", "CANCELED"])
def test_a_cancelled_order_keeps_its_spelling(world: World, state: str) -> None:
    """An order that was cancelled before is told in the words it was added with."""
    world.kibo.add_order(ORDER, state=state)
    assert decode(world.handle(kibo_cancel(ORDER)))["orderStatus"] == state
    truth = world.truth("kibo", ORDER)
    assert (truth.cancelled, truth.accepted) == ("all", False)


def test_an_answer_may_give_the_id_as_text(world: World) -> None:
    """Some answers have `orderID` as text."""
    world.kibo.add_order(ORDER)
    world.kibo.order_id_as_text = True
    assert decode(world.handle(kibo_get(ORDER)))["orderID"] == "1010101"


@pytest.mark.parametrize("reason", ["OTHER", "Other", "other"])
def test_other_may_be_written_in_any_case(world: World, reason: str) -> None:
    """An explanation goes with `other`, however the tenant writes it."""
    world.kibo.add_order(ORDER)
    more = {"dispositionOtherReason": "Customer changed mind"}
    assert world.handle(kibo_cancel(ORDER, reason, more=more)).status == 200


def test_a_login_need_not_tell_the_lifetime(world: World) -> None:
    """Every field of the ticket is nullable."""
    world.kibo.expires_in = "null"
    assert decode(world.handle(kibo_oauth()))["expires_in"] is None
    world.kibo.expires_in = "missing"
    ticket = decode(world.handle(kibo_oauth()))
    assert ticket["access_token"]
    assert "expires_in" not in ticket


def test_an_expired_token_may_get_403(world: World) -> None:
    """Older pages renew a token on 403; a token that never was good gets 401."""
    world.kibo.add_order(ORDER)
    world.kibo.require_bearer, world.kibo.expired_with = True, 403
    ticket = decode(world.handle(kibo_oauth()))
    world.advance(ticket["expires_in"])
    expired = {**KIBO, "Authorization": f"Bearer {ticket['access_token']}"}
    assert world.handle(kibo_cancel(ORDER, headers=expired)).status == 403
    assert world.handle(kibo_cancel(ORDER, headers={**KIBO, "Authorization": "Bearer x"})).status == 401
    assert world.handle(kibo_cancel(ORDER)).status == 401
    assert world.truth("kibo", ORDER).cancels == 0


def test_a_429_is_empty_and_asks_for_a_minute(world: World) -> None:
    """An empty body, `Retry-After: 60`, and the correlation id."""
    world.kibo.reject_until(5)
    world.kibo.retry_after = 60
    reply = world.handle(kibo_get(ORDER))
    assert (reply.status, reply.body, reply.header("retry-after")) == (429, b"", "60")
    assert reply.header("x-vol-correlation")
