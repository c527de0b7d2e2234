"""countermand cancels orders at Pattern Hub, VTEX OMS, Crux Connect and Kibo OMS, and says what became of them.

Importing this package is cheap: a name brings its module when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .client import AsyncCountermand, Countermand
    from .errors import (
        AuthenticationError,
        CountermandError,
        InvalidRequestError,
        NotConfiguredError,
        NotSentError,
        OrderNotFoundError,
        OrderUnreadableError,
        PermissionDeniedError,
        RateLimitedError,
        RejectedError,
    )
    from .outcomes import Attempt
    from .marketplaces.crux import CancelCruxOrder, CruxAnswer, CruxLineItem, CruxOrder
    from .marketplaces.kibo import CancelKiboOrder, DispositionReason, KiboAnswer, KiboOrder
    from .marketplaces.pattern import (
        CancelPatternOrder,
        PatternAnswer,
        PatternCancellation,
        PatternOrderStatus,
    )
    from .marketplaces.vtex import CancelVtexOrder, VtexAnswer, VtexOrder, VtexReceipt
    from .outcomes import (
        Cancelled,
        Outcome,
        Part,
        PartiallyCancelled,
        Refused,
        Requested,
        Unknown,
        evidence_of,
    )
    from .engine.retry import RetryPolicy
    from .settings import Crux, Kibo, Pattern, Vtex

__all__ = [
    "AsyncCountermand",
    "Attempt",
    "AuthenticationError",
    "CancelCruxOrder",
    "CancelKiboOrder",
    "CancelPatternOrder",
    "CancelVtexOrder",
    "Cancelled",
    "Countermand",
    "CountermandError",
    "Crux",
    "CruxAnswer",
    "CruxLineItem",
    "CruxOrder",
    "DispositionReason",
    "InvalidRequestError",
    "Kibo",
    "KiboAnswer",
    "KiboOrder",
    "NotConfiguredError",
    "NotSentError",
    "OrderNotFoundError",
    "OrderUnreadableError",
    "Outcome",
    "Part",
    "PartiallyCancelled",
    "Pattern",
    "PatternAnswer",
    "PatternCancellation",
    "PatternOrderStatus",
    "PermissionDeniedError",
    "RateLimitedError",
    "Refused",
    "RejectedError",
    "Requested",
    "RetryPolicy",
    "Unknown",
    "Vtex",
    "VtexAnswer",
    "VtexOrder",
    "VtexReceipt",
    "evidence_of",
]

_NAMES = {
    "client": ("AsyncCountermand", "Countermand"),
    "errors": (
        "AuthenticationError",
        "CountermandError",
        "InvalidRequestError",
        "NotConfiguredError",
        "NotSentError",
        "OrderNotFoundError",
        "OrderUnreadableError",
        "PermissionDeniedError",
        "RateLimitedError",
        "RejectedError",
    ),
    "marketplaces.crux": ("CancelCruxOrder", "CruxAnswer", "CruxLineItem", "CruxOrder"),
    "marketplaces.kibo": ("CancelKiboOrder", "DispositionReason", "KiboAnswer", "KiboOrder"),
    "marketplaces.pattern": (
        "CancelPatternOrder",
        "PatternAnswer",
        "PatternCancellation",
        "PatternOrderStatus",
    ),
    "marketplaces.vtex": ("CancelVtexOrder", "VtexAnswer", "VtexOrder", "VtexReceipt"),
    "outcomes": (
        "Attempt",
        "Cancelled",
        "Outcome",
        "Part",
        "PartiallyCancelled",
        "Refused",
        "Requested",
        "Unknown",
        "evidence_of",
    ),
    "engine.retry": ("RetryPolicy",),
    "settings": ("Crux", "Kibo", "Pattern", "Vtex"),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
