"""docs/architecture.md names every module, and what it names is there."""

import re
from pathlib import Path

import countermand

PAGE = (Path(__file__).parents[2] / "docs/architecture.md").read_text(encoding="utf-8")
SOURCE = Path(str(countermand.__file__)).parent
MODULES = sorted(
    str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if not path.name.startswith("__")
)
#: Parts that the drawing names as a whole.
DRAWN = {"client.py", "errors.py", "outcomes.py"}


def named() -> set[str]:
    """Return the files that the page names, by path or by name."""
    return set(re.findall(r"`([\w/]+\.py)`", PAGE))


def is_named(module: str) -> bool:
    """Whether the page names a module: by its name, in the drawing, or as a part of the conformance suite."""
    folder, _, name = module.rpartition("/")
    if folder == "sandbox/conformance":
        return "`sandbox/conformance/`" in PAGE
    drawn = re.search(rf"^ +.*\b{name.removesuffix('.py')}\b", PAGE, re.MULTILINE)
    return bool({module, name} & named()) or (module in DRAWN and drawn is not None)


def test_every_module_is_on_the_page() -> None:
    """A reader finds each by its name."""
    assert [module for module in MODULES if not is_named(module)] == []


def test_what_the_page_names_is_there() -> None:
    """No file that has been renamed or deleted stays on the page."""
    there = {*MODULES, *(module.rpartition("/")[2] for module in MODULES), "__init__.py"}
    assert named() <= there


def decisions() -> list[tuple[str, str]]:
    """Return what the page says of single functions: the file, and the name in it."""
    section = PAGE.partition("## Where is it decided?")[2].partition("\n## ")[0]
    found: list[tuple[str, str]] = []
    for line in section.splitlines():
        for part in line.split(" | ")[-1].split(";"):
            path, *names = re.findall(r"`([^`]+)`", part) or [""]
            if path.endswith(".py"):
                found += [(path, name.rpartition(".")[2]) for name in names if not name.endswith(".py")]
    return found


def test_functions_that_decide_are_where_the_page_says() -> None:
    """Each name in the table of decisions occurs in the file beside it."""
    assert len(decisions()) > 8
    for path, name in decisions():
        assert re.search(rf"\b{name}\b", (SOURCE / path).read_text(encoding="utf-8")), (path, name)
