"""A row: scripted replies of one marketplace, and what is right to say after them.

Every row is played on a stage in virtual time, and over loopback sockets through every kind of client.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, TypeAlias

import attrs
import pytest

from countermand import CountermandError, OrderNotFoundError, RejectedError
from tests.support.doors import Door
from tests.support.markets import Market
from tests.support.stage import Stage, reply

from .words import NO_ADDRESS, NO_ORDER


@attrs.frozen
class Sent:
    """A request as it went out. Header names are in lower case."""

    kind: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    #: When it went out, in seconds of virtual time.
    at: float


class Played:
    """One row as it is being played: a client of the marketplace, and what it sent."""

    def __init__(self, market: Market, door: Door, sent: Callable[[], list[Sent]]) -> None:
        self.market = market
        self.door = door
        self._sent = sent

    @property
    def sent(self) -> list[Sent]:
        """Everything that went out."""
        return self._sent()

    @property
    def kinds(self) -> list[str]:
        """What each request was for: "cancel", "read", "login"."""
        return [each.kind for each in self.sent]

    def times(self, kind: str) -> list[float]:
        """Return when the requests of one kind went out."""
        return [each.at for each in self.sent if each.kind == kind]

    def cancel(self, **options: Any) -> Any:
        """Cancel the order."""
        return self.market.cancel(self.door, **options)

    def read(self, order_id: object = None, **options: Any) -> Any:
        """Read the order, or another."""
        return self.door.do(self.market.name, self.market.reads, order_id or self.market.order_id, **options)

    def wait(self, order: object = None, **options: Any) -> Any:
        """Wait until an order is settled: by its id, or after an outcome."""
        return self.door.do(self.market.name, "wait_until_settled", order or self.market.order_id, **options)

    def check(self, outcome: Any, **options: Any) -> Any:
        """Look once more at the order of an outcome."""
        return self.door.run(lambda: self.door.client.check(outcome, **options))

    def raised(self, call: Callable[[], Any]) -> Any:
        """Return the error that a call raises."""
        with pytest.raises(CountermandError) as caught:
            call()
        return caught.value


def basis(outcome: Any) -> Any:
    """Return what an outcome rests on."""
    return outcome.answer


Check: TypeAlias = Callable[[Played], None]


@attrs.frozen
class Row:
    """The replies, by the kind of request that they answer, and what has to be so."""

    name: str
    market: Market
    right: Check
    cancel: tuple[Any, ...] = ()
    read: tuple[Any, ...] = ()
    login: tuple[Any, ...] = ()
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    #: Whether it is played over sockets, too: of a long table a row or two will do.
    over_sockets: bool = True

    def __str__(self) -> str:
        return f"{self.market.name}: {self.name}"

    def stage(self) -> Stage:
        """Return a stage with the script; the last read is repeated for ever."""
        last = self.read[-1:]
        endless = chain(self.read, iter(lambda: last[0], None)) if last else ()
        return Stage(cancel=self.cancel, read=endless, login=self.login)


class Rows(list[Row]):
    """The rows of one marketplace; `add` is a decorator on what is right."""

    def __init__(self, market: Market) -> None:
        super().__init__()
        self._market = market

    def add(
        self,
        name: str,
        *,
        cancel: Iterable[Any] = (),
        read: Iterable[Any] = (),
        login: Iterable[Any] = (),
        over_sockets: bool = True,
        **settings: Any,
    ) -> Callable[[Check], Check]:
        """Make a row of the function below, named `name`."""

        def added(right: Check) -> Check:
            row = Row(
                name, self._market, right, tuple(cancel), tuple(read), tuple(login), settings, over_sockets
            )
            self.append(row)
            return right

        return added

    def add_404s(self, address: str) -> None:
        """Make the rows of every 404: there is no such order in words, else the address is wrong."""

        def no_order(play: Played) -> None:
            for call in (play.cancel, play.read, play.wait):
                error = play.raised(call)
                assert type(error) is OrderNotFoundError
                assert error.detail == "Order not found"

        def no_address(play: Played) -> None:
            for call in (play.cancel, play.read, play.wait):
                error = play.raised(call)
                assert type(error) is RejectedError
                assert address in str(error)
                assert "no such order" not in str(error)

        for bodies, right in ((NO_ORDER, no_order), (NO_ADDRESS, no_address)):
            for body in bodies:
                self.add(f"404 with {body}", cancel=[reply(404, body)], read=[reply(404, body)])(right)
