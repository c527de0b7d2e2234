"""The calls that are measured: one cancellation at each marketplace, as bare HTTP would send it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import count, cycle
from typing import TypeVar

Call = Callable[[], object]
AsyncCall = Callable[[], Awaitable[object]]
SyncContender = Callable[[str], Mapping[str, Call]]
"""From the server's base URL to the calls it can make, by case."""
AsyncContender = Callable[[str, int], AbstractAsyncContextManager[AsyncCall]]
"""From the server's base URL and the calls in flight to one call, of all four marketplaces in turn."""

TOKEN = "a-token-as-long-as-a-token-usually-is-0123456789"
TENANT = 12345
REASON = "Out of stock"
KIBO_REASON = ("other", "Customer changed mind")
PARTS = (1, 1000, 2000)

_number = count(1)
_Given = TypeVar("_Given")


@dataclass(frozen=True, slots=True)
class Plain:
    """One request in the terms of any HTTP library; `json` is None where there is no body."""

    method: str
    url: str
    headers: dict[str, str]
    json: dict[str, object] | None = None


def pattern_order() -> str:
    """Give an order id that was not used before, so that nobody gains by remembering one."""
    return f"114-3941689-{next(_number):07d}"


def vtex_order() -> str:
    """Give an order id of VTEX's form."""
    return f"1172452{next(_number):06d}-01"


def crux_order() -> str:
    """Give an order's UUID."""
    return f"521a91e5-058d-4474-aeee-{next(_number):012x}"


def kibo_order() -> int:
    """Give an order's number."""
    return 1_010_101 + next(_number)


def in_turn(calls: Iterable[Callable[[], _Given]]) -> Callable[[], _Given]:
    """Make one call of several that makes the first, then the second, and so on, for ever."""
    turn = cycle(calls)

    def call() -> _Given:
        return next(turn)()

    return call


def plain_calls(base: str) -> dict[str, Callable[[], Plain]]:
    """Make each marketplace's cancel request by hand, the cheap way: an f-string and a fixed dict."""
    bearer = {"authorization": f"Bearer {TOKEN}"}
    vtex = {"x-vtex-api-appkey": "vtexappkey-mystore", "x-vtex-api-apptoken": TOKEN}
    crux = {"authorization": f"Token {TOKEN}"}
    kibo = {"x-vol-tenant": str(TENANT), **bearer}
    reason, other_reason = KIBO_REASON

    def pattern_call() -> Plain:
        order = pattern_order()
        url = f"{base}/pattern/v1/orders/cancel_order?market_order_id={order}"
        return Plain("POST", url, bearer)

    def vtex_call() -> Plain:
        url = f"{base}/vtex/api/oms/pvt/orders/{vtex_order()}/cancel"
        return Plain("POST", url, vtex, {"reason": REASON, "requestedByUser": False})

    def crux_call() -> Plain:
        url = f"{base}/crux/orders/cancel/"
        return Plain("PATCH", url, crux, {"order_uuid": crux_order()})

    def kibo_call() -> Plain:
        body: dict[str, object] = {
            "orderId": kibo_order(),
            "dispositionReason": reason,
            "dispositionOtherReason": other_reason,
        }
        return Plain("POST", f"{base}/kibo/api/v2/order/action/cancel", kibo, body)

    return {"pattern": pattern_call, "vtex": vtex_call, "crux": crux_call, "kibo": kibo_call}


def many_parts_call(base: str, parts: int) -> Plain:
    """Make a Pattern call whose answer has so many parts."""
    url = f"{base}/parts-{parts}/v1/orders/cancel_order?market_order_id={pattern_order()}"
    return Plain("POST", url, {"authorization": f"Bearer {TOKEN}"})
