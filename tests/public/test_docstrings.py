"""The docstrings that users read: each public class and call has an example, and the terms are technical."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import countermand
from countermand import AsyncCountermand, AsyncSubClient, Countermand, SubClient, sandbox
from countermand.sandbox.crux import CruxSimulator
from countermand.sandbox.kibo import KiboSimulator
from countermand.sandbox.pattern import PatternSimulator
from countermand.sandbox.vtex import VtexSimulator
from tests.support.tables import table

ROOT = Path(countermand.__file__).parent
#: The picture of a house belongs to docs/architecture.md alone.
PICTURE = re.compile(r"\b(rooms?|doors?|floors?|house)\b", re.IGNORECASE)


def _classes() -> Iterator[type[Any]]:
    for name in vars(countermand)["__all__"]:
        value = getattr(countermand, name)
        if isinstance(value, type):
            yield value


def _methods(kind: type[Any]) -> Iterator[tuple[str, str]]:
    for name, member in inspect.getmembers(kind):
        if not name.startswith("_") and callable(member):
            yield f"{kind.__name__}.{name}", inspect.getdoc(member) or ""


def _calls() -> Iterator[tuple[str, str]]:
    for kind in _classes():
        if issubclass(kind, Countermand | AsyncCountermand | SubClient | AsyncSubClient):
            yield from _methods(kind)
    for name in vars(countermand)["__all__"]:
        value = getattr(countermand, name)
        if inspect.isfunction(value):
            yield name, inspect.getdoc(value) or ""


CLASSES = {kind.__name__: kind.__doc__ or "" for kind in _classes()}
CALLS = dict(_calls())
MODULES = sorted(path for path in ROOT.rglob("*") if path.suffix in (".py", ".pyi"))


#: What a test of a user's calls on a world and on its marketplaces.
WORLDS: list[Any] = [
    sandbox.Sandbox,
    sandbox.World,
    VtexSimulator,
    PatternSimulator,
    CruxSimulator,
    KiboSimulator,
]
WRITTEN = "add_order limit reject_until move return_invoice truth advance settle simulator client async_client mishap base_url environ"
SANDBOX = {
    name: getattr(sandbox, name).__doc__ or "" for name in vars(sandbox)["__all__"] if name != "Mishap"
} | {
    f"{kind.__name__}.{name}": inspect.getdoc(getattr(kind, name)) or ""
    for kind in WORLDS
    for name in WRITTEN.split()
    if hasattr(kind, name)
}


def has_example(docstring: str) -> bool:
    """Whether a paragraph is indented as code after one that is not."""
    return re.search(r"^\S.*\n(?:.*\n)*\n {4}\S", inspect.cleandoc(docstring), re.MULTILINE) is not None


@table("name", CLASSES)
def test_a_public_class_has_an_example(name: str) -> None:
    """A base class's docstring does not count: `__doc__` is not inherited."""
    assert has_example(CLASSES[name])


@table("name", CALLS)
def test_a_call_has_an_example(name: str) -> None:
    """Every method of the clients and sub-clients, and every public function."""
    assert has_example(CALLS[name])


@table("name", SANDBOX)
def test_what_a_test_uses_has_an_example(name: str) -> None:
    """Every public name of the sandbox, and the methods of a world and of its marketplaces that tests call."""
    assert has_example(SANDBOX[name])


def test_the_lists_are_not_empty() -> None:
    """The tests above see both clients, the sub-clients, and the functions."""
    assert {"Countermand", "AsyncVtexClient", "Unknown", "RateLimitedError", "RetryPolicy"} <= set(CLASSES)
    assert {"Countermand.cancel", "AsyncKiboClient.get_order", "VtexClient.check", "evidence_of"} <= set(
        CALLS
    )


@table("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_picture_of_a_house(path: Path) -> None:
    """The package says module, client and lower limit instead."""
    assert PICTURE.findall(path.read_text(encoding="utf-8")) == []
