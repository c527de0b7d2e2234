"""Shop, simulated in memory: what the tests ask in place of the real one."""

import json

import httpx

KEY = "shop-api-k3y"


class SimulatedShop:
    """A few orders, and the two endpoints. Give it to `httpx.MockTransport`."""

    def __init__(self, **orders: str) -> None:
        #: The state of each order. A test moves an order on by setting it.
        self.orders = orders
        #: What was asked, in order.
        self.asked: list[str] = []
        #: The reasons that the warehouse was shown.
        self.reasons: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, as Shop documents it."""
        self.asked.append(f"{request.method} {request.url.path}")
        if request.headers.get("x-api-key") != KEY:
            return httpx.Response(401, json={"error": "unknown key"})
        _, _, _, order, *rest = request.url.path.split("/")
        if order not in self.orders:
            return httpx.Response(404, json={"message": "no such order"})
        if request.method == "GET" and not rest:
            return httpx.Response(200, json=self._order(order))
        if request.method == "POST" and rest == ["cancellation"]:
            return self._cancellation(order, request.content)
        return httpx.Response(405, json={"error": "not like this"})

    def _cancellation(self, order: str, body: bytes) -> httpx.Response:
        if self.orders[order] in ("shipped", "delivered", "cancelled"):
            return httpx.Response(409, json={**self._order(order), "error": "it is too late"})
        if body:
            self.reasons.append(json.loads(body)["reason"])
        self.orders[order] = "cancellation_requested"
        return httpx.Response(202, json=self._order(order))

    def _order(self, order: str) -> dict[str, str]:
        return {"order": order, "state": self.orders[order], "warehouse": "north"}
