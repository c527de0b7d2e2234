"""Crux Connect. A cancellation is forwarded to the suppliers, each of whom confirms or rejects it later.

Every request is forwarded again, so an unclear one is never sent twice. Sources: "Cancel Order", "Get Order" and
"User Login" at https://docs.cruxconnect.com/.
"""

from __future__ import annotations

import json
import re
from operator import attrgetter
from typing import Any, ClassVar, Literal, NotRequired, TypeAlias, TypedDict, Unpack, cast

import attrs

from ..data import Shown
from ..engine import checks
from ..engine.auth import Auth, Token, TokenAuth, auth_for
from ..engine.credentials import Credential, as_optional_credential, fits_a_header
from ..engine.decoding import Answer, DecodingError, check_subject, decode, decode_value, is_empty
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
    refused,
    requested,
)
from ..engine.secret import Secret, sealed
from ..engine.settings import CallOptions  # noqa: TC001 - for `get_type_hints` of a call
from ..engine.wire import Call, Reply
from ..engine.words import is_a_page, object_in
from ..errors import InvalidRequestError, PermissionDeniedError, RejectedError
from ..outcomes import Outcome, Part, PartiallyCancelled
from .base import Account, AsyncSubClient, Stored, SubClient, label_field, rate_field

_is_base_url = checks.base_url_before(
    "cruxconnect.com", "/orders/cancel", "/organizations/user-login", "/timp/orders"
)
_HOSTS = {
    "dev": "https://api-dev.cruxconnect.com",
    "sandbox": "https://api-sandbox.cruxconnect.com",
    "production": "https://api.cruxconnect.com",
}
#: The lifetime of a token, in seconds: two hours (User Login).
_TOKEN_LIFETIME = 7200.0
#: The line item statuses that can no longer be cancelled.
_FINAL = frozenset({"Rejected", "HasTracking"})
#: The texts that take precedence over the other one of a line, in this order.
_TELLING = ("Cancelled", "HasTracking", "Rejected")
#: `Rejected` is a supplier's answer to the allocation of a line, not to its cancellation (Allocate Order).
_NOT_ALLOCATED = "not allocated: its supplier will not ship it"
_UUID = r"[0-9A-Fa-f]{8}(-?)[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{12}"


@sealed
@attrs.frozen(kw_only=True, repr=False, eq=False)
class Crux(Account["CruxClient", "AsyncCruxClient"]):
    """The configuration of one account at Crux Connect: a token, or a user name and a password to fetch tokens with.

    A fetched token is renewed before it expires, and once after a 401.

        Crux(username="…", password="…", environment="sandbox")
    """

    marketplace: ClassVar[str] = "crux"
    shows_fields: ClassVar[bool] = True

    token: Credential | None = attrs.field(
        default=None, converter=as_optional_credential, validator=checks.credential, repr=False
    )
    username: str | None = attrs.field(default=None, validator=checks.secret_text, repr=False)
    password: Credential | None = attrs.field(
        default=None, converter=as_optional_credential, validator=checks.secret_text, repr=False
    )
    environment: Literal["dev", "sandbox", "production"] = attrs.field(
        default="production", validator=checks.one_of(*_HOSTS)
    )
    #: The release of the API: "v1", or "timp" for Timpanogos, under /timp/.
    release: Literal["v1", "timp"] = attrs.field(default="v1", validator=checks.one_of("v1", "timp"))
    #: Replaces the base URL of the environment. Must be https, or http to this machine.
    base_url: str | None = attrs.field(default=None, validator=_is_base_url)
    #: The name of this account in outcomes, errors and requests.
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

    def rules(self) -> CruxRules:
        """Return Crux Connect's rules for this account."""
        return CruxRules(self)

    def clients(self) -> tuple[type[CruxClient], type[AsyncCruxClient]]:
        """Return the two sub-clients' classes."""
        return CruxClient, AsyncCruxClient

    @classmethod
    def stored(cls) -> Stored:
        """Return the classes that stored data is read back as."""
        return CancelCruxOrder, (CruxOrder,)


@attrs.frozen(repr=False, eq=False)
class CruxLineItem(Shown):
    """A line item of an order.

    In v1, `status` is Unallocated, Allocated, Rejected, HasTracking, NeedsTracking, Backordered or Cancelled. In
    Timpanogos, `status` is Unallocated, Partial or Allocated, and `designation`, if set, is HasTracking,
    NeedsTracking, Backordered, Rejected or Cancelled (Get Order, https://docs.cruxconnect.com/).

        for line in order.line_items:
            print(line.uuid, line.status, line.designation)
    """

    uuid: str
    status: str
    designation: str | None = None

    @property
    def part(self) -> Part:
        """The line as a part of the order. It is cancelled if either of the two texts says so."""
        told = [_word(text) for text in (self.designation, self.status) if text]
        folded = [text.casefold() for text in told]
        telling = [text for text in _TELLING if text.casefold() in folded]
        said, *_ = *telling, *told, self.status
        return Part(self.uuid, said, _NOT_ALLOCATED if said == "Rejected" else None)


@attrs.frozen(repr=False, eq=False)
class CruxOrder(Answer):
    """An order and its line items.

    Fields that are not listed here are in `raw`.

        print(client.crux.get_order("521a91e5-058d-4474-aeee-f0c148594a00").line_items)
    """

    kind: ClassVar[str] = "crux.order"

    uuid: str
    line_items: tuple[CruxLineItem, ...]


class _TimpLineItem(TypedDict):
    line_item_uuid: str
    status: str
    line_item_designation: NotRequired[str | None]


@attrs.frozen(repr=False, eq=False)
class _TimpOrder(Answer):
    order_uuid: str
    line_items: tuple[_TimpLineItem, ...]


CruxAnswer: TypeAlias = CruxOrder


def _order_uuid(value: object) -> str:
    text = checks.order_id(value, "crux", "order_uuid")
    if not re.fullmatch(_UUID, text):
        raise checks.bad("crux", "order_uuid", "must be a UUID, with or without hyphens", value)
    return text


@attrs.frozen(repr=False, eq=False)
class CancelCruxOrder(CancelRequest[CruxAnswer]):
    """A request to the suppliers of an order to cancel it.

    It checks itself; an id that is not a UUID raises `InvalidRequestError`.

        client.cancel(CancelCruxOrder("521a91e5-058d-4474-aeee-f0c148594a00"))
    """

    marketplace: ClassVar[str] = "crux"
    order_uuid: str = attrs.field(converter=_order_uuid)
    account: str | None = attrs.field(default=None, validator=checks.account, kw_only=True)


_Operation: TypeAlias = Operation[str, CancelCruxOrder]


class CruxRules(Rules[str, CancelCruxOrder, CruxOrder, CruxOrder]):
    """The requests to Crux Connect, and what its replies mean."""

    name: ClassVar[str] = "crux"
    order_of: ClassVar[attrgetter[str]] = attrgetter("order_uuid")
    # Every cancellation is forwarded to the suppliers again.
    repeatable: ClassVar[bool] = False
    rejections: ClassVar[Rejections] = REJECTIONS | {
        400: InvalidRequestError,
        405: RejectedError,
        409: PermissionDeniedError,  # the wrong type of requester, such as a supplier
        415: RejectedError,
    }

    def __init__(self, configuration: Crux) -> None:
        self._origin, path = checks.split_base_url(configuration.url)
        self._timp = configuration.release == "timp"
        root = f"{path}/timp" if self._timp else path
        self._orders = f"{root}/orders/"
        super().__init__(configuration.label, _auth(configuration, f"{root}/organizations/user-login/"))

    def check_order_id(self, order_id: object) -> str:
        """Return `order_id` if it is a valid order id."""
        return _order_uuid(order_id)

    def order_key(self, order_id: str) -> str:
        """Return the UUID without hyphens, in lower case."""
        return _canonical(order_id)

    def cancel_call(self, request: CancelCruxOrder, operation: _Operation) -> Call:
        """Return a PATCH with the UUID in the body."""
        body = json.dumps({"order_uuid": operation.order_id}).encode()
        return Call("PATCH", self._origin, f"{self._orders}cancel/", body)

    def judge(self, reply: Reply, operation: _Operation) -> Verdict[CruxOrder] | None:
        """Accept 200, 201 or 204 as received. After a 422, which gives no reason, the order is read.

        No body is documented for a 2xx. A body without an order id adds nothing to the status, unless it reports
        an error.
        """
        if reply.status == 422 and not is_a_page(reply):
            return _not_performed(reply, operation)
        if reply.status not in (200, 201, 204):
            return None
        if not is_empty(reply.body):
            _check_subject(decode_value(reply.body), operation.order_id)
        return requested(None)

    def knows_no_order(self, reply: Reply, asked: Call) -> bool:
        """Return whether a 404 to a read is Crux Connect's own. To a cancellation it means a wrong address."""
        return asked.method == "GET" and super().knows_no_order(reply, asked)

    def read_call(self, operation: _Operation) -> Call:
        """Return a GET with the UUID in the path."""
        return Call("GET", self._origin, f"{self._orders}{checks.quoted(operation.order_id)}/")

    def order(self, reply: Reply, operation: _Operation) -> CruxOrder:
        """Return the order if it is this one."""
        if self._timp:
            timp = decode(reply.body, _TimpOrder)
            lines = (
                CruxLineItem(
                    item["line_item_uuid"],
                    item["status"],
                    _word(item.get("line_item_designation") or "") or None,
                )
                for item in timp.line_items
            )
            answer = CruxOrder(timp.order_uuid, tuple(lines)).with_body(reply.body)
        else:
            answer = decode(reply.body, CruxOrder)
        check_subject(_canonical(answer.uuid), _canonical(operation.order_id))
        if not answer.line_items:
            raise DecodingError("it has no line items")
        return answer

    def state(self, order: CruxOrder, operation: _Operation) -> Finding[CruxOrder]:
        """Judge by the line items: all cancelled, none that can be, both, or some still open."""
        return _state(order)


def _state(order: CruxOrder) -> Finding[CruxOrder]:
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
    token = (object_in(reply) or {}).get("auth_token")
    return Token(Secret(token), _TOKEN_LIFETIME) if fits_a_header(token) else None


def _word(text: str) -> str:
    """Return a state without its number: it may also be written `ID: 1 Name: HasTracking`."""
    return text.rpartition("Name:")[2].strip()


def _canonical(order_uuid: str) -> str:
    return order_uuid.replace("-", "").casefold()


def _check_subject(said: object, order_id: str, levels: int = 4, *, is_order: bool = True) -> None:
    """Raise `DecodingError` if what a 2xx says is about another order, or reports an error."""
    for each in said if isinstance(said, list) and levels else [said]:  # pyright: ignore[reportUnknownVariableType]
        if isinstance(each, str) and is_order and re.fullmatch(_UUID, each):
            check_subject(_canonical(each), _canonical(order_id))
        fields = cast("dict[str, Any]", each) if isinstance(each, dict) and levels else {}
        for name, value in fields.items():
            if name == "order_uuid" or (name == "uuid" and is_order):
                check_subject(_canonical(str(value)), _canonical(order_id))
            elif name in ("error", "errors", "detail") and value and levels == 4:
                raise DecodingError("it reports an error")
            else:
                _check_subject(value, order_id, levels - 1, is_order=name == "order")


def _not_performed(reply: Reply, operation: _Operation) -> Doubt:
    """Return what a 422 means. The line items show why, or that the order was cancelled before."""
    error = operation.error(RejectedError, "answered 422: the action cannot be performed", reply)

    def confirm(order: CruxOrder) -> Finding[CruxOrder]:
        state = _state(order)
        is_partial = state.kind is PartiallyCancelled
        return state if is_partial else refused(order, tuple(item.part for item in order.line_items))

    fallback: Finding[CruxOrder] = refused(None, (Part(operation.order_id, "not cancellable", error.detail),))
    return Doubt(error.message, error, confirm=confirm, fallback=fallback)


class CruxClient(SubClient[str, CancelCruxOrder, CruxOrder, CruxOrder]):
    """The blocking client of one account at Crux Connect.

    `Countermand` makes it:

        client.crux.cancel_order("521a91e5-058d-4474-aeee-f0c148594a00")
    """

    def cancel_order(self, order_uuid: str, **options: Unpack[CallOptions]) -> Outcome[CruxAnswer]:
        """Ask Crux Connect to cancel an order, and return what became of it.

        Returns `Requested` when the request was received (200, 201 or 204): it is forwarded to the suppliers, who
        confirm or reject it later, see `wait_until_settled`. When the action cannot be performed on this order
        (422, which does not say why), the order is read once: `Cancelled` or `PartiallyCancelled` where it was
        cancelled before, else `Refused` with the state of its line items. A request whose answer was lost is not
        sent again, because it would be forwarded again; the order is read until the line items show what became of
        it, else the answer is `Unknown` (Cancel Order, https://docs.cruxconnect.com/).

        `options` are described in `CallOptions`. Raises a `CountermandError`; then the order is untouched.

            outcome = client.crux.cancel_order("521a91e5-058d-4474-aeee-f0c148594a00")
        """
        return self._cancel(CancelCruxOrder(order_uuid), options)

    def get_order(self, order_uuid: str, **options: Unpack[CallOptions]) -> CruxOrder:
        """Read an order (Get Order, https://docs.cruxconnect.com/).

        Raises `OrderUnreadableError`, `OrderNotFoundError` or another `CountermandError`.

            order = client.crux.get_order("521a91e5-058d-4474-aeee-f0c148594a00")
        """
        return self._read(order_uuid, options)


class AsyncCruxClient(AsyncSubClient[str, CancelCruxOrder, CruxOrder, CruxOrder]):
    """`CruxClient` for asyncio.

    `AsyncCountermand` makes it:

        await client.crux.cancel_order("521a91e5-058d-4474-aeee-f0c148594a00")
    """

    async def cancel_order(self, order_uuid: str, **options: Unpack[CallOptions]) -> Outcome[CruxAnswer]:
        """Ask Crux Connect to cancel an order, and return what became of it;
        see `CruxClient.cancel_order`.

            outcome = await client.crux.cancel_order("521a91e5-058d-4474-aeee-f0c148594a00")
        """
        return await self._cancel(CancelCruxOrder(order_uuid), options)

    async def get_order(self, order_uuid: str, **options: Unpack[CallOptions]) -> CruxOrder:
        """Read an order;
        see `CruxClient.get_order`.

            order = await client.crux.get_order("521a91e5-058d-4474-aeee-f0c148594a00")
        """
        return await self._read(order_uuid, options)
