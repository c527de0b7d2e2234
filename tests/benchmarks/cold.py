"""What is measured in a fresh interpreter each time: importing, the first call, an idle client's memory.

Every child times itself, so that the start of Python, the same for all, is not in the figures.
"""

import os
import random
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from . import server
from .calls import TENANT, TOKEN, pattern_order

HEAVY = ("httpx", "ssl", "asyncio", "cattrs", "tenacity")
"""What `import countermand` leaves for the first client."""

FIRST_CALLS = ("first call httpx", "first call countermand")
IDLE_CLIENTS = 50

# `import httpx` also imports these where they are installed, as they are here because of the peers.
_ALONE = "import sys; sys.modules.update(dict.fromkeys(('click', 'rich', 'pygments')))"

_IMPORT = """
from time import perf_counter
begin = perf_counter()
import {library}
print(perf_counter() - begin)
"""

_PRESENT = """
import sys
before = set(sys.modules)
import countermand
print(len(set({heavy!r}) & (set(sys.modules) - before)))
"""

_FIRST_CALL = """
from time import perf_counter
begin = perf_counter()
{build}
{call}
print(perf_counter() - begin)
"""

# Resident memory, not Python's own count: most of what a client holds is OpenSSL's. The first client
# is not counted: it loads modules, which are there once however many clients follow.
_IDLE = """
import gc, os
{imports}
def resident():
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
def idle():
    {build}
    {call}
    return client
clients = [idle()]
before = resident()
clients += [idle() for _ in range({count})]
print((resident() - before) / {count})
"""

_BARE = ("import httpx", "client = httpx.Client()", 'client.post("{base}{path}", headers={headers}).json()')
_OURS = (
    "from countermand import Countermand, Crux, Kibo, Pattern, Requested, Vtex",
    """client = Countermand(
        pattern=Pattern(token="{token}", base_url="{base}/pattern"),
        vtex=Vtex(account="mystore", app_key="{token}", app_token="{token}", base_url="{base}/vtex"),
        crux=Crux(token="{token}", base_url="{base}/crux"),
        kibo=Kibo(tenant_id={tenant}, access_token="{token}", base_url="{base}/kibo"),
    )""",
    'assert isinstance(client.pattern.cancel_order("{order}"), Requested)',
)


def programs(base: str) -> Mapping[str, str]:
    """Give the programs to run, by the name of what each prints."""
    named = {
        "import httpx": _IMPORT.format(library="httpx"),
        "import countermand": _IMPORT.format(library="countermand"),
        "modules": _PRESENT.format(heavy=HEAVY),
    }
    order = pattern_order()
    about = {
        "base": base,
        "token": TOKEN,
        "tenant": TENANT,
        "order": order,
        "path": f"/pattern/v1/orders/cancel_order?market_order_id={order}",
        "headers": {"authorization": f"Bearer {TOKEN}"},
    }
    for who, (imports, build, call) in (("httpx", _BARE), ("countermand", _OURS)):
        build, call = build.format(**about), call.format(**about)
        named[f"first call {who}"] = _FIRST_CALL.format(build=f"{imports}\n{build}", call=call)
        named[f"idle {who}"] = _IDLE.format(imports=imports, build=build, call=call, count=IDLE_CLIENTS)
    return named


class ColdStarts:
    """Two servers: one like all others here, and one that speaks TLS, so that both sides load a CA bundle."""

    def __init__(self, stack: ExitStack) -> None:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        trustme: Any = import_module("trustme")
        authority = trustme.CA()
        key, bundle = folder / "key.pem", folder / "ca-bundle.pem"
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(key)
        bundle.write_bytes(_ca_bundle() + authority.cert_pem.bytes())
        base = stack.enter_context(server.running(certificate=key))
        over_tls = programs(base.replace("http:", "https:"))
        plain = programs(stack.enter_context(server.running()))
        self._programs = {
            **over_tls,
            **{name: plain[name] for name in FIRST_CALLS},
            **{name.replace(" call ", " call over TLS "): over_tls[name] for name in FIRST_CALLS},
        }
        self._environment = os.environ | {"SSL_CERT_FILE": str(bundle)}
        # Compiled modules are kept, as they are wherever a package is installed.
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def measure(self, shuffled: random.Random, *, with_memory: bool) -> dict[str, float]:
        """Run each program once, what is compared back to back; memory does not vary, and is asked more rarely."""
        pairs: dict[str, list[str]] = {}
        for name in self._programs:
            if with_memory or not name.startswith("idle"):
                pairs.setdefault(name.rpartition(" ")[0], []).append(name)
        order = [shuffled.sample(pair, len(pair)) for pair in shuffled.sample([*pairs.values()], len(pairs))]
        return {name: self._run(self._programs[name]) for pair in order for name in pair}

    def _run(self, program: str) -> float:
        command = [sys.executable, "-c", f"{_ALONE}\n{program}"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=self._environment)
        return float(done.stdout)


def _ca_bundle() -> bytes:
    certifi: Any = import_module("certifi")
    return Path(certifi.where()).read_bytes()
