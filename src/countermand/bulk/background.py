"""A thread that can be ended wherever an interruption has struck, even while it was started."""

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any


class Background:
    """A daemon thread. Ctrl-C may strike within `start`, and leave open whether it will run: `call_off` settles that."""

    def __init__(self, name: str, target: Callable[..., None], *arguments: Any) -> None:
        self._target = target
        self._arguments = arguments
        self._begins = threading.Lock()  # whoever takes it first: the thread, or `call_off`
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread. The exception of a signal handler propagates, even if `threading` fails because of it."""
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
        """Cancel the thread unless it has begun; return whether it was cancelled."""
        return self._begins.acquire(blocking=False)

    def join(self) -> None:
        """Wait for its end if it has begun; cancel it otherwise."""
        self.call_off()
        with suppress(RuntimeError):  # it was not started
            self._thread.join()
