"""The names for implementing your own marketplace, in one place; see `examples/fifth_marketplace`.

from countermand.marketplaces.kit import Account, Answer, Call, CancelRequest, Finding, Reply, Rules, …
"""

from ..engine import checks as checks
from ..engine.auth import Auth as Auth
from ..engine.auth import Token as Token
from ..engine.auth import TokenAuth as TokenAuth
from ..engine.auth import auth_for as auth_for
from ..engine.credentials import Credential as Credential
from ..engine.credentials import as_credential as as_credential
from ..engine.credentials import as_optional_credential as as_optional_credential
from ..engine.decoding import Answer as Answer
from ..engine.decoding import DecodingError as DecodingError
from ..engine.decoding import check_subject as check_subject
from ..engine.decoding import decode as decode
from ..engine.decoding import decode_object as decode_object
from ..engine.operation import Operation as Operation
from ..engine.rules import REJECTIONS as REJECTIONS
from ..engine.rules import CancelRequest as CancelRequest
from ..engine.rules import Doubt as Doubt
from ..engine.rules import Finding as Finding
from ..engine.rules import Rejections as Rejections
from ..engine.rules import Rules as Rules
from ..engine.rules import Verdict as Verdict
from ..engine.rules import by_parts as by_parts
from ..engine.rules import cancelled as cancelled
from ..engine.rules import partially_cancelled as partially_cancelled
from ..engine.rules import refused as refused
from ..engine.rules import requested as requested
from ..engine.secret import Secret as Secret
from ..engine.secret import as_secret as as_secret
from ..engine.secret import sealed as sealed
from ..engine.settings import CallOptions as CallOptions
from ..engine.wire import Call as Call
from ..engine.wire import Reply as Reply
from ..engine.words import words_of as words_of
from ..outcomes import Outcome as Outcome
from ..outcomes import Part as Part
from .base import Account as Account
from .base import AsyncSubClient as AsyncSubClient
from .base import Stored as Stored
from .base import SubClient as SubClient
from .base import label_field as label_field
from .base import rate_field as rate_field
