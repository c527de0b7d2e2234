"""Simulated calls whose outcomes, errors and requests are written as data and read back.

`python -m tests.faults.stored --calls 20000` counts what comes back unequal (attempts and `raw` are compared too),
and what shows a credential. The exit status is 1 if either is more than 0.
"""

import argparse
import json
import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any

import attrs

from countermand import (
    CancelCruxOrder,
    CancelKiboOrder,
    CancelPatternOrder,
    CancelVtexOrder,
    CountermandError,
    InvalidRequestError,
    error_from_dict,
    evidence_of,
    json_schema,
    outcome_from_dict,
    outcome_from_json,
    request_from_dict,
)

from .cases import DOORS, Run, play
from .scenes import Scene


@attrs.define
class Count:
    """What was written and read back, and what was wrong with it."""

    calls: int = 0
    outcomes: int = 0
    errors: int = 0
    requests: int = 0
    #: The seed of each value that came back otherwise, that showed a credential, that the schema does not allow.
    unequal: list[int] = attrs.field(factory=list[int])
    shown: list[int] = attrs.field(factory=list[int])
    unlike_the_schema: list[int] = attrs.field(factory=list[int])


def count(seeds: Iterable[int], *, validate: bool = False) -> Count:
    """Play every seed through both doors, and write and read back all that is left of it."""
    is_valid = _validator() if validate else lambda data: True
    found = Count()
    for seed in seeds:
        for door in DOORS:
            run = play(seed, door)
            found.calls += len(run.phases)
            for value in values(run):
                data = value.to_dict()
                if not returns(value, data, found):
                    found.unequal.append(seed)
                if any(secret in json.dumps(data) for secret in run.case.scene.secrets):
                    found.shown.append(seed)
                if not is_valid(data):
                    found.unlike_the_schema.append(seed)
    return found


def values(run: Run) -> Iterator[Any]:
    """Yield the outcomes, the errors, the evidence and the request of a run."""
    with suppress(InvalidRequestError):  # some scenes have an id that names no order
        yield request(run.case.scene)
    for phase in run.phases:
        if isinstance(phase.error, CountermandError):
            yield phase.error
        for outcome in (phase.outcome, evidence_of(phase.error)):
            if outcome is not None:
                yield outcome


def request(scene: Scene) -> Any:
    """Return a scene's call as a request."""
    match scene.marketplace:
        case "pattern":
            return CancelPatternOrder(str(scene.order_id))
        case "vtex":
            return CancelVtexOrder(str(scene.order_id), reason="a gift", requested_by_user=True)
        case "crux":
            return CancelCruxOrder(str(scene.order_id))
        case _:
            return CancelKiboOrder(int(scene.order_id), "customer_changed_mind")


def returns(value: Any, data: Any, found: Count) -> bool:
    """Whether `value` comes back equal from its written form."""
    if isinstance(value, CountermandError):
        found.errors += 1
        back: Any = error_from_dict(json.loads(json.dumps(data)))
        return type(back) is type(value) and facts(back) == facts(value)
    if "request" in data:
        found.requests += 1
        return bool(value == request_from_dict(json.loads(value.to_json())))
    found.outcomes += 1
    return all(same(value, back) for back in (outcome_from_dict(data), outcome_from_json(value.to_json())))


def facts(error: CountermandError) -> dict[str, Any]:
    """Return all that an error says."""
    return {name: value for name, value in vars(error).items() if name != "__notes__"}


def same(one: Any, two: Any) -> bool:
    """Whether two outcomes are equal, their attempts and what was answered included."""
    return bool(
        one == two
        and repr(one) == repr(two)
        and one.attempts == two.attempts
        and (one.answer is None or repr(one.answer.raw) == repr(two.answer.raw))
    )


def _validator() -> Any:
    jsonschema: Any = import_module("jsonschema")
    return jsonschema.Draft202012Validator(json_schema()).is_valid


def main(arguments: list[str] | None = None) -> int:
    """Count, and say whether all came back."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=None, help="the first seed; a fresh one by default")
    parser.add_argument(
        "--validate", action="store_true", help="check against the JSON Schema, with jsonschema"
    )
    options = parser.parse_args(arguments)
    first = options.seed if options.seed is not None else secrets.randbelow(10**9)
    print(f"from seed {first} on", flush=True)
    found = count(range(first, first + options.calls // len(DOORS)), validate=options.validate)
    print(
        f"{found.calls:,} calls: {found.outcomes:,} outcomes, {found.errors:,} errors, {found.requests:,} requests"
    )
    for name in ("unequal", "shown", *(["unlike_the_schema"] if options.validate else [])):
        seeds: list[int] = getattr(found, name)
        print(f"{name.replace('_', ' ')}: {len(seeds):,} {seeds[:10] or ''}")
    return int(bool(found.unequal or found.shown or found.unlike_the_schema))


if __name__ == "__main__":
    sys.exit(main())
