"""Check an installed countermand as its users have it: from the wheel, with this repository out of reach.

Run by `make wheel` in a clean environment, from an empty directory.
"""

import sys

import countermand

HEAVY = {"httpx", "httpx2", "aiohttp", "ssl", "asyncio", "cattrs", "tenacity"}
LOADED = HEAVY & sys.modules.keys()

FIXED = """
    Countermand AsyncCountermand
    Pattern Vtex Crux Kibo RetryPolicy
    CancelPatternOrder CancelVtexOrder CancelCruxOrder CancelKiboOrder
    Cancelled Requested PartiallyCancelled Refused Unknown Outcome
    CountermandError NotSentError AuthenticationError PermissionDeniedError OrderNotFoundError
    InvalidRequestError RateLimitedError RejectedError NotConfiguredError
""".split()


def check_import_is_light() -> None:
    """Importing the package brings no HTTP library, event loop, TLS, converter or retry engine."""
    assert not LOADED, f"`import countermand` imported {sorted(LOADED)}"


def check_it_is_the_installed_one() -> None:
    """The package comes from site-packages, and tells type checkers that it is typed."""
    from importlib.resources import files

    assert "site-packages" in (countermand.__file__ or ""), countermand.__file__
    assert files(countermand).joinpath("py.typed").is_file(), "py.typed is missing"


def check_public_names() -> None:
    """Every name that is promised is exported, and every name that is exported can be had."""
    missing = set(FIXED) - set(vars(countermand)["__all__"])
    assert not missing, f"not in __all__: {sorted(missing)}"
    for name in vars(countermand)["__all__"]:
        assert getattr(countermand, name, None) is not None, name
    assert set(vars(countermand)["__all__"]) <= set(dir(countermand)), "dir(countermand) hides a public name"


def check_one_cancellation() -> str:
    """An order at the simulated Pattern Hub is cancelled in memory, without a server."""
    from countermand.sandbox import Sandbox

    with Sandbox() as sandbox, sandbox.client() as client:
        outcome = client.pattern.cancel_order("114-3941689-8772232")
    assert isinstance(outcome, countermand.Requested | countermand.Cancelled), outcome
    assert outcome.marketplace == "pattern", outcome
    assert outcome.order_id == "114-3941689-8772232", outcome
    return type(outcome).__name__


if __name__ == "__main__":
    check_import_is_light()
    check_it_is_the_installed_one()
    check_public_names()
    answer = check_one_cancellation()
    print(
        f"smoke: {len(vars(countermand)['__all__'])} public names, a light import, one cancellation: {answer}"
    )
