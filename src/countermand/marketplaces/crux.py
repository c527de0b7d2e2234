"""Crux Connect.

Sources: "Crux Connect API, Cancel Order" for the cancellation; "Crux Connect API, Get Order" and "User Login" for the
read and the tokens. A cancellation is forwarded to the suppliers, each of whom confirms or rejects it later, and it
is forwarded again each time it is asked for: an unclear one is never sent twice.
"""

import json
import re
from operator import attrgetter
from typing import Any, ClassVar, Literal, TypeAlias, Unpack, cast

import attrs

from ..engine import checks
from ..engine.auth import Auth, Token, TokenAuth, auth_for
from ..engine.credentials import Credential, as_optional_credential, fits_a_header
from ..engine.decoding import Answer, DecodingError, check_subject, decode, decode_object, decode_value
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
    partially_cancelled,
    refused,
    requested,
)
from ..engine.secret import Secret, sealed
from ..engine.settings import CallOptions
from ..engine.wire import Call, Reply
from ..errors import InvalidRequestError, PermissionDeniedError, RejectedError
from ..outcomes import Outcome, Part
from .base import Account, AsyncSubClient, Stored, SubClient, label_field, rate_field

_HOSTS = {
    "dev": "https://api-dev.cruxconnect.com",
    "sandbox": "https://api-sandbox.cruxconnect.com",
    "production": "https://api.cruxconnect.com",
}
#: A token's life, in seconds: two hours from its issue (Crux Connect API, User Login).
_TOKEN_LIFETIME = 7200.0
#: Line item statuses that no cancellation changes any more.
_FINAL = frozenset({"Rejected", "HasTracking"})
#: Texts that outrank the other one of a line's two, the most telling first.
_TELLING = ("Cancelled", "HasTracking", "Rejected")
#: `Rejected` is a supplier's answer to the allocation of the order, not to its cancellation (allocate an order).
_NOT_ALLOCATED = "not allocated: its supplier will not ship it"
_UUID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}", re.IGNORECASE)


@sealed
@attrs.frozen(kw_only=True)
class Crux(Account["CruxClient", "AsyncCruxClient"]):
    """Access to Crux Connect: a token, or the user name and password that tokens are fetched with."""

    marketplace: ClassVar[str] = "crux"

    token: Credential | None = attrs.field(
        default=None, converter=as_optional_credential, validator=checks.credential, repr=False
    )
    username: str | None = attrs.field(default=None, validator=checks.text, repr=False)
    password: Credential | None = attrs.field(
        default=None, converter=as_optional_credential, validator=checks.secret_text, repr=False
    )
    environment: Literal["dev", "sandbox", "production"] = attrs.field(
        default="production", validator=checks.one_of(*_HOSTS)
    )
    #: "v1", or "timp" for Timpanogos: the same API under /timp/.
    release: Literal["v1", "timp"] = attrs.field(default="v1", validator=checks.one_of("v1", "timp"))
    #: In place of the environment's base URL; https, or http to this machine.
    base_url: str | None = attrs.field(default=None, validator=checks.base_url)
    #: What outcomes, errors and requests call this account.
    label: str = label_field("crux")
    #: How many requests the marketplace allows, such as "100/min"; None where that is not known.
    rate: str | None = rate_field()

    def __attrs_post_init__(self) -> None:
        by_login = self.username is not None or self.password is not None
        if (self.token is not None) == by_login or (by_login and not (self.username and self.password)):
            raise ValueError("give a token, or a username and a password")

    @property
    def url(self) -> str:
        """The base URL in use."""
        return self.base_url or _HOSTS[self.environment]

    def rules(self) -> "CruxRules":
        """Return Crux Connect's rules for this account."""
        return CruxRules(self)

    def clients(self) -> "tuple[type[CruxClient], type[AsyncCruxClient]]":
        """Return the two sub-clients' classes."""
        return CruxClient, AsyncCruxClient

    @classmethod
    def stored(cls) -> Stored:
        """Return the classes that stored data is read back as."""
        return CancelCruxOrder, (CruxOrder,)


@attrs.frozen
class CruxLineItem:
    """A line of the order.

    In v1 `status` is Unallocated, Allocated, Rejected, HasTracking, NeedsTracking, Backordered or Cancelled. In
    Timpanogos it is Unallocated, Partial or Allocated, and `designation` says HasTracking, NeedsTracking,
    Backordered, Rejected or Cancelled, where it says something (Crux Connect API, Get Order).
    """

    uuid: str
    status: str
    designation: str | None = None

    @property
    def part(self) -> Part:
        """The line as a part of the order: cancelled when either of the two texts says so."""
        told = [text for text in (self.designation, self.status) if text]
        said = next((text for text in _TELLING if text in told), told[0] if told else self.status)
        return Part(self.uuid, said, _NOT_ALLOCATED if said == "Rejected" else None)


@attrs.frozen
class CruxOrder(Answer):
    """An order and the state of its lines."""

    kind: ClassVar[str] = "crux.order"

    uuid: str
    line_items: tuple[CruxLineItem, ...]


@attrs.frozen
class _TimpLineItem:
    line_item_uuid: str
    status: str
    line_item_designation: str | None = None


@attrs.frozen
class _TimpOrder(Answer):
    order_uuid: str
    line_items: tuple[_TimpLineItem, ...]


CruxAnswer: TypeAlias = CruxOrder


def _order_uuid(value: object) -> str:
    text = checks.order_id(value, "crux", "order_uuid")
    if not _UUID.fullmatch(text):
        raise checks.bad("crux", "order_uuid", "must be a UUID, with or without hyphens", value)
    return text


@attrs.frozen
class CancelCruxOrder(CancelRequest[CruxAnswer]):
    """Ask the suppliers of an order to cancel it."""

    marketplace: ClassVar[str] = "crux"
    order_uuid: str = attrs.field(converter=_order_uuid)
    account: str | None = attrs.field(default=None, kw_only=True)


_Operation: TypeAlias = Operation[str, CancelCruxOrder]


class CruxRules(Rules[str, CancelCruxOrder, CruxOrder, CruxOrder]):
    """How Crux Connect is asked, and what its answers mean."""

    name: ClassVar[str] = "crux"
    order_of: ClassVar["attrgetter[str]"] = attrgetter("order_uuid")
    # A cancellation that is sent again is forwarded to the suppliers again.
    repeatable: ClassVar[bool] = False
    rejections: ClassVar[Rejections] = REJECTIONS | {
        400: InvalidRequestError,
        405: RejectedError,
        409: PermissionDeniedError,  # the requester is of the wrong type, a supplier for instance
        415: RejectedError,
    }

    def __init__(self, configuration: Crux) -> None:
        self._origin, path = checks.split_base_url(configuration.url)
        self._timp = configuration.release == "timp"
        root = f"{path}/timp" if self._timp else path
        self._orders = f"{root}/orders/"
        super().__init__(configuration.label, _auth(configuration, f"{root}/organizations/user-login/"))

    def check_order_id(self, order_id: object) -> str:
        """Return `order_id` if it can name an order."""
        return _order_uuid(order_id)

    def order_key(self, order_id: str) -> str:
        """Return the UUID without hyphens, in lower case."""
        return _canonical(order_id)

    def cancel_call(self, request: CancelCruxOrder, operation: _Operation) -> Call:
        """PATCH, the UUID in the body."""
        body = json.dumps({"order_uuid": operation.order_id}).encode()
        return Call("PATCH", self._origin, f"{self._orders}cancel/", body)

    def judge(self, reply: Reply, operation: _Operation) -> Verdict[CruxOrder] | None:
        """Take 200, 201 or 204 as received, and 422 as a refusal that does not say why: the order tells.

        No body is documented for a 2xx: one that names no order says no more and no less than the status, unless it
        speaks of an error.
        """
        if reply.status == 422:
            return _not_performed(reply, operation)
        if reply.status not in (200, 201, 204):
            return None
        _check_body(reply.body, operation.order_id)
        return requested(None)

    def knows_no_order(self, reply: Reply, asked: Call) -> bool:
        """Return whether a read's 404 is Crux Connect's own: on a cancellation it means that the address is wrong."""
        return asked.method == "GET" and super().knows_no_order(reply, asked)

    def read_call(self, operation: _Operation) -> Call:
        """GET, the UUID in the path."""
        return Call("GET", self._origin, f"{self._orders}{checks.quoted(operation.order_id)}/")

    def order(self, reply: Reply, operation: _Operation) -> CruxOrder:
        """Return the order, if it is this one."""
        if self._timp:
            timp = decode(reply.body, _TimpOrder)
            lines = tuple(_line_of(item) for item in timp.line_items)
            answer = CruxOrder(timp.order_uuid, lines).with_body(reply.body)
        else:
            answer = decode(reply.body, CruxOrder)
        check_subject(_canonical(answer.uuid), _canonical(operation.order_id))
        if not answer.line_items:
            raise DecodingError("it has no line items")
        return answer

    def state(self, order: CruxOrder, operation: _Operation) -> Finding[CruxOrder]:
        """Let the line items decide: all cancelled, none that still can be, both, or some still open."""
        parts = tuple(item.part for item in order.line_items)
        status = ", ".join(dict.fromkeys(part.status for part in parts))
        return by_parts(order, parts, "Cancelled".__eq__, _FINAL.__contains__, status)


def _auth(configuration: Crux, login: str) -> Auth:
    if configuration.token is not None:
        return auth_for(_headers, token=configuration.token)
    assert configuration.password is not None
    origin, _ = checks.split_base_url(configuration.url)

    def ask(password: Secret) -> Call:
        said = json.dumps({"username": configuration.username, "password": password.reveal()})
        return Call("POST", origin, login, said.encode())

    return TokenAuth(ask, _token, _headers, password=configuration.password)


def _headers(token: Secret) -> dict[str, str]:
    return {"Authorization": f"Token {token.reveal()}"}


def _token(reply: Reply) -> Token | None:
    try:
        token = decode_object(reply.body).get("auth_token")
    except DecodingError:
        return None
    return Token(Secret(token), _TOKEN_LIFETIME) if fits_a_header(token) else None


def _line_of(item: _TimpLineItem) -> CruxLineItem:
    """Return a line of the Timpanogos release; its designation is also seen as `ID: 1 Name: HasTracking`."""
    designation = (item.line_item_designation or "").rpartition("Name:")[2].strip()
    return CruxLineItem(item.line_item_uuid, item.status, designation or None)


def _canonical(order_uuid: str) -> str:
    return order_uuid.replace("-", "").casefold()


def _check_body(body: bytes, order_id: str) -> None:
    """Raise `DecodingError` if the body of a 2xx is no JSON, names another order, or speaks of an error."""
    if not body.strip():
        return
    said = decode_value(body)
    for each in said if isinstance(said, list) else [said]:  # pyright: ignore[reportUnknownVariableType]
        fields = cast("dict[str, Any]", each) if isinstance(each, dict) else {}
        for name in ("order_uuid", "uuid"):
            if name in fields:
                check_subject(_canonical(str(fields[name])), _canonical(order_id))
        if fields.keys() & {"error", "errors", "detail"}:
            raise DecodingError("it speaks of an error")


def _not_performed(reply: Reply, operation: _Operation) -> Doubt:
    """Return what "the action can't be performed" means: the lines say why, or the order was cancelled before."""
    error = operation.error(RejectedError, "answered 422: the action cannot be performed", reply)

    def confirm(order: CruxOrder) -> Finding[CruxOrder]:
        parts = tuple(item.part for item in order.line_items)
        gone = tuple(part for part in parts if part.status == "Cancelled")
        rest = tuple(part for part in parts if part.status != "Cancelled")
        settled = all(part.status in _FINAL for part in rest)
        return partially_cancelled(order, gone, rest, settled=settled) if gone else refused(order, rest)

    fallback: Finding[CruxOrder] = refused(None, (Part(operation.order_id, "not cancellable", error.detail),))
    return Doubt(error.message, error, confirm=confirm, fallback=fallback)


class CruxClient(SubClient[str, CancelCruxOrder, CruxOrder, CruxOrder]):
    """Crux Connect, blocking."""

    def cancel_order(self, order_uuid: str, **options: Unpack[CallOptions]) -> Outcome[CruxAnswer]:
        """Ask Crux Connect to cancel an order, and say what became of it.

        Returns `Requested` when the request was received (200 or 204): it is forwarded to the suppliers, who
        confirm or reject it later, see `wait_until_settled`. Returns `Refused` when the action cannot be performed
        on this order (422). A request whose answer was lost is not sent again, because it would be forwarded again;
        the order is read until the line items show what became of it, else the answer is `Unknown`
        (Crux Connect API, Cancel Order).

        `options` are those of every call, see `CallOptions`. Raises an error of `countermand.errors`; whenever it
        raises, the order is untouched.
        """
        return self.cancel(CancelCruxOrder(order_uuid), **options)

    def get_order(self, order_uuid: str, **options: Unpack[CallOptions]) -> CruxOrder:
        """Read an order (Crux Connect API, Get Order). Raises `OrderUnreadableError` and its siblings."""
        return self._read(order_uuid, options)


class AsyncCruxClient(AsyncSubClient[str, CancelCruxOrder, CruxOrder, CruxOrder]):
    """Crux Connect, on an event loop. Each method does what its namesake in `CruxClient` does."""

    async def cancel_order(self, order_uuid: str, **options: Unpack[CallOptions]) -> Outcome[CruxAnswer]:
        """Ask Crux Connect to cancel an order; see `CruxClient.cancel_order`."""
        return await self.cancel(CancelCruxOrder(order_uuid), **options)

    async def get_order(self, order_uuid: str, **options: Unpack[CallOptions]) -> CruxOrder:
        """Read an order; see `CruxClient.get_order`."""
        return await self._read(order_uuid, options)
