"""The marketplace's own words: where they are looked for, and how much of them is repeated."""

import json

import pytest

from countermand.engine.wire import BODY_LOST, Reply
from countermand.engine.words import is_a_page, names_its_error, words_of
from tests.support.stage import reply
from tests.support.tables import table


@table("body", [b"", b"<html>", b"[]", b'" "', b"7", b"null", b"{", b"{}", b'{"code": null}', b"\xff"])
def test_a_body_without_words(body: bytes) -> None:
    """Whatever it is."""
    assert words_of(reply(400, body)) == (None, None)
    assert not names_its_error(reply(404, body))


@table(
    "kind, own",
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/problem+json", True),
        ("text/html", False),
        ("application/jsonp", False),
        ("text/html; was=application/json", False),
        (None, False),
    ],
)
def test_the_content_type_decides_for_a_body_that_a_hook_has_lost(kind: str | None, own: bool) -> None:
    """A gateway's page is not JSON. A body that was lost in another way decides nothing."""
    headers = {} if kind is None else {"content-type": kind}
    assert names_its_error(Reply(404, headers, b"", BODY_LOST)) is own
    assert not names_its_error(Reply(404, headers, b"", "its body is not whole"))


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


@table(
    "said, detail, code",
    [
        ({"errors": {"reason": ["Too long", "Not text"], "id": "Unknown"}}, "reason: Too long; reason: Not text; id: Unknown", None),
        ({"errors": {"code": "1", "message": "Too late"}}, "Too late", None),
        ({"errors": [{"title": "Too late", "code": "X1"}]}, "Too late", "X1"),
        ({"message": "Invalid", "errors": ["Too late", "Invalid"]}, "Invalid; Too late", None),
        ({"title": "Errors occurred.", "status": 400, "errors": {"Reason": ["Too late"]}}, "Reason: Too late", None),
        ({"detail": [{"loc": ["body", "reason"], "msg": "Field required", "type": "missing"}]}, "body.reason: Field required", None),
        ({"detail": ["one", "two"]}, "one; two", None),
        ({"Message": "Too late"}, "Too late", None),
        ({"error": "Conflict", "status": 409, "message": "Too late"}, "Too late", None),
        ({"error": "invalid_request", "error_description": "Too late"}, "Too late", "invalid_request"),
        ({"error": "Too late"}, "Too late", None),
        (["one", {"message": "two"}], "one; two", None),
        ("Too late", "Too late", None),
        ({"error": {"code": True, "message": "Too late"}}, "Too late", None),
    ],
)  # fmt: skip
def test_the_shapes_of_frameworks(said: object, detail: str, code: str | None) -> None:
    """What a person needs is taken from each of them."""
    assert words_of(reply(400, said)) == (detail, code)


@pytest.mark.parametrize(
    "kind, code",
    [
        ("https://example.com/problems/too-late", "https://example.com/problems/too-late"),
        ("about:blank", None),
        ("https://tools.ietf.org/html/rfc9110#section-15.5.10", None),
    ],
)
def test_the_type_of_problem_details_is_their_code(kind: str, code: str | None) -> None:
    """Unless it only repeats the status."""
    said = {"type": kind, "title": "Conflict", "status": 409, "detail": "Too late"}
    assert words_of(reply(409, said)) == ("Too late", code)


@pytest.mark.parametrize(
    "said",
    [{"error": ["no"]}, {"error": {"detail": "no"}}, {"Message": "no"}, {"error_description": "no"}, ["no"], "no"],
)  # fmt: skip
def test_other_texts_do_not_say_that_there_is_no_such_order(said: object) -> None:
    """A framework says "no such path" in them."""
    assert not names_its_error(reply(404, said))


@pytest.mark.parametrize(
    "body, is_page",
    [
        (b"", False),
        (b" ", False),
        (b"\xef\xbb\xbf", False),
        (b"{}", False),
        (b"null", False),
        (b"<html>", True),
        (b"No", True),
    ],
)
def test_a_page_is_no_marketplaces(body: bytes, is_page: bool) -> None:
    """It is neither empty nor JSON."""
    assert is_a_page(reply(403, body)) is is_page
