"""Looks for credentials wherever something is shown: repr, str, pickle, traceback with locals, logs."""

import logging
import pickle
import traceback
from typing import Any

from .spec import SECRETS

NEEDLES = tuple(secret.encode() for secret in SECRETS.values())


def has_credential(text: str | bytes) -> bool:
    """Whether a credential is in there."""
    data = text if isinstance(text, bytes) else text.encode(errors="replace")
    return any(needle in data for needle in NEEDLES)


def shown_by(thing: object) -> list[str]:
    """Return the ways in which an outcome or an error shows a credential."""
    found = [
        name for name, text in (("its repr", repr(thing)), ("its str", str(thing))) if has_credential(text)
    ]
    if has_credential(pickle.dumps(thing)):
        found.append("its pickle")
    if has_credential(repr(getattr(thing, "answer", None))):
        found.append("its answer's repr")
    if isinstance(thing, BaseException) and has_credential(told_with_locals(thing)):
        found.append("its traceback with locals")
    return found


def told_with_locals(error: BaseException) -> str:
    """Return the traceback of an error and of everything it was made from, with the locals of frames not ours."""
    parts: list[str] = []
    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        link = queue.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        parts += [repr(link), str(link), *getattr(link, "__notes__", ())]
        told = traceback.TracebackException.from_exception(link, capture_locals=True)
        for frame in told.stack:
            if "/tests/" not in frame.filename:  # the frames of a test hold the credentials it configures
                parts += [
                    frame.filename,
                    *(f"{name}={value}" for name, value in (frame.locals or {}).items()),
                ]
        queue += [link.__cause__, link.__context__]
    return "\n".join(parts)


class Ear(logging.Handler):
    """Hears every logger at DEBUG and keeps what holds a credential."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.heard = 0
        self.leaks: list[str] = []
        self._levels: dict[str, Any] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one record, with its arguments and its traceback."""
        self.heard += 1
        text = self.format(record) + repr(record.args)
        if has_credential(text):
            self.leaks.append(f"{record.name}: {text[:300]}")

    def __enter__(self) -> "Ear":
        self._root = logging.getLogger().level
        logging.getLogger().setLevel(logging.DEBUG)
        logging.getLogger().addHandler(self)
        for name in {*logging.root.manager.loggerDict, "asyncio", "httpx", "httpcore", "aiohttp"}:
            logger = logging.getLogger(name)
            self._levels[name] = logger.level
            logger.setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)
        logging.getLogger().setLevel(self._root)
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)
