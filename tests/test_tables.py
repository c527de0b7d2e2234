"""A table in one test says as much as a test for each row would."""

import logging

import pytest

from .support.doors import Door, Doors
from .support.tables import table


def test_each_row_that_fails_is_named_and_the_others_are_run(request: pytest.FixtureRequest) -> None:
    """An assertion that fails, an error, and an exception that does not come."""
    run: list[int] = []

    @table("number, square", [(1, 1), (2, 5), (3, 9), (0, 0), (7, 49), (8, 64)])
    def squares(number: int, square: int) -> None:
        run.append(number)
        assert number**2 == square
        if number == 7:
            with pytest.raises(ValueError, match="seven"):
                int(number)
        assert 8 / number != 1

    with pytest.raises(BaseExceptionGroup, match="4 of 6 rows fail: 2-5; 0-0; 7-49; 8-64") as caught:
        squares(request=request)  # type: ignore[call-arg]
    assert run == [1, 2, 3, 0, 7, 8]
    kinds = [type(error) for error in caught.value.exceptions]
    assert kinds == [AssertionError, ZeroDivisionError, pytest.fail.Exception, AssertionError]
    assert caught.value.exceptions[0].__notes__ == ["in the row '2-5'"]


def test_rows_are_named_as_parametrize_names_them(request: pytest.FixtureRequest) -> None:
    """By their own id, by `ids`, or by their values; of two with one name each has a number."""

    def named(*arguments: object) -> str:
        @table("value", *arguments)  # type: ignore[arg-type]
        def wrong(value: object) -> None:
            raise ValueError

        with pytest.raises(BaseExceptionGroup) as caught:
            wrong(request=request)  # type: ignore[call-arg]
        return str(caught.value).partition(": ")[2].partition(" (")[0]

    assert named([pytest.param(1, id="one"), 2, None]) == "one; 2; None"
    assert named([1, 2], ["a", "b"]) == "a; b"
    assert named([1, 2], lambda value: f"no. {value}") == "no. 1; no. 2"
    assert named([1, 1, 2]) == "1 #1; 1 #2; 2"


@pytest.mark.parametrize("rows", [[], [pytest.param(1, marks=pytest.mark.skip)]])
def test_a_table_that_would_test_nothing_is_refused(rows: list[object]) -> None:
    """Neither without a row, nor with one that is skipped."""
    with pytest.raises(AssertionError, match="row"):
        table("value", rows)


class TestInAClass:
    """As in a class of tests, with the fixtures of its tests."""

    @table("number", [1, 2, 3])
    def test_clients_are_closed_behind_each_row(
        self, number: int, open_door: Doors, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A thousand event loops at once would be too many; and what a row has logged goes with it."""
        assert not open_door._stack._exit_callbacks  # type: ignore[attr-defined]
        assert isinstance(open_door(timeout=1), Door)
        assert open_door._stack._exit_callbacks  # type: ignore[attr-defined]
        logging.getLogger("tests").error("row %s", number)
        assert len(caplog.records) == number

    def test_closed(self, open_door: Doors) -> None:
        """What is closed is let go of."""
        open_door(timeout=1)
        open_door.close()
        assert not open_door._stack._exit_callbacks  # type: ignore[attr-defined]
