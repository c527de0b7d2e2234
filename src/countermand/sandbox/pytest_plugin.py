"""A pytest fixture for whoever has the package installed: `countermand_sandbox`, fresh for every test."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from countermand.sandbox import Sandbox


@pytest.fixture
def countermand_sandbox() -> "Iterator[Sandbox]":
    """Give a sandbox in memory, with its ready-made orders: `countermand_sandbox.client()` is ready to use."""
    from countermand.sandbox import Sandbox

    with Sandbox() as sandbox:
        yield sandbox
