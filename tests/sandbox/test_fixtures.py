"""The fixtures and the marker, in test suites of users."""

import subprocess
import sys

import pytest

pytest_plugins = "pytester"

SUITE = """
import pytest
from countermand import RateLimitedError, Unknown
from countermand.sandbox import LoseReply, RateLimited
from countermand.sandbox.world import EPOCH

UNDECIDED = "1172452900790-01"

def test_a_client_waits_in_virtual_time(countermand_client, countermand_sandbox):
    assert isinstance(countermand_client.vtex.wait_until_settled(UNDECIDED, timeout=600), Unknown)
    assert (countermand_sandbox.world.now - EPOCH).total_seconds() > 595

def test_every_test_has_a_fresh_sandbox(countermand_sandbox):
    assert not countermand_sandbox.requests

@pytest.mark.anyio
async def test_an_async_client_waits_in_virtual_time(async_countermand_client, countermand_sandbox):
    outcome = await async_countermand_client.vtex.wait_until_settled(UNDECIDED, timeout=600)
    assert isinstance(outcome, Unknown)
    assert (countermand_sandbox.world.now - EPOCH).total_seconds() > 595

@pytest.mark.anyio
@pytest.mark.countermand(http=True)
async def test_an_async_client_over_http(async_countermand_client):
    async with async_countermand_client as client:
        assert isinstance(await client.vtex.wait_until_settled(UNDECIDED, timeout=600), Unknown)

@pytest.mark.countermand(client={"timeout": 5})
class TestHurry:
    def test_options_of_a_class(self, countermand_client, countermand_sandbox):
        countermand_sandbox.mishap("kibo", RateLimited(30))
        with pytest.raises(RateLimitedError):
            countermand_client.kibo.cancel_order(1010101, "other")

    @pytest.mark.countermand(client={"timeout": 60})
    def test_the_closest_marker_wins(self, countermand_client, countermand_sandbox):
        countermand_sandbox.mishap("kibo", RateLimited(30))
        countermand_client.kibo.cancel_order(1010101, "other")

@pytest.mark.countermand(time="real", speed=0, allow_unused_mishaps=True)
def test_options_of_the_sandbox(countermand_sandbox):
    countermand_sandbox.mishap("vtex", LoseReply())
    countermand_sandbox.advance(5)
    assert (countermand_sandbox.world.now - EPOCH).total_seconds() == 5
"""

MISTAKES = """
import pytest
from countermand.sandbox import LoseReply

def test_unused(countermand_sandbox):
    countermand_sandbox.mishap("vtex", LoseReply())

def test_fails_before(countermand_sandbox):
    countermand_sandbox.mishap("vtex", LoseReply())
    assert False

@pytest.mark.countermand(tiem="real")
def test_misspelt(countermand_sandbox):
    pass

@pytest.mark.countermand("real")
def test_unnamed(countermand_sandbox):
    pass

@pytest.mark.countermand(client=5)
def test_no_settings(countermand_client):
    pass
"""

OPTIONS = ("-p", "no:cacheprovider", "-p", "no:asyncio", "--strict-markers", "-Werror")


def test_they_work_in_a_users_suite(pytester: pytest.Pytester) -> None:
    """Sync and async, in virtual time unless the marker says otherwise; the marker is known to pytest."""
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef anyio_backend(): return 'asyncio'")
    pytester.makepyfile(SUITE)
    pytester.runpytest_inprocess(*OPTIONS).assert_outcomes(passed=7)


def test_they_tell_mistakes(pytester: pytest.Pytester) -> None:
    """A mishap that was never used is an error, once, and not on top of a failure; so is an option that is not known."""
    pytester.makepyfile(MISTAKES)
    result = pytester.runpytest_inprocess(*OPTIONS)
    result.assert_outcomes(passed=1, failed=1, errors=4)
    result.stdout.fnmatch_lines(["*UnusedMishapsError: these mishaps were never used: vtex: LoseReply*"])
    result.stdout.fnmatch_lines(["*unexpected keyword argument 'tiem'*"])
    result.stdout.fnmatch_lines(["*name the options of the marker 'countermand'*"])
    result.stdout.fnmatch_lines(["*client of the marker 'countermand' is a dict*"])


def test_the_plugin_loads_nothing() -> None:
    """pytest imports it in every run of everybody who has the package: no attrs, no world, no SDK."""
    code = "import pytest, sys; before = set(sys.modules); import countermand.sandbox.pytest_plugin as _;"
    code += "print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    parts = ("", ".engine", ".engine.lazy", ".sandbox", ".sandbox.pytest_plugin")
    assert set(loaded.split()) <= {f"countermand{part}" for part in parts}
