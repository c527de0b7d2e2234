"""The names for implementing your own marketplace, in one place; see `examples/fifth_marketplace`.

from countermand.marketplaces.kit import Account, Answer, Call, CancelRequest, Finding, Reply, Rules, …
"""

from ..engine import checks
from ..engine.auth import Auth, Token, TokenAuth, auth_for
from ..engine.credentials import Credential, as_credential, as_optional_credential
from ..engine.decoding import Answer, DecodingError, check_subject, decode, decode_object
from ..engine.operation import Operation
from ..engine.rules import (
    REJECTIONS,
    CancelRequest,
    Doubt,
    Finding,
    Rejections,
    Rules,
    Verdict,
    by_parts,
    cancelled,
    partially_cancelled,
    refused,
    requested,
)
from ..engine.secret import Secret, as_secret, sealed
from ..engine.settings import CallOptions
from ..engine.wire import Call, Reply
from ..engine.words import words_of
from ..outcomes import Outcome, Part
from .base import Account, AsyncSubClient, Stored, SubClient, label_field

__all__ = [
    "REJECTIONS",
    "Account",
    "Answer",
    "AsyncSubClient",
    "Auth",
    "Call",
    "CallOptions",
    "CancelRequest",
    "Credential",
    "DecodingError",
    "Doubt",
    "Finding",
    "Operation",
    "Outcome",
    "Part",
    "Rejections",
    "Reply",
    "Rules",
    "Secret",
    "Stored",
    "SubClient",
    "Token",
    "TokenAuth",
    "Verdict",
    "as_credential",
    "as_optional_credential",
    "as_secret",
    "auth_for",
    "by_parts",
    "cancelled",
    "check_subject",
    "checks",
    "decode",
    "decode_object",
    "label_field",
    "partially_cancelled",
    "refused",
    "requested",
    "sealed",
    "words_of",
]
