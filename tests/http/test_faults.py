"""What an HTTP library raises, and what comes back broken: told apart by phase, whichever way a request goes."""

import gzip
import zlib
from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import pytest
from pytest_httpx import HTTPXMock, IteratorStream

from countermand import Cancelled, Countermand, NotSentError, Refused, Requested, RetryPolicy, Unknown
from countermand.engine.wire import LARGEST_BODY, Call, Fault
from countermand.transport.faults import settled
from tests.support.doors import Door, OpenDoor
from tests.support.markets import CRUX, KIBO, MARKETS, PATTERN, VTEX, Market
from tests.support.stage import reply
from tests.support.tls import unused

from .seam import answer

SWIFT = RetryPolicy(attempts=2, first_pause=0.0)

NOT_SENT = [
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
]
MAYBE_SENT = [
    httpx.ReadTimeout,
    httpx.WriteTimeout,
    httpx.ReadError,
    httpx.WriteError,
    httpx.RemoteProtocolError,
    httpx.LocalProtocolError,
    httpx.CloseError,
]


@pytest.mark.parametrize(
    "error, sent, told",
    [
        (
            httpx.ReadError("x"),
            False,
            "the connection broke while the answer was awaited, before anything was sent",
        ),
        (httpx.ReadError("x"), True, "the connection broke while the answer was awaited"),
        (httpx.ConnectError("x"), False, "no connection"),
        (RuntimeError("a name is missing"), False, "it could not be sent"),
        (RuntimeError("a name is missing"), True, "it failed"),
        (TimeoutError(), False, "no connection in time"),
        (TimeoutError(), True, "no answer in time"),
    ],
)
def test_a_fault_says_how_far_the_request_came(error: Exception, sent: bool, told: str) -> None:
    """Of what a driver has seen itself."""
    call = Call("POST", "http://localhost", "/", sent=sent)
    found = settled(error, call, witnessed=True)
    assert isinstance(found, Fault)
    assert found.sent is sent
    assert found.detail.startswith(f"{told} ({type(error).__name__}")


@pytest.mark.parametrize("error", NOT_SENT)
def test_what_was_not_sent_is_tried_again(
    error: type[Exception], market: Market, open_http: OpenDoor, httpx_mock: HTTPXMock
) -> None:
    """No connection, no free connection, no TLS: nothing left this machine."""
    httpx_mock.add_exception(error("no"))
    answer(httpx_mock, market.accepted)
    outcome = market.cancel(open_http(retry=SWIFT, **market.settings))
    assert isinstance(outcome, Requested)
    assert [attempt.sent for attempt in outcome.attempts] == [False, True]


@pytest.mark.parametrize("error", NOT_SENT)
def test_what_is_never_sent_raises(
    error: type[Exception], open_http: OpenDoor, httpx_mock: HTTPXMock
) -> None:
    """NotSentError, and no read: there is nothing to settle."""
    httpx_mock.add_exception(error("no"), is_reusable=True)
    with pytest.raises(NotSentError):
        PATTERN.cancel(open_http(retry=SWIFT, **PATTERN.settings))
    assert [request.method for request in httpx_mock.get_requests()] == ["POST", "POST"]


@pytest.mark.parametrize("error", MAYBE_SENT)
def test_what_may_have_been_sent_is_settled_by_reading(
    error: type[Exception], market: Market, open_http: OpenDoor, httpx_mock: HTTPXMock
) -> None:
    """ReadTimeout and ConnectTimeout are both timeouts, and mean the opposite."""
    httpx_mock.add_exception(error("gone"), method=market.method)
    answer(httpx_mock, market.cancelled, method="GET")
    outcome = market.cancel(open_http(retry=SWIFT, **market.settings))
    assert isinstance(outcome, Cancelled)
    assert [attempt.what for attempt in outcome.attempts] == ["cancel", "read"]
    assert outcome.attempts[0].sent is True


def test_nothing_to_be_learnt_is_unknown(market: Market, open_http: OpenDoor, httpx_mock: HTTPXMock) -> None:
    """Each attempt says how it ended."""
    httpx_mock.add_exception(httpx.ReadTimeout("gone"), is_reusable=True)
    outcome = market.cancel(open_http(retry=SWIFT, **market.settings))
    assert isinstance(outcome, Unknown)
    assert [attempt.status for attempt in outcome.attempts] == [None, None]
    assert all("no answer in time" in attempt.ended for attempt in outcome.attempts)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(
    status: int, market: Market, open_http: OpenDoor, httpx_mock: HTTPXMock
) -> None:
    """A credential would go along: the order is read where it has always been."""
    answer(httpx_mock, reply(status, location="https://elsewhere.example/"), method=market.method)
    answer(httpx_mock, market.cancelled, method="GET", url=market.read_url)
    assert isinstance(market.cancel(open_http(**market.settings)), Cancelled)
    assert "elsewhere.example" not in {request.url.host for request in httpx_mock.get_requests()}


def test_a_caller_who_follows_redirects_does_not_here(market: Market, httpx_mock: HTTPXMock) -> None:
    """The own client's habit, and its own `auth`, are left out of these requests."""
    answer(httpx_mock, reply(302, location="https://elsewhere.example/"), method=market.method)
    answer(httpx_mock, market.cancelled, method="GET", url=market.read_url)
    with (
        httpx.Client(follow_redirects=True, auth=("user", "secret"), verify=unused()) as own,
        Countermand(http_client=own, **market.settings) as client,
    ):
        outcome = client.cancel(market.request)
    assert isinstance(outcome, Cancelled)
    for request in httpx_mock.get_requests():
        assert request.headers.get("authorization") == market.credentials.get("authorization")


def chunks(*pieces: bytes, error: Exception | None = None) -> IteratorStream:
    """Return a body that comes in pieces, and may break off."""

    def given() -> Any:
        yield from pieces
        if error is not None:
            raise error

    return IteratorStream(given())


BROKEN = {
    "cut short": lambda body: {"stream": chunks(body[:9], error=httpx.RemoteProtocolError("incomplete"))},
    "reset": lambda body: {"stream": chunks(body, error=httpx.ReadError("reset"))},
    "timed out": lambda body: {"stream": chunks(body, error=httpx.ReadTimeout("slow"))},
    "too large": lambda body: {"stream": chunks(body, b" " * LARGEST_BODY)},
    "an unknown encoding": lambda body: {"stream": chunks(body), "headers": {"content-encoding": "br"}},
    "broken gzip": lambda body: {
        "stream": chunks(gzip.compress(body)[:-9]),
        "headers": {"content-encoding": "gzip"},
    },
    "no gzip": lambda body: {"stream": chunks(body), "headers": {"content-encoding": "gzip"}},
    "a bomb": lambda body: {
        "stream": chunks(gzip.compress(body + b" " * LARGEST_BODY)),
        "headers": {"content-encoding": "gzip"},
    },
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("market", [PATTERN, VTEX, KIBO], ids=lambda market: market.name)
def test_a_200_with_a_broken_body_is_settled_by_reading(
    broken: Any, market: Market, open_http: OpenDoor, httpx_mock: HTTPXMock
) -> None:
    """It was probably applied."""
    httpx_mock.add_response(method=market.method, **broken(market.accepted.body))
    answer(httpx_mock, market.blocked, method="GET")
    outcome = market.cancel(open_http(**market.settings))
    assert isinstance(outcome, Refused)
    assert "answered 200, its body" in outcome.attempts[0].ended


COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "GZIP": gzip.compress,
    "identity": bytes,
}


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_a_compression_that_was_not_asked_for_is_undone(
    encoding: str, open_http: OpenDoor, httpx_mock: HTTPXMock
) -> None:
    """Some proxies compress whatever passes."""
    raw = COMPRESSED[encoding](VTEX.accepted.body)
    httpx_mock.add_response(stream=chunks(raw[:7], raw[7:]), headers={"content-encoding": encoding})
    outcome = VTEX.cancel(open_http(**VTEX.settings))
    assert isinstance(outcome, Requested)
    assert outcome.answer is not None
    assert outcome.answer.raw["receipt"] == "38e0e47d"


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.name)
def test_headers_are_found_whatever_their_case(
    market: Market, open_http: OpenDoor, httpx_mock: HTTPXMock
) -> None:
    """Retry-After and the request's id."""
    for name in ("retry-after", "Retry-After", "RETRY-AFTER"):
        httpx_mock.add_response(429, headers={name: "99", "X-Request-ID": "r-1"})
        with pytest.raises(Exception, match=r"come back in 99\.0 s \(request id r-1\)"):
            market.cancel(open_http(**market.settings))


def test_repeated_retry_after_headers(open_http: OpenDoor, httpx_mock: HTTPXMock) -> None:
    """The longest counts."""
    repeated = [("retry-after", "3"), ("retry-after", "99"), ("retry-after", "5")]
    httpx_mock.add_response(429, headers=repeated)
    with pytest.raises(Exception, match="come back in 99"):
        CRUX.cancel(open_http(**CRUX.settings))


def test_a_client_of_httpx2() -> None:
    """httpx's successor has the same interface, and works when it is passed in."""
    seen: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(f"{request.method} {request.url}")
        if request.method == "POST":
            raise httpx2.ReadTimeout("gone")
        return httpx2.Response(200, content=PATTERN.cancelled.body)

    with httpx2.Client(transport=httpx2.MockTransport(handler)) as own:
        outcome = PATTERN.cancel(Door("sync", http_client=own, **PATTERN.settings))
        assert isinstance(outcome, Cancelled)
        assert seen == [f"POST {PATTERN.cancel_url}", f"GET {PATTERN.read_url}"]
        assert not own.is_closed


def test_an_async_client_of_httpx2() -> None:
    """Through the async door."""

    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            raise httpx2.ConnectTimeout("no")
        return httpx2.Response(200, content=PATTERN.cancelled.body)

    own = httpx2.AsyncClient(transport=httpx2.MockTransport(handler))
    with Door("async", http_client=own, retry=SWIFT, **PATTERN.settings) as door:
        with pytest.raises(NotSentError):
            PATTERN.cancel(door)
        assert PATTERN.wait(door).settled
        door.run(own.aclose)
