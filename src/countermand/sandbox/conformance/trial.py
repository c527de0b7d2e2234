"""The check of one promise: calls with both kinds of client, compared with what really happened.

This module checks what holds for every call: a raised error means an untouched order, an outcome needs evidence, the
deadline is kept, no credential is shown, and both clients agree.
"""

import pickle
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeAlias

from attrs import define, field, frozen
from tenacity import wait_fixed

from countermand.client import AsyncCountermand, Countermand
from countermand.engine.retry import RetryPolicy
from countermand.engine.rules import CancelRequest
from countermand.engine.walking import finished
from countermand.errors import CountermandError
from countermand.marketplaces.registry import AnyAccount
from countermand.outcomes import Cancelled, PartiallyCancelled, Refused, Requested, Unknown
from countermand.sandbox.conformance.counterpart import Counterpart
from countermand.sandbox.conformance.scene import AsyncSceneDriver, Scene, Step

ClientKind: TypeAlias = Literal["blocking", "async"]
CLIENT_KINDS: tuple[ClientKind, ...] = ("blocking", "async")

#: What a call may return.
OUTCOMES: tuple[type[Any], ...] = (Cancelled, Requested, PartiallyCancelled, Refused, Unknown)
#: The client's own timeout, which a call's timeout replaces.
_LONG = 3600.0


@frozen
class Result:
    """The result of one call with one client."""

    client_kind: ClientKind
    scene: Scene
    #: What was returned, or raised.
    said: Any

    @property
    def raised(self) -> bool:
        """Whether it was raised."""
        return isinstance(self.said, BaseException)


@define
class Trial:
    """One promise, and the marketplace to check."""

    promise: "Promise"
    account: AnyAccount
    request: CancelRequest[Any]
    counterpart: Counterpart
    #: What names the order, as the rules check it.
    order_id: Any

    def cancel(
        self,
        *expected: type[Any],
        cancel: Iterable[Step] = (),
        read: Iterable[Step] = (),
        timeout: float = 60.0,
        about: str = "",
    ) -> list[Result]:
        """Cancel the order with both clients; each must return or raise one of the expected classes."""

        def ask(client: Any) -> Any:
            return client.cancel(self.request, timeout=timeout)

        results = self._ask(ask, tuple(cancel), tuple(read), timeout, about)
        for result in results:
            self._check_truth(result, about)
        return self._compared(results, expected, about)

    def wait(
        self, *expected: type[Any], read: Iterable[Step] = (), timeout: float = 60.0, about: str = ""
    ) -> list[Result]:
        """Wait with both clients until the order has settled, by its id alone."""

        def ask(client: Any) -> Any:
            return client[self.account].wait_until_settled(self.order_id, timeout=timeout)

        return self._look(ask, expected, tuple(read), timeout, about)

    def later(self, prior: Any, *expected: type[Any], read: Iterable[Step], about: str) -> None:
        """Check an earlier outcome, and wait for it, with both clients."""
        steps, timeout = tuple(read), 20.0

        def once(client: Any) -> Any:
            return client.check(prior, timeout=timeout)

        def long(client: Any) -> Any:
            return client.wait_until_settled(prior, timeout=timeout)

        for ask in (once, long):
            self._look(ask, expected, steps, timeout, about, prior)

    def _look(
        self,
        ask: Callable[[Any], Any],
        expected: tuple[type[Any], ...],
        read: tuple[Step, ...],
        timeout: float,
        about: str,
        prior: Any = None,
    ) -> list[Result]:
        results = self._ask(ask, (), read, timeout, about, looking=True, prior=prior)
        for result in results:
            kind: type[Any] = result.said.__class__
            if kind in (Cancelled, Refused) and kind not in (*result.scene.shown, type(prior)):
                self.fail("no reply was evidence for that", result, about)
        return self._compared(results, expected, about)

    def fail(self, problem: str, result: Result | None = None, about: str = "") -> NoReturn:
        """Raise the AssertionError that tells which promise is broken, and how."""
        lines = [f"{self.account.marketplace} breaks a promise: {self.promise}. {self.promise.meaning}"]
        if about:
            lines.append(f"  the case: {about}")
        lines.append(f"  the problem: {problem}")
        if result is not None:
            ended = "raised" if result.raised else "returned"
            said = f"{type(result.said).__name__}: {result.said}"
            lines.append(f"  the {result.client_kind} client {ended} {said}")
            lines.append(f"  what happened: {'; '.join(result.scene.story) or 'nothing was sent'}")
        raise AssertionError("\n".join(lines))

    def play(self, ask: Callable[[Any], Any], client_kind: ClientKind, scene: Scene) -> Result:
        """Make one call on `scene` with one kind of client."""
        settings: Any = {"timeout": _LONG, "retry": RetryPolicy(wait=wait_fixed(1))}
        client: Any
        try:
            if client_kind == "blocking":
                client = Countermand(self.account, http_client=scene, **settings)
                said = ask(client)
            else:
                client = AsyncCountermand(self.account, http_client=AsyncSceneDriver(scene), **settings)
                said = finished(ask(client))
        except BaseException as error:  # noqa: BLE001 - what a call raises is judged, whatever it is
            said = error
        return Result(client_kind, scene, said)

    def _ask(
        self,
        ask: Callable[[Any], Any],
        cancel: tuple[Step, ...],
        read: tuple[Step, ...],
        timeout: float,
        about: str,
        *,
        looking: bool = False,
        prior: Any = None,
    ) -> list[Result]:
        planted = {id(step.answer) for step in (*cancel, *read) if isinstance(step.answer, BaseException)}
        results: list[Result] = []
        for client_kind in CLIENT_KINDS:
            result = self.play(ask, client_kind, Scene(self.counterpart, cancel, read))
            if looking and "cancel" in result.scene.kinds:
                self.fail("looking at an order sent a cancellation", result, about)
            if planted and id(result.said) not in planted:
                self.fail("the interruption did not leave the call unchanged", result, about)
            if not planted:
                self._check_form(result, about, prior)
            self._check_calls(result, timeout, about)
            results.append(result)
        return results

    def _check_form(self, result: Result, about: str, prior: Any) -> None:
        """Check that one of the five outcomes came back, or an error of countermand, and that it says whose it is."""
        said: Any = result.said
        if result.raised and not isinstance(said, CountermandError):
            self.fail("only errors of countermand may leave a call", result, about)
        if not result.raised and result.said.__class__ not in OUTCOMES:
            self.fail("a call returns one of the five outcomes", result, about)
        about_it = (said.marketplace, said.account, said.order_id)
        wanted = (self.account.marketplace, self.account.label, str(self.order_id))
        if about_it != wanted:
            self.fail(f"it is about {about_it}, not about {wanted}", result, about)
        before = [attempt.what for attempt in prior.attempts] if prior is not None else []
        if [attempt.what for attempt in said.attempts] != [*before, *result.scene.kinds]:
            self.fail("its attempts are not the requests that were made", result, about)
        try:
            pickle.dumps(said)
        except Exception as error:  # noqa: BLE001 - pickle raises what it likes
            self.fail(f"it cannot be stored: {error}", result, about)
        self.check_secrets("it", [said], result, about)

    def _check_calls(self, result: Result, timeout: float, about: str) -> None:
        """Check what was sent: when, and without a credential in a URL."""
        scene = result.scene
        if scene.elapsed > timeout + 1e-6:
            problem = f"the call was given {timeout} s and took {scene.elapsed:.2f} s"
            self.fail(problem, result, about)
        for call in scene.calls:
            if any(secret in call.origin + call.target for secret in self.counterpart.secrets):
                self.fail("a URL holds a credential: URLs are logged everywhere", result, about)
        if scene.repeats and not self.counterpart.repeatable:
            problem = "a cancellation was sent again after one that may have been applied"
            self.fail(problem, result, about)

    def _check_truth(self, result: Result, about: str) -> None:
        """Check what a cancellation said against what really happened."""
        scene, said = result.scene, result.said
        if isinstance(said, CountermandError) and scene.applied:
            self.fail("it raised, although the order is cancelled: raised means untouched", result, about)
        if isinstance(said, CountermandError) and scene.unclear:
            problem = "it raised, although a request may have been applied: raised means untouched"
            self.fail(problem, result, about)
        if isinstance(said, Refused) and scene.applied:
            self.fail("the order is cancelled", result, about)
        if (
            type(result.said) in (Cancelled, Requested, PartiallyCancelled)
            and type(result.said) not in scene.shown
        ):
            self.fail("no reply was evidence for that", result, about)

    def _compared(self, results: list[Result], expected: tuple[type[Any], ...], about: str) -> list[Result]:
        for result in results:
            if not isinstance(result.said, expected):
                wanted = " or ".join(kind.__name__ for kind in expected)
                self.fail(f"{wanted} was expected", result, about)
        first, second = results
        same = first.said is second.said or first.said == second.said
        if not same or first.scene.kinds != second.scene.kinds:
            self.fail(f"the blocking client said {first.said!r}, and this is another thing", second, about)
        return results

    def check_secrets(
        self, what: str, things: Iterable[object], result: Result | None = None, about: str = ""
    ) -> None:
        """Check that nothing of `things` shows a credential, however it is printed."""
        for thing in things:
            for how, told in _told(thing).items():
                if any(secret in told for secret in self.counterpart.secrets):
                    self.fail(f"{what} shows a credential, {how}", result, about)


def _told(thing: object) -> dict[str, str]:
    """Return everything that can be printed about a thing, by how it is printed."""
    told = {"in its repr": repr(thing), "in its str": f"{thing}"}
    if isinstance(thing, BaseException):
        told["in its attributes"] = repr(vars(thing)) + "".join(map(str, vars(thing).values()))
        told["in its traceback with local variables"] = _story(thing)
    if isinstance(thing, (CountermandError, *OUTCOMES)):
        told["pickled"] = pickle.dumps(thing).decode("latin-1")
    return told


def _story(error: BaseException) -> str:
    """Return the traceback, with the local variables of every frame but those of the trial itself."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    link: traceback.TracebackException | None = told
    while link is not None:
        link.stack[:] = [frame for frame in link.stack if not frame.filename.startswith(_OWN)]
        link = link.__cause__ or link.__context__
    return "".join(told.format())


_OWN = str(Path(__file__).parent)


@frozen
class Promise:
    """One thing that has to hold. `str(promise)` says it in words."""

    name: str
    #: What is expected, in a sentence.
    meaning: str
    _hold: Callable[[Trial], None] = field(repr=False)

    def check(self, account: AnyAccount, request: CancelRequest[Any], counterpart: Counterpart) -> None:
        """Raise AssertionError unless the marketplace of `account` keeps the promise.

        `request` asks for the cancellation of the order that `counterpart` is about.
        """
        rules = account.rules()
        order_id = rules.check_order_id(rules.order_of(request))
        self._hold(Trial(self, account, request, counterpart, order_id))

    def __str__(self) -> str:
        return self.name


def promise(hold: Callable[[Trial], None]) -> Promise:
    """Make a promise of the function that holds it against a marketplace."""
    return Promise(hold.__name__.replace("_", " "), " ".join((hold.__doc__ or "").split()), hold)
