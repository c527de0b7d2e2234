"""A thread that can be stopped wherever an interruption occurs, even while it is being started."""

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any


class Background:
    """A daemon thread. Ctrl-C may interrupt `start`, which leaves open whether it runs: `call_off` decides."""

    def __init__(self, name: str, target: Callable[..., None], *arguments: Any) -> None:
        self._target = target
        self._arguments = arguments
        self._begins = threading.Lock()  # taken first either by the thread or by `call_off`
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread. A signal handler's exception propagates, even if `threading` fails because of it."""
        before = sys.exception()
        try:
            self._thread.start()
        except (KeyError, RuntimeError) as error:
            struck = error.__context__
            raise (error if struck in (None, before) else struck) from None

    def _run(self) -> None:
        if self._begins.acquire(blocking=False):
            self._target(*self._arguments)

    def call_off(self) -> bool:
        """Cancel the thread unless it has started; return whether it was cancelled."""
        return self._begins.acquire(blocking=False)

    def join(self) -> None:
        """Wait for the thread to end if it has started; cancel it otherwise."""
        self.call_off()
        with suppress(RuntimeError):  # it was not started
            self._thread.join()
