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
    from .evidence import Attempt
    from .marketplaces.crux import CancelCruxOrder, Crux, CruxAnswer, CruxLineItem, CruxOrder
    from .marketplaces.kibo import CancelKiboOrder, DispositionReason, Kibo, KiboAnswer, KiboOrder
    from .marketplaces.pattern import (
        CancelPatternOrder,
        Pattern,
        PatternAnswer,
        PatternCancellation,
        PatternOrderStatus,
    )
    from .marketplaces.vtex import CancelVtexOrder, Vtex, VtexAnswer, VtexOrder, VtexReceipt
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
    from .retry import RetryPolicy

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

_HOMES = {
    "AsyncCountermand": "client",
    "Countermand": "client",
    "AuthenticationError": "errors",
    "CountermandError": "errors",
    "InvalidRequestError": "errors",
    "NotConfiguredError": "errors",
    "NotSentError": "errors",
    "OrderNotFoundError": "errors",
    "OrderUnreadableError": "errors",
    "PermissionDeniedError": "errors",
    "RateLimitedError": "errors",
    "RejectedError": "errors",
    "Attempt": "evidence",
    "CancelCruxOrder": "marketplaces.crux",
    "Crux": "marketplaces.crux",
    "CruxAnswer": "marketplaces.crux",
    "CruxLineItem": "marketplaces.crux",
    "CruxOrder": "marketplaces.crux",
    "CancelKiboOrder": "marketplaces.kibo",
    "DispositionReason": "marketplaces.kibo",
    "Kibo": "marketplaces.kibo",
    "KiboAnswer": "marketplaces.kibo",
    "KiboOrder": "marketplaces.kibo",
    "CancelPatternOrder": "marketplaces.pattern",
    "Pattern": "marketplaces.pattern",
    "PatternAnswer": "marketplaces.pattern",
    "PatternCancellation": "marketplaces.pattern",
    "PatternOrderStatus": "marketplaces.pattern",
    "CancelVtexOrder": "marketplaces.vtex",
    "Vtex": "marketplaces.vtex",
    "VtexAnswer": "marketplaces.vtex",
    "VtexOrder": "marketplaces.vtex",
    "VtexReceipt": "marketplaces.vtex",
    "Cancelled": "outcomes",
    "Outcome": "outcomes",
    "Part": "outcomes",
    "PartiallyCancelled": "outcomes",
    "Refused": "outcomes",
    "Requested": "outcomes",
    "Unknown": "outcomes",
    "evidence_of": "outcomes",
    "RetryPolicy": "retry",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
