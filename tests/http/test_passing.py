"""Whose an exception is, and whether the request was sent: at every driver, down to `call.sent`."""

import asyncio
import signal
import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import httpx2
import pytest

from countermand import (
    AsyncCountermand,
    Countermand,
    CountermandError,
    OrderNotFoundError,
    RejectedError,
    Vtex,
)
from countermand.engine.secret import SealedHeaders
from countermand.engine.wire import BODY_LOST, CLOCK, Call, Fault, Flow, Reply
from tests.support.doors import Door
from tests.support.tls import unused

from .kinds import BORROWED, every_borrowed_driver, every_driver
from .raw import RawServer, http

kind = every_driver
borrowed = every_borrowed_driver

SECRET = "sekret-in-a-header"


class MineError(Exception):
    """An exception of the caller's."""


def made(kind: str, **settings: Any) -> Any:
    """Return a driver; `settings` are those of the caller's own client."""
    from countermand.transport import blocking, eventloop

    library: Any = httpx2 if kind.endswith("httpx2") else httpx
    if kind == "aiohttp":
        from countermand.transport.aiohttp import AiohttpDriver

        return AiohttpDriver()
    if kind == "stock":
        return blocking.StockDriver()
    if kind == "async stock":
        return eventloop.AsyncStockDriver()
    own = {"trust_env": False, "verify": unused(), **settings}
    if kind.startswith("async"):
        return eventloop.AsyncBorrowedDriver(library.AsyncClient(**own))
    return blocking.BorrowedDriver(library.Client(**own))


def ran(driver: Any, *calls: Call) -> list[Reply | Fault | BaseException]:
    """Run a flow of these calls, one after the other; return what came of each, what was thrown in included."""
    found: list[Reply | Fault | BaseException] = []

    def flow() -> Flow[None]:
        for call in calls:
            try:
                answer = yield call
            except BaseException as error:  # noqa: BLE001 - it is the result
                found.append(error)
            else:
                assert answer is not None
                found.append(answer)

    client = getattr(driver, "_client", None)

    async def awaited() -> None:
        await driver.run(flow())
        await (client.aclose() if client is not None else driver.aclose())

    if hasattr(driver, "aclose"):
        asyncio.run(awaited())
    else:
        driver.run(flow())
        (client or driver).close()
    return found


def a_call(origin: str, patience: float = 5.0, method: str = "POST") -> Call:
    """Return a call with a credential."""
    headers = SealedHeaders({"Authorization": SECRET})
    return Call(method, f"http://{origin}", "/order", b"{}", headers, CLOCK.monotonic() + patience)


def hooks(kind: str, **found: Callable[[Any], None]) -> dict[str, Any]:
    """Return the event hooks of a client, as it wants them."""

    def fitting(hook: Callable[[Any], None]) -> Any:
        async def awaited(thing: Any) -> None:
            hook(thing)

        return awaited if kind.startswith("async") else hook

    return {"event_hooks": {name: [fitting(hook)] for name, hook in found.items()}}


def frames(error: BaseException) -> list[str]:
    """Return the modules of the frames that an exception and its causes carry, but for those of this file."""
    names: list[str] = []
    link: BaseException | None = error
    while link is not None:
        for frame, _line in traceback.walk_tb(link.__traceback__):
            names.append(str(frame.f_globals.get("__name__")))
        link = link.__cause__ or link.__context__
    return [name for name in names if name != __name__]


@pytest.fixture
def nobody() -> Iterator[str]:
    """Yield an address where nobody listens: the port is taken, so that no other test gets it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def test_a_reply(kind: str) -> None:
    """It was sent, and says so."""
    with RawServer(http({"a": 1})) as server:
        call = a_call(server.origin)
        [found] = ran(made(kind), call)
    assert isinstance(found, Reply)
    assert (found.status, found.body, found.flaw) == (200, b'{"a": 1}', "")
    assert call.sent


def test_nobody_listens(kind: str, nobody: str) -> None:
    """Nothing was sent; the cause is there for an error's `__cause__`, and carries nothing."""
    call = a_call(nobody)
    [found] = ran(made(kind), call)
    assert isinstance(found, Fault)
    assert (found.sent, call.sent) == (False, False)
    assert isinstance(found.cause, OSError)
    assert found.cause.__traceback__ is None
    assert found.cause.__context__ is None
    assert found.detail.startswith("no connection (")


def test_no_answer(kind: str) -> None:
    """The connection was closed behind the request: it may have been carried out."""
    with RawServer(b"", hangups=1) as server:
        call = a_call(server.origin)
        [found] = ran(made(kind), call)
    assert isinstance(found, Fault)
    assert (found.sent, call.sent) == (True, True)
    assert found.cause is not None
    assert found.cause.__traceback__ is None
    assert SECRET not in repr(vars(found.cause))


def test_a_host_that_cannot_be_one(kind: str) -> None:
    """Refused before anything is sent, with the reason."""
    call = a_call("api..example.com")
    [found] = ran(made(kind), call)
    assert isinstance(found, Fault)
    assert (found.sent, call.sent) == (False, False)


@pytest.mark.parametrize("kind", ["stock", "async stock", "aiohttp"])
def test_a_ca_bundle_that_is_missing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSL_CERT_FILE names no file: nothing was sent, and the reason says where to look."""
    from countermand.transport import messages

    messages.tls.cache_clear()
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    call = Call("GET", "https://localhost:9", "/", deadline=CLOCK.monotonic() + 60)
    [found] = ran(made(kind), call)
    messages.tls.cache_clear()
    assert isinstance(found, Fault)
    assert not found.sent
    assert "SSL_CERT_FILE" in found.detail


def test_a_response_hook_breaks(borrowed: str) -> None:
    """The request was sent; what the hook raised passes through as it is, with its own frames alone."""
    mine = MineError("down")

    def hook(_response: Any) -> None:
        raise mine

    with RawServer(http({})) as server:
        call = a_call(server.origin)
        [found] = ran(made(borrowed, **hooks(borrowed, response=hook)), call)
    assert found is mine
    assert call.sent
    assert frames(mine) == []
    assert mine.__traceback__ is not None
    assert mine.__context__ is None


def test_a_response_hook_reports_to_a_collector_that_is_down(borrowed: str, nobody: str) -> None:
    """Its `ConnectError` is about its own request: ours was sent."""
    library: Any = httpx2 if borrowed.endswith("httpx2") else httpx

    def hook(_response: Any) -> None:
        with library.Client(trust_env=False, verify=unused()) as other:
            other.post(f"http://{nobody}/")

    with RawServer(http({})) as server:
        call = a_call(server.origin)
        [found] = ran(made(borrowed, **hooks(borrowed, response=hook)), call)
    assert isinstance(found, library.ConnectError)
    about: Any = found
    assert nobody in str(about.request.url)
    assert call.sent


def _by_urllib(origin: str) -> Any:
    from urllib.request import urlopen

    return urlopen(f"http://{origin}/")


def _by_a_socket(origin: str) -> Any:
    host, _, port = origin.partition(":")
    return socket.create_connection((host, int(port)))


def _by_tls(_origin: str) -> Any:
    return ssl.create_default_context(cafile="/nowhere/ca.pem")


def _by_a_pool(_origin: str) -> Any:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_broken).result()


def _broken() -> None:
    raise TimeoutError("the collector")


@pytest.mark.parametrize("collect", [_by_urllib, _by_a_socket, _by_tls, _by_a_pool])
def test_a_response_hook_that_fails_in_the_standard_library(
    borrowed: str, nobody: str, collect: Callable[[str], Any]
) -> None:
    """What it raises there is the hook's, though a driver uses the same modules."""
    with RawServer(http({})) as server:
        call = a_call(server.origin)
        [found] = ran(made(borrowed, **hooks(borrowed, response=lambda _response: collect(nobody))), call)
    assert isinstance(found, OSError)
    assert call.sent


@pytest.mark.parametrize("borrowed", [kind for kind in BORROWED if kind.startswith("async")])
@pytest.mark.parametrize("how", ["a timeout", "aiohttp"])
def test_an_async_response_hook_that_fails_in_another_library(borrowed: str, how: str, nobody: str) -> None:
    """A time limit of its own, or a collector that it reaches by aiohttp."""
    aiohttp = pytest.importorskip("aiohttp")

    async def hook(_response: Any) -> None:
        if how == "aiohttp":
            async with aiohttp.ClientSession() as session:
                await session.post(f"http://{nobody}/")
        async with asyncio.timeout(0.01):
            await asyncio.get_running_loop().create_future()

    with RawServer(http({})) as server:
        call = a_call(server.origin)
        [found] = ran(made(borrowed, event_hooks={"response": [hook]}), call)
    assert isinstance(found, TimeoutError if how == "a timeout" else aiohttp.ClientConnectorError)
    assert call.sent


def test_a_transport_that_leaves_errors_of_httpcore(nobody: str) -> None:
    """They are the library's; but they name no request, and so nothing proves that ours was not sent."""
    import httpcore

    def handler(_request: httpx.Request) -> httpx.Response:
        with httpcore.ConnectionPool() as pool:
            pool.request("GET", f"http://{nobody}/")
        raise AssertionError

    call = a_call("localhost:9")
    [found] = ran(made("httpx", transport=httpx.MockTransport(handler)), call)
    assert isinstance(found, Fault)
    assert (found.sent, call.sent) == (True, True)


def test_a_hook_that_says_by_itself_that_it_could_not_connect(borrowed: str) -> None:
    """An exception of the library's that names no request is the hook's own."""
    library: Any = httpx2 if borrowed.endswith("httpx2") else httpx

    def hook(_response: Any) -> None:
        raise library.ConnectError("my collector")

    with RawServer(http({})) as server:
        call = a_call(server.origin)
        [found] = ran(made(borrowed, **hooks(borrowed, response=hook)), call)
    assert isinstance(found, library.ConnectError)
    assert call.sent


@pytest.mark.parametrize("read_first", [False, True], ids=["unread", "read"])
def test_a_hook_raises_for_status(borrowed: str, read_first: bool) -> None:
    """The reply is judged by its status and headers; a body that the hook did not read is lost, and said to be."""

    def hook(response: Any) -> None:
        if read_first:
            response.read()
        response.raise_for_status()

    async def ahook(response: Any) -> None:
        if read_first:
            await response.aread()
        response.raise_for_status()

    settings: Any = {"event_hooks": {"response": [ahook if borrowed.startswith("async") else hook]}}
    limited = b"HTTP/1.1 429 No\r\nRetry-After: 60\r\nContent-Length: 2\r\n\r\n{}"
    with RawServer(limited) as server:
        call = a_call(server.origin)
        [found] = ran(made(borrowed, **settings), call)
    assert isinstance(found, Reply)
    assert (found.status, found.headers["retry-after"]) == (429, "60")
    assert (found.body, found.flaw) == ((b"{}", "") if read_first else (b"", BODY_LOST))
    assert call.sent


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 304 No\r\n\r\n"]
)
def test_a_hook_raises_for_the_status_of_a_reply_without_a_body(borrowed: str, head: bytes) -> None:
    """None was lost."""
    with RawServer(head) as server:
        hook = hooks(borrowed, response=lambda response: response.raise_for_status())
        [found] = ran(made(borrowed, **hook), a_call(server.origin))
    assert isinstance(found, Reply)
    assert (found.body, found.flaw) == (b"", "")


@pytest.mark.parametrize(
    "content, error", [("application/json", OrderNotFoundError), ("text/html", RejectedError)]
)
def test_a_404_whose_body_a_hook_has_lost(borrowed: str, content: str, error: type[CountermandError]) -> None:
    """Its Content-Type decides whether it is the marketplace's own; nothing more is sent."""
    head = f"HTTP/1.1 404 No\r\nContent-Type: {content}\r\nContent-Length: 2\r\n\r\n{{}}"
    library: Any = httpx2 if borrowed.endswith("httpx2") else httpx
    is_async = borrowed.startswith("async")
    opened: Any = AsyncCountermand if is_async else Countermand
    lent = (library.AsyncClient if is_async else library.Client)(
        trust_env=False, **hooks(borrowed, response=lambda response: response.raise_for_status())
    )
    with RawServer(head.encode()) as server:
        account = Vtex(account="a", app_key="k", app_token="t", base_url=f"http://{server.origin}")
        with Door.to("async" if is_async else "sync", opened(account, http_client=lent)) as door:
            with pytest.raises(error) as caught:
                door.do("vtex", "cancel_order", "1172-01")
            door.run(lent.aclose if is_async else lent.close)
    assert type(caught.value) is error
    assert len(server.requests) == 1


def test_a_hook_raises_for_the_status_of_another_response(borrowed: str) -> None:
    """That one is not our reply."""
    library: Any = httpx2 if borrowed.endswith("httpx2") else httpx

    def hook(_response: Any) -> None:
        other = library.Response(500, request=library.Request("GET", "http://elsewhere/"))
        other.raise_for_status()

    with RawServer(http({})) as server:
        call = a_call(server.origin)
        [found] = ran(made(borrowed, **hooks(borrowed, response=hook)), call)
    assert isinstance(found, library.HTTPStatusError)
    assert call.sent


def test_a_request_hook_breaks(borrowed: str) -> None:
    """Nothing was seen: it counts as sent, and the hook's exception passes."""

    def hook(_request: Any) -> None:
        raise MineError

    call = a_call("localhost:9")
    [found] = ran(made(borrowed, **hooks(borrowed, request=hook)), call)
    assert isinstance(found, MineError)
    assert call.sent


@pytest.mark.parametrize(
    "name, sent",
    [("ConnectError", False), ("ConnectTimeout", False), ("PoolTimeout", False), ("ReadTimeout", True)],
)
def test_a_transport_that_nothing_is_seen_of(borrowed: str, name: str, sent: bool) -> None:
    """The class of the exception decides, because it is about our request."""
    library: Any = httpx2 if borrowed.endswith("httpx2") else httpx

    def handler(_request: Any) -> Any:
        raise getattr(library, name)("mocked")

    call = a_call("localhost:9")
    [found] = ran(made(borrowed, transport=library.MockTransport(handler)), call)
    assert isinstance(found, Fault)
    assert (found.sent, call.sent) == (sent, sent)


def test_a_transport_that_tries_again_by_itself(nobody: str) -> None:
    """The first attempt was sent; that the second could not connect does not undo it."""

    class Stubborn(httpx.BaseTransport):
        def __init__(self) -> None:
            self.inner = httpx.HTTPTransport(verify=unused())

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            with suppress(httpx.RemoteProtocolError):
                return self.inner.handle_request(request)
            return self.inner.handle_request(
                httpx.Request("POST", f"http://{nobody}/", content=b"", extensions=request.extensions)
            )

        def close(self) -> None:
            self.inner.close()

    with RawServer(b"", hangups=1) as server:
        call = a_call(server.origin)
        [found] = ran(made("httpx", transport=Stubborn()), call)
    assert isinstance(found, Fault)
    assert (found.sent, call.sent) == (True, True)


def test_a_mock_that_breaks(borrowed: str) -> None:
    """A `RuntimeError` of a mock is the test's own business."""
    library: Any = httpx2 if borrowed.endswith("httpx2") else httpx

    def handler(_request: Any) -> Any:
        raise RuntimeError("my mock broke")

    [found] = ran(made(borrowed, transport=library.MockTransport(handler)), a_call("localhost:9"))
    assert isinstance(found, RuntimeError)
    assert str(found) == "my mock broke"


@pytest.mark.parametrize("error", [MineError, RuntimeError, OSError, BlockingIOError])
@pytest.mark.parametrize("guarded", ["connect", "getaddrinfo"])
def test_a_guard_that_forbids_sockets(
    kind: str, guarded: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exception passes through, and nothing was sent; `connect` is what guards replace, and no other method."""
    original = socket.socket
    mine = error("no sockets in tests")

    class Guarded(original):  # type: ignore[misc, valid-type]
        def connect(self, *_: Any) -> Any:
            self.close()  # `socket.create_connection` would leave it open
            raise mine

    def forbidden(*_: Any, **__: Any) -> Any:
        raise mine

    with RawServer(http({})) as server:
        driver, call = made(kind), a_call(server.origin.replace("127.0.0.1", "localhost"))
        if guarded == "connect":
            monkeypatch.setattr(socket, "socket", Guarded)
        else:
            monkeypatch.setattr(socket, "getaddrinfo", forbidden)
        [found] = ran(driver, call)
        monkeypatch.undo()
        assert server.connections == 0
    assert found is mine
    assert not call.sent


class Alarm:
    """A signal handler that raises what it is given, once a server has a request."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self, _number: int, frame: Any) -> None:
        """Raise; a moment later if Python is in a weak reference's callback, which swallows what is raised."""
        if "weakref" in str(frame.f_globals.get("__name__")):
            signal.setitimer(signal.ITIMER_REAL, 0.001)
            return
        raise self.error


@pytest.fixture
def alarm() -> Iterator[Callable[[BaseException, RawServer], None]]:
    """Return what sets a real SIGALRM's handler, and has the signal come when a request has been read."""
    before = signal.getsignal(signal.SIGALRM)
    threads: list[threading.Thread] = []

    def armed(error: BaseException, server: RawServer) -> None:
        signal.signal(signal.SIGALRM, Alarm(error))
        main = threading.main_thread().ident or 0

        def strike() -> None:
            while not server.requests:
                pass
            signal.pthread_kill(main, signal.SIGALRM)

        threads.append(threading.Thread(target=strike))
        threads[-1].start()

    yield armed
    for thread in threads:
        thread.join(5)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("kind", ["stock", "httpx", "httpx2"])
@pytest.mark.parametrize(
    "stalled", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"], ids=["head", "body"]
)
@pytest.mark.parametrize(
    "error",
    [TimeoutError("the worker's limit"), OSError("the worker's"), RuntimeError("r"), ConnectionError("c")],
    ids=lambda error: type(error).__name__,
)
def test_a_signal_handler_raises_while_a_reply_is_awaited(
    kind: str, stalled: bytes, error: Exception, alarm: Any
) -> None:
    """Its exception passes, unwrapped, whatever the library would dress it up as; nothing more is sent."""
    mine = type(error)(*error.args)
    with RawServer(stalled, b"", stalls=True) as server:
        call = a_call(server.origin)
        alarm(mine, server)
        [found] = ran(made(kind), call)
    assert found is mine
    assert call.sent
    assert len(server.requests) == 1
    assert frames(mine) == []


@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_signal_handler_raises_while_the_request_is_sent(
    library: Any, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """httpcore would go on reading after an error of writing; the handler's exception passes."""
    from importlib import import_module

    backend = import_module("httpcore2" if library is httpx2 else "httpcore")._backends.sync
    mine = OSError("the worker's limit")
    original = backend.SyncStream.write

    class Interrupted:
        """A socket whose sending is interrupted."""

        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def send(self, _data: bytes) -> int:
            raise mine

    def write(stream: Any, buffer: bytes, timeout: float | None = None) -> None:
        inner, stream._sock = stream._sock, Interrupted(stream._sock)
        try:
            original(stream, buffer, timeout)
        finally:
            stream._sock = inner

    monkeypatch.setattr(backend.SyncStream, "write", write)
    with RawServer(http({})) as server:
        headers = SealedHeaders({"Authorization": SECRET})
        call = Call(method, f"http://{server.origin}", "/", None, headers, CLOCK.monotonic() + 60)
        [found] = ran(made("httpx2" if library is httpx2 else "httpx"), call)
        assert server.requests == []
    assert found is mine
    assert call.sent


@pytest.mark.parametrize("error", [TimeoutError("limit"), OSError("limit"), MineError("limit")], ids=repr)
def test_a_signal_handler_raises_while_asyncio_has_the_thread(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """asyncio makes it the end of the connection; it passes all the same."""
    from countermand.transport.protocol import AsyncStream

    mine = type(error)(*error.args)

    def interrupted(_stream: AsyncStream, _nbytes: int) -> None:
        raise mine

    monkeypatch.setattr(AsyncStream, "buffer_updated", interrupted)
    with RawServer(http({})) as server:
        call = a_call(server.origin)
        [found] = ran(made("async stock"), call)
        assert len(server.requests) == 1
    assert found is mine
    assert call.sent


@pytest.mark.parametrize("kind", ["async stock", "async httpx", "aiohttp"])
def test_trio_is_not_asyncio(kind: str) -> None:
    """Without asyncio's loop nothing is sent, and the reason says so; closing does not hide it."""
    from countermand import NotSentError

    def flow() -> Flow[None]:
        yield a_call("localhost:9")

    driver = made(kind)
    with pytest.raises(NotSentError, match="asyncio"):
        driver.run(flow()).send(None)
    with pytest.raises(StopIteration):
        driver.aclose().send(None)


def test_no_new_work_at_the_end_of_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Host names are looked up in threads; when none can be started any more, nothing was sent."""
    from concurrent.futures import ThreadPoolExecutor

    async def late(kind: str) -> tuple[Any, Call]:
        executor = ThreadPoolExecutor(1)
        executor.shutdown()
        asyncio.get_running_loop().set_default_executor(executor)
        driver, call = made(kind), a_call("localhost:9")
        return await driver.exchange(call), call

    for kind in ("async stock", "async httpx", "aiohttp"):
        found, call = asyncio.run(late(kind))
        assert isinstance(found, Fault), kind
        assert not found.sent, kind
        assert not call.sent


def test_what_the_caller_was_handling_is_left_alone(nobody: str) -> None:
    """A call inside an `except` block: that exception, and its frames, are the caller's, and no cause of ours."""

    def handling() -> Any:
        try:
            raise MineError("before")
        except MineError as before:
            return before, before.__traceback__, ran(made("httpx"), a_call(nobody))

    before, trace, [found] = handling()
    assert isinstance(found, Fault)
    assert before.__traceback__ is trace is not None


def test_the_tls_context_is_made_once() -> None:
    """It takes longer than a hundred calls."""
    from countermand.transport.messages import tls_for

    assert tls_for("https://a") is tls_for("https://b")
    assert tls_for("http://localhost").verify_mode is ssl.CERT_REQUIRED
