"""VTEX OMS: every status that its documents name, and how long a request is given to show."""

from typing import Any

from countermand import (
    Requested,
    RetryPolicy,
    Unknown,
)
from tests.support.markets import VTEX
from tests.support.stage import After, lost, reply

from .rows import Played, Rows, basis
from .vtex import order, receipt

ROWS = Rows(VTEX)

#: What the tables below are made of.
_status: Any


# A lost reply, and a status that speaks of a cancellation.


PENDING = (
    "cancel canceling request-cancel cancellation-requested cancellation-requested-with-ack accepting-cancel "
    "waiting-for-seller-decision cancellation-request-denied-ffm"
).split()
for _status in PENDING:

    @ROWS.add(f"a lost reply, then `{_status}`", cancel=[lost()], read=[order(_status)])
    def _(play: Played, status: str = _status) -> None:
        outcome = play.cancel()
        assert isinstance(outcome, Requested)
        assert outcome.status == status
        assert play.kinds == ["cancel", "read"]


for _status in ("cancellation-in-review", "CANCEL-PENDING", "pre-canceled"):

    @ROWS.add(f"a lost reply, then the unknown `{_status}`", cancel=[lost()], read=[order(_status)])
    def _(play: Played) -> None:
        assert isinstance(play.cancel(timeout=60.0), Unknown)
        assert play.kinds.count("cancel") == 1
        assert play.kinds.count("read") > 3


@ROWS.add(
    "an unknown cancellation status is no permission to ask again later either",
    cancel=[lost()],
    read=[order("cancellation-in-review"), order("handling")],
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(timeout=60.0), Unknown)
    assert play.kinds.count("cancel") == 1


# A second POST, not before ten seconds.


@ROWS.add("a lost reply, then `handling`", cancel=[lost(), receipt()], read=[order("handling")])
def _(play: Played) -> None:
    assert isinstance(play.cancel(timeout=30.0), Requested)
    first, second = play.times("cancel")
    assert second - first >= 10.0
    assert play.times("read")[-1] == second  # what has just been read is what allows it


@ROWS.add(
    "a reply that took its time, then `handling`",
    cancel=[After(4.0, lost()), receipt()],
    read=[order("handling")],
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(timeout=30.0), Requested)
    assert play.times("cancel")[1] >= 14.0  # it may have arrived as late as that


@ROWS.add("a lost reply, and less than ten seconds left", cancel=[lost()], read=[order("handling")])
def _(play: Played) -> None:
    outcome = play.cancel(timeout=9.0)
    assert isinstance(outcome, Unknown)
    assert basis(outcome).status == "handling"
    assert play.kinds.count("cancel") == 1
    assert play.kinds.count("read") > 1
    assert play.times("read")[-1] >= 7.0


@ROWS.add(
    "a lost reply, and the request shows after nine seconds",
    cancel=[lost()],
    read=[order("handling")] * 4 + [order("request-cancel")],
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(timeout=30.0), Requested)
    assert play.kinds.count("cancel") == 1


@ROWS.add("503, then `handling`", cancel=[reply(503), receipt()], read=[order("handling")])
def _(play: Played) -> None:
    assert isinstance(play.cancel(timeout=30.0), Requested)
    assert play.times("cancel")[1] >= 10.0


@ROWS.add(
    "a lost reply, and then the order is hidden",
    cancel=[lost()],
    read=[reply(403)],
    retry=RetryPolicy(attempts=20),
)
def _(play: Played) -> None:
    assert isinstance(play.cancel(timeout=60.0), Unknown)
    assert play.kinds.count("cancel") == 1


# Open ones of which the contracts' tables hold the rest: one that speaks of a cancellation, and an unknown one.


for _status in ("window-to-cancel", "on-the-moon"):

    @ROWS.add(f"a lost reply, then the open `{_status}`", cancel=[lost(), receipt()], read=[order(_status)])
    def _(play: Played) -> None:
        assert isinstance(play.cancel(timeout=30.0), Requested)
        assert play.times("cancel")[1] >= 10.0
