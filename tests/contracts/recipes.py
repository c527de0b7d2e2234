"""Follow a case's recipe: let the sandbox give the answer that the documents show."""

from datetime import datetime
from typing import Any

from attrs import evolve

from countermand.sandbox import http
from countermand.sandbox.http import SandboxReply, SandboxRequest
from countermand.sandbox.world import World
from tests.sandbox import calls

from .documents import Case


def followed(case: Case) -> SandboxReply:
    """Return the sandbox's answer."""
    assert case.sandbox is not None
    recipe, world = case.sandbox, World()
    simulator: Any = world.simulator(case.marketplace)
    for name, value in recipe.get("set", {}).items():
        assert hasattr(simulator, name), name
        setattr(simulator, name, _attribute(name, value))
    order_id = recipe.get("as", _order_of(case))
    if "order" in recipe:
        simulator.add_order(order_id, **_keywords(recipe["order"]))
    for other, keywords in recipe.get("beside", {}).items():
        simulator.add_order(other, **_keywords(keywords))
    for step in recipe.get("before", ()):
        _take(world, case, order_id, step)
    return world.handle(_request(case, **recipe.get("ask", {})))


def _order_of(case: Case) -> Any:
    """Return the id under which the order is added: a sequence number is not one."""
    return "1172452900788-01" if str(case.order_id).startswith("seq") else case.order_id


def _attribute(name: str, value: Any) -> Any:
    match name:
        case "wrong_address":
            return getattr(http, value)
        case "accepts_body":
            return value.encode()
        case "releases" | "reasons":
            return set(value)
        case _:
            return value


def _keywords(given: dict[str, Any]) -> dict[str, Any]:
    """Return the keywords of `add_order`: JSON has no moments, and no numbers for keys."""
    made = dict(given)
    if "warehouse_orders" in made:
        made["warehouse_orders"] = {
            int(number): status for number, status in made["warehouse_orders"].items()
        }
    if "denied_before" in made:
        made["denied_before"] = {
            datetime.fromisoformat(moment): reason for moment, reason in made["denied_before"].items()
        }
    return made


def _take(world: World, case: Case, order_id: Any, step: dict[str, Any]) -> None:
    simulator = world.simulator(case.marketplace)
    ((what, detail),) = step.items()
    match what:
        case "cancel":
            body = detail if isinstance(detail, dict) else None
            assert world.handle(calls.vtex_cancel(order_id, body)).status == 200
        case "advance":
            world.advance(detail)
        case "move":
            simulator.move(order_id, detail)
        case "login":
            assert world.handle(calls.kibo_oauth()).status == 200
        case "reject_until":
            simulator.reject_until(detail)
        case _:
            raise ValueError(what)


def _request(
    case: Case,
    *,
    order_id: Any = None,
    headers: dict[str, str] | None = None,
    token: str | None = None,
    method: str | None = None,
    content_type: str | None = None,
    elsewhere: bool = False,
    **credentials: str,
) -> SandboxRequest:
    asked = case.order_id if order_id is None else order_id
    if case.request == "login":
        return _login(case, credentials)
    request = ask(case.marketplace, case.request, asked, case.release)
    if headers is not None:
        request = evolve(request, headers={"content-type": "application/json", **headers})
    if token is not None:
        request = evolve(request, headers={**request.headers, "authorization": f"Bearer {token}"})
    if content_type is not None:
        request = evolve(request, headers={**request.headers, "content-type": content_type})
    if method is not None:
        request = evolve(request, method=method)
    return evolve(request, path=f"/{case.marketplace}/elsewhere{request.path}") if elsewhere else request


def ask(marketplace: str, what: str, order_id: Any, release: str = "v1") -> SandboxRequest:
    """Return a request as a correct client would send it."""
    prefix = "/timp" if release == "timp" else ""
    match marketplace, what:
        case "pattern", "cancel":
            return calls.pattern_cancel(order_id)
        case "pattern", _:
            return calls.pattern_status(order_id)
        case "vtex", "cancel":
            return calls.vtex_cancel(order_id)
        case "vtex", "group":
            return calls.vtex_group(order_id.rpartition("-")[0])
        case "vtex", "invoice":
            return calls.vtex_invoice(order_id)
        case "vtex", _:
            return calls.vtex_get(order_id)
        case "crux", "cancel":
            return calls.crux_cancel(order_id, release=prefix)
        case "crux", _:
            return calls.crux_get(order_id, release=prefix)
        case _, "cancel":
            return calls.kibo_cancel(order_id)
        case _:
            return calls.kibo_get(order_id)


def _login(case: Case, credentials: dict[str, str]) -> SandboxRequest:
    if case.marketplace == "crux":
        return calls.crux_login(**credentials, release="/timp" if case.release == "timp" else "")
    return calls.kibo_oauth(**credentials)
