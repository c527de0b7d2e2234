"""What is not ours passes through: hooks of the caller's client, and a real SIGALRM, after the bytes went out."""

import asyncio
import signal
import threading
from typing import Any

import pytest

from countermand import AsyncCountermand, Countermand, Unknown, evidence_of

from .conftest import Opener
from .doors import BLOCKING, FAST, cancel, doors, opened, own_async_client, own_client, settings
from .leaks import has_credential, told_with_locals
from .plain import IDS, PATIENCE, case, lost, wait_for_a_request

BORROWED = [door for door in doors() if "httpx" in door]


class HookError(Exception):
    """What a hook of the caller's raises."""


def asked(door: str, origin: str, hook: Any) -> Any:
    """Cancel one order through a client with a response hook; return what comes of it, what is raised included."""
    order_id, configured = IDS["crux"][0], settings("crux", origin)

    async def awaited() -> Any:
        async def ahook(response: Any) -> None:
            hook(response)

        async with own_async_client(door) as own:
            own.event_hooks = {"response": [ahook]}
            client = AsyncCountermand(**configured, retry=FAST, http_client=own)
            return await cancel(client, "crux", order_id, 20.0)

    try:
        if door.startswith("async"):
            return asyncio.run(awaited())
        with own_client(door) as own:
            own.event_hooks = {"response": [hook]}
            return cancel(Countermand(**configured, retry=FAST, http_client=own), "crux", order_id, 20.0)
    except Exception as error:  # noqa: BLE001 - it is the result
        return error


@pytest.mark.parametrize("door", BORROWED)
def test_a_hook_that_breaks_after_an_accepted_cancellation(stage: Opener, door: str) -> None:
    """Its exception passes with the evidence on it; the order was cancelled, and is not cancelled again."""
    scene = stage(case("crux"))

    def hook(_response: Any) -> None:
        raise HookError("my hook broke")

    found = asked(door, scene.origin, hook)
    assert isinstance(found, HookError)
    evidence = evidence_of(found)
    assert isinstance(evidence, Unknown)
    assert [(attempt.what, attempt.sent) for attempt in evidence.attempts] == [("cancel", True)]
    assert scene.report().truths[IDS["crux"][0]].forwarded == 1
    assert not has_credential(told_with_locals(found))


@pytest.mark.parametrize("door", BORROWED)
def test_a_hook_whose_collector_is_down(stage: Opener, door: str) -> None:
    """A `ConnectError` about another request is no proof that ours was not sent."""
    scene, down = stage(case("crux")), stage(case("crux", connect=[lost("refused", "no")]))

    def hook(_response: Any) -> None:
        with own_client("httpx2" if door.endswith("httpx2") else "httpx") as other:
            other.post(f"{down.origin}/metrics")

    found = asked(door, scene.origin, hook)
    assert type(found).__name__ == "ConnectError"
    assert evidence_of(found) is not None
    assert scene.report().truths[IDS["crux"][0]].forwarded == 1


@pytest.mark.parametrize("door", BORROWED)
@pytest.mark.parametrize("pick", range(3))
def test_a_hook_that_raises_for_status(stage: Opener, door: str, pick: int) -> None:
    """A 429 is heeded as it is without the hook: it is never an answer about the order."""
    scene = stage(case("crux", 2.0, cancel=[lost("429", "no", pick)]))
    found = asked(door, scene.origin, lambda response: response.raise_for_status())
    assert type(found).__name__ in ("Requested", "RateLimitedError")
    seen = [one.told for one in scene.report().seen if one.where == "cancel"]
    assert len(seen) == (2 if type(found).__name__ == "Requested" else 1)


class Struck:
    """Raises what it is given, when the signal comes."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self, _number: int, _frame: Any) -> None:
        """Raise."""
        raise self.error


@pytest.mark.parametrize("door", [door for door in BLOCKING if door in doors()])
@pytest.mark.parametrize("stall", ["stall before the head", "stall inside the body", "1xx for ever"])
@pytest.mark.parametrize("kind", [TimeoutError, OSError, HookError])
def test_a_workers_limit_by_a_signal(stage: Opener, door: str, stall: str, kind: type[Exception]) -> None:
    """The handler's own exception is raised, with the evidence; nothing more is sent, and the client goes on."""
    scene = stage(case("crux", 10.0, cancel=[lost(stall)]))
    limit = kind("the worker's time is over")
    before = signal.signal(signal.SIGALRM, Struck(limit))

    def strike() -> None:
        wait_for_a_request(stage.server, scene)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    try:
        with opened(door, **settings("crux", scene.origin)) as client:
            striker = threading.Thread(target=strike)
            striker.start()
            with pytest.raises(kind) as caught:
                cancel(client, "crux", IDS["crux"][0], PATIENCE)
            striker.join()
            assert caught.value is limit
            assert isinstance(evidence_of(limit), Unknown)
            assert not has_credential(told_with_locals(limit))
            assert len([one for one in scene.report().seen if one.where == "cancel"]) == 1
            scene.calm()
            assert type(cancel(client, "crux", IDS["crux"][1], PATIENCE)).__name__ == "Requested"
    finally:
        signal.signal(signal.SIGALRM, before)
