"""Outcomes, errors and requests as data: what is written is read back equal."""

import copy
import json
import pickle
import random
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import attrs

from countermand import (
    Attempt,
    CancelVtexOrder,
    CountermandError,
    InvalidRequestError,
    PartiallyCancelled,
    RateLimitedError,
    RejectedError,
    Requested,
    Unknown,
    VtexReceipt,
    error_from_dict,
    outcome_from_dict,
    outcome_from_json,
    request_from_dict,
)
from countermand.engine.decoding import decode

from . import made

SEEDS = range(500)
AT = datetime(2026, 3, 2, 9, 0, 0, 250, tzinfo=UTC)


def same(one: Any, two: Any) -> bool:
    """Whether two outcomes are equal, their attempts, what was answered, and every digit included."""
    answered = one.answer is None or (repr(one.answer.raw) == repr(two.answer.raw))
    return bool(one == two and one.attempts == two.attempts and answered)


def test_an_outcome_comes_back_equal() -> None:
    """As a dict, as a dict that went through JSON, and as JSON."""
    for seed in SEEDS:
        outcome = made.outcome(random.Random(seed))
        data = outcome.to_dict()
        assert same(outcome, outcome_from_dict(data)), seed
        assert same(outcome, outcome_from_dict(json.loads(json.dumps(data)))), seed
        text = outcome.to_json()
        back = outcome_from_json(text)
        assert same(outcome, back), seed
        assert same(outcome, outcome_from_json(text.encode())), seed
        assert back.to_json() == text, seed
        assert type(back) is type(outcome)


def test_an_error_comes_back_equal() -> None:
    """With the attempts, which equality leaves out."""
    for seed in SEEDS:
        error = made.error(random.Random(seed))
        back = error_from_dict(json.loads(json.dumps(error.to_dict())))
        assert type(back) is type(error)
        assert vars(back) == vars(error), seed
        assert str(back) == str(error)


def test_a_request_comes_back_equal() -> None:
    """With its account."""
    for seed in range(200):
        request = made.request(random.Random(seed))
        assert request_from_dict(json.loads(request.to_json())) == request
        assert type(request_from_dict(request.to_dict())) is type(request)


def test_what_came_back_is_as_good_as_the_first() -> None:
    """It pickles, copies, hashes, and can be written again."""
    for seed in range(200):
        outcome = made.outcome(random.Random(seed))
        back = outcome_from_dict(outcome.to_dict())
        assert hash(back) == hash(outcome)
        assert same(outcome, pickle.loads(pickle.dumps(back)))
        assert same(outcome, copy.deepcopy(back))


def test_the_shape_of_an_outcome() -> None:
    """Tags first, our fields by their Python names, the answer as it was sent, times in UTC."""
    body = b'{"orderId": "1", "date": "d", "new": 18446744073709551617, "price": 1.10}'
    outcome: Unknown[VtexReceipt] = Unknown(
        marketplace="vtex",
        order_id="1",
        account="brand-ar",
        answer=decode(body, VtexReceipt),
        attempts=(Attempt("cancel", AT, 0.25, None, "the connection broke"),),
        reason="no answer in time",
    )
    assert outcome.to_dict() == {
        "schema": 1,
        "outcome": "unknown",
        "settled": False,
        "marketplace": "vtex",
        "order_id": "1",
        "account": "brand-ar",
        "answer": {
            "kind": "vtex.receipt",
            "raw": {"orderId": "1", "date": "d", "new": 2**64 + 1, "price": 1.1},
        },
        "attempts": [attempt_written()],
        "reason": "no answer in time",
    }
    assert outcome.to_json().startswith('{"schema": 1, "outcome": "unknown", "settled": false, ')
    assert outcome.to_json().isascii()


def attempt_written() -> dict[str, Any]:
    """Return the written form of the attempt, every field of it."""
    written: dict[str, Any] = {
        "what": "cancel",
        "at": "2026-03-02T09:00:00.000250Z",
        "took": 0.25,
        "status": None,
        "ended": "the connection broke",
        "sent": True,
        "request_id": None,
        "account": None,
    }
    return written | {field.name: None for field in attrs.fields(Attempt) if field.name not in written}


def test_the_answer_says_no_more_than_it_knows() -> None:
    """One that was built by hand is written by its fields, and has no `raw` when it comes back either."""
    outcome: Requested[VtexReceipt] = Requested(
        marketplace="vtex", order_id="1", answer=VtexReceipt("d", "1")
    )
    assert outcome.to_dict()["answer"] == {
        "kind": "vtex.receipt",
        "fields": {"date": "d", "orderId": "1", "receipt": None},
    }
    answer: Any = outcome_from_dict(outcome.to_dict()).answer
    assert answer == outcome.answer
    assert answer.raw == {}


def test_settled_is_written_for_every_outcome() -> None:
    """Where it is a constant, and where it depends."""
    for settled in (True, False):
        partly: Any = PartiallyCancelled(
            marketplace="vtex", order_id="1", cancelled=(), refused=(), settled=settled
        )
        assert partly.to_dict()["settled"] is settled
        assert partly.to_dict()["outcome"] == "partially_cancelled"


def test_the_shape_of_an_error_and_of_a_request() -> None:
    """Tagged alike."""
    error = RateLimitedError("later", marketplace="kibo", status=429, retry_after=30)
    written = error.to_dict()
    assert {name: written[name] for name in ("schema", "error", "message", "status", "retry_after")} == {
        "schema": 1,
        "error": "rate_limited",
        "message": "later",
        "status": 429,
        "retry_after": 30.0,
    }
    assert InvalidRequestError("no", errors=("a",)).to_dict()["errors"] == ["a"]
    assert CancelVtexOrder("1", reason="a gift", account="brand-ar").to_dict() == {
        "schema": 1,
        "request": "cancel",
        "marketplace": "vtex",
        "order_id": "1",
        "reason": "a gift",
        "requested_by_user": None,
        "account": "brand-ar",
    }


def test_another_writers_json_is_read() -> None:
    """JavaScript writes 2.0 as 2; times may have an offset, or no fraction."""
    outcome: Requested[Any] = Requested(
        marketplace="vtex",
        order_id="1",
        attempts=(Attempt("read", AT.replace(microsecond=0), 2.0, 200, "ok"),),
    )
    data = outcome.to_dict()
    data["attempts"][0] |= {"took": 2, "at": "2026-03-02T06:00:00-03:00"}
    back = outcome_from_dict(data)
    assert back.attempts == outcome.attempts
    assert isinstance(back.attempts[0].took, float)
    assert back.attempts[0].at.tzinfo is UTC


class _ShopClosedError(RejectedError):
    """A third party's own."""

    def __init__(self, message: str, *, until: str = "", **about: Any) -> None:
        super().__init__(message, **about)
        self.until = until


def test_a_third_partys_error_is_written_as_the_nearest_of_ours() -> None:
    """With all that ours has."""
    error = _ShopClosedError("closed", until="Monday", marketplace="shop", status=409)
    back: CountermandError = error_from_dict(error.to_dict())
    assert back == RejectedError("closed", marketplace="shop", status=409)


class _ShopBusyError(RejectedError):
    """A third party's own, which cannot be made from a message alone."""

    def __init__(self, message: str, *, queue: int) -> None:
        super().__init__(message)
        self.queue = queue


def test_a_third_partys_error_is_pickled_and_copied() -> None:
    """Whatever its constructor takes: a task queue hands errors on."""
    error = _ShopBusyError("busy", queue=7)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is _ShopBusyError
        assert (again, again.queue, again.args) == (error, 7, ("busy",))


def test_every_error_has_a_tag_of_its_own() -> None:
    """No two classes are written alike."""
    assert len({kind("no").to_dict()["error"] for kind in made.KINDS}) == len(made.KINDS)


def test_nothing_of_it_is_loaded_before_it_is_used() -> None:
    """Neither pydantic nor the shapes come with a call's outcome."""
    program = """
import sys
from countermand import Countermand, Cancelled, Vtex, VtexReceipt
Countermand(vtex=Vtex(account="a", app_key="k", app_token="t")).vtex
print(sorted({"pydantic", "pydantic_core", "countermand.data.shapes", "countermand.marketplaces.stored"} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
