"""The pytest plugin: fixtures for the sandbox, and a marker for their options.

`@pytest.mark.countermand(…)` takes the arguments of `Sandbox`, and `client={…}`, arguments of `Countermand`. Of
several markers the closest to the test wins.
"""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from countermand import AsyncCountermand, Countermand
    from countermand.sandbox import Sandbox

_MARKER = "countermand(**options): arguments of countermand.sandbox.Sandbox, and client={…}, arguments of Countermand"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    options: dict[str, Any] = {"time": "virtual"}
    for marker in reversed(list(request.node.iter_markers("countermand"))):
        if marker.args:
            raise pytest.UsageError(f"{request.node.nodeid}: name the options of the marker 'countermand'")
        options |= marker.kwargs
    client = options.get("client", {})
    if not isinstance(client, dict):
        raise pytest.UsageError(f"{request.node.nodeid}: client of the marker 'countermand' is a dict")
    return options


@pytest.fixture
def countermand_sandbox(request: pytest.FixtureRequest) -> "Iterator[Sandbox]":
    """Give a fresh sandbox, in memory and in virtual time unless the marker says otherwise.

    An unused mishap is an error, unless the test has already failed.
    """
    from countermand.sandbox import Sandbox

    options = _options(request)
    options.pop("client", None)
    failed = request.session.testsfailed
    with Sandbox(**options) as sandbox:
        yield sandbox
        if request.session.testsfailed > failed:
            sandbox.allow_unused_mishaps = True


@pytest.fixture
def countermand_client(request: pytest.FixtureRequest, countermand_sandbox: "Sandbox") -> "Countermand":
    """Give a client of the test's sandbox; it is closed with the sandbox."""
    return countermand_sandbox.client(**_options(request).get("client", {}))


@pytest.fixture
def async_countermand_client(
    request: pytest.FixtureRequest, countermand_sandbox: "Sandbox"
) -> "AsyncCountermand":
    """Give an async client of the test's sandbox, for whatever runs the test on asyncio.

    In memory it is closed with the sandbox. Over HTTP, use it in an `async with`.
    """
    return countermand_sandbox.async_client(**_options(request).get("client", {}))
