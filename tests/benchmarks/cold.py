"""What is measured in a fresh interpreter each time: importing, the first call, an idle client's memory.

Every child times itself, so that the start of Python, the same for all, is not in the figures.
"""

import random
import subprocess
import sys
from collections.abc import Mapping

HEAVY = ("httpx", "ssl", "asyncio", "cattrs", "tenacity")
"""What `import countermand` leaves for the first client."""

IDLE_CLIENTS = 50

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
    "from countermand import Countermand, Crux, Kibo, Pattern, Vtex",
    """client = Countermand(
        pattern=Pattern(token="t", base_url="{base}/pattern"),
        vtex=Vtex(account="mystore", app_key="k", app_token="t", base_url="{base}/vtex"),
        crux=Crux(token="t", base_url="{base}/crux"),
        kibo=Kibo(tenant_id=12345, base_url="{base}/kibo"),
    )""",
    'client.pattern.cancel_order("1")',
)


def programs(base: str) -> Mapping[str, str]:
    """Give the programs to run, by the name of what each prints."""
    named = {
        "import httpx": _IMPORT.format(library="httpx"),
        "import countermand": _IMPORT.format(library="countermand"),
        "modules": _PRESENT.format(heavy=HEAVY),
    }
    for who, (imports, build, call) in (("httpx", _BARE), ("countermand", _OURS)):
        path, headers = "/pattern/v1/orders/cancel_order?market_order_id=1", {"authorization": "Bearer t"}
        build, call = build.format(base=base), call.format(base=base, path=path, headers=headers)
        named[f"first call {who}"] = _FIRST_CALL.format(build=f"{imports}\n{build}", call=call)
        named[f"idle {who}"] = _IDLE.format(imports=imports, build=build, call=call, count=IDLE_CLIENTS)
    return named


def measure(shuffled: random.Random, base: str, *, with_memory: bool) -> dict[str, float]:
    """Run each program once, in an order of its own; memory does not vary, and is asked more rarely."""
    chosen = [
        (name, program)
        for name, program in programs(base).items()
        if with_memory or not name.startswith("idle")
    ]
    return {name: run(program) for name, program in shuffled.sample(chosen, len(chosen))}


def run(program: str) -> float:
    """Run a program in a fresh interpreter, and read the number that it prints."""
    done = subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.PIPE)
    return float(done.stdout)
