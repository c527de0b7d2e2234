"""A simulation of the four marketplaces, for the tests of the SDK and of its users, and for the demo.

    with Sandbox(time="virtual") as sandbox:
        client = sandbox.client()
        outcome = client.pattern.cancel_order("114-3941689-8772232")

- `Sandbox` is the entry point: it makes clients, scripts mishaps, and lists the requests that arrived.
- `Sandbox.ORDERS` are the predefined orders; `sandbox.world.pattern.add_order(…)` and the like add others.
- `RateLimited`, `LoseReply`, `Status` and `Raw` are the mishaps.
- `sandbox.world` checks what the real marketplaces check, and keeps a ledger of what really happened.

pytest has the fixtures `countermand_sandbox`, `countermand_client` and `async_countermand_client`; docs/testing.md
shows all of this in use.

Names are lazily imported, because pytest imports this package in every run.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from countermand.sandbox.http import SandboxReply, SandboxRequest
    from countermand.sandbox.ledger import Entry, Truth
    from countermand.sandbox.mishaps import (
        LoseReply,
        Mishap,
        RateLimited,
        Raw,
        Status,
        UnusedMishapsError,
    )
    from countermand.sandbox.orders import ReadyOrder, seed
    from countermand.sandbox.received import ReceivedRequest
    from countermand.sandbox.sandbox import Sandbox
    from countermand.sandbox.world import World

# No name here is one of countermand's own, so that a star import shadows nothing.
__all__ = [
    "Entry",
    "LoseReply",
    "Mishap",
    "RateLimited",
    "Raw",
    "ReadyOrder",
    "ReceivedRequest",
    "Sandbox",
    "SandboxReply",
    "SandboxRequest",
    "Status",
    "Truth",
    "UnusedMishapsError",
    "World",
    "seed",
]

_HOMES = {
    "Entry": "ledger",
    "LoseReply": "mishaps",
    "Mishap": "mishaps",
    "RateLimited": "mishaps",
    "Raw": "mishaps",
    "ReadyOrder": "orders",
    "ReceivedRequest": "received",
    "Sandbox": "sandbox",
    "SandboxReply": "http",
    "SandboxRequest": "http",
    "Status": "mishaps",
    "Truth": "ledger",
    "UnusedMishapsError": "mishaps",
    "World": "world",
    "seed": "orders",
}

if not TYPE_CHECKING:  # a checker would take every name for one that exists

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
