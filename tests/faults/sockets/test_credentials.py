"""No credential shows itself, whatever the server repeats of the request: in logs, errors, pickles and tracebacks."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import pytest
from attrs import evolve

from countermand import CountermandError

from .cases import made
from .conftest import Opener
from .doors import ASYNC, settings, swept
from .handle import FaultServer
from .leaks import Ear, has_credential, shown_by
from .plain import ask, case, lost
from .spec import SECRETS
from .sweep import side_by_side

_TELLING = (
    "4xx",
    "408, 5xx",
    "not HTTP",
    "ill-formed head",
    "HTML with the status of success",
    "redirect",
    "429",
)


def test_an_echo_shows_nowhere(stage: Opener, door: str) -> None:
    """The server repeats every credential in its status line, its headers and its body, at each marketplace."""

    def shown(about: tuple[str, tuple[int, str]]) -> list[str]:
        fault, (pick, marketplace) = about
        planned = [lost(fault, "no", pick, always=True)]
        spec = case(marketplace, 0.2, cancel=planned, read=planned, echo=True)
        spec = evolve(spec, orders=spec.orders[:1])
        return [where for thing in ask(door, stage(spec), spec, calm=False) for where in shown_by(thing)]

    variants = product(_TELLING, zip((0, 129, 194, 70), ("pattern", "vtex", "crux", "kibo"), strict=True))
    with Ear() as ear, ThreadPoolExecutor(8) as threads:
        assert not [where for found in threads.map(shown, variants) for where in found]
    assert ear.heard
    assert not ear.leaks


@pytest.mark.parametrize("marketplace", ["crux", "kibo"])
def test_an_echo_of_the_login_shows_nowhere(stage: Opener, door: str, marketplace: str) -> None:
    """The password, the client secret, and the token that the login gave."""
    about = {"require_bearer": True} if marketplace == "kibo" else {}
    for fault, pick in (
        ("4xx", 0),
        ("4xx", 2),
        ("408, 5xx", 129),
        ("not HTTP", 1),
        ("JSON of another shape", 0),
    ):
        spec = case(marketplace, 0.1, login=[lost(fault, "no", pick, always=True)], echo=True, settings=about)
        with Ear() as ear:
            results = ask(door, stage(spec), spec, login="login", calm=False)
        assert all(isinstance(result, CountermandError) for result in results)
        assert not any(shown_by(result) for result in results)
        assert not ear.leaks


@pytest.mark.long
@pytest.mark.usefixtures("abandoned")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_slice_with_every_logger_at_debug(server: FaultServer) -> None:
    """Through each door, with a server that echoes."""
    seed = "echo"
    cases = [made(f"{seed}:{number}", echo=1.0) for number in range(60)]
    assert {one.door for one in cases} == set(swept())
    with Ear() as ear:
        played = side_by_side(server, cases)
    replay = "python -m tests.faults.sockets --echo --replay"
    assert not ear.leaks, f"{replay} {seed}:… (0 to 59, one of them): {ear.leaks[:3]}"
    leaks = [one for one in played if any(told.leaks for told in one.told)]
    assert not leaks, f"{replay} {leaks[0].seed}: {leaks}"


@pytest.mark.parametrize("marketplace", ["pattern", "vtex", "crux", "kibo"])
@pytest.mark.parametrize("login", ["token", "login"])
def test_a_client_and_its_configuration_show_nothing(stage: Opener, marketplace: str, login: Any) -> None:
    """Neither repr nor str, and no pickle at all."""
    from countermand import AsyncCountermand, Countermand

    configured = settings(marketplace, "http://127.0.0.1:9", login)
    with Countermand(**configured) as client:
        things = [
            client,
            AsyncCountermand(**configured),
            getattr(client, marketplace),
            configured[marketplace],
        ]
        for thing in things:
            assert not has_credential(repr(thing))
            assert not has_credential(str(thing))
            with pytest.raises((TypeError, AttributeError, pickle.PicklingError)) as caught:
                pickle.dumps(thing)
            assert not has_credential(str(caught.value))


def test_the_needles_are_what_is_sent(stage: Opener, door: str) -> None:
    """The search above can find: what an echoing server sends does hold the credentials."""
    spec = case("vtex", cancel=[lost("4xx", "no", 0)], echo=True)
    results = ask(door, stage(spec), spec)
    assert "[redacted]" in results[0].body
    assert has_credential(f"… {SECRETS['vtex_token']} …")
    assert door in ASYNC or len(results) == 3
