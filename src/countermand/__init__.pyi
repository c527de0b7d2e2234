from .bulk.blocking import CancelMany as CancelMany
from .bulk.eventloop import AsyncCancelMany as AsyncCancelMany
from .bulk.results import BulkResult as BulkResult
from .bulk.results import InFlight as InFlight
from .bulk.results import LaneProgress as LaneProgress
from .bulk.results import Progress as Progress
from .bulk.results import result_from_dict as result_from_dict
from .bulk.seam import AsyncIntent as AsyncIntent
from .bulk.seam import Intent as Intent
from .bulk.stored import StoredRow as StoredRow
from .bulk.stored import StoredRun as StoredRun
from .bulk.stored import reopen as reopen
from .bulk.unread import UnreadRow as UnreadRow
from .client import AsyncCountermand as AsyncCountermand
from .client import Countermand as Countermand
from .engine.credentials import SecretFile as SecretFile
from .engine.events import CallEnded as CallEnded
from .engine.events import CallEvent as CallEvent
from .engine.events import CallStarted as CallStarted
from .engine.events import Event as Event
from .engine.events import Hook as Hook
from .engine.events import RequestEnded as RequestEnded
from .engine.events import RequestStarted as RequestStarted
from .engine.events import WaitStarted as WaitStarted
from .engine.kinds import CallEnd as CallEnd
from .engine.kinds import CallKind as CallKind
from .engine.kinds import RequestEnd as RequestEnd
from .engine.kinds import WaitReason as WaitReason
from .engine.retry import RetryPolicy as RetryPolicy
from .engine.rules import AnyRequest as AnyRequest
from .engine.rules import CancelRequest as CancelRequest
from .engine.settings import CallOptions as CallOptions
from .engine.settings import RequestOptions as RequestOptions
from .errors import AuthenticationError as AuthenticationError
from .errors import CountermandError as CountermandError
from .errors import InvalidRequestError as InvalidRequestError
from .errors import JournalError as JournalError
from .errors import NotConfiguredError as NotConfiguredError
from .errors import NotSentError as NotSentError
from .errors import OrderNotFoundError as OrderNotFoundError
from .errors import OrderUnreadableError as OrderUnreadableError
from .errors import PermissionDeniedError as PermissionDeniedError
from .errors import RateLimitedError as RateLimitedError
from .errors import RejectedError as RejectedError
from .marketplaces.base import Account as Account
from .marketplaces.base import AsyncSubClient as AsyncSubClient
from .marketplaces.base import SubClient as SubClient
from .marketplaces.crux import AsyncCruxClient as AsyncCruxClient
from .marketplaces.crux import CancelCruxOrder as CancelCruxOrder
from .marketplaces.crux import Crux as Crux
from .marketplaces.crux import CruxAnswer as CruxAnswer
from .marketplaces.crux import CruxClient as CruxClient
from .marketplaces.crux import CruxLineItem as CruxLineItem
from .marketplaces.crux import CruxOrder as CruxOrder
from .marketplaces.kibo import AsyncKiboClient as AsyncKiboClient
from .marketplaces.kibo import CancelKiboOrder as CancelKiboOrder
from .marketplaces.kibo import DispositionReason as DispositionReason
from .marketplaces.kibo import Kibo as Kibo
from .marketplaces.kibo import KiboAnswer as KiboAnswer
from .marketplaces.kibo import KiboClient as KiboClient
from .marketplaces.kibo import KiboOrder as KiboOrder
from .marketplaces.pattern import AsyncPatternClient as AsyncPatternClient
from .marketplaces.pattern import CancelPatternOrder as CancelPatternOrder
from .marketplaces.pattern import Pattern as Pattern
from .marketplaces.pattern import PatternAnswer as PatternAnswer
from .marketplaces.pattern import PatternCancellation as PatternCancellation
from .marketplaces.pattern import PatternClient as PatternClient
from .marketplaces.pattern import PatternOrderStatus as PatternOrderStatus
from .marketplaces.stored import error_from_dict as error_from_dict
from .marketplaces.stored import json_schema as json_schema
from .marketplaces.stored import outcome_from_dict as outcome_from_dict
from .marketplaces.stored import outcome_from_json as outcome_from_json
from .marketplaces.stored import request_from_dict as request_from_dict
from .marketplaces.vtex import AsyncVtexClient as AsyncVtexClient
from .marketplaces.vtex import CancelVtexOrder as CancelVtexOrder
from .marketplaces.vtex import Vtex as Vtex
from .marketplaces.vtex import VtexAnswer as VtexAnswer
from .marketplaces.vtex import VtexClient as VtexClient
from .marketplaces.vtex import VtexOrder as VtexOrder
from .marketplaces.vtex import VtexReceipt as VtexReceipt
from .outcomes import Attempt as Attempt
from .outcomes import Cancelled as Cancelled
from .outcomes import Outcome as Outcome
from .outcomes import Part as Part
from .outcomes import PartiallyCancelled as PartiallyCancelled
from .outcomes import Refused as Refused
from .outcomes import Requested as Requested
from .outcomes import Unknown as Unknown
from .outcomes import evidence_of as evidence_of

__all__ = [
    "Account",
    "AnyRequest",
    "AsyncCancelMany",
    "AsyncCountermand",
    "AsyncCruxClient",
    "AsyncIntent",
    "AsyncKiboClient",
    "AsyncPatternClient",
    "AsyncSubClient",
    "AsyncVtexClient",
    "Attempt",
    "AuthenticationError",
    "BulkResult",
    "CallEnd",
    "CallEnded",
    "CallEvent",
    "CallKind",
    "CallOptions",
    "CallStarted",
    "CancelCruxOrder",
    "CancelKiboOrder",
    "CancelMany",
    "CancelPatternOrder",
    "CancelRequest",
    "CancelVtexOrder",
    "Cancelled",
    "Countermand",
    "CountermandError",
    "Crux",
    "CruxAnswer",
    "CruxClient",
    "CruxLineItem",
    "CruxOrder",
    "DispositionReason",
    "Event",
    "Hook",
    "InFlight",
    "Intent",
    "InvalidRequestError",
    "JournalError",
    "Kibo",
    "KiboAnswer",
    "KiboClient",
    "KiboOrder",
    "LaneProgress",
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
    "PatternClient",
    "PatternOrderStatus",
    "PermissionDeniedError",
    "Progress",
    "RateLimitedError",
    "Refused",
    "RejectedError",
    "RequestEnd",
    "RequestEnded",
    "RequestOptions",
    "RequestStarted",
    "Requested",
    "RetryPolicy",
    "SecretFile",
    "StoredRow",
    "StoredRun",
    "SubClient",
    "Unknown",
    "UnreadRow",
    "Vtex",
    "VtexAnswer",
    "VtexClient",
    "VtexOrder",
    "VtexReceipt",
    "WaitReason",
    "WaitStarted",
    "error_from_dict",
    "evidence_of",
    "json_schema",
    "outcome_from_dict",
    "outcome_from_json",
    "reopen",
    "request_from_dict",
    "result_from_dict",
]
from .version import __version__ as __version__
