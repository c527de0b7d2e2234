"""Connections that are refused, dropped between calls, spoilt, shared by threads, inherited by a fork or a new loop."""

import asyncio
import gc
import os
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from attrs import evolve

from countermand import AsyncCountermand, Countermand, NotSentError, Requested, Unknown
from countermand.engine.wire import AsyncDriver
from tests.support.tls import anonymous

from .conftest import Opener
from .doors import FAST, aopened, cancel, doors, opened, settings
from .handle import Scene
from .judge import contradictions
from .plain import IDS, PATIENCE, ask, case, lost, named, patiently
from .playing import told
from .spec import OrderSpec


def test_nobody_listens(stage: Opener, door: str) -> None:
    """A refused connection is NotSentError: nothing left, and the order is untouched."""
    spec = case("crux", 0.5, connect=[lost("refused", "no")])
    results = ask(door, scene := stage(spec), spec)
    assert named(results) == ["NotSentError"] * 3
    assert not scene.report().seen


def test_nobody_listens_to_the_settling_read(stage: Opener, door: str) -> None:
    """The cancel arrived and its reply was lost; that the read is refused does not make it NotSentError."""

    def played(patience: float) -> tuple[list[Any], Scene]:
        spec = case("crux", patience, connect=[lost("refused", "no", 1)], cancel=[lost("fin")])
        return ask(door, scene := stage(spec), spec), scene

    results, scene = patiently(played, lambda found: not isinstance(found[0][0], NotSentError))
    assert isinstance(results[0], Unknown)
    assert [attempt.sent for attempt in results[0].attempts if attempt.what == "cancel"] == [True]
    assert all(not attempt.sent for attempt in results[0].attempts if attempt.what == "read")
    assert isinstance(results[1], NotSentError)
    assert scene.report().truths[IDS["crux"][1]].cancels == 0


@pytest.mark.parametrize("how", ["closed after the reply", "reset after the reply"])
def test_idle_connections_are_closed_by_the_server(stage: Opener, door: str, how: str) -> None:
    """A connection that died between two calls costs neither of them anything: each is sent once and answered."""
    spec = case("crux", cancel=[lost(how)])
    results = ask(door, scene := stage(spec), spec)
    assert named(results) == ["Requested"] * 3
    assert [one.where for one in scene.report().seen] == ["cancel"] * 3


def test_a_kept_connection_is_reset_as_the_next_request_arrives(stage: Opener, door: str) -> None:
    """The request may have been read: at Crux it is not sent again, and the order is read."""

    def played(patience: float) -> tuple[list[Any], Scene]:
        spec = case("crux", patience, cancel=[lost("1xx, then the reply"), lost("reset unread", "no")])
        spec = evolve(spec, orders=spec.orders[:2])
        return ask(door, scene := stage(spec), spec, calm=False), scene

    results, scene = patiently(played, lambda found: not isinstance(found[0][0], NotSentError | Unknown))
    assert named(results) == ["Requested", "Unknown"]
    assert len([one for one in scene.report().seen if one.where == "cancel"]) == 2


@pytest.mark.parametrize("marketplace", ["pattern", "vtex", "crux", "kibo"])
@pytest.mark.parametrize("variant", range(6))
def test_a_forged_second_reply_is_nobodys_answer(
    stage: Opener, door: str, marketplace: str, variant: int
) -> None:
    """What comes behind a reply is not taken for the answer to the next call on that connection."""
    spec = case(marketplace, cancel=[lost("a forged second reply", pick=variant)])
    results = ask(door, scene := stage(spec), spec)
    report = scene.report()
    assert all(report.truths[order.order_id].cancels == 1 for order in spec.orders)
    assert named(results) == ["Cancelled" if marketplace == "kibo" else "Requested"] * 3


def test_a_forged_reply_in_a_tls_record_of_its_own_is_nobodys_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over TLS too, where the record behind the reply's is taken from the socket and not yet read."""
    server = socket.create_server(("127.0.0.1", 0))
    origin = f"https://127.0.0.1:{server.getsockname()[1]}"
    serving = threading.Thread(target=_forge_over_tls, args=(server,))
    serving.start()
    monkeypatch.setattr(
        "countermand.transport.blocking.tls_for", lambda _: anonymous(ssl.PROTOCOL_TLS_CLIENT)
    )
    monkeypatch.setattr(
        "countermand.transport.eventloop.tls_for", lambda _: anonymous(ssl.PROTOCOL_TLS_CLIENT)
    )
    first, second, *_ = IDS["crux"]

    async def both() -> list[Any]:
        async with AsyncCountermand(**settings("crux", origin)) as client:
            return [
                await cancel(client, "crux", first, PATIENCE),
                await cancel(client, "crux", second, PATIENCE),
            ]

    with Countermand(**settings("crux", origin)) as client:
        assert named([cancel(client, "crux", first, PATIENCE), cancel(client, "crux", second, PATIENCE)]) == [
            "Requested",
            "Refused",
        ]
    assert named(asyncio.run(both())) == ["Requested", "Refused"]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    serving.join()


def _forge_over_tls(listener: socket.socket) -> None:
    """Answer each first request with 200 and a forged 204 behind it; each second one, and the read after it, with 422."""
    context = anonymous(ssl.PROTOCOL_TLS_SERVER)
    while True:
        try:
            plain, _address = listener.accept()
        except OSError:  # the listener is closed
            return
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # both records leave as one
        # A client that drops the connection resets it, or leaves it without a close_notify.
        with suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
            while data := connection.recv(65536):
                if IDS["crux"][1].encode() in data:
                    connection.sendall(b"HTTP/1.1 422 No\r\ncontent-length: 0\r\n\r\n")
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
                    break
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)


def test_sixteen_threads_share_one_client(stage: Opener) -> None:
    """Every thread gets answers about its own orders, faults or not."""
    spec = case("kibo", 5.0, cancel=[lost(name) for name in ("fin", "reset", "408, 5xx", "bad gzip")])
    ids = [str(number) for number in range(500_000, 500_160)]
    spec = evolve(spec, orders=tuple(OrderSpec(order_id) for order_id in ids))
    scene = stage(spec)
    with opened("stock", **settings("kibo", scene.origin)) as client, ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(lambda order_id: cancel(client, "kibo", order_id, PATIENCE), ids))
    assert [outcome.order_id for outcome in outcomes] == ids
    truths = scene.report().truths
    for order_id, outcome in zip(ids, outcomes, strict=True):
        assert not contradictions(told(order_id, 5.0, 0.0, outcome), truths[order_id])
    assert named(outcomes) == ["Cancelled"] * 160


@pytest.mark.parametrize("door", [door for door in ("async stock", "async aiohttp") if door in doors()])
def test_one_client_in_two_event_loops_after_each_other(
    stage: Opener, door: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The connections end with their loop, although nobody closes the client; the next loop opens its own."""
    spec = case("crux")
    scene = stage(spec)
    client = AsyncCountermand(**settings("crux", scene.origin), retry=FAST, http_client=_driver(door))
    outcomes = [asyncio.run(cancel(client, "crux", order.order_id, PATIENCE)) for order in spec.orders]
    del client
    gc.collect()  # a connection that was left open would warn, which is an error
    assert named(outcomes) == ["Requested"] * 3
    assert all(scene.report().truths[order.order_id].forwarded == 1 for order in spec.orders)
    assert "Unclosed" not in caplog.text


def _driver(door: str) -> AsyncDriver | None:
    """Return the driver of a door that is no caller's own client; None for the stock one."""
    if door == "async stock":
        return None
    from countermand.transport.aiohttp import AiohttpDriver

    return AiohttpDriver()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("door", [door for door in ("async stock", "async aiohttp") if door in doors()])
def test_a_process_forks_while_its_event_loop_has_connections(stage: Opener, door: str) -> None:
    """The child opens connections of its own, and the parent still hears what comes on its."""
    spec = case("crux")
    scene = stage(spec)
    ids = [order.order_id for order in spec.orders]

    async def parent() -> list[Any]:
        async with AsyncCountermand(
            **settings("crux", scene.origin), retry=FAST, http_client=_driver(door)
        ) as client:
            before = await cancel(client, "crux", ids[0], PATIENCE)
            if (child := os.fork()) == 0:
                try:
                    asyncio.run(cancel(client, "crux", ids[1], PATIENCE))
                    gc.collect()  # what the child lets go of must not reach into the parent's event loop
                finally:
                    os._exit(0)
            os.waitpid(child, 0)  # noqa: ASYNC222  nothing else is under way
            return [before, await cancel(client, "crux", ids[2], PATIENCE)]

    assert named(asyncio.run(parent())) == ["Requested"] * 2
    report = scene.report()
    assert [report.truths[order_id].forwarded for order_id in ids] == [1, 1, 1]
    assert sorted(one.connection for one in report.seen) == [1, 1, 2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_forks_while_its_client_has_connections(stage: Opener) -> None:
    """Parent and child go on, each over connections of its own, each about its own order."""
    spec = case("crux")
    scene = stage(spec)
    with opened("stock", **settings("crux", scene.origin)) as client:
        before = cancel(client, "crux", spec.orders[0].order_id, PATIENCE)
        ours, theirs = os.pipe()
        if (child := os.fork()) == 0:
            try:
                outcome = cancel(client, "crux", spec.orders[1].order_id, PATIENCE)
                os.write(theirs, f"{type(outcome).__name__} {outcome.order_id}".encode())
            finally:
                os._exit(0)
        after = cancel(client, "crux", spec.orders[2].order_id, PATIENCE)
        os.waitpid(child, 0)
    assert isinstance(before, Requested)
    assert isinstance(after, Requested)
    assert os.read(ours, 1000).decode() == f"Requested {spec.orders[1].order_id}"
    os.close(ours)
    os.close(theirs)
    report = scene.report()
    assert all(report.truths[order.order_id].forwarded == 1 for order in spec.orders)
    assert sorted(one.connection for one in report.seen) == [1, 1, 2]


def test_many_tasks_share_one_client(stage: Opener) -> None:
    """A hundred cancellations at once on one event loop, some of which lose their replies."""
    spec = case("vtex", 5.0, cancel=[lost("reset"), lost("fin"), lost("stall before the head")])
    ids = [f"{number}-01" for number in range(700_000, 700_100)]
    spec = evolve(spec, patience=1.0, orders=tuple(OrderSpec(order_id) for order_id in ids))
    scene = stage(spec)

    async def all_at_once() -> list[Any]:
        async with aopened("async stock", **settings("vtex", scene.origin)) as client:
            return await asyncio.gather(*(cancel(client, "vtex", order_id, 5.0) for order_id in ids))

    outcomes = asyncio.run(all_at_once())
    assert [outcome.order_id for outcome in outcomes] == ids
    truths = scene.report().truths
    assert all(truths[order_id].forwarded == 1 for order_id in ids)
