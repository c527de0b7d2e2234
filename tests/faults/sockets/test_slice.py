"""A slice of the sweep with a fresh seed, and every fault of the catalogue once."""

import secrets

import pytest
from attrs import evolve

from . import sweep
from .cases import MARKETPLACES, Case, made
from .doors import doors, swept
from .faults import Planned, catalogue
from .handle import FaultServer
from .plain import case
from .playing import Played
from .sweep import side_by_side
from .troubles import TROUBLES


def _told(wrong: list[Played]) -> str:
    return "\n".join(f"{one.case}\n   {one.told}\n   {', '.join(one.wrong)}" for one in wrong)


@pytest.mark.long
def test_a_fresh_slice_of_the_sweep_tells_no_untruth(server: FaultServer) -> None:
    """Whatever the seed: nothing that is told about an order contradicts the world's ledger."""
    seed = secrets.token_hex(4)
    played = side_by_side(server, [made(f"{seed}:{number}") for number in range(100)])
    wrong = [one for one in played if one.wrong]
    assert not wrong, f"python -m tests.faults.sockets --replay {wrong[0].seed}\n{_told(wrong)}"


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
