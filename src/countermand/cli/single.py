"""One order: `countermand cancel`, `check` and `status`."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import attrs

from ..engine import checks
from ..engine.decoding import without_repeats
from ..errors import CountermandError, InvalidRequestError
from ..marketplaces.base import SETTLE_TIMEOUT
from ..marketplaces.stored import outcome_from_dict
from ..outcomes import Outcome, Unknown, evidence_of
from .accounts import Opened, marketplace_of, opened
from .codes import Exit, Stop, code_of, worst
from .signals import stopped_by_signals
from .terminal import data, data_json, plain, tell
from .texts import check_id, request_of


def cancel(
    marketplace: str,
    order_id: str,
    columns: Mapping[str, str | None],
    account: str | None,
    *,
    wait: bool,
    timeout: float | None,
    as_json: bool,
    config: Path | None,
) -> Exit:
    """Cancel one order, and write the result."""
    try:
        name = marketplace_of(marketplace)
        request, unused = request_of(name, account, {"order_id": order_id, **columns})
        if unused:
            raise InvalidRequestError(f"{name} takes no {' and no '.join(unused)}")
        patience = _patience(timeout)
    except InvalidRequestError as error:
        raise Stop(error.message) from None
    accounts = opened(config)
    outcome: Outcome[Any] | None = None
    with closing(accounts.client) as client:
        _label(accounts, name, account)
        try:
            with stopped_by_signals():
                outcome = client.cancel(request)
                if wait and not outcome.settled:
                    tell(f"{plain(outcome)}; waiting until it has settled")
                    outcome = client.wait_until_settled(outcome, timeout=patience)
        except CountermandError as error:
            return _error(error, as_json)
        except KeyboardInterrupt as interruption:
            return _interrupted(outcome or evidence_of(interruption), as_json)
    return _outcome(outcome, as_json)


def _interrupted(known: Outcome[Any] | None, as_json: bool) -> Exit:
    """Write what is known of an interrupted cancellation."""
    if known is None:
        tell("Interrupted: the order is untouched.", style="bold")
    else:
        tell("Interrupted. What is known of it, for a later look:", style="bold")
        _outcome(known, as_json)
    return Exit.INTERRUPTED


def check(path: str, *, wait: bool, timeout: float | None, as_json: bool, config: Path | None) -> Exit:
    """Read the orders of stored outcomes or results, and write their present state."""
    patience = _patience(timeout)
    accounts = opened(config)
    code = Exit.DONE
    with closing(accounts.client) as client:
        for number, outcome in _stored(path):
            try:
                found = (
                    client.wait_until_settled(outcome, timeout=patience) if wait else client.check(outcome)
                )
            except KeyboardInterrupt:
                tell(f"Interrupted: the lines from {number} on were not checked.", style="bold")
                return Exit.INTERRUPTED
            except CountermandError as error:
                tell(f"line {number}:", style="red")
                code = worst(code, _error(error, as_json))
            else:
                code = worst(code, _outcome(found, as_json))
    return code


def status(
    marketplace: str, order_id: str, account: str | None, *, as_json: bool, config: Path | None
) -> Exit:
    """Read one order, and write what it shows of a cancellation."""
    try:
        name = marketplace_of(marketplace)
        check_id(order_id)
    except InvalidRequestError as error:
        raise Stop(error.message) from None
    accounts = opened(config)
    with closing(accounts.client) as client:
        try:
            outcome = client[_label(accounts, name, account)].look(order_id)
        except CountermandError as error:
            return _error(error, as_json)
    if as_json:
        data_json(outcome.to_dict())
        return Exit.DONE
    where = f"{outcome.marketplace} order {outcome.order_id}"
    data(f"{where}: {outcome.reason}" if isinstance(outcome, Unknown) else plain(outcome))
    for field, value in _order(outcome):
        data(f"  {field}: {plain(value)}")
    return Exit.DONE


def _label(accounts: Opened, marketplace: str, account: str | None) -> str:
    try:
        return accounts.label_for(marketplace, account)
    except InvalidRequestError as error:
        raise Stop(error.message) from None


def _patience(timeout: float | None) -> float:
    """Return the longest wait in seconds. Raises InvalidRequestError, before anything is sent."""
    return checks.seconds(SETTLE_TIMEOUT if timeout is None else timeout)


def _outcome(outcome: Outcome[Any], as_json: bool) -> Exit:
    if as_json:
        data_json(outcome.to_dict())
    else:
        data(plain(outcome))
    return code_of(outcome)


def _error(error: CountermandError, as_json: bool) -> Exit:
    if as_json:
        data_json(error.to_dict())
    tell(plain(error), style="red")
    return code_of(error)


def _stored(path: str) -> Iterator[tuple[int, Outcome[Any]]]:
    """Return the outcomes of a file, with their line numbers: one document, or one a line."""
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(f"{path}: could not be read: {getattr(error, 'strerror', 'it is not UTF-8')}") from None
    text = text.removeprefix("\ufeff")
    documents = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if documents and not _is_json(documents[0][1]):
        documents = [(1, text)]
    if not documents:
        raise Stop(f"{path}: it contains no outcome")
    for number, document in documents:
        try:
            said: Any = json.loads(document, object_pairs_hook=without_repeats)
            if (outcome := _outcome_in(said)) is not None:
                yield number, outcome_from_dict(outcome)
        except (ValueError, RecursionError, CountermandError) as error:
            raise Stop(f"{path}, line {number}: not an outcome: {plain(error)}") from None


def _outcome_in(said: Any) -> Any:
    """Return the outcome of a bulk result, None for an error; anything else unchanged."""
    if not isinstance(said, dict):
        return said
    fields = cast("dict[str, Any]", said)
    return fields.get("outcome") if "result" in fields else fields


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _order(outcome: Outcome[Any]) -> Iterator[tuple[str, str]]:
    """Return the plain fields of the order that was read, and those of its parts."""
    for name, value in _fields(outcome.answer):
        if _is_plain(value):
            yield name, str(value)
        for part in _parts(value):
            yield name, ", ".join(str(each) for _, each in _fields(part) if _is_plain(each))


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    kind: Any = value.__class__
    for field in attrs.fields(kind) if attrs.has(kind) else ():
        if field.name != "raw" and (found := getattr(value, field.name)) is not None:
            yield field.name, found


def _parts(value: Any) -> tuple[Any, ...]:
    return value if value.__class__ is tuple else ()


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float)
