"""A table in one test: a test for each of a thousand rows would take longer to set up than to run."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, TypeVar

import pytest

_Test = TypeVar("_Test", bound=Callable[..., None])
#: The fixtures that open clients.
_OPENERS = ("open_door", "open_http")
#: How many rows that fail are told with their traceback. All are named.
_TOLD = 10


def table(
    names: str, rows: Iterable[Any], ids: Callable[[Any], str | None] | Iterable[str] | None = None
) -> Callable[[_Test], _Test]:
    """Run a test for each row of a table, as `pytest.mark.parametrize` does, but in one test.

    A row that fails keeps none of the others from being run, and the failure names each of them. The clients that a
    row opens are closed behind it; every other fixture is the whole test's.
    """
    own = [name.strip() for name in names.split(",")]
    read = [_read(row, ids, len(own)) for row in rows]
    called = [name for _, name in read] if ids is None or callable(ids) else list(ids)
    seen = Counter(called)
    named = [
        (name if seen[name] == 1 else f"{name} #{number}", values)
        for number, (name, (values, _)) in enumerate(zip(called, read, strict=True), 1)
    ]
    assert named, "there is no row"

    def folded(test: _Test) -> _Test:
        given = signature(test).parameters.values()
        more = [each for each in given if each.name not in own]
        asks = any(each.name == "request" for each in more)

        @wraps(test)
        def run(*arguments: Any, request: pytest.FixtureRequest, **fixtures: Any) -> None:
            failed: list[BaseException] = []
            which: list[str] = []
            if asks:
                fixtures["request"] = request
            openers = [request.getfixturevalue(each) for each in _OPENERS if each in request.fixturenames]
            log: Any = request.config.pluginmanager.get_plugin("logging-plugin")
            for name, values in named:
                random.seed(name)
                began = log.report_handler.stream.tell()
                try:
                    test(*arguments, **fixtures, **dict(zip(own, values, strict=True)))
                    log.report_handler.stream.truncate(began)  # only what a row that fails has logged is told
                    log.report_handler.stream.seek(began)
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - it is raised below
                    error.add_note(f"in the row {name!r}")
                    which.append(name)
                    failed.append(error)
                finally:
                    for opener in openers:
                        opener.close()
            if failed:
                said = f"{len(failed)} of {len(named)} rows fail: {'; '.join(which)}"
                raise BaseExceptionGroup(said, failed[:_TOLD])

        if not asks:
            more.append(Parameter("request", Parameter.KEYWORD_ONLY))
        run.__signature__ = Signature(more)  # type: ignore[attr-defined]
        del run.__wrapped__
        return run  # type: ignore[return-value]

    return folded


def _read(row: Any, ids: Any, width: int) -> tuple[tuple[Any, ...], str]:
    """Return the values of a row, and its name."""
    if hasattr(row, "marks") and hasattr(row, "values"):  # what pytest.param returns
        assert not row.marks, "a row has no mark of its own here"
        values, name = tuple(row.values), row.id
    else:
        values, name = tuple(row) if width > 1 else (row,), None
    call: Any = ids if callable(ids) else _told
    return values, name or "-".join(call(value) or _told(value) for value in values)


def _told(value: Any) -> str:
    return str(getattr(value, "__name__", None) or getattr(value, "name", None) or value)[:60]
