"""One fault server for all tests of a session."""

import gc
from collections.abc import Generator

import pytest

from countermand.transport import messages
from tests.support.tls import AUTHORITY

from .doors import ASYNC, BLOCKING, doors
from .handle import FaultServer, Scene
from .spec import CaseSpec


@pytest.fixture(scope="session")
def server() -> Generator[FaultServer]:
    """Yield a running fault server."""
    with FaultServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _prepared(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    messages.tls.cache_clear()
    yield
    messages.tls.cache_clear()


@pytest.fixture
def abandoned() -> Generator[None]:
    """Collect what the library behind a caller's own client leaves open when a connection is given up.

    Together with a filter for ResourceWarning: a later test is not to be blamed. That nothing of ours stays open is
    tested in `tests/http`.
    """
    yield
    gc.collect()


@pytest.fixture
def stage(server: FaultServer) -> Generator["Opener"]:
    """Yield what opens cases; they are closed with the test."""
    opener = Opener(server)
    yield opener
    for scene in opener.scenes:
        scene.close()


class Opener:
    """Opens cases on a server."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.scenes: list[Scene] = []

    def __call__(self, spec: CaseSpec) -> Scene:
        """Open a case."""
        self.scenes.append(self.server.open(spec))
        return self.scenes[-1]


@pytest.fixture(params=[*BLOCKING, *ASYNC])
def door(request: pytest.FixtureRequest) -> str:
    """Go through every door that can be opened here."""
    name: str = request.param
    if name not in doors():
        pytest.skip(f"{name} is not installed")
    return name
