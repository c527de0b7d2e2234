"""Kibo OMS, translated API. It cancels the whole order at once, and answers with the order.

- Cancel Order: https://docs.kibocommerce.com/help/cancel-order
- authentication: https://api-docs.kibocommerce.com
- the read: "Get Order Information (translated APIs)"
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeAlias, Unpack

import attrs

from ..engine import checks
from ..engine.auth import Auth, Token, TokenAuth, auth_for
from ..engine.credentials import Credential, as_optional_credential, fits_a_header
from ..engine.decoding import Answer, DecodingError, check_subject, decode
from ..engine.operation import Operation
from ..engine.rules import CancelRequest, Finding, Rules, Verdict, cancelled, refused, requested
from ..engine.secret import Secret, sealed
from ..engine.settings import CallOptions  # noqa: TC001 - for `get_type_hints` of a call
from ..engine.wire import Call, Reply
from ..engine.words import object_in
from ..outcomes import Outcome, Part
from .base import Account, AsyncSubClient, Stored, SubClient, label_field, rate_field

_DOMAINS = {"production": "translation.mozu.com", "sandbox": "translation.sandbox.mozu.com"}
_is_base_url = checks.base_url_before("mozu.com", "/api/v2", "/api/platform")
_LOGIN_HOST = "https://home.mozu.com"
#: The lifetime of a token, in seconds, if the login does not return one: every field of its answer is nullable.
_ASSUMED_LIFETIME = 300.0
_DECIMAL = r"[1-9][0-9]{0,18}"
#: The statuses that can no longer be cancelled (inferred from the life cycle of an order).
_BLOCKING = frozenset({"FULFILLED", "SHIPPED", "COMPLETED", "COMPLETE", "RETURNED", "CLOSED"})

#: The known reasons, for code completion. Any text is accepted, because tenants define their own.
DispositionReason: TypeAlias = Literal["customer_changed_mind", "created_by_mistake", "other"] | str


def _tenant(value: int | str) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not (isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 20 and int(text)):
        raise ValueError("tenant_id must be digits: it is part of a host name")
    return text


@sealed
@attrs.frozen(kw_only=True, repr=False, eq=False)
class Kibo(Account["KiboClient", "AsyncKiboClient"]):
    """The configuration of one Kibo tenant: its id alone, with a token, or with client credentials to fetch tokens.

    Fetched tokens are renewed before they expire, and once after a 401 or 403.

        Kibo(tenant_id=12345, client_id="…", client_secret="…")
    """

    marketplace: ClassVar[str] = "kibo"
    shows_fields: ClassVar[bool] = True

    #: The tenant id: digits. It is part of the host name, and sent as x-vol-tenant.
    tenant_id: str = attrs.field(converter=_tenant)
    environment: Literal["production", "sandbox"] = attrs.field(
        default="production", validator=checks.one_of(*_DOMAINS)
    )
    access_token: Credential | None = attrs.field(
        default=None, converter=as_optional_credential, validator=checks.credential, repr=False
    )
    client_id: str | None = attrs.field(default=None, validator=checks.secret_text, repr=False)
    client_secret: Credential | None = attrs.field(
        default=None, converter=as_optional_credential, validator=checks.secret_text, repr=False
    )
    #: Replaces the base URL of the tenant. Must be https, or http to this machine.
    base_url: str | None = attrs.field(default=None, validator=_is_base_url)
    #: The name of this account in outcomes, errors and requests.
    label: str = label_field(field="tenant_id")
    #: How many requests the marketplace allows, such as "100/min"; None where that is not known.
    rate: str | None = rate_field()
    #: Where tokens are fetched, in place of Kibo's own host.
    auth_url: str = attrs.field(default=_LOGIN_HOST, validator=_is_base_url)

    def __attrs_post_init__(self) -> None:
        by_login = self.client_id is not None or self.client_secret is not None
        if by_login and not (self.client_id and self.client_secret):
            raise ValueError("give client_id and client_secret together")
        if by_login and self.access_token is not None:
            raise ValueError("give an access_token, or a client_id and a client_secret, not both")

    @property
    def url(self) -> str:
        """The base URL in use."""
        return self.base_url or f"https://{self.tenant_id}-{_DOMAINS[self.environment]}"

    def rules(self) -> KiboRules:
        """Return Kibo's rules for this account."""
        return KiboRules(self)

    def clients(self) -> tuple[type[KiboClient], type[AsyncKiboClient]]:
        """Return the two sub-clients' classes."""
        return KiboClient, AsyncKiboClient

    @classmethod
    def stored(cls) -> Stored:
        """Return the classes that stored data is read back as."""
        return CancelKiboOrder, (KiboOrder,)


@attrs.frozen(repr=False, eq=False)
class KiboOrder(Answer):
    """An order.

    Fields that are not listed here are in `raw`.

        print(client.kibo.get_order(1010101).order_status)
    """

    kind: ClassVar[str] = "kibo.order"
    wire_names: ClassVar[Mapping[str, str]] = {
        "order_id": "orderID",
        "order_state": "orderState",
        "order_status": "orderStatus",
        "order_type": "orderType",
        "delivery_method": "deliveryMethod",
        "order_currency": "orderCurrency",
        "order_date": "orderDate",
    }
    order_id: int
    order_state: str | None = None
    #: Text. CANCELED is the final state of a cancellation.
    order_status: str | None = None
    order_type: str | None = None
    delivery_method: str | None = None
    order_currency: str | None = None
    #: As Kibo writes it: `2010-04-08T16:32:03+00:00`.
    order_date: str | None = None

    @classmethod
    def prepared(cls, said: dict[str, Any]) -> dict[str, Any]:
        """Accept either name of the id, as a number or as text: Kibo documents all of them."""
        ids = {name: _number(said[name]) for name in ("orderID", "orderId") if said.get(name) is not None}
        for name, number in ids.items():
            if type(number) is not int:
                raise DecodingError(f"expected an integer @ $.{name}")
        if len({*ids.values()}) > 1:
            raise DecodingError("orderID and orderId differ")
        return {**said, "orderID": next(iter(ids.values()))} if ids else said


KiboAnswer: TypeAlias = KiboOrder


def _number(value: Any) -> Any:
    """Return canonical decimal text as an integer, and any other value unchanged."""
    return int(value) if isinstance(value, str) and re.fullmatch(_DECIMAL, value) else value


def _order_id(value: object) -> int:
    number = _number(value)
    if isinstance(number, int) and not isinstance(number, bool) and 1 <= number < 2**63:
        return int(number)
    raise checks.bad("kibo", "order_id", "must be an integer from 1 to 2**63 - 1", value)


@attrs.frozen(repr=False, eq=False)
class CancelKiboOrder(CancelRequest[KiboAnswer]):
    """A request to cancel a whole order.

    An explanation of 1 to 255 characters may accompany the reason "other", and no other reason.

        client.cancel(CancelKiboOrder(1010101, "other", "Ordered twice"))
    """

    marketplace: ClassVar[str] = "kibo"
    order_id: int = attrs.field(converter=_order_id)
    disposition_reason: DispositionReason
    disposition_other_reason: str | None = None
    account: str | None = attrs.field(default=None, validator=checks.account, kw_only=True)

    def __attrs_post_init__(self) -> None:
        reason, explanation = self.disposition_reason, self.disposition_other_reason
        if not isinstance(reason, str) or not reason.strip():
            raise checks.bad("kibo", "disposition_reason", "must be text, and not empty", self.order_id)
        problem = None
        if explanation is not None and reason.casefold() != "other":
            problem = 'is allowed with the reason "other" only'
        elif explanation is not None and not (isinstance(explanation, str) and 1 <= len(explanation) <= 255):
            problem = "must be 1 to 255 characters"
        if problem:
            raise checks.bad("kibo", "disposition_other_reason", problem, self.order_id)


_Operation: TypeAlias = Operation[int, CancelKiboOrder]


class KiboRules(Rules[int, CancelKiboOrder, KiboOrder, KiboOrder]):
    """The requests to Kibo, and what its replies mean."""

    name: ClassVar[str] = "kibo"
    own_headers: ClassVar[frozenset[str]] = frozenset({"x-vol-tenant"})
    repeatable: ClassVar[bool] = True
    request_id_headers: ClassVar[tuple[str, ...]] = ("x-vol-correlation", *Rules.request_id_headers)
    # The value that Kibo sends as Retry-After.
    rate_limit_pause: ClassVar[float | None] = 60.0

    def __init__(self, configuration: Kibo) -> None:
        self._origin, path = checks.split_base_url(configuration.url)
        self._cancel = f"{path}/api/v2/order/action/cancel"
        self._orders = f"{path}/api/v2/order/"
        #: The spelling of the id that this tenant accepted last.
        self._order_key = "orderId"
        super().__init__(configuration.label, _auth(configuration))

    def check_order_id(self, order_id: object) -> int:
        """Return `order_id` as a positive integer. A bool, a float or other text is refused."""
        return _order_id(order_id)

    def cancel_call(self, request: CancelKiboOrder, operation: _Operation) -> Call:
        """Return a POST with everything in the body."""
        operation.wording = operation.wording or self._order_key
        said: dict[str, int | str] = {
            operation.wording: operation.order_id,
            "dispositionReason": request.disposition_reason,
        }
        if request.disposition_other_reason is not None:
            said["dispositionOtherReason"] = request.disposition_other_reason
        return Call("POST", self._origin, self._cancel, json.dumps(said).encode())

    def reword(self, reply: Reply, operation: _Operation) -> bool:
        """Switch to the other spelling of the id after a 400 of Kibo's own: its documents disagree."""
        if reply.status != 400 or reply.flaw or object_in(reply) is None:
            return False
        operation.wording = "orderID" if operation.wording == "orderId" else "orderId"
        return True

    def judge(self, reply: Reply, operation: _Operation) -> Verdict[KiboOrder] | None:
        """Judge by the order in the reply: it is cancelled only if it says so."""
        if reply.status < 300 and operation.wording is not None:
            self._order_key = operation.wording
        if reply.status != 200:
            return None
        order = self.order(reply, operation)
        return cancelled(order, _parts(order)) if _is_cancelled(order) else requested(order, _shown(order))

    def read_call(self, operation: _Operation) -> Call:
        """Return a GET with the id in the path."""
        return Call("GET", self._origin, f"{self._orders}{operation.order_id}")

    def order(self, reply: Reply, operation: _Operation) -> KiboOrder:
        """Return the order if it is this one."""
        answer = decode(reply.body, KiboOrder)
        check_subject(answer.order_id, operation.order_id)
        if answer.order_status is None and answer.order_state is None:
            raise DecodingError("it has neither a state nor a status")
        return answer

    def state(self, order: KiboOrder, operation: _Operation) -> Finding[KiboOrder]:
        """Judge by the state and the status. Either of them is enough."""
        if _is_cancelled(order):
            return cancelled(order, _parts(order))
        if any(text in _BLOCKING for text in _told(order)):
            return refused(order, _parts(order))
        return requested(order, _shown(order), conclusive=False)


def _shown(order: KiboOrder) -> str | None:
    return order.order_status or order.order_state


def _told(order: KiboOrder) -> list[str]:
    """Return the normalized state and status: Kibo documents `shipped`, `SHIPPED` and `Order Canceled`."""
    texts = (order.order_status, order.order_state)
    return [text.strip().upper().removeprefix("ORDER ") for text in texts if text]


def _is_cancelled(order: KiboOrder) -> bool:
    return any(text in ("CANCELED", "CANCELLED") for text in _told(order))


def _parts(order: KiboOrder) -> tuple[Part, ...]:
    return (Part(str(order.order_id), _shown(order) or ""),)


def _auth(configuration: Kibo) -> Auth:
    tenant = {"x-vol-tenant": str(configuration.tenant_id)}

    def headers(access_token: Secret) -> dict[str, str]:
        return {**tenant, "Authorization": f"Bearer {access_token.reveal()}"}

    if configuration.access_token is not None:
        return auth_for(headers, access_token=configuration.access_token)
    if configuration.client_secret is None:
        return Auth(tenant, [])
    origin, path = checks.split_base_url(configuration.auth_url)
    target = f"{path}/api/platform/applications/authtickets/oauth"

    def ask(client_secret: Secret) -> Call:
        said = {
            "client_id": configuration.client_id,
            "client_secret": client_secret.reveal(),
            "grant_type": "client_credentials",
        }
        return Call("POST", origin, target, json.dumps(said).encode())

    # According to older pages, a 403 may also mean an expired token.
    renews_on = frozenset({401, 403})
    return TokenAuth(ask, _token, headers, renews_on=renews_on, client_secret=configuration.client_secret)


def _token(reply: Reply) -> Token | None:
    said = object_in(reply) or {}
    token, lifetime = said.get("access_token"), said.get("expires_in")
    if lifetime is None:
        lifetime = _ASSUMED_LIFETIME
    is_time = isinstance(lifetime, int | float) and not isinstance(lifetime, bool) and lifetime > 0
    return Token(Secret(token), float(lifetime)) if fits_a_header(token) and is_time else None


class KiboClient(SubClient[int, CancelKiboOrder, KiboOrder, KiboOrder]):
    """The blocking client of one Kibo tenant.

    `Countermand` makes it:

        client.kibo.cancel_order(1010101, "created_by_mistake")
    """

    def cancel_order(
        self,
        order_id: int | str,
        disposition_reason: DispositionReason,
        disposition_other_reason: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Outcome[KiboAnswer]:
        """Ask Kibo to cancel a whole order, and return what became of it.

        Returns `Cancelled` if the order in the reply says so, else `Requested` (Cancel Order,
        https://docs.kibocommerce.com/help/cancel-order). Returns `Refused` if Kibo declines and the order's status
        says why, and `Unknown` if a lost reply could not be settled. `disposition_other_reason`, 1 to 255
        characters, is accepted only with the reason "other".

        `options` are described in `CallOptions`. Raises a `CountermandError`; then the order is untouched.

            outcome = client.kibo.cancel_order(1010101, "other", "Ordered twice")
        """
        return self._cancel(CancelKiboOrder(order_id, disposition_reason, disposition_other_reason), options)

    def get_order(self, order_id: int | str, **options: Unpack[CallOptions]) -> KiboOrder:
        """Read an order ("Get Order Information" of Kibo's translated APIs).

        Raises `OrderUnreadableError`, `OrderNotFoundError` or another `CountermandError`.

            order = client.kibo.get_order(1010101)
        """
        return self._read(order_id, options)


class AsyncKiboClient(AsyncSubClient[int, CancelKiboOrder, KiboOrder, KiboOrder]):
    """`KiboClient` for asyncio.

    `AsyncCountermand` makes it:

        await client.kibo.cancel_order(1010101, "created_by_mistake")
    """

    async def cancel_order(
        self,
        order_id: int | str,
        disposition_reason: DispositionReason,
        disposition_other_reason: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Outcome[KiboAnswer]:
        """Ask Kibo to cancel a whole order, and return what became of it;
        see `KiboClient.cancel_order`.

            outcome = await client.kibo.cancel_order(1010101, "created_by_mistake")
        """
        request = CancelKiboOrder(order_id, disposition_reason, disposition_other_reason)
        return await self._cancel(request, options)

    async def get_order(self, order_id: int | str, **options: Unpack[CallOptions]) -> KiboOrder:
        """Read an order;
        see `KiboClient.get_order`.

            order = await client.kibo.get_order(1010101)
        """
        return await self._read(order_id, options)
