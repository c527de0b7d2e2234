"""The catalogue's other half: what goes wrong on the client's side while the server has faults of its own.

A trouble is a hook of the caller's that breaks, a signal, a certificate, a proxy, a fork, or another event loop. Where
the caller's own exception is to pass through, `Around.planned` says whether it was that one.
"""

import signal
import socket
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from random import Random
from typing import Any, Final

from attrs import define, field, frozen

from tests.support.proxies import Front, SocksServer, Tunnel
from tests.support.tls import INVALID

_STOCK: Final = ("stock", "async stock")
_BORROWED: Final = ("httpx", "httpx2", "async httpx", "async httpx2")
_BLOCKING: Final = ("stock", "httpx", "httpx2", "stock, socks")


class HookError(Exception):
    """What a hook of the caller's raises."""


class LimitError(Exception):
    """What a signal handler of the caller's raises."""


@frozen
class Trouble:
    """One kind of trouble, and the doors that it can befall."""

    name: str
    doors: tuple[str, ...]
    #: Whether it needs the main thread, or the process for itself.
    alone: bool = False
    #: Whether nothing can be sent while it lasts.
    unsent: bool = False


def _all() -> tuple[Trouble, ...]:
    hooks = [Trouble(f"hook: {what}", _BORROWED) for what in ("raises", "raises for status", "posts nowhere")]
    signals = [
        Trouble(f"signal: {kind.__name__}", _BLOCKING, alone=True)
        for kind in (TimeoutError, OSError, LimitError)
    ]
    tls = (*_STOCK, *_BORROWED, "async aiohttp")
    certificates = [Trouble(f"certificate: {name}", tls, unsent=True) for name in INVALID]
    certificates.append(Trouble("certificate: valid", tls))
    certificates.append(
        Trouble("certificate: no bundle", (*_STOCK, "async aiohttp"), alone=True, unsent=True)
    )
    proxies = [Trouble(f"proxy: {how}", (*_STOCK, *_BORROWED)) for how in ("http", "connect")]
    for manner in ("refuses", "silent", "garbage"):
        proxies.append(Trouble(f"proxy: connect, {manner}", (*_STOCK, *_BORROWED), unsent=True))
        proxies.append(Trouble(f"proxy: socks, {manner}", _STOCK, unsent=True))
    forks = [
        Trouble("fork", ("stock", "stock, socks"), alone=True),
        Trouble("fork: proxy", ("stock",), alone=True),
        Trouble("loops", ("async stock", "async stock, socks", "async aiohttp"), alone=True),
        Trouble("loops: proxy", ("async stock",), alone=True),
    ]
    return (*hooks, *signals, *certificates, *proxies, *forks)


TROUBLES: Final = {trouble.name: trouble for trouble in _all()}


def some(door: str, random: Random) -> str:
    """Choose a trouble that can befall a door; nothing if none can."""
    fitting = [name for name, trouble in TROUBLES.items() if door in trouble.doors]
    return random.choice(fitting) if fitting else ""


@define
class Around:
    """What a case has around it: where its client has to go, and what interrupts it."""

    origin: str
    trouble: Trouble | None = None
    proxy: str = ""
    #: Called with every response, until the faults cease.
    hook: Callable[[Any], None] | None = None
    calm: bool = False
    #: Seconds after which the alarm is raised; None without one.
    alarm: float | None = None
    _limit: BaseException | None = field(default=None)

    def planned(self, result: object) -> bool:
        """Whether this is the caller's own exception, as it is to pass."""
        if self.calm or self.trouble is None:
            return False
        if self.trouble.name == "hook: posts nowhere":
            request: Any = getattr(result, "request", None)
            return type(result).__name__ == "ConnectError" and "collector" in str(request.url)
        return result is self._limit if self._limit is not None else type(result) is HookError

    @contextmanager
    def alarmed(self) -> Generator[None]:
        """Have a real SIGALRM come while a call is made, whose handler raises."""
        if self.alarm is None or self.calm:
            yield
            return
        assert self.trouble is not None
        kinds = {kind.__name__: kind for kind in (TimeoutError, OSError, LimitError)}
        limit = self._limit = kinds[self.trouble.name.removeprefix("signal: ")]("the worker's time is over")

        def strike(_number: int, _frame: Any) -> None:
            raise limit

        before = signal.signal(signal.SIGALRM, strike)
        signal.setitimer(signal.ITIMER_REAL, self.alarm)
        try:
            yield
        finally:
            try:  # the alarm may strike here as well
                signal.setitimer(signal.ITIMER_REAL, 0)
            finally:
                signal.signal(signal.SIGALRM, before)


@contextmanager
def around(name: str, door: str, port: int, alarm: float) -> Generator[Around]:
    """Set a trouble up around the server on a port; without a name there is none."""
    plain, trouble = f"http://127.0.0.1:{port}", TROUBLES.get(name)
    if trouble is None:
        yield Around(plain)
        return
    kind, _, what = name.partition(": ")
    found = Around(plain, trouble)
    with ExitStack() as stack:
        if kind == "hook":
            found.hook = _hook(what, door, stack)
        elif kind == "signal":
            found.alarm = alarm
        elif kind == "certificate":
            shown = what if what in INVALID else "valid"
            found.origin = f"https://127.0.0.1:{stack.enter_context(Front(port, shown)).port}"
        elif what:
            how, _, manner = what.partition(", ")
            proxy = SocksServer(manner) if how == "socks" else Tunnel(manner=manner)
            opened: Any = stack.enter_context(proxy)
            found.proxy = f"{'socks5h' if how == 'socks' else 'http'}://127.0.0.1:{opened.port}"
            if how == "connect":
                found.origin = f"https://127.0.0.1:{stack.enter_context(Front(port, 'valid')).port}"
        yield found


def _hook(what: str, door: str, stack: ExitStack) -> Callable[[Any], None]:
    library: Any = import_module("httpx2" if door.endswith("httpx2") else "httpx")
    taken = stack.enter_context(socket.socket())
    taken.bind(("127.0.0.1", 0))  # and nobody listens

    def hook(response: Any) -> None:
        if what == "raises":
            raise HookError("my hook broke")
        if what == "raises for status":
            response.raise_for_status()
        else:
            with library.Client(trust_env=False, verify=False) as other:
                other.post(f"http://127.0.0.1:{taken.getsockname()[1]}/collector")

    return hook
