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

Names are lazily imported, because pytest imports this package in every run. They are listed in the stub `__init__.pyi`.
"""

from countermand.engine.lazy import lazily as _lazily

_lazily(globals())
