"""A slice of the sweep, always the same one, and every fault of the catalogue once."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest
from attrs import evolve

from . import faults, sweep
from .cases import MARKETPLACES, Case, made
from .doors import doors, swept
from .faults import Planned, catalogue
from .handle import FaultServer
from .plain import case
from .playing import Played, play
from .sweep import side_by_side
from .troubles import TROUBLES, Around, LimitError


def _told(wrong: list[Played]) -> str:
    return "\n".join(f"{one.case}\n   {one.told}\n   {', '.join(one.wrong)}" for one in wrong)


@pytest.mark.long
@pytest.mark.usefixtures("abandoned")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_slice_of_the_sweep_tells_no_untruth(server: FaultServer) -> None:
    """Through each door, nothing that is told about an order contradicts the world's ledger."""
    cases = [made(f"slice:{number}") for number in range(60)]
    assert {one.door for one in cases} == set(swept())
    wrong = [one for one in side_by_side(server, cases) if one.wrong]
    assert not wrong, f"python -m tests.faults.sockets --replay {wrong[0].seed}\n{_told(wrong)}"


def test_a_seed_makes_the_same_case_whatever_was_imported_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay plays what the suite did: the catalogue has one order, not that of the imports."""
    seeds = [f"order:{number}" for number in range(20)]
    before = [made(seed) for seed in seeds]
    backwards = dict(reversed(catalogue().items()))
    monkeypatch.setattr(faults, "CATALOGUE", backwards)
    faults.catalogue.cache_clear()
    assert [made(seed) for seed in seeds] == before


def test_an_alarm_after_the_call_has_returned_takes_nothing_away(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was returned is judged, not the exception of a handler that ran too late."""
    spec = evolve(case("crux", 5.0), orders=case("crux", 5.0).orders[:1])
    struck: list[Exception] = []

    @contextmanager
    def too_late(around: Around) -> Generator[None]:
        yield
        struck.append(LimitError("the worker's time is over"))
        raise struck[0]

    monkeypatch.setattr(Around, "alarmed", too_late)
    played = play(server, Case("too late", "stock", "token", spec, "signal: LimitError"))
    assert struck
    assert [one.outcome for one in played.told] == ["Requested"]
    assert played.wrong == ()


def test_what_breaks_the_sweep_names_its_case(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed of a case is what a replay needs."""

    def broken(_server: FaultServer, _case: Case) -> Played:
        raise RuntimeError("the sweep is broken")

    monkeypatch.setattr(sweep, "play", broken)
    blocking = next(
        case for case in map(made, map(str, range(99))) if case.door == "stock" and not case.alone
    )
    with pytest.raises(RuntimeError, match="broken") as caught:
        side_by_side(server, [blocking])
    assert f"--replay {blocking.seed}" in caught.value.__notes__[0]


@pytest.mark.long
@pytest.mark.usefixtures("abandoned")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_every_fault_of_the_catalogue_tells_no_untruth(server: FaultServer) -> None:
    """Each fault on a cancel, at each marketplace, through one of the doors after the other."""
    cases: list[Case] = []
    for number, kind in enumerate(catalogue().values()):
        if "cancel" not in kind.where:
            continue
        for turn, marketplace in enumerate(("pattern", "vtex", "crux", "kibo")):
            if marketplace in kind.not_at:
                continue
            applied = kind.applied[(number + turn) % len(kind.applied)]
            spec = case(marketplace, 0.4, cancel=[Planned(kind.name, applied, number + turn)])
            spec = evolve(spec, orders=spec.orders[:2])
            door = doors()[(number + turn) % len(doors())]
            cases.append(Case(f"{kind.name} at {marketplace}", door, "token", spec))
    wrong = [one for one in side_by_side(server, cases) if one.wrong]
    assert not wrong, _told(wrong)


@pytest.mark.long
@pytest.mark.usefixtures("abandoned")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_every_trouble_of_the_clients_side_tells_no_untruth(server: FaultServer) -> None:
    """Hooks, signals, certificates, proxies, forks and event loops, at each door that they can befall."""
    cases: list[Case] = []
    for number, trouble in enumerate(TROUBLES.values()):
        for turn, door in enumerate(door for door in trouble.doors if door in swept()):
            marketplace = MARKETPLACES[(number + turn) % len(MARKETPLACES)]
            name, applied = (("fin", "late"), ("stall before the head", "yes"), ("429", "no"))[turn % 3]
            fault = Planned(name, applied, turn)  # type: ignore[arg-type]
            spec = case(marketplace, 0.4, cancel=[fault])
            spec = evolve(spec, orders=spec.orders[:2])
            cases.append(Case(f"{trouble.name} through {door}", door, "token", spec, trouble.name))
    played = side_by_side(server, cases)
    wrong = [one for one in played if one.wrong]
    assert not wrong, _told(wrong)
    assert {one.trouble for one in cases} == set(TROUBLES)
