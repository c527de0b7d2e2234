"""countermand cancels orders at Pattern Hub, VTEX OMS, Crux Connect and Kibo OMS, and says what became of them."""

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
from .outcomes import Cancelled, Outcome, Part, PartiallyCancelled, Refused, Requested, Unknown, evidence_of
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
