"""What a tracker of errors finds: it walks the containers among the variables of every frame of an error's chain."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

import httpx
import pytest

from countermand.engine.secret import SealedHeaders
from countermand.engine.wire import CLOCK, Call, Fault, Flow, Reply
from countermand.transport.blocking import BorrowedDriver, StockDriver
from countermand.transport.eventloop import AsyncBorrowedDriver, AsyncStockDriver
from tests.support.tables import table
from tests.support.tls import unused
from tests.support.trackers import walked

from .raw import RawServer, http

SECRET = "sekret-of-the-walkers"
BODY = b'{"password": "sekret-of-the-walkers"}'


def reported(error: BaseException) -> list[str]:
    """Return the texts of an error's frames and causes that hold the secret; frames of tests are left out."""
    found: list[str] = []
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        waiting += [link.__cause__, link.__context__]
        found += [text for text in walked(vars(link)) if SECRET in text]
        found += [text for text in walked(link.args) if SECRET in text]
        trace = link.__traceback__
        while trace is not None:
            if trace.tb_frame.f_globals.get("__name__") != __name__:
                name = trace.tb_frame.f_code.co_qualname
                texts = walked(trace.tb_frame.f_locals)
                found += [f"{name}: {text[:200]}" for text in texts if SECRET in text]
            trace = trace.tb_next
    return found


def a_call(origin: str) -> Call:
    """Return a call with a credential in its head and one in its body."""
    headers = SealedHeaders({"Authorization": SECRET})
    return Call("POST", f"http://{origin}", "/login", BODY, headers, CLOCK.monotonic() + 0.5)


def test_what_holds_a_credential_is_no_container() -> None:
    """Neither a call nor its headers; used as headers they still work."""
    call = a_call("localhost")
    assert not [text for text in walked({"call": call, "headers": call.headers}) if SECRET in text]
    assert repr(call.headers) == "SealedHeaders(Authorization)"
    assert SECRET not in repr(call)
    assert {**call.headers} == dict(call.headers.items()) == {"Authorization": SECRET}
    assert (call.headers["Authorization"], call.headers.get("nothing")) == (SECRET, None)
    assert ("Authorization" in call.headers, list(call.headers), len(call.headers)) == (
        True,
        ["Authorization"],
        1,
    )
    assert not isinstance(call.headers, Mapping | Sequence | Set)
    assert not isinstance(call, Mapping | Sequence | Set)


class Over(Exception):  # noqa: N818
    """What a flow raises when it has seen enough."""


def failing(call: Call) -> Flow[None]:
    """Raise an error of one's own upon whatever comes of a call, and let pass what is thrown in."""
    answer = yield call
    error = Over(str(answer))
    error.__cause__ = answer.cause if isinstance(answer, Fault) else None
    raise error


def refusing(request: httpx.Request) -> httpx.Response:
    """Raise as a mock does, with everything in reach."""
    headers = dict(request.headers)
    raise httpx.ReadTimeout(f"{len(headers)} headers")


def breaking(request: httpx.Request) -> httpx.Response:
    """Raise what is nobody's."""
    headers = dict(request.headers)
    raise LookupError(len(headers))


def stopping(request: httpx.Request) -> httpx.Response:
    """Interrupt."""
    headers = dict(request.headers)
    raise KeyboardInterrupt(len(headers))


SCRIPTS: dict[str, tuple[bytes, ...]] = {
    "a reply": (http({}),),
    "an echo in a broken head": (f"HTTP/1.1 200 OK\r\nbad header {SECRET}\r\n\r\n".encode(),),
    "an echo that is no HTTP": (f"{SECRET}\r\n\r\n".encode(),),
    "an echo in a reason": (f"HTTP/1.1 500 {SECRET}\r\nContent-Length: 0\r\n\r\n".encode(),),
    "nothing": (b"",),
}


@table("script", SCRIPTS.values(), ids=SCRIPTS)
@table("kind", ["stock", "async stock", "httpx", "async httpx", "aiohttp"])
def test_an_error_of_a_call_reports_no_credential(kind: str, script: tuple[bytes, ...]) -> None:
    """Whatever came back, and whoever raises over it."""
    with RawServer(*script, hangups=1) as server, pytest.raises(Over) as caught:
        _run(kind, failing(a_call(server.origin)))
    assert reported(caught.value) == []
    assert _modules(caught.value) == set()


@pytest.mark.parametrize("handler", [refusing, breaking, stopping])
@pytest.mark.parametrize("kind", ["httpx", "async httpx"])
def test_what_passes_through_reports_no_credential(
    kind: str, handler: Callable[[httpx.Request], httpx.Response]
) -> None:
    """The frames between the caller and the caller's own code are cut."""
    with pytest.raises((Over, LookupError, KeyboardInterrupt)) as caught:
        _run(kind, failing(a_call("localhost:9")), httpx.MockTransport(handler))
    assert reported(caught.value) == []
    assert _modules(caught.value) == set()


def _run(kind: str, flow: Flow[None], transport: Any = None) -> None:
    if kind in ("stock", "httpx"):
        client = httpx.Client(trust_env=False, transport=transport)
        driver = StockDriver() if kind == "stock" else BorrowedDriver(client)
        try:
            driver.run(flow)
        finally:
            driver.close()
            client.close()
        return

    async def run() -> None:
        client = httpx.AsyncClient(trust_env=False, transport=transport)
        driver: Any = AsyncStockDriver() if kind == "async stock" else AsyncBorrowedDriver(client)
        if kind == "aiohttp":
            driver = pytest.importorskip("countermand.transport.aiohttp").AiohttpDriver()
        try:
            await driver.run(flow)
        finally:
            await driver.aclose()
            await client.aclose()

    asyncio.run(run())


def _modules(error: BaseException) -> set[str]:
    """Return the modules below the call whose frames an error carries, but for this one and the event loop's."""
    found: set[str] = set()
    trace = error.__traceback__
    while trace is not None:
        found.add(str(trace.tb_frame.f_globals.get("__name__")))
        trace = trace.tb_next
    return {name for name in found if name != __name__ and not name.startswith(("asyncio", "_pytest"))}


def test_our_calls_are_silent_in_the_logs(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the records look like; those of the caller's own calls are as they were."""
    caplog.set_level(logging.DEBUG)

    def flow(call: Call) -> Flow[None]:
        assert isinstance((yield call), Reply)

    with RawServer(http({}), http({})) as server, httpx.Client(trust_env=False, verify=unused()) as client:
        BorrowedDriver(client).run(flow(a_call(server.origin)))
        assert [record for record in caplog.records if record.name.startswith(("http", "hpack"))] == []
        client.get(f"http://{server.origin}/")
        assert {record.name for record in caplog.records} >= {"httpx", "httpcore.http11"}
