"""An exception that leaves a call carries the caller's own frames and no others, and no tracker finds a credential."""

import asyncio
import linecache
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import count
from types import TracebackType
from typing import Any

import attrs
import httpx
import httpx2
import pytest

from countermand import (
    AsyncCountermand,
    CancelCruxOrder,
    Countermand,
    Crux,
    JournalError,
    NotConfiguredError,
    RetryPolicy,
    Unknown,
    evidence_of,
)
from countermand.engine.wire import Call, Fault, Flow, Reply
from countermand.transport.blocking import BlockingDriver
from countermand.transport.eventloop import EventLoopDriver
from tests.support.tables import table
from tests.support.tls import unused
from tests.support.trackers import walked

from .kinds import KINDS, every_driver
from .raw import RawServer, http
from .test_passing import MineError, hooks

kind = every_driver

ORDER = "521a91e5-058d-4474-aeee-f0c148594a00"
TOKEN, USER, PASSWORD = "sekret-of-the-token", "user-sekret", "sekret-of-the-password"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def left_with(
    kind: str, access: Any, *, until: Callable[[], object] | None = None, **settings: Any
) -> BaseException:
    """Cancel an order through a client of this kind and return what is raised.

    `settings` are those of the caller's own client. An async call is cancelled when `until`, which blocks, has returned.
    """
    library: Any = httpx2 if kind.endswith("httpx2") else httpx
    more: Any = {"retry": RetryPolicy.never(), "timeout": 3}
    given: Any = {"trust_env": False, "verify": unused(), **settings}

    async def ended(limit: asyncio.Timeout, until: Callable[[], object] | None) -> None:
        if until is not None:
            await asyncio.to_thread(until)
            limit.reschedule(asyncio.get_running_loop().time())

    async def awaited() -> None:
        own: Any = None
        if kind == "aiohttp":
            from countermand.transport.aiohttp import AiohttpDriver

            own = AiohttpDriver()
        elif kind != "async stock":
            own = library.AsyncClient(**given)
        async with AsyncCountermand(access, http_client=own, **more) as client:
            try:
                async with asyncio.timeout(None) as limit:
                    ending = asyncio.create_task(ended(limit, until))
                    await client.crux.cancel_order(ORDER)
                    await ending
            finally:
                if kind.startswith("async http"):
                    await own.aclose()

    try:
        if kind.startswith("a"):
            asyncio.run(awaited())
        else:
            own = None if kind == "stock" else library.Client(**given)
            with Countermand(access, http_client=own, **more) as client:
                try:
                    client.crux.cancel_order(ORDER)
                finally:
                    if own is not None:
                        own.close()
    except BaseException as error:  # noqa: BLE001 - it is the result
        return error
    raise AssertionError("nothing was raised")


def links(error: BaseException) -> list[BaseException]:
    """Return an error, its causes and contexts."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is not None and link not in found:
            found.append(link)
            waiting += [link.__cause__, link.__context__]
    return found


def frames(error: BaseException) -> list[TracebackType]:
    """Return the frames of an error and its causes that are not of tests, nor of asyncio's runner."""
    found: list[TracebackType] = []
    for link in links(error):
        trace = link.__traceback__
        while trace is not None:
            name = str(trace.tb_frame.f_globals.get("__name__"))
            if not name.startswith(("tests.", "asyncio")):
                found.append(trace)
            trace = trace.tb_next
    return found


def is_clean(error: BaseException) -> bool:
    """Whether no frame but the caller's is left, and nothing that is said holds a credential."""
    assert [trace.tb_frame.f_code.co_qualname for trace in frames(error)] == []
    for link in links(error):
        told = [*walked(vars(link)), *walked(link.args), *walked(getattr(link, "__notes__", ()))]
        assert not [text for text in told if any(one in text for one in (TOKEN, USER, PASSWORD))]
    return error.__traceback__ is not None


def access(origin: str) -> Crux:
    """Return the configuration of an account with a token."""
    return Crux(token=TOKEN, base_url=f"http://{origin}")


REPLIES = {
    "401": http({"detail": TOKEN}, status=401),
    "403": http({"detail": TOKEN}, status=403),
    "404": http({"detail": TOKEN}, status=404),
    "409": http({"detail": TOKEN}, status=409),
    "429": b"HTTP/1.1 429 No\r\nRetry-After: 999\r\nContent-Length: 0\r\n\r\n",
}


@table("reply", REPLIES.values(), ids=REPLIES)
def test_an_error_of_ours(kind: str, reply: bytes) -> None:
    """Whatever the marketplace answered, though it echoes the credential."""
    with RawServer(*[reply] * 3) as server:
        assert is_clean(left_with(kind, access(server.origin)))


def test_a_login_that_fails(kind: str) -> None:
    """The user name and the password are credentials as well."""
    with RawServer(*[http({"detail": f"{USER} {PASSWORD}"}, status=401)] * 3) as server:
        crux = Crux(username=USER, password=PASSWORD, base_url=f"http://{server.origin}")
        assert is_clean(left_with(kind, crux))


def test_nobody_listens(kind: str) -> None:
    """The cause has no frames either."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = left_with(kind, access(f"127.0.0.1:{taken.getsockname()[1]}"))
    assert error.__cause__ is not None
    assert is_clean(error)


def test_an_order_id_that_is_none() -> None:
    """What is refused before anything is sent."""
    with Countermand(access("localhost:9")) as client, pytest.raises(ValueError, match="UUID") as caught:
        client.crux.cancel_order("no uuid")
    assert is_clean(caught.value)


def test_an_account_that_is_none() -> None:
    """By the property, and by the label."""
    with Countermand(access("localhost:9")) as client:
        with pytest.raises(NotConfiguredError) as caught:
            _ = client.pattern
        assert is_clean(caught.value)
        with pytest.raises(NotConfiguredError) as caught:
            _ = client["pattern"]
        assert is_clean(caught.value)


@table("kind", [kind for kind in KINDS if "httpx" in kind])
@table("error", [MineError, TimeoutError, OSError, KeyboardInterrupt, LookupError])
def test_a_hook_that_breaks(kind: str, error: type[BaseException]) -> None:
    """The hook's frame is the caller's; those between it and the call are not."""
    mine = error("mine")

    def hook(_response: Any) -> None:
        raise mine

    with RawServer(NO_CONTENT) as server:
        found = left_with(kind, access(server.origin), **hooks(kind, response=hook))
    assert found is mine
    assert isinstance(evidence_of(found), Unknown)
    assert is_clean(found)
    names = [name for name in _names(found) if "hook" in name]
    assert names, "the hook's own frame is kept"


def _names(error: BaseException) -> list[str]:
    names: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        names.append(trace.tb_frame.f_code.co_qualname)
        trace = trace.tb_next
    return names


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("a")])
def test_the_callers_own_limit(kind: str) -> None:
    """The task is cancelled while the reply is awaited."""
    pytest.importorskip("aiohttp")
    with RawServer(b"", stalls=True) as server:
        found = left_with(kind, access(server.origin), until=server.asked.wait)
    assert isinstance(found, TimeoutError)
    assert isinstance(evidence_of(found), Unknown)
    assert is_clean(found)


@pytest.mark.parametrize("kind", ["stock", "httpx", "httpx2"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGALRM])
def test_a_signal(kind: str, number: int) -> None:
    """Ctrl-C, or a worker's time limit, while the reply is awaited."""

    def handler(_number: int, _frame: Any) -> None:
        raise TimeoutError("the worker's limit")

    before = signal.signal(number, signal.default_int_handler if number == signal.SIGINT else handler)
    try:
        with RawServer(b"", stalls=True) as server:
            main = threading.main_thread().ident or 0

            def strike() -> None:
                while not server.requests:
                    pass
                signal.pthread_kill(main, number)

            striker = threading.Thread(target=strike)
            striker.start()
            found = left_with(kind, access(server.origin))
            striker.join(5)
    finally:
        signal.signal(number, before)
    assert isinstance(found, KeyboardInterrupt if number == signal.SIGINT else TimeoutError)
    assert isinstance(evidence_of(found), Unknown)
    assert is_clean(found)


@pytest.mark.parametrize("side", ["sync", "async"])
def test_a_bulk_run(side: str, tmp_path: Any) -> None:
    """What its input raises, and what its journal is refused for, leaves the iteration as it leaves a call."""

    def broken() -> Iterator[CancelCruxOrder]:
        yield CancelCruxOrder(ORDER)
        raise MineError("the input broke")

    async def awaited(**settings: Any) -> None:
        async with AsyncCountermand(access("localhost:9"), retry=RetryPolicy.never()) as client:
            async for _ in client.cancel_many(broken(), **settings):
                pass

    def blocking(**settings: Any) -> None:
        with Countermand(access("localhost:9"), retry=RetryPolicy.never()) as client:
            list(client.cancel_many(broken(), **settings))

    for kind, settings in ((MineError, {}), (JournalError, {"journal": tmp_path / "nowhere" / "run.db"})):
        with pytest.raises(kind) as caught:
            blocking(**settings) if side == "sync" else asyncio.run(awaited(**settings))
        assert is_clean(caught.value)


class Through(httpx.MockTransport):
    """Calls something as httpx would call it."""

    def __init__(self, between: Any, given: Any) -> None:
        scope: Any = {"__name__": "httpx.between", "between": between, "given": given}
        exec("def called(_request): return between(given)", scope)
        super().__init__(scope["called"])


class Odd:
    """Raises where the standard library calls it."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __fspath__(self) -> str:
        """Raise."""
        raise self.error


def _raise(error: BaseException) -> None:
    raise error


@attrs.define
class Made:
    """Raises in code that attrs generates."""

    error: BaseException = attrs.field(validator=lambda _self, _field, error: _raise(error))


@pytest.mark.parametrize("between", [os.path.abspath, Made], ids=["frozen", "generated"])
def test_code_that_lies_between(between: Any) -> None:
    """The standard library's frames are kept where the caller's code called it, and cut where a library did."""

    def raising() -> tuple[MineError, Any]:
        mine = MineError("mine")
        return mine, mine if between is Made else Odd(mine)

    mine, given = raising()

    def directly(_request: Any) -> Any:
        return between(given)

    found = left_with("httpx", access("localhost:9"), transport=httpx.MockTransport(directly))
    assert found is mine
    assert any(name.endswith("directly") for name in _names(found))
    mine, given = raising()
    found = left_with("httpx", access("localhost:9"), transport=Through(between, given))
    assert found is mine
    assert is_clean(found)


class Striking:
    """Raises at one line of the package's code, as a signal handler can."""

    def __init__(self, number: int) -> None:
        self._left = number
        self.error = MineError("the worker's limit")
        self.place = ""

    def __call__(self, frame: Any, event: str, _given: Any) -> Any:
        """Trace the package's frames."""
        if not str(frame.f_globals.get("__name__")).startswith("countermand."):
            return None
        if event != "line" or _line(frame) in ("try:", "while True:"):  # no signal is heard there
            return self
        self._left -= 1
        if not self._left:
            self.place = f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
            raise self.error
        return self


def _line(frame: Any) -> str:
    return linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()


class Played:
    """What a driver answered, and whether the call has come to its end."""

    def __init__(self, *answers: Reply | Fault) -> None:
        self.answers = list(answers)
        self.methods: list[str] = []
        self.ended = False

    def answer(self, call: Call) -> Reply | Fault:
        """Answer one request."""
        self.methods.append(call.method)
        return self.answers[len(self.methods) - 1]

    def watched(self, flow: Flow[Any]) -> Flow[Any]:
        """Note that a flow has ended."""
        found = yield from flow
        self.ended = True
        return found


class Answering(BlockingDriver):
    """Answers without a socket."""

    def __init__(self, played: Played) -> None:
        self.played = played

    @property
    def closed(self) -> bool:
        """Say that it is open."""
        return False

    def exchange(self, call: Call) -> Reply | Fault:
        """Answer."""
        return self.played.answer(call)

    def run(self, flow: Flow[Any]) -> Any:
        """Run a flow."""
        return super().run(self.played.watched(flow))

    def close(self) -> None:
        """Do nothing."""


class AsyncAnswering(EventLoopDriver):
    """`Answering` for asyncio."""

    def __init__(self, played: Played) -> None:
        self.played = played

    @property
    def closed(self) -> bool:
        """Say that it is open."""
        return False

    async def exchange(self, call: Call) -> Reply | Fault:
        """Answer."""
        return self.played.answer(call)

    async def run(self, flow: Flow[Any]) -> Any:
        """Run a flow."""
        return await super().run(self.played.watched(flow))

    async def aclose(self) -> None:
        """Do nothing."""


def struck(kind: str, number: int, *answers: Reply | Fault) -> tuple[Any, Striking, Played]:
    """Cancel an order, and strike at a line; return what was raised, what was struck with, and what was sent."""
    played, strike = Played(*answers), Striking(number)
    crux: Any = Crux(token=TOKEN)
    client: Any
    before = sys.gettrace()
    try:
        if kind == "sync":
            client = Countermand(crux, http_client=Answering(played), retry=RetryPolicy.never()).crux
            sys.settrace(strike)
            found = client.cancel_order(ORDER)
        else:
            client = AsyncCountermand(
                crux, http_client=AsyncAnswering(played), retry=RetryPolicy.never()
            ).crux

            async def awaited() -> Any:
                sys.settrace(strike)
                try:
                    return await client.cancel_order(ORDER)
                finally:
                    sys.settrace(before)

            found = asyncio.run(awaited())
    except MineError as error:
        found = error
    finally:
        sys.settrace(before)
    return found, strike, played


@pytest.mark.parametrize("side", ["sync", "async"])
@pytest.mark.parametrize(
    "answers",
    [
        (Reply(204, {"date": "Mon, 02 Mar 2026 09:00:00 GMT", "x-request-id": "r-1"}),),
        (
            Fault(sent=True, detail="lost"),
            Reply(200, {}, b'{"uuid": "%b", "line_items": []}' % ORDER.encode()),
        ),
        (Reply(503, {"retry-after": "99"}),),
    ],
    ids=["accepted", "lost", "503"],
)
def test_a_signal_at_any_line(side: str, answers: tuple[Reply | Fault, ...]) -> None:
    """Its exception passes, with the evidence once anything was sent, and nothing is sent after it."""
    for number in count(1):
        found, strike, played = struck(side, number, *answers)
        if played.ended:
            return
        assert found is strike.error, strike.place
        assert evidence_of(found) is not None or not played.methods, strike.place
        assert len(played.methods) <= len(answers)
    raise AssertionError("it never ended")
