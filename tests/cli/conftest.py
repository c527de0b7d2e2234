"""A served sandbox that the environment points at, and a way to call the command line."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from countermand.cli import main
from countermand.sandbox import Sandbox


class Said(NamedTuple):
    """What a command has said."""

    code: int
    out: str
    err: str


Call: TypeAlias = Callable[..., Said]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A served sandbox whose time stands still; the environment configures accounts at it."""
    for name in os.environ:
        if name.startswith("COUNTERMAND_"):
            monkeypatch.delenv(name)
    with Sandbox(http=True, speed=0, allow_unused_mishaps=True) as sandbox:
        for name, value in sandbox.environ.items():
            monkeypatch.setenv(name, value)
        yield sandbox


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call the command line in a directory of its own; nobody can be asked there."""
    monkeypatch.chdir(tmp_path)

    def called(*arguments: str) -> Said:
        code = main(arguments)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return called
