"""Crux Connect.

Sources: "Crux Connect API, Cancel Order" for the cancellation; "Crux Connect API, Get Order" and "User Login" for the
read and the tokens. A cancellation is forwarded to the suppliers, each of whom confirms or rejects it later, and it
is forwarded again each time it is asked for: an unclear one is never sent twice.
"""

import json
from typing import Any, ClassVar, TypeAlias

import attrs

from ..engine import checks
from ..engine.auth import Auth, Token, TokenAuth
from ..cancellation import REJECTIONS, Reading, Rejections, Verdict
from ..case import Case
from ..engine.decoding import Answer, DecodingError, check_subject, decode, decode_object
from ..errors import InvalidRequestError, PermissionDeniedError, RejectedError
from ..outcomes import MarketplaceName
from ..outcomes import Outcome, Part
from ..requests import CancelRequest
from ..engine.retry import Account
from ..engine.secret import Secret
from ..settings import Crux
from ..subclient import AsyncSubClient, SubClient
from ..engine.wire import Call, Reply

#: A token's life, in seconds: two hours from its issue (Crux Connect API, User Login).
_TOKEN_LIFETIME = 7200.0
#: Line item statuses that no cancellation changes any more.
_FINAL = frozenset({"Rejected", "HasTracking"})


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

    marketplace: ClassVar[MarketplaceName] = "crux"
    order_uuid: str


class CruxRules:
    """How Crux Connect is asked, and what its answers mean."""

    name: ClassVar[MarketplaceName] = "crux"
    repeatable: ClassVar[bool] = False
    beyond_cancelling: ClassVar[frozenset[str]] = frozenset()
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
        self.account: Account = Account()
        self.auth: Auth = self._auth(configuration, f"{path}/organizations/user-login/")

    def _auth(self, configuration: Crux, login: str) -> Auth:
        if configuration.token is not None:
            return Auth(_headers(configuration.token), [configuration.token])
        password = configuration.password
        assert password is not None
        body = json.dumps({"username": configuration.username, "password": password.reveal()}).encode()
        return TokenAuth(Call("POST", self._origin, login, body), _token, _headers, [password])

    def order_id_of(self, request: CancelCruxOrder) -> str:
        """Return the order's UUID, checked."""
        return self.check_order_id(request.order_uuid)

    def check_order_id(self, order_id: object) -> str:
        """Return `order_id` if it can name an order."""
        return checks.order_id(order_id, self.name, "order_uuid")

    def cancel_call(self, request: CancelCruxOrder, order_id: str) -> Call:
        """PATCH, the UUID in the body."""
        body = json.dumps({"order_uuid": order_id}).encode()
        return Call("PATCH", self._origin, f"{self._orders}cancel/", body)

    def judge(self, reply: Reply, case: Case[CruxAnswer]) -> Verdict[CruxAnswer] | None:
        """Take 200 or 204 without a body as received, and 422 as a refusal; both are documented so.

        An object with something in it has to name this order: gateways answer 200 with errors of their own.
        """
        if reply.status == 422:
            return case.refused(None, (Part(case.order_id, "not cancellable", _refusal(reply)),))
        if reply.status not in (200, 204):
            return None
        if reply.body.strip():
            _about(decode_object(reply.body), case.order_id)
        return case.requested(None)

    def read_call(self, order_id: str) -> Call:
        """GET, the UUID in the path."""
        return Call("GET", self._origin, f"{self._orders}{checks.quoted(order_id)}/")

    def read(self, reply: Reply, order_id: str) -> CruxAnswer:
        """Return the order, if it is this one."""
        if self._timp:
            timp = decode(reply.body, _TimpOrder)
            lines = tuple(CruxLineItem(item.line_item_uuid, item.status) for item in timp.line_items)
            answer = CruxOrder(timp.order_uuid, lines).with_body(reply.body)
        else:
            answer = decode(reply.body, CruxOrder)
        check_subject(answer.uuid.casefold(), order_id.casefold())
        if not answer.line_items:
            raise DecodingError("it has no line items")
        return answer

    def reading(self, answer: CruxAnswer, case: Case[CruxAnswer], waiting: bool) -> Reading[CruxAnswer]:
        """Let the line items decide: all cancelled, none that still can be, both, or some still open."""
        parts = tuple(Part(item.uuid, item.status) for item in answer.line_items)
        status = ", ".join(dict.fromkeys(part.status for part in parts))
        outcome = case.by_parts(answer, parts, "Cancelled".__eq__, _FINAL.__contains__, status)
        return Reading(outcome, conclusive=outcome.settled)


def _headers(token: Secret) -> dict[str, str]:
    return {"Authorization": f"Token {token.reveal()}"}


def _token(reply: Reply) -> Token | None:
    try:
        token = decode_object(reply.body).get("auth_token")
    except DecodingError:
        return None
    return Token(Secret(token), _TOKEN_LIFETIME) if checks.fits_a_header(token) else None


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


class CruxClient(SubClient[str, CancelCruxOrder, CruxAnswer]):
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


class AsyncCruxClient(AsyncSubClient[str, CancelCruxOrder, CruxAnswer]):
    """Crux Connect, on an event loop. Each method does what its namesake in `CruxClient` does."""

    async def cancel_order(self, order_uuid: str, *, timeout: float | None = None) -> Outcome[CruxAnswer]:
        """Ask Crux Connect to cancel an order; see `CruxClient.cancel_order`."""
        return await self.cancel(CancelCruxOrder(order_uuid), timeout=timeout)

    async def get_order(self, order_uuid: str, *, timeout: float | None = None) -> CruxOrder:
        """Read an order; see `CruxClient.get_order`."""
        return await self._read(order_uuid, timeout)
