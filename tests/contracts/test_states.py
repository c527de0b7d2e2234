"""An order of the sandbox can be in every state that the tables of statuses list, and a read shows it."""

import json
from collections.abc import Callable
from typing import Any

from countermand.sandbox.vtex_order import STATUSES
from countermand.sandbox.world import World
from tests.support.tables import table

from .documents import MARKETPLACES, Row, statuses
from .recipes import ask

ROWS = [row for marketplace in MARKETPLACES for row in statuses(marketplace)]


def pattern(world: World, row: Row) -> None:
    """Add an order whose warehouse orders show as the row's sub-orders."""
    known = {"pending": "new", "processing": "picked", "shipped": "departed"}
    parts = [part["sub_order_status"] for part in row.body["sub_orders"]]
    orders: Any = {number: known.get(part, part) for number, part in enumerate(parts, 1)}
    world.pattern.add_order(str(row.order_id), orders)


def vtex(world: World, row: Row) -> None:
    """Add an order of this status, with its invoices."""
    packages = row.body.get("packageAttachment", {}).get("packages", ())
    order = world.vtex.add_order(
        str(row.order_id),
        status=row.status if row.status in STATUSES else "handling",
        returned=any(package["type"] == "Input" for package in packages),
        in_error=row.body.get("workflowIsInError", False),
    )
    order.status = row.status


def crux(world: World, row: Row) -> None:
    """Add an order with these lines, and let Timpanogos show them as the row does."""
    lines = {line.get("uuid", line.get("line_item_uuid")): line for line in row.body["line_items"]}
    shown = [line.get("line_item_designation", "absent") for line in lines.values()]
    if None in shown:
        world.crux.designations = "null"
    elif any(str(each).startswith("ID: ") for each in shown):
        world.crux.designations = "numbered"
    elif any(line["status"] not in {"Unallocated", "Partial", "Allocated"} for line in lines.values()):
        world.crux.designations = "v1"
    else:
        world.crux.designations = "plain"
    states = {
        name: (line.get("line_item_designation") or line["status"]).rpartition(" ")[2]
        for name, line in lines.items()
    }
    allocations = {name: line["status"] for name, line in lines.items()}
    world.crux.add_order(str(row.order_id), states, allocations=allocations)


def kibo(world: World, row: Row) -> None:
    """Add an order whose state shows in one of the two fields, or in both."""
    given = {key: row.body.get(key, "missing") for key in ("orderState", "orderStatus")}
    said = [word for word in given.values() if word not in {None, "missing"}]
    cancelled = [key for key, word in given.items() if word == "CANCELED"]
    world.kibo.absent_state = _absent(given["orderState"])
    world.kibo.absent_status = _absent(given["orderStatus"])
    if len(said) == 2 and len(cancelled) == 1:
        (world.kibo.cancelled_shows_in,) = cancelled  # type: ignore[assignment]
    world.kibo.add_order(int(row.order_id), state="CANCELED" if cancelled else said[0])


def _absent(word: Any) -> Any:
    return "null" if word is None else "missing" if word == "missing" else None


ADDED: dict[str, Callable[[World, Row], None]] = {
    "pattern": pattern,
    "vtex": vtex,
    "crux": crux,
    "kibo": kibo,
}


def differences(shown: Any, said: Any) -> list[Any]:
    """Return what is said and not shown; an order shows more than a row says."""
    match said:
        case dict():
            pairs = [(shown.get(key, "missing"), value) for key, value in said.items()]
        case list():
            if len(shown) != len(said):
                return [shown, said]
            pairs = list(zip(shown, said, strict=True))
        case _:
            return [] if shown == said else [shown, said]
    return [each for pair in pairs for each in differences(*pair)]


@table("row", ROWS, ids=lambda row: f"{row.marketplace}-{row.status}")
def test_the_sandbox_shows_every_status(row: Row) -> None:
    """A read shows all that the row's body says; what the body leaves out at Kibo and Crux is left out."""
    world = World()
    ADDED[row.marketplace](world, row)
    reply = world.handle(ask(row.marketplace, "read", row.order_id, row.release))
    assert reply.status == 200
    order = json.loads(reply.body)
    assert differences(order, row.body) == []
    if row.marketplace == "kibo":
        assert {"orderState", "orderStatus"} & set(order) == {"orderState", "orderStatus"} & set(row.body)
    if row.marketplace == "crux":
        assert [set(line) for line in order["line_items"]] == [set(line) for line in row.body["line_items"]]


def test_a_difference_is_seen() -> None:
    """Another value, a missing key and a list of another length are differences; a key more is none."""
    assert differences({"a": [1, {"b": None}], "c": 1}, {"a": [1, {"b": None}]}) == []
    for shown in ({"a": [1, {"b": 2}]}, {"a": [1, {}]}, {"a": [1]}, {}):
        assert differences(shown, {"a": [1, {"b": None}]})
