"""What can be wrong with a marketplace: each class is the worked example with one mistake, and is named after it."""

# ruff: noqa: D102 - a method here is wrong, and its class says how

import json
from typing import Any, ClassVar

import attrs
from fifth_marketplace import AsyncShopClient, CancelShopOrder, Shop, ShopClient, ShopOrder, ShopRules

from countermand import Cancelled, CancelRequest, Outcome, Part, Refused, Unknown
from countermand.engine.auth import Auth
from countermand.engine.credentials import fits_a_header
from countermand.engine.decoding import Answer, decode
from countermand.engine.rules import Finding, Rejections, cancelled, refused, requested
from countermand.engine.secret import Secret, sealed
from countermand.engine.wire import Call, Reply
from countermand.errors import (
    AuthenticationError,
    CountermandError,
    OrderNotFoundError,
    OrderUnreadableError,
    RateLimitedError,
    RejectedError,
)
from countermand.marketplaces.base import Account, label_field

KEY = "shop-api-k3y"


# --- rules ---------------------------------------------------------------------------------------------------------------


class BelievesTheStatus(ShopRules):
    def judge(self, reply: Reply, operation: Any) -> Any:
        return requested(None) if reply.status == 202 else super().judge(reply, operation)


class TakesReceivedForCancelled(ShopRules):
    def judge(self, reply: Reply, operation: Any) -> Any:
        return cancelled(self.order(reply, operation)) if reply.status == 202 else None


class BelievesAnotherOrder(ShopRules):
    def order(self, reply: Reply, operation: Any) -> ShopOrder:
        return decode(reply.body, ShopOrder)


class RaisesItsOwnError(ShopRules):
    def order(self, reply: Reply, operation: Any) -> ShopOrder:
        said = json.loads(reply.body)
        return ShopOrder(said["order"], said["state"], said.get("error"))


class TakesGoneForCancelled(ShopRules):
    def judge(self, reply: Reply, operation: Any) -> Any:
        return cancelled(None) if reply.status == 404 else super().judge(reply, operation)


class RefusesByTheStatus(ShopRules):
    beyond_cancelling: ClassVar[frozenset[str]] = frozenset({"too late"})

    def judge(self, reply: Reply, operation: Any) -> Any:
        if reply.status == 409:
            return refused(None, (Part(operation.order_id, "too late"),))
        return super().judge(reply, operation)


class BelievesAnotherRefusal(ShopRules):
    def judge(self, reply: Reply, operation: Any) -> Any:
        if reply.status == 409:
            return self.state(decode(reply.body, ShopOrder), operation)
        return super().judge(reply, operation)


class AsksAboutNoOrder(ShopRules):
    def cancel_call(self, request: CancelShopOrder, operation: Any) -> Call:
        return Call("POST", self._origin, f"{self._orders}latest/cancellation")


class KnowsNoOrderByTheStatus(ShopRules):
    def knows_no_order(self, reply: Reply, asked: Call) -> bool:
        return True


class TakesOpenForRequested(ShopRules):
    def state(self, order: ShopOrder, operation: Any) -> Finding[ShopOrder]:
        found = super().state(order, operation)
        return found if found.conclusive else requested(order, order.state)


class TakesOpenForRefused(ShopRules):
    def state(self, order: ShopOrder, operation: Any) -> Finding[ShopOrder]:
        found = super().state(order, operation)
        return found if found.conclusive else refused(order, (Part(order.order, order.state),))


class TakesEveryEndForCancelled(ShopRules):
    def state(self, order: ShopOrder, operation: Any) -> Finding[ShopOrder]:
        found = super().state(order, operation)
        return cancelled(order) if found.settled else found


class NeverSettles(ShopRules):
    def state(self, order: ShopOrder, operation: Any) -> Finding[ShopOrder]:
        return requested(order, order.state, conclusive=False)


class TakesUnauthorizedForMissing(ShopRules):
    rejections: ClassVar[Rejections] = ShopRules.rejections | {403: OrderNotFoundError}


class SendsTheKeyInTheURL(ShopRules):
    def read_call(self, operation: Any) -> Call:
        call = super().read_call(operation)
        return Call(call.method, call.origin, f"{call.target}?key={KEY}")


class DoesNotQuoteTheId(ShopRules):
    def cancel_call(self, request: CancelShopOrder, operation: Any) -> Call:
        return Call("POST", self._origin, f"{self._orders}{operation.order_id}/cancellation")


class ReadsAnyId(ShopRules):
    def check_order_id(self, order_id: object) -> str:
        return str(order_id)


@attrs.frozen
class CancelUnchecked(CancelRequest[ShopOrder]):
    """A request that does not check itself."""

    marketplace: ClassVar[str] = "shop"
    order: Any
    reason: str | None = attrs.field(default=None, kw_only=True)
    account: str | None = attrs.field(default=None, kw_only=True)


class NamesNoSecrets(ShopRules):
    def __init__(self, account: Shop) -> None:
        super().__init__(account)
        self.auth: Auth = Auth({"X-Api-Key": account.api_key.reveal()}, [])


class SendsNoKey(ShopRules):
    def __init__(self, account: Shop) -> None:
        super().__init__(account)
        self.auth: Auth = Auth({}, [account.api_key])


class KeepsTheKey(ShopRules):
    def __init__(self, account: Shop) -> None:
        super().__init__(account)
        self.key = account.api_key.reveal()


class ForgetsTheLabel(ShopRules):
    def __init__(self, account: Shop) -> None:
        super().__init__(account)
        self.label = "shop"


class HasAnotherName(ShopRules):
    name: ClassVar[str] = "store"


def with_rules(rules: type[ShopRules]) -> Shop:
    """Return an account at a Shop with these rules."""

    class Variant(Shop):
        def rules(self) -> ShopRules:
            return rules(self)

    return Variant(api_key=KEY, label="eu")


# --- sub-clients ---------------------------------------------------------------------------------------------------------


class ForgetsTheTimeout(AsyncShopClient):
    async def cancel(self, request: CancelShopOrder, **options: Any) -> Outcome[ShopOrder]:
        return await super().cancel(request)


class SwallowsErrors(ShopClient):
    def cancel(self, request: CancelShopOrder, **options: Any) -> Outcome[ShopOrder]:
        try:
            return super().cancel(request, **options)
        except CountermandError as error:
            return Refused(
                marketplace="shop", order_id=request.order, account="eu", refused=(), attempts=error.attempts
            )


class TriesAgainByItself(ShopClient):
    def cancel(self, request: CancelShopOrder, **options: Any) -> Outcome[ShopOrder]:
        try:
            return super().cancel(request, **options)
        except RateLimitedError:
            return super().cancel(request, **options)


class RaisesWhatIsUnknown(ShopClient):
    def cancel(self, request: CancelShopOrder, **options: Any) -> Outcome[ShopOrder]:
        outcome = super().cancel(request, **options)
        if isinstance(outcome, Unknown):
            about: Any = {"marketplace": "shop", "account": outcome.account, "order_id": outcome.order_id}
            raise OrderUnreadableError(outcome.reason, attempts=outcome.attempts, **about)
        return outcome


class WrapsInterruptions(AsyncShopClient):
    async def cancel(self, request: CancelShopOrder, **options: Any) -> Outcome[ShopOrder]:
        try:
            return await super().cancel(request, **options)
        except CountermandError:
            raise
        except BaseException as error:
            raise AuthenticationError(str(error)) from error


class AsksAgainWhenItLooks(ShopClient):
    def check(self, outcome: Outcome[Any], **options: Any) -> Outcome[Any]:
        self.cancel_order(outcome.order_id)
        return super().check(outcome, **options)


class SettlesByWaiting(ShopClient):
    def wait_until_settled(self, order: Any, **options: Any) -> Outcome[Any]:
        outcome: Outcome[Any] = super().wait_until_settled(order, **options)
        about: Any = {"marketplace": "shop", "account": outcome.account, "order_id": outcome.order_id}
        return outcome if outcome.settled else Refused(refused=(), attempts=outcome.attempts, **about)


class RaisesAfterARefusal(ShopClient):
    def cancel(self, request: CancelShopOrder, **options: Any) -> Outcome[ShopOrder]:
        outcome = super().cancel(request, **options)
        if isinstance(outcome, Cancelled):
            about: Any = {"marketplace": "shop", "account": outcome.account, "order_id": outcome.order_id}
            raise RejectedError("it is cancelled already", attempts=outcome.attempts, **about)
        return outcome


class ReturnsText(ShopClient):
    def cancel(self, request: CancelShopOrder, **options: Any) -> Any:
        return str(super().cancel(request, **options))


class CopiesInterruptions(ShopClient):
    def cancel(self, request: CancelShopOrder, **options: Any) -> Outcome[ShopOrder]:
        try:
            return super().cancel(request, **options)
        except LookupError as error:
            raise LookupError("of another call") from error


class DropsTheAccount(AsyncShopClient):
    async def cancel(self, request: CancelShopOrder, **options: Any) -> Outcome[ShopOrder]:
        return attrs.evolve(await super().cancel(request, **options), account=None)


class DropsTheAnswer(AsyncShopClient):
    async def cancel(self, request: CancelShopOrder, **options: Any) -> Outcome[ShopOrder]:
        return attrs.evolve(await super().cancel(request, **options), answer=None)


class RefusesWhatIsUnknown(ShopClient):
    def cancel(self, request: CancelShopOrder, **options: Any) -> Outcome[ShopOrder]:
        outcome = super().cancel(request, **options)
        about: Any = {"marketplace": "shop", "account": outcome.account, "order_id": outcome.order_id}
        is_unknown = isinstance(outcome, Unknown)
        return Refused(refused=(), attempts=outcome.attempts, **about) if is_unknown else outcome


class AsksBeforeItWaits(ShopClient):
    def wait_until_settled(self, order: Any, **options: Any) -> Outcome[Any]:
        self.cancel_order("A-1")
        return super().wait_until_settled(order, **options)


class HasAMethodMore(ShopClient):
    def order_again(self, order: str) -> None:
        """Do what the other sub-client cannot do."""


def with_client(kind: type[Any]) -> Shop:
    """Return an account at a Shop with this sub-client in place of the right one."""
    blocking = kind if issubclass(kind, ShopClient) else ShopClient
    on_a_loop = kind if issubclass(kind, AsyncShopClient) else AsyncShopClient

    class Variant(Shop):
        def clients(self) -> tuple[type[ShopClient], type[AsyncShopClient]]:
            return blocking, on_a_loop

    return Variant(api_key=KEY, label="eu")


class SwapsItsClients(Shop):
    def clients(self) -> Any:
        return AsyncShopClient, ShopClient


# --- configurations ------------------------------------------------------------------------------------------------------


class _Parts(Account[ShopClient, AsyncShopClient]):
    """What the configurations here have in common."""

    __slots__ = ()
    marketplace: ClassVar[str] = "shop"
    base_url: ClassVar[str] = "https://api.shop.example"

    def rules(self) -> ShopRules:
        return ShopRules(self)  # type: ignore[arg-type]

    def clients(self) -> tuple[type[ShopClient], type[AsyncShopClient]]:
        return ShopClient, AsyncShopClient


class Bare(str):
    """A credential that is plain text."""

    __slots__ = ()

    def reveal(self) -> str:
        return str(self)

    def forms(self) -> set[bytes]:
        return {self.encode()}


def _plain(_: object, field: Any, value: str) -> None:
    if not fits_a_header(value):
        raise ValueError(f"{field.name} does not fit into a header")


@sealed
@attrs.frozen(kw_only=True)
class ShowsItsKey(_Parts):
    api_key: Any = attrs.field(converter=Bare, validator=_plain)
    label: str = label_field("shop")


@attrs.frozen(kw_only=True)
class IsNotSealed(_Parts):
    api_key: Any = attrs.field(converter=Bare, validator=_plain, repr=False)
    label: str = label_field("shop")


def _as_secret(value: Any) -> Secret:
    return value if isinstance(value, Secret) else Secret(value)


@sealed
@attrs.frozen(kw_only=True)
class TakesAnyKey(_Parts):
    api_key: Secret = attrs.field(converter=_as_secret, repr=False)
    label: str = label_field("shop")


def _showing(_: object, field: Any, value: Secret) -> None:
    if not fits_a_header(value.reveal()):
        raise ValueError(f"{value.reveal()} is no key")


@sealed
@attrs.frozen(kw_only=True)
class RepeatsAWrongKey(_Parts):
    api_key: Secret = attrs.field(converter=_as_secret, validator=_showing, repr=False)
    label: str = label_field("shop")


class StoresNoAnswer(Shop):
    @classmethod
    def stored(cls) -> Any:
        return CancelShopOrder, (ShopOrderWithoutKind,)


@attrs.frozen
class ShopOrderWithoutKind(Answer):
    order: str


class StoresAnotherRequest(Shop):
    @classmethod
    def stored(cls) -> Any:
        return CancelUnchecked, (ShopOrder,)


class SharesItsRules(Shop):
    _made: ClassVar[dict[str, ShopRules]] = {}

    def rules(self) -> ShopRules:
        return self._made.setdefault(self.label, ShopRules(self))


def _local() -> type[ShopOrder]:
    class LocalOrder(ShopOrder):
        """An answer whose class cannot be imported."""

    return LocalOrder


class AnswersWithALocalClass(ShopRules):
    kind: ClassVar[type[ShopOrder]] = _local()

    def order(self, reply: Reply, operation: Any) -> ShopOrder:
        answer = super().order(reply, operation)
        return self.kind(answer.order, answer.state, answer.error)
