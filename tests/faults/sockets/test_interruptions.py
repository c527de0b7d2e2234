"""A task is cancelled, Ctrl-C comes, the caller's own timeout ends: after the bytes went out."""

import asyncio
import signal
import threading
from typing import Any

import pytest

from countermand import Unknown, evidence_of

from .conftest import Opener
from .doors import ASYNC, BLOCKING, aopened, cancel, doors, opened, settings
from .leaks import has_credential, told_with_locals
from .plain import IDS, PATIENCE, case, lost, wait_for_a_request

_STALLS = (
    "stall before the head",
    "stall inside the head",
    "stall inside the body",
    "drip the body",
    "1xx for ever",
)


def _is_evidence(interruption: BaseException, order_id: str) -> None:
    evidence = evidence_of(interruption)
    assert isinstance(evidence, Unknown)
    assert evidence.order_id == order_id
    assert [attempt.what for attempt in evidence.attempts] == ["cancel"]
    assert evidence.attempts[0].sent
    assert not has_credential(told_with_locals(interruption))


@pytest.mark.parametrize("door", [door for door in BLOCKING if door in doors()])
@pytest.mark.parametrize("stall", _STALLS)
def test_ctrl_c_while_the_answer_is_awaited(stage: Opener, door: str, stall: str) -> None:
    """KeyboardInterrupt passes through with the evidence on it, and the client serves the next call."""
    spec = case("crux", 10.0, cancel=[lost(stall)], echo=True)
    scene = stage(spec)

    def interrupt() -> None:
        wait_for_a_request(stage.server, scene)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with opened(door, **settings("crux", scene.origin)) as client:
        presser = threading.Thread(target=interrupt)
        presser.start()
        with pytest.raises(KeyboardInterrupt) as caught:
            cancel(client, "crux", IDS["crux"][0], PATIENCE)
        presser.join()
        _is_evidence(caught.value, IDS["crux"][0])
        scene.calm()
        assert type(cancel(client, "crux", IDS["crux"][1], PATIENCE)).__name__ == "Requested"


@pytest.mark.parametrize("door", [door for door in ASYNC if door in doors()])
@pytest.mark.parametrize("stall", _STALLS)
def test_a_task_is_cancelled_while_the_answer_is_awaited(stage: Opener, door: str, stall: str) -> None:
    """CancelledError passes through with the evidence on it, and the client serves the next call."""
    spec = case("crux", 10.0, cancel=[lost(stall)], echo=True)
    scene = stage(spec)

    async def story() -> Any:
        async with aopened(door, **settings("crux", scene.origin)) as client:
            task = asyncio.ensure_future(cancel(client, "crux", IDS["crux"][0], PATIENCE))
            await asyncio.to_thread(wait_for_a_request, stage.server, scene)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            _is_evidence(caught.value, IDS["crux"][0])
            await scene.acalm()
            return await cancel(client, "crux", IDS["crux"][1], PATIENCE)

    assert type(asyncio.run(story())).__name__ == "Requested"


@pytest.mark.parametrize("door", [door for door in ASYNC if door in doors()])
def test_the_callers_own_timeout_ends_first(stage: Opener, door: str) -> None:
    """asyncio.timeout around a call: the TimeoutError leads to the evidence."""
    spec = case("crux", 10.0, cancel=[lost("stall before the head")])
    scene = stage(spec)

    async def end(limit: asyncio.Timeout) -> None:
        await asyncio.to_thread(wait_for_a_request, stage.server, scene)
        limit.reschedule(0.0)

    async def limited(client: Any) -> None:
        async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as tasks:
            tasks.create_task(end(limit))
            await cancel(client, "crux", IDS["crux"][0], PATIENCE)

    async def story() -> Any:
        async with aopened(door, **settings("crux", scene.origin)) as client:
            with pytest.raises(TimeoutError) as caught:
                await limited(client)
            _is_evidence(caught.value, IDS["crux"][0])
            await scene.acalm()
            return await cancel(client, "crux", IDS["crux"][1], PATIENCE)

    assert type(asyncio.run(story())).__name__ == "Requested"


def test_ctrl_c_before_anything_was_sent_leaves_no_evidence(stage: Opener) -> None:
    """A login that is interrupted has touched no order."""
    spec = case("kibo", 10.0, login=[lost("stall before the head")], settings={"require_bearer": True})
    scene = stage(spec)

    def interrupt() -> None:
        wait_for_a_request(stage.server, scene)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with opened("stock", **settings("kibo", scene.origin, "login")) as client:
        presser = threading.Thread(target=interrupt)
        presser.start()
        with pytest.raises(KeyboardInterrupt) as caught:
            cancel(client, "kibo", IDS["kibo"][0], PATIENCE)
        presser.join()
        assert evidence_of(caught.value) is None
        scene.calm()
        assert type(cancel(client, "kibo", IDS["kibo"][1], PATIENCE)).__name__ == "Cancelled"
