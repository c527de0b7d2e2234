"""Mistakes in a configuration: none is accepted, and each answer names the variable, the key or the argument."""

import re
from pathlib import Path
from typing import Any

import pytest

from countermand import AsyncCountermand, Countermand
from tests.support.tables import table as rows

from .mistakes import MISTAKES, OURS, PAGE, Mistake, answer, table, written
from .test_secrets import story

BOTH = pytest.mark.parametrize("door", [Countermand, AsyncCountermand])


@pytest.fixture(autouse=True)
def an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with nothing in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@BOTH
@rows("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_a_mistake_is_answered(mistake: Mistake, door: Any) -> None:
    """ValueError: it names what is wrong and the marketplace, and nothing that can be printed shows a value."""
    Path("accounts.toml").unlink(missing_ok=True)  # another row's
    with pytest.raises(ValueError, match=re.escape(mistake.names)) as caught:
        mistake.make(door)
    said = str(caught.value)
    names = OURS if mistake.marketplace is None else (mistake.marketplace,)
    assert all(name in said for name in names)
    assert (mistake.kind == "file") == said.startswith("accounts.toml: ")
    assert "sekr" not in story(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_there_are_enough_mistakes_of_each_kind() -> None:
    """And none is there twice."""
    kinds = [mistake.kind for mistake in MISTAKES]
    assert kinds.count("environment") >= 40
    assert kinds.count("file") >= 25
    assert len({mistake.what for mistake in MISTAKES}) == len(MISTAKES)


def test_every_mistake_is_told_at_once() -> None:
    """One line for each."""
    environ = {
        "COUNTERMAND_PATTERN_TOKN": "sekret",
        "COUNTERMAND_KIBO_TENANT_ID": "x",
        "COUNTERMAND_TIMEOUT": "x",
    }
    said = answer(Mistake("three", environ, "", None)).splitlines()
    assert [line.partition(":")[0] for line in said] == [
        "COUNTERMAND_PATTERN_TOKN",
        "COUNTERMAND_TIMEOUT",
        "COUNTERMAND_KIBO_TENANT_ID",
    ]


def test_the_page_lists_the_mistakes_as_they_are_answered() -> None:
    """`python -m tests.public.mistakes` writes the table anew."""
    page = PAGE.read_text(encoding="utf-8")
    assert written(page, table()) == page
