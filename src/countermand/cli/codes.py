"""Exit codes, and the exception that ends a command early."""

from enum import IntEnum
from typing import Any

from ..errors import CountermandError, InvalidRequestError, NotConfiguredError
from ..outcomes import Cancelled, Outcome, PartiallyCancelled, Requested


class Exit(IntEnum):
    """The exit codes of the commands."""

    #: All is done, and settled.
    DONE = 0
    #: Something was refused, is unknown, or failed.
    FAILED = 1
    #: The command, the configuration or the input is not valid; nothing was sent.
    USAGE = 2
    #: Accepted, and not settled yet.
    OPEN = 3
    #: Interrupted; the same command resumes it.
    INTERRUPTED = 130


class Stop(Exception):  # noqa: N818 - not an error of the program
    """Ends the command with a message for people."""

    def __init__(self, message: str, code: Exit = Exit.USAGE) -> None:
        super().__init__(message)
        self.code = code


def code_of(ended: Outcome[Any] | CountermandError) -> Exit:
    """Return the exit code of one result."""
    if isinstance(ended, NotConfiguredError) or (
        isinstance(ended, InvalidRequestError) and not ended.attempts
    ):
        return Exit.USAGE
    if isinstance(ended, CountermandError):
        return Exit.FAILED
    if isinstance(ended, Cancelled):
        return Exit.DONE
    is_open = isinstance(ended, Requested | PartiallyCancelled) and not ended.settled
    return Exit.OPEN if is_open else Exit.FAILED


def worst(one: Exit, other: Exit) -> Exit:
    """Return the exit code of two results together: a failure wins over an open order."""
    failed = {Exit.FAILED, Exit.USAGE}
    return Exit.FAILED if one in failed or other in failed else max(one, other)
