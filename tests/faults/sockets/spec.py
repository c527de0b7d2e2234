"""What a client of the fault server says to it and hears from it: plain data that goes through a pipe as JSON."""

from collections.abc import Mapping
from typing import Any, Final

from attrs import asdict, field, frozen

from .faults import Planned, Where

#: Credentials that are unmistakable wherever they turn up. Nothing but the simulated marketplaces accepts them.
SECRETS: Final[Mapping[str, str]] = {
    "pattern_token": "needle-pattern-7f3c9a51e2",
    "vtex_key": "needle-vtexkey-b81d04c6aa",
    "vtex_token": "needle-vtextoken-5e92f7d310",
    "crux_token": "needle-cruxtoken-c4470e8b1d",
    "crux_password": "needle-cruxpassword-92ab6f0e37",
    "crux_session": "needle-cruxsession-60d1c2f4b9",
    "kibo_token": "needle-kibotoken-e13a7c5508",
    "kibo_secret": "needle-kibosecret-0b6df2a94c",
    "kibo_session": "needle-kibosession-f8c05271ed",
}
CRUX_USER: Final = "somebody@example.com"
KIBO_CLIENT: Final = "client.of.tests"
KIBO_TENANT: Final = 12345


@frozen
class OrderSpec:
    """An order to put into the world: its id, what `add_order` takes, whether any cancel of it must be refused."""

    order_id: str
    made_of: dict[str, Any] = field(factory=dict)
    hopeless: bool = False


@frozen
class CaseSpec:
    """One world with one marketplace in use: its orders, and the faults that wait for its requests."""

    marketplace: str
    #: The orders that are asked for, in their order; then one that nobody asks for.
    orders: tuple[OrderSpec, ...]
    other: OrderSpec
    script: Mapping[Where, tuple[Planned, ...]] = field(factory=dict)
    #: The time that one call has, in seconds; nothing holds a connection for much longer.
    patience: float = 1.0
    echo: bool = False
    #: What is said of the simulated marketplace: `accepts_with`, `require_bearer`, …
    settings: dict[str, Any] = field(factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the case as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "CaseSpec":
        """Read what `as_json` wrote."""
        script = {
            where: tuple(Planned(**one) for one in planned) for where, planned in data["script"].items()
        }
        orders = tuple(OrderSpec(**order) for order in data["orders"])
        found: dict[str, Any] = data | {
            "orders": orders,
            "other": OrderSpec(**data["other"]),
            "script": script,
        }
        return cls(**found)


@frozen
class Truth:
    """What became of one order, by the ledger alone."""

    cancels: int
    forwarded: int
    cancelled: str
    eventually: str
    landed: bool


@frozen
class Seen:
    """One request (or connection) as the server saw it."""

    where: str
    order_id: str | None
    #: The name of the fault that it met, or None.
    fault: str | None
    told: str
    #: Whether the order was in a final state when it was answered.
    final: bool
    #: Which connection of the case it came on.
    connection: int


@frozen
class Report:
    """What the server knows of a case."""

    truths: Mapping[str, Truth]
    seen: tuple[Seen, ...]
    #: What the world noted, as (order, what).
    ledger: tuple[tuple[str | None, str], ...]
    #: How many connections the server that nobody may be led to has had, from anyone.
    trapped: int

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Report":
        """Read what the server wrote."""
        truths = {order: Truth(**truth) for order, truth in data["truths"].items()}
        seen = tuple(Seen(**one) for one in data["seen"])
        ledger = tuple((order, what) for order, what in data["ledger"])
        return cls(truths, seen, ledger, data["trapped"])
