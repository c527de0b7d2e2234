"""Many cancellations at once: a lane per account, a pace that is known or learnt, a journal, and resume.

`Countermand.cancel_many` is the way in. See `docs/bulk.md`.
"""

from .journal import JournalError
from .results import BulkResult, InFlight, LaneProgress, Progress, result_from_dict

__all__ = ["BulkResult", "InFlight", "JournalError", "LaneProgress", "Progress", "result_from_dict"]
