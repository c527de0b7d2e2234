"""What interrupts a blocking call at any instant: no outcome is lost, and the driver works afterwards."""

import codecs
import encodings.idna
import signal
import threading
from collections import defaultdict
from functools import partial
from random import Random
from typing import Any

import pytest
from httpcore._synchronization import Lock, ThreadLock

from countermand import Countermand, Crux, RetryPolicy, Unknown, evidence_of
from countermand.engine.wire import Call, Fault, Reply
from countermand.transport import blocking, messages
from countermand.transport.connecting import Backend
from countermand.transport.foreign import foreign_cause

from .raw import RawServer, http
from .test_passing import MineError, a_call

ORDER = "521a91e5-058d-4474-aeee-f0c148594a00"


class Accepting(blocking.BlockingDriver):
    """Accepts everything at once, without a socket."""

    def __init__(self) -> None:
        self.requests = 0

    @property
    def closed(self) -> bool:
        """Say that it is open."""
        return False

    def exchange(self, call: Call) -> Reply | Fault:
        """Answer as Crux Connect does."""
        self.requests += 1
        return Reply(204, {})

    def close(self) -> None:
        """Do nothing."""


def test_a_signal_at_any_instant_loses_no_outcome() -> None:
    """Either the call returns its outcome, or the handler's exception carries evidence once anything was sent."""
    driver, dice, armed = Accepting(), Random(12), threading.Event()
    cancel = Countermand(
        Crux(token="t" * 20), http_client=driver, retry=RetryPolicy.never()
    ).crux.cancel_order

    def strike(_number: int, _frame: Any) -> None:
        if armed.is_set():
            armed.clear()
            raise MineError("the worker's limit")

    before = signal.signal(signal.SIGALRM, strike)
    struck = 0
    try:
        for _ in range(4000):
            driver.requests, found, returned = 0, None, defaultdict[None, Any](partial(cancel, ORDER))
            try:
                armed.set()
                signal.setitimer(signal.ITIMER_REAL, dice.uniform(1e-6, 150e-6))
                returned[None]  # what it returns is kept, whatever a signal does then
                signal.setitimer(signal.ITIMER_REAL, 0)
            except MineError as error:
                found = error
            armed.clear()
            if found is not None and not returned and driver.requests:
                struck += 1
                assert isinstance(evidence_of(found), Unknown)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert struck  # otherwise it has shown nothing


def test_interruptions_leave_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """After many of them a call is answered, and what they left open is closed."""
    times = 120
    with RawServer(*[http({"n": number}) for number in range(times + 1)]) as server:
        driver, read = blocking.StockDriver(), messages.read

        def interrupted(_response: Any, _call: Call) -> Reply:
            raise KeyboardInterrupt

        monkeypatch.setattr(blocking, "read", interrupted)
        for _ in range(times):
            with pytest.raises(KeyboardInterrupt):
                driver.exchange(a_call(server.origin))
        assert server.closed(times)
        monkeypatch.setattr(blocking, "read", read)
        found = driver.exchange(a_call(server.origin))
        driver.close()
    assert isinstance(found, Reply)
    assert found.status == 200


def test_an_interruption_leaves_other_threads_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply that another thread awaits from the same server still arrives."""
    first, second = http({"n": 1}), http({"n": 2})
    with RawServer(first[:-4], second, later=first[-4:]) as server:
        driver, read, found = blocking.StockDriver(), messages.read, list[Any]()
        patient = a_call(server.origin)
        waits = threading.Event()

        def reading(response: Any, call: Call) -> Reply:
            if call is not patient:
                raise KeyboardInterrupt
            waits.set()
            return read(response, call)

        monkeypatch.setattr(blocking, "read", reading)
        thread = threading.Thread(target=lambda: found.append(driver.exchange(patient)))
        thread.start()
        assert waits.wait(60)
        with pytest.raises(KeyboardInterrupt):
            driver.exchange(a_call(server.origin))
        server.say_more()
        thread.join(60)
        assert server.closed(2)
        driver.close()
    assert [(each.status, each.flaw) for each in found] == [(200, "")]


def test_an_interruption_that_leaves_a_lock_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """httpcore waits for none of its locks again, wherever one is taken and its block not entered."""
    taken, strikes_at = [0], [0]

    def striking(kind: Any) -> Any:
        enter = kind.__enter__

        def entered(lock: Any) -> Any:
            enter(lock)
            taken[0] += 1
            if taken[0] == strikes_at[0]:
                raise MineError("the worker's limit")
            return lock

        return entered

    def exchanged() -> None:
        try:
            found.append(driver.exchange(a_call(server.origin)))
        except MineError as error:
            found.append(error)

    for kind in (Lock, ThreadLock):
        monkeypatch.setattr(kind, "__enter__", striking(kind))
    driver, found, kinds = blocking.StockDriver(), list[Any](), list[type]()
    with RawServer(*[http({"n": number}) for number in range(100)]) as server:
        while Reply not in kinds:
            taken[0], strikes_at[0] = 0, strikes_at[0] + 1
            thread = threading.Thread(target=exchanged, daemon=True)
            thread.start()
            thread.join(30)
            assert found, f"it hangs after its lock {strikes_at[0]}"
            kinds.append(type(found.pop()))
        driver.close()
    assert kinds.count(MineError) >= 3  # otherwise it has shown nothing


def test_a_signal_while_a_host_name_is_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The codec replaces the handler's exception by another one of its class: the handler's own is raised."""
    mine = MineError("the worker's limit")

    def struck(_label: str) -> bytes:
        raise mine

    monkeypatch.setattr(encodings.idna, "ToASCII", struck)
    with pytest.raises(MineError) as caught:
        Backend().connect_tcp("b\xfccher.localhost", 80)
    assert caught.value is mine


def test_the_callers_class_is_foreign_wherever_it_was_raised() -> None:
    """httpcore removes the cause of what a codec has replaced: then the class says whose it is."""

    def lookup(name: str) -> codecs.CodecInfo | None:
        def broken(*_: Any) -> Any:
            raise MineError("the worker's limit")

        return codecs.CodecInfo(broken, broken, name=name) if name == "broken" else None

    codecs.register(lookup)
    with pytest.raises(MineError) as caught:
        exec("'a'.encode('broken')", {"__name__": "httpcore"})
    codecs.unregister(lookup)
    found = caught.value
    assert found.__traceback__ is not None
    found.__traceback__, found.__cause__ = found.__traceback__.tb_next, None
    assert foreign_cause(found) is found
