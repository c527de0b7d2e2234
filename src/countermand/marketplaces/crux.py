"""Crux Connect.

Sources: "Crux Connect API, Cancel Order" for the cancellation; "Crux Connect API, Get Order" and "User Login" for the
read and the tokens. A cancellation is forwarded to the suppliers, each of whom confirms or rejects it later, and it
is forwarded again each time it is asked for: an unclear one is never sent twice.
"""

import json
from typing import Any, ClassVar, Literal, TypeAlias

import attrs

from ..engine import checks
from ..engine.auth import Auth, Token, TokenAuth, auth_for
from ..engine.credentials import Credential, as_optional_credential, fits_a_header
from ..engine.decoding import Answer, DecodingError, check_subject, decode, decode_object
from ..engine.operation import Operation
from ..engine.rules import (
    REJECTIONS,
    CancelRequest,
    Finding,
    Rejections,
    Rules,
    Verdict,
    by_parts,
    refused,
    requested,
)
from ..engine.secret import Secret, sealed
from ..engine.wire import Call, Reply
from ..errors import InvalidRequestError, PermissionDeniedError, RejectedError
from ..outcomes import Outcome, Part
from .base import Account, AsyncSubClient, SubClient, label_field

_HOSTS = {
    "dev": "https://api-dev.cruxconnect.com",
    "sandbox": "https://api-sandbox.cruxconnect.com",
    "production": "https://api.cruxconnect.com",
}
#: A token's life, in seconds: two hours from its issue (Crux Connect API, User Login).
_TOKEN_LIFETIME = 7200.0
#: Line item statuses that no cancellation changes any more.
_FINAL = frozenset({"Rejected", "HasTracking"})


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


@attrs.frozen
class CruxLineItem:
    """A line of the order. Known statuses: Unallocated, Allocated, Rejected, HasTracking, Backordered, Cancelled."""

    uuid: str
    status: str


@attrs.frozen
class CruxOrder(Answer):
    """An order and the state of its lines."""

    uuid: str
    line_items: tuple[CruxLineItem, ...]


@attrs.frozen
class _TimpLineItem:
    line_item_uuid: str
    status: str


@attrs.frozen
class _TimpOrder(Answer):
    order_uuid: str
    line_items: tuple[_TimpLineItem, ...]


CruxAnswer: TypeAlias = CruxOrder


@attrs.frozen
class CancelCruxOrder(CancelRequest[CruxAnswer]):
    """Ask the suppliers of an order to cancel it."""

    marketplace: ClassVar[str] = "crux"
    order_uuid: str
    account: str | None = attrs.field(default=None, kw_only=True)


_Operation: TypeAlias = Operation[str, CancelCruxOrder]


class CruxRules(Rules[str, CancelCruxOrder, CruxOrder, CruxOrder]):
    """How Crux Connect is asked, and what its answers mean."""

    name: ClassVar[str] = "crux"
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
        self._orders = f"{path}{'/timp' if self._timp else ''}/orders/"
        super().__init__(configuration.label, _auth(configuration, f"{path}/organizations/user-login/"))

    def check(self, request: CancelCruxOrder) -> str:
        """Return the order's UUID, checked."""
        return self.check_order_id(request.order_uuid)

    def check_order_id(self, order_id: object) -> str:
        """Return `order_id` if it can name an order."""
        return checks.order_id(order_id, self.name, "order_uuid")

    def cancel_call(self, request: CancelCruxOrder, operation: _Operation) -> Call:
        """PATCH, the UUID in the body."""
        body = json.dumps({"order_uuid": operation.order_id}).encode()
        return Call("PATCH", self._origin, f"{self._orders}cancel/", body)

    def judge(self, reply: Reply, operation: _Operation) -> Verdict[CruxOrder] | None:
        """Take 200 or 204 without a body as received, and 422 as a refusal; both are documented so.

        An object with something in it has to name this order: gateways answer 200 with errors of their own.
        """
        if reply.status == 422:
            return refused(None, (Part(operation.order_id, "not cancellable", _refusal(reply)),))
        if reply.status not in (200, 204):
            return None
        if reply.body.strip():
            _about(decode_object(reply.body), operation.order_id)
        return requested(None)

    def read_call(self, operation: _Operation) -> Call:
        """GET, the UUID in the path."""
        return Call("GET", self._origin, f"{self._orders}{checks.quoted(operation.order_id)}/")

    def order(self, reply: Reply, operation: _Operation) -> CruxOrder:
        """Return the order, if it is this one."""
        if self._timp:
            timp = decode(reply.body, _TimpOrder)
            lines = tuple(CruxLineItem(item.line_item_uuid, item.status) for item in timp.line_items)
            answer = CruxOrder(timp.order_uuid, lines).with_body(reply.body)
        else:
            answer = decode(reply.body, CruxOrder)
        check_subject(answer.uuid.casefold(), operation.order_id.casefold())
        if not answer.line_items:
            raise DecodingError("it has no line items")
        return answer

    def state(self, order: CruxOrder, operation: _Operation) -> Finding[CruxOrder]:
        """Let the line items decide: all cancelled, none that still can be, both, or some still open."""
        parts = tuple(Part(item.uuid, item.status) for item in order.line_items)
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


def _about(answer: dict[str, Any], order_id: str) -> None:
    if answer:
        check_subject(str(answer.get("order_uuid", answer.get("uuid"))).casefold(), order_id.casefold())


def _refusal(reply: Reply) -> str | None:
    try:
        said = decode_object(reply.body)
    except DecodingError:
        return None
    texts = (said.get(name) for name in ("message", "detail", "error"))
    return next((text for text in texts if isinstance(text, str)), None)


class CruxClient(SubClient[str, CancelCruxOrder, CruxOrder, CruxOrder]):
    """Crux Connect, blocking."""

    def cancel_order(self, order_uuid: str, *, timeout: float | None = None) -> Outcome[CruxAnswer]:
        """Ask Crux Connect to cancel an order, and say what became of it.

        Returns `Requested` when the request was received (200 or 204): it is forwarded to the suppliers, who
        confirm or reject it later, see `wait_until_settled`. Returns `Refused` when the action cannot be performed
        on this order (422). A request whose answer was lost is not sent again, because it would be forwarded again;
        the order is read until the line items show what became of it, else the answer is `Unknown`
        (Crux Connect API, Cancel Order).

        `timeout` is the deadline of the whole call in seconds. Raises an error of `countermand.errors`; whenever it
        raises, the order is untouched.
        """
        return self.cancel(CancelCruxOrder(order_uuid), timeout=timeout)

    def get_order(self, order_uuid: str, *, timeout: float | None = None) -> CruxOrder:
        """Read an order (Crux Connect API, Get Order). Raises `OrderUnreadableError` and its siblings."""
        return self._read(order_uuid, timeout)


class AsyncCruxClient(AsyncSubClient[str, CancelCruxOrder, CruxOrder, CruxOrder]):
    """Crux Connect, on an event loop. Each method does what its namesake in `CruxClient` does."""

    async def cancel_order(self, order_uuid: str, *, timeout: float | None = None) -> Outcome[CruxAnswer]:
        """Ask Crux Connect to cancel an order; see `CruxClient.cancel_order`."""
        return await self.cancel(CancelCruxOrder(order_uuid), timeout=timeout)

    async def get_order(self, order_uuid: str, *, timeout: float | None = None) -> CruxOrder:
        """Read an order; see `CruxClient.get_order`."""
        return await self._read(order_uuid, timeout)
