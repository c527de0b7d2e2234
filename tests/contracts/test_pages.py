"""The documentation prints the tables that the tests run."""

import pytest

from .documents import MARKETPLACES, Marketplace
from .pages import PAGES, page


@pytest.mark.parametrize("marketplace", MARKETPLACES)
def test_a_page_is_up_to_date(marketplace: Marketplace) -> None:
    """`python -m tests.contracts.pages` writes them anew."""
    assert (PAGES / f"{marketplace}.md").read_text(encoding="utf-8") == page(marketplace)
