"""Signals that end a command early: SIGTERM and SIGHUP act like Ctrl-C."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def stopped_by_signals() -> Generator[None]:
    """Let SIGTERM and SIGHUP, sent when a container or a terminal ends, act like Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP
    before = {name: signal.signal(getattr(signal, name), interrupt) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
