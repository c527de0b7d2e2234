"""The logger `countermand`.

INFO has one line for each outcome or error, DEBUG one for each request, pause and read. WARNING is for an `Unknown`, an
interruption after something may have been sent, and a pause of more than five seconds. An open order that was only
looked at by its id is no warning. The fields of an event are attributes of its record, for JSON formatters.

With `COUNTERMAND_LOG=info` (or `debug`, `warning`, `error`) in the environment, the log goes to stderr, for scripts that do not
configure logging.
"""

import logging
import os
from collections.abc import Mapping
from warnings import warn

from .kinds import WaitReason

LOG = logging.getLogger("countermand")

#: The variable that turns the log on for scripts.
VARIABLE = "COUNTERMAND_LOG"
#: A longer pause is logged as a warning, in seconds.
_LONG_WAIT = 5.0
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def is_long(why: WaitReason, seconds: float) -> bool:
    """Return whether a pause is a warning. The pauses of `wait_until_settled` are not."""
    return seconds > _LONG_WAIT and why is not WaitReason.POLLING


def log_to_stderr(environ: Mapping[str, str]) -> None:
    """Log to stderr at the level of `COUNTERMAND_LOG`, unless the application has handlers."""
    wanted = environ.get(VARIABLE, "")
    level = LEVELS.get(wanted.strip().lower())
    if level is None:
        if wanted:
            warn(f"{VARIABLE} must be one of {', '.join(LEVELS)}", stacklevel=2)
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(lambda _: not logging.getLogger().handlers)
    LOG.addHandler(handler)
    LOG.setLevel(level)


LOG.addHandler(logging.NullHandler())
log_to_stderr(os.environ)
