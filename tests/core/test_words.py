"""The marketplace's own words: where they are looked for, and how much of them is repeated."""

import json

import pytest

from countermand.engine.words import names_its_error, words_of
from tests.support.stage import reply


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'"no"', b"null", b"{", b"{}", b'{"code": null}', b"\xff"]
)
def test_a_body_without_words(body: bytes) -> None:
    """Whatever it is."""
    assert words_of(reply(400, body)) == (None, None)
    assert not names_its_error(reply(404, body))


def test_words_are_cut() -> None:
    """A page of them helps nobody."""
    said = words_of(reply(400, {"message": "x" * 10_000, "code": "y" * 10_000}))
    assert said == ("x" * 500, "y" * 500)


@pytest.mark.parametrize("levels", [5, 300, 900])
def test_words_are_not_looked_for_in_the_depths(levels: int) -> None:
    """Nested beyond what any marketplace does: no words, and no RecursionError."""
    for opening, closing in (("[", "]"), ('{"message":', "}")):
        body = f'{{"message": {opening * levels}"x"{closing * levels}}}'.encode()
        assert words_of(reply(400, body)).detail is None


def test_white_space_is_no_word() -> None:
    """The next place is looked at."""
    assert words_of(reply(400, {"message": " ", "detail": "no"})).detail == "no"
    assert words_of(reply(400, {"errors": ["", " ", "no"]})).detail == "no"


def test_a_byte_order_mark_hides_no_word() -> None:
    """As everywhere."""
    assert words_of(reply(400, b"\xef\xbb\xbf" + json.dumps({"message": "no"}).encode())).detail == "no"
