"""No byte of a credential leaves by a side door, whatever goes wrong: simulated calls, and all they leave behind."""

import logging
import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

import countermand
from countermand import CountermandError

from .cases import DOORS, Door, Run, play, set_up
from .scenes import Scene

SDK = Path(countermand.__file__).parent


@pytest.mark.parametrize("door", DOORS)
def test_nothing_that_a_call_leaves_shows_a_credential(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """Outcomes, errors and evidence as repr, str and pickle, tracebacks with locals, and every log at DEBUG."""
    first = 2_413_000
    caplog.set_level(logging.DEBUG)
    for seed in range(first, first + 400):
        run = play(seed, door)
        for where, said in left_behind(run):
            assert not shown(run.case.scene, said), f"make replay SEED={seed}: a credential shows in {where}"
        assert not shown(run.case.scene, caplog.text), f"make replay SEED={seed}: a credential shows in a log"
        caplog.clear()


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("door", DOORS)
def test_a_client_and_its_configuration_show_no_credential(seed: int, door: Door) -> None:
    """The front door, the sub-clients and the four configurations, and what refuses to be pickled."""
    run, client = set_up(seed, door)
    scene = run.case.scene
    things = [
        client,
        getattr(client, scene.marketplace),
        *scene.settings.values(),
        vars(client),
        scene.settings,
    ]
    for thing in things:
        assert not shown(scene, repr(thing) + str(thing))
    for thing in things[:3]:
        with pytest.raises(TypeError):
            pickle.dumps(thing)


def left_behind(run: Run) -> Iterator[tuple[str, str]]:
    """Yield everything that is left after a run's calls, as text, with a word for what it is."""
    for phase in run.phases:
        outcome, error = phase.outcome, phase.error
        if outcome is not None:
            yield "the outcome", f"{outcome!r} {outcome} {outcome.attempts!r}"
            yield "the pickled outcome", pickle.dumps(outcome).decode("latin-1")
        if error is None:
            continue
        yield "the error", f"{error!r} {error} {vars(error)!r} {getattr(error, '__notes__', ())}"
        yield "the traceback", "".join(traceback.format_exception(error))
        for frame, _ in traceback.walk_tb(error.__traceback__):
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(SDK) and "sandbox" not in path.parts:
                yield f"the locals of {frame.f_code.co_name}", repr(frame.f_locals)
        if isinstance(error, CountermandError):
            yield "the pickled error", pickle.dumps(error).decode("latin-1")


def shown(scene: Scene, said: str) -> bool:
    """Whether a text holds one of the scene's credentials."""
    return any(secret in said for secret in scene.secrets)
