"""The examples in the docstrings of public classes and calls run, in a sandbox in virtual time."""

import ast
import asyncio
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

import countermand
import countermand.sandbox as boxes
from countermand import CancelKiboOrder, CancelVtexOrder, Requested, RetryPolicy, Vtex
from countermand.sandbox import Sandbox

from .test_docstrings import CALLS, CLASSES, SANDBOX

BLOCK = re.compile(r"(?:^|\n)((?:    .*(?:\n|$)|\n(?=    ))+)")
ORDER = "1172452900788-01"
ACCOUNTS = '[accounts.ar]\nmarketplace = "vtex"\naccount = "ar"\napp_key = "k"\napp_token = "t"\n'


def _examples() -> Iterator[Any]:
    for name, docstring in {**CLASSES, **CALLS, **SANDBOX}.items():
        for number, block in enumerate(BLOCK.findall(inspect.cleandoc(docstring))):
            yield pytest.param(textwrap.dedent(block).strip(), id=f"{name}-{number}")


def _unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no example leaves this machine", request=request)


class Offline(countermand.Countermand):
    """What an example builds a client with. It reaches nothing."""

    def __init__(self, *accounts: Any, **settings: Any) -> None:
        transport = httpx.MockTransport(_unreachable)
        settings |= {"http_client": httpx.Client(transport=transport), "retry": RetryPolicy.never()}
        super().__init__(*accounts, **settings)


class AsyncOffline(countermand.AsyncCountermand):
    """The same for asyncio."""

    def __init__(self, *accounts: Any, **settings: Any) -> None:
        transport = httpx.MockTransport(_unreachable)
        settings |= {"http_client": httpx.AsyncClient(transport=transport), "retry": RetryPolicy.never()}
        super().__init__(*accounts, **settings)


class Intent:
    """An intent that nobody has declared before; awaited or not."""

    def __init__(self, job: str, *, is_async: bool) -> None:
        self._is_async = is_async

    def declare(self, *_: Any) -> Any:
        """Say that no other worker did."""
        return self._said(None)

    def withdraw(self, *_: Any) -> Any:
        """Take it back."""
        return self._said(None)

    def _said(self, value: object) -> Any:
        async def later() -> object:
            return value

        return later() if self._is_async else value


def _names(sandbox: Sandbox, example: str, folder: Path) -> dict[str, Any]:
    """Return the names that an example may use."""
    is_async = re.search(r"\bawait\b|\basync\b", example) is not None
    more: dict[str, Any] = {}
    if label := re.search(r"brand-\w+", example):
        world = sandbox.world.vtex
        more["vtex"] = Vtex(
            account="a",
            app_key=world.app_key,
            app_token=world.app_token,
            base_url=sandbox.base_url("vtex"),
            label=label[0],
        )
    blocking = sandbox.client(**more)
    outcome: Any = blocking.vtex.cancel_order(ORDER)
    refused: Any = blocking.vtex.cancel_order("1172452900791-01")
    partial: Any = blocking.pattern.cancel_order("114-3941689-8772233")
    requests = [CancelKiboOrder(1010102, "other"), CancelKiboOrder(1010103, "other")]
    journal = folder / "run.db"
    if "journal=" not in example and re.search(r"\b(run|results?|job|journal|run\.db)\b", example):
        with blocking.cancel_many(requests, journal=journal) as done:
            results = list(done)
    else:
        results, done = [], None
    order: Any = blocking.crux.get_order("521a91e5-058d-4474-aeee-f0c148594a00")
    client: Any = sandbox.async_client(**more) if is_async else blocking
    own = {name: getattr(home, name) for home in (countermand, boxes) for name in home.__all__}
    picked = partial if "non_cancellable" in example else refused if "refused" in example else outcome
    return own | {
        "Countermand": Offline,
        "AsyncCountermand": AsyncOffline,
        "client": client,
        "sandbox": sandbox,
        "world": sandbox.world,
        "outcome": picked,
        "order": order,
        "request": requests[0],
        "requests": requests,
        "results": results,
        "run": done,
        "total": 2,
        "job": SimpleNamespace(
            id="7",
            request=requests[0].to_dict(),
            failure=countermand.NotSentError("no").to_dict(),
            result=(results[0] if "result_from" in example else outcome).to_dict() if results else None,
        ),
        "path": SimpleNamespace(read_text=outcome.to_json),
        "IntentInRedis": lambda job: Intent(job, is_async=is_async),
        "jsonschema": SimpleNamespace(validate=lambda data, schema: json.dumps([data, schema])),
        **dict.fromkeys(("alert", "refund", "schedule_again"), print),
    }


def _events(sandbox: Sandbox, hook: Any) -> None:
    """Give a hook every kind of event."""
    from countermand.sandbox import LoseReply, RateLimited

    sandbox.mishap("crux", RateLimited(5), LoseReply(), LoseReply())
    client = sandbox.client(hooks=[hook], retry=RetryPolicy(attempts=2, first_pause=0))
    client.crux.cancel_order("521a91e5-058d-4474-aeee-f0c148594a00", timeout=60)


@pytest.mark.parametrize("example", list(_examples()))
def test_an_example_runs(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As it stands, with the names that a reader of it would have; only a client of its own reaches nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COUNTERMAND_PATTERN_TOKEN", "t")
    (tmp_path / "accounts.toml").write_text(ACCOUNTS)
    (tmp_path / "accounts.toml").chmod(0o600)
    with Sandbox(time="virtual", allow_unused_mishaps=True) as sandbox:
        names = _names(sandbox, example, tmp_path)
        is_own = "Countermand(" in example or "Countermand.from" in example
        code = compile(example.replace("…", "t"), "<example>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        try:
            found = eval(code, names)
            if inspect.iscoroutine(found):
                asyncio.run(found)
        except countermand.NotSentError:
            assert is_own
        if "hook" in names and example.startswith("def hook"):
            _events(sandbox, names["hook"])
            assert "hook raised" not in caplog.text


def test_an_outcome_of_the_examples_is_open() -> None:
    """The harness gives an example what it is about."""
    with Sandbox(time="virtual") as sandbox:
        assert isinstance(sandbox.client().cancel(CancelVtexOrder(ORDER)), Requested)
