"""The code of the pages on Temporal and DBOS, run as it stands over small stand-ins for both libraries.

That it is typed is tested in `tests/typing`.
"""

import asyncio
import re
import sqlite3
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from countermand import CancelCruxOrder, CancelKiboOrder, Countermand
from countermand.sandbox import RateLimited, Sandbox

DOCS = Path(__file__).parents[2] / "docs"
CRUX = next(str(order.order_id) for order in Sandbox.ORDERS if order.marketplace == "crux")
REQUEST = CancelCruxOrder(CRUX).to_dict()


def code(page: str) -> str:
    """Return the Python code of a page."""
    (block,) = re.findall(
        r"^```python\n(.*?)^```$", DOCS.joinpath(page).read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    return str(block)


def executed(page: str, monkeypatch: pytest.MonkeyPatch, **modules: Any) -> dict[str, Any]:
    """Return the names of a page's code, which imports these in place of the libraries."""
    for name, members in modules.items():
        module = ModuleType(name.replace("_", "."))
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(code(page), page, "exec"), names)
    return names


def as_it_is(*_: object, **__: object) -> Any:
    """Return what leaves a function as it is: `@activity.defn`, or `@DBOS.step()`."""
    return _[0] if _ else lambda function: function


class Worker:
    """Starts each activity, or step, as often as it takes; it dies `dying` times after its call."""

    def __init__(self, sandbox: Sandbox, dying: int = 0) -> None:
        self.sandbox = sandbox
        self.dying = dying
        self.attempts = 0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let the time of the world go by."""
        self.slept.append(seconds)
        self.sandbox.advance(seconds)

    def dies(self) -> bool:
        """Whether what has just been called is lost with the process."""
        self.attempts += 1
        self.dying -= 1
        return self.dying >= 0


@contextmanager
def temporal(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, worker: Worker
) -> Generator[Callable[..., Any]]:
    """Yield a function that runs the workflow of the page."""
    info = SimpleNamespace(attempt=0, scheduled_time=datetime.now(UTC))
    client = sandbox.async_client()

    async def execute(method: Any, request: Any, **options: Any) -> Any:
        assert set(options) == {"start_to_close_timeout", "retry_policy"}
        for info.attempt in range(1, 6):
            found = await method(names["Cancellations"](client), request)
            if not worker.dies():
                return found
        raise AssertionError("no attempt is left")

    async def sleep(seconds: float) -> None:
        worker.sleep(seconds)

    workflow = SimpleNamespace(
        unsafe=SimpleNamespace(imports_passed_through=nullcontext), defn=as_it_is, run=as_it_is,
        execute_activity_method=execute, sleep=sleep,
    )  # fmt: skip
    activity = SimpleNamespace(defn=as_it_is, info=lambda: info)
    names = executed(
        "bulk-temporal.md", monkeypatch, temporalio={"activity": activity, "workflow": workflow},
        temporalio_common={"RetryPolicy": SimpleNamespace},
    )  # fmt: skip

    async def run(request: Any) -> Any:
        async with client:
            return await names["CancelOrder"]().run(request)

    yield lambda request: asyncio.run(run(request))


@contextmanager
def dbos(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, worker: Worker) -> Generator[Callable[..., Any]]:
    """Yield a function that runs the workflow of the page, over SQLite in place of PostgreSQL."""
    table = sqlite3.connect(":memory:", isolation_level=None)
    (create,) = re.findall(
        r"^```sql\n(.*?)^```$", DOCS.joinpath("bulk-dbos.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    table.execute(create)

    class Connection:
        transaction = nullcontext

        def execute(self, query: str, values: tuple[Any, ...]) -> Any:
            given = [value.isoformat() if isinstance(value, datetime) else value for value in values]
            found = table.execute(query.replace("%s", "?"), given).fetchone()
            if found and query.startswith("SELECT"):
                found = (datetime.fromisoformat(found[0]),)
            return SimpleNamespace(fetchone=lambda: found)

    class Step:
        def __init__(self, function: Any) -> None:
            self.function = function

        def __call__(self, *given: Any) -> Any:
            while True:
                found = self.function(*given)
                if not worker.dies():
                    return found

    DBOS = SimpleNamespace(  # noqa: N806
        step=lambda: Step, workflow=as_it_is, workflow_id="one", sleep=worker.sleep
    )
    client = sandbox.client()
    monkeypatch.setattr(Countermand, "from_env", lambda: client)
    psycopg = {"Connection": Connection, "connect": lambda *_, **__: nullcontext(Connection())}
    names = executed(
        "bulk-dbos.md", monkeypatch, psycopg=psycopg,
        dbos={"DBOS": DBOS, "Queue": lambda *_, **__: SimpleNamespace(enqueue=lambda run, request: run(request))},
    )  # fmt: skip
    with client:
        yield names["cancel_order"]
        names["cancel_all"]([REQUEST])
    table.close()


@pytest.mark.parametrize("library", [temporal, dbos])
@pytest.mark.parametrize("deaths", [0, 1, 3])
def test_a_worker_that_died_after_its_call_is_followed_by_a_look(
    library: Any, deaths: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order was forwarded to the suppliers once, however often the activity is attempted."""
    sandbox = Sandbox(time="virtual")
    worker = Worker(sandbox, deaths)
    with library(monkeypatch, sandbox, worker) as run:
        result = run(REQUEST)
        assert worker.attempts == deaths + 1
    assert result["error"] is None
    assert result["outcome"]["outcome"] in (("requested",) if not deaths else ("cancelled", "unknown"))
    assert [request.method for request in sandbox.requests].count("PATCH") == 1


@pytest.mark.parametrize("library", [temporal, dbos])
def test_an_order_that_is_untouched_comes_again(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 429 withdraws the intent, and the workflow waits as long as it was told."""
    sandbox = Sandbox(time="virtual")
    worker = Worker(sandbox)
    sandbox.mishap("kibo", RateLimited(30))
    with library(monkeypatch, sandbox, worker) as run:
        result = run(CancelKiboOrder(1010101, "other").to_dict())
    assert result["outcome"]["outcome"] == "cancelled"
    assert worker.slept == [pytest.approx(30, abs=1)]
