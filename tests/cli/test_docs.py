"""docs/cli.md is true: its examples are tried, and it names every command and option."""

import re
import shlex
from pathlib import Path

from countermand.cli.app import app
from countermand.sandbox import Sandbox

from .conftest import Call

PAGE = Path(__file__).parents[2].joinpath("docs", "cli.md").read_text(encoding="utf-8")


def test_the_examples_say_what_the_page_says(call: Call, served: Sandbox) -> None:
    """Each command of the tried block gives the line below it."""
    block = re.search(r"<!-- tried -->\n```console\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    lines = block[1].splitlines()
    for command, said in zip(lines[::2], lines[1::2], strict=True):
        assert call(*shlex.split(command)[2:]).out == f"{said}\n"


def test_the_example_file_is_good(call: Call, served: Sandbox) -> None:
    """But for its account, which is the reader's own."""
    text = re.search(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    assert text is not None
    Path("orders.csv").write_text(text[1].replace("brand-ar", "sandbox"), encoding="utf-8")
    answer = call("bulk", "orders.csv", "--dry-run")
    assert answer.code == 0
    assert "3 orders to cancel:" in answer.err


def test_the_page_names_every_command_and_option(call: Call) -> None:
    """What `--help` lists is told."""
    commands = [name for name in app if not name.startswith("-")]
    assert len(commands) == 8
    for name in commands:
        assert f"`countermand {name}" in PAGE
        options = set(re.findall(r"(--[a-z-]+)\b", call(name, "--help").out)) - {
            "--help",
            "--no-requested-by-user",
        }
        for option in options:
            assert option in PAGE, option
