"""What a call leaves behind so that a person can check it: the attempts, with no credential in them."""

from datetime import datetime
from typing import Literal, TypeAlias

import attrs

#: The marketplaces' short names, as outcomes and errors carry them.
MarketplaceName: TypeAlias = Literal["pattern", "vtex", "crux", "kibo"] | str


@attrs.frozen
class Attempt:
    """One request that was made, or was about to be."""

    #: "cancel", "read" (the order's state) or "login" (a token was fetched).
    what: Literal["cancel", "read", "login"]
    #: When it began, in UTC.
    at: datetime
    #: How long it took, in seconds.
    took: float
    #: The status code that came back, or None.
    status: int | None
    #: How it ended, in words.
    ended: str
    #: Whether the request may have reached the marketplace.
    sent: bool = True
    #: The marketplace's own identifier of the request, where a header named one.
    request_id: str | None = None

    def __str__(self) -> str:
        return f"{self.what} at {self.at:%H:%M:%S} ({self.took:.3f} s): {self.ended}"
