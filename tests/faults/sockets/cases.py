"""A seed becomes a case: a marketplace, a door, two orders, and the faults that wait for their requests."""

from random import Random
from typing import Any, Final

from attrs import field, frozen

from .doors import Login, swept
from .faults import Planned, Where, catalogue
from .spec import CaseSpec, OrderSpec
from .troubles import TROUBLES, some

MARKETPLACES: Final = ("pattern", "vtex", "crux", "kibo")
#: The share of the cases with a trouble on the client's side.
TROUBLED: Final = 0.35
#: When whoever decides about an order does so, in seconds after the cancel.
_SOON: Final = (0.0, 0.05, 0.3, 5.0)

#: Orders that no cancel touches any more.
_HOPELESS: Final[dict[str, dict[str, Any]]] = {
    "pattern": {"warehouse_orders": {"1": "departed", "2": "complete"}},
    "vtex": {"status": "invoiced"},
    "crux": {"line_items": {"line-1": "HasTracking", "line-2": "HasTracking"}},
    "kibo": {"state": "SHIPPED"},
}


@frozen
class Case:
    """One case of the sweep; `seed` makes it again."""

    seed: str
    door: str
    login: Login
    spec: CaseSpec = field(repr=False)
    #: What goes wrong on the client's side: a name of `troubles.TROUBLES`, or nothing.
    trouble: str = ""

    @property
    def alone(self) -> bool:
        """Whether it needs the main thread, or the process for itself."""
        return bool(self.trouble) and TROUBLES[self.trouble].alone

    @property
    def faultless(self) -> bool:
        """Whether nothing goes wrong in it."""
        return not any(self.spec.script.values())

    def __str__(self) -> str:
        spec = self.spec
        faults = "; ".join(
            f"{where}: {', '.join(map(str, plan))}" for where, plan in spec.script.items() if plan
        )
        about = f"{spec.marketplace} through {self.door} ({self.login}, {spec.patience:.2f} s)"
        about += f", {self.trouble}" if self.trouble else ""
        return f"{self.seed}: {about}, {spec.orders[0].made_of}: {faults or 'no fault'}"


def made(seed: str, echo: float = 0.15) -> Case:
    """Return the case of a seed; `echo` is how likely the server repeats credentials wherever it can."""
    random = Random(seed)
    marketplace = random.choice(MARKETPLACES)
    login: Login = "login" if marketplace in ("crux", "kibo") and random.random() < 0.3 else "token"
    door = random.choice(swept())
    first, second = _ids(marketplace, random, 2)
    spec = CaseSpec(
        marketplace,
        (_order(marketplace, first, random), _order(marketplace, second, random)),
        OrderSpec(_ids(marketplace, random, 1)[0], _open(marketplace)),
        _script(marketplace, login, random),
        round(random.choice((0.3, 0.5, 0.8, 1.0, 1.5)) * random.uniform(0.9, 1.0), 3),
        random.random() < echo,
        _settings(marketplace, login, random),
    )
    return Case(seed, door, login, spec, some(door, random) if random.random() < TROUBLED else "")


def _ids(marketplace: str, random: Random, count: int) -> list[str]:
    numbers = [random.randrange(10**8, 10**9) for _ in range(count)]
    match marketplace:
        case "pattern":
            return [f"114-{number}-{random.randrange(10**6, 10**7)}" for number in numbers]
        case "vtex":
            return [f"{number}{random.randrange(1000, 10000)}-01" for number in numbers]
        case "crux":
            return [f"{number:08x}-058d-4474-aeee-{random.randrange(16**12):012x}" for number in numbers]
        case _:
            return [str(number) for number in numbers]


def _open(marketplace: str) -> dict[str, Any]:
    return {"warehouse_orders": {"1": "new"}} if marketplace == "pattern" else {}


def _order(marketplace: str, order_id: str, random: Random) -> OrderSpec:
    soon = random.choice(_SOON)
    made_of: dict[str, Any]
    if random.random() < 0.2:
        return OrderSpec(order_id, _HOPELESS[marketplace], hopeless=True)
    match marketplace:
        case "pattern":
            states = random.choice(
                (("new", "backordered"), ("new",), ("new", "picked"), ("cancelled",), ("picked",))
            )
            warehouses = {str(number): state for number, state in enumerate(states, 1)}
            made_of = {"warehouse_orders": warehouses, "cancels_after": soon}
            if random.random() < 0.2:
                made_of["picked_instead"] = [1]
        case "vtex":
            made_of = {
                "seller": random.choice(("accepts", "accepts", "denies", "silent", "stuck")),
                "decides_after": soon,
            }
            if random.random() < 0.3:
                made_of["waits_in"] = random.choice(("cancel", "request-cancel", "cancellation-requested"))
        case "crux":
            supplier = random.choice(("confirm", "confirm", "reject", "ship", "silent"))
            made_of = {"line_items": ["line-1", "line-2"], "decides_after": soon, "suppliers": supplier}
            if random.random() < 0.3:
                made_of["suppliers"] = {"line-1": "confirm", "line-2": supplier}
        case _:
            made_of = {"cancels_after": random.choice((0.0, soon, None))}
    return OrderSpec(order_id, made_of)


def _settings(marketplace: str, login: Login, random: Random) -> dict[str, Any]:
    match marketplace:
        case "crux":
            return {"accepts_with": random.choice((200, 204))}
        case "kibo":
            return {
                "require_bearer": login == "login",
                "order_key": random.choice(("orderID", "orderId")),
                "refuses_with": random.choice((400, 409, 422)),
            }
        case "vtex":
            return {"refuses_with": random.choice((400, 409, 422))}
        case _:
            return {}


def _script(marketplace: str, login: Login, random: Random) -> dict[Where, tuple[Planned, ...]]:
    def some(where: Where, most: int = 1, always: bool = False) -> tuple[Planned, ...]:
        return tuple(_fault(marketplace, where, random, always) for _ in range(random.randint(1, most)))

    script: dict[Where, tuple[Planned, ...]] = {}
    match random.choices(range(10), (8, 40, 8, 10, 5, 6, 4, 6, 6, 7))[0]:
        case 0:
            return {}
        case 1:
            script["cancel"] = some("cancel")
        case 2:
            script["cancel"] = some("cancel", 3)
        case 3:
            script["cancel"], script["read"] = some("cancel"), some("read", 2)
        case 4:
            script["cancel"] = some("cancel", always=True)
        case 5:
            script["cancel"], script["read"] = some("cancel", 2), some("read", always=True)
        case 6:
            script["cancel"], script["read"] = some("cancel", always=True), some("read", always=True)
        case 7:
            script["read"] = some("read", 2)
            script["cancel"] = (Planned("fin", random.choice(("yes", "late"))),)
        case 8:
            name = random.choice(("refused", "reset before accept"))
            script["connect"] = (Planned(name, "no", random.randrange(2)),)
            script["cancel"] = (Planned("fin", random.choice(("yes", "no", "late"))),)
        case _:
            script["cancel"], script["read"] = some("cancel", 3), some("read", 3)
    if login == "login" and random.random() < 0.6:
        script["login"] = some("login", 2, always=random.random() < 0.2)
    return script


def _fault(marketplace: str, where: Where, random: Random, always: bool) -> Planned:
    kinds = [
        kind
        for kind in catalogue().values()
        if where in kind.where and not (where == "cancel" and marketplace in kind.not_at)
    ]
    kind = random.choices(kinds, [kind.weight for kind in kinds])[0]
    pick = random.randrange(10_000)
    if where == "login":
        # The cancel follows at once: a forged reply that comes later than that is the cancel's own, for all that
        # HTTP/1.1 can tell. So it comes in one piece with the login's.
        pick -= pick % 6
    return Planned(kind.name, random.choice(kind.applied), pick, always)
