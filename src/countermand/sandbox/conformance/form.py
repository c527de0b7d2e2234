"""Promises about a marketplace's parts: names, ids, URLs, credentials."""

import inspect
import json
import pickle
import re
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import attrs

from countermand.engine.rules import CancelRequest
from countermand.engine.secret import Secret
from countermand.engine.wire import Call, Fault, Reply
from countermand.errors import CountermandError, InvalidRequestError, NotConfiguredError
from countermand.marketplaces.base import AsyncSubClient, SubClient
from countermand.marketplaces.registry import OURS, AnyAccount, configuration_of
from countermand.outcomes import Cancelled, Refused
from countermand.sandbox.conformance.counterpart import Kind
from countermand.sandbox.conformance.scene import Scene, Step, echoing
from countermand.sandbox.conformance.trial import CLIENT_KINDS, OUTCOMES, Promise, Result, Trial, promise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOST = Fault(sent=True, detail="the connection broke")


@promise
def its_parts_name_each_other(trial: Trial) -> None:
    """Configuration, request, rules and sub-clients are of one marketplace, and the two sub-clients are alike."""
    account, request = trial.account, trial.request
    rules = account.rules()
    names = {type(account).marketplace, type(request).marketplace, rules.name}
    if len(names) != 1 or not all(names):
        trial.fail(f"configuration, request and rules name one marketplace, not {sorted(names)}")
    name = account.marketplace
    if name in OURS and not isinstance(account, configuration_of(name)):
        trial.fail(f"{name!r} is the name of a built-in marketplace, and of no other")
    if rules.label != account.label:
        trial.fail(f"the rules carry the account's label {account.label!r}, not {rules.label!r}")
    blocking, on_a_loop = account.clients()
    if not (issubclass(blocking, SubClient) and issubclass(on_a_loop, AsyncSubClient)):
        trial.fail("clients() returns a SubClient and an AsyncSubClient, in this order")
    if (one := _methods(blocking)) != (other := _methods(on_a_loop)):
        differ = ", ".join(sorted(name for name, _ in one.items() ^ other.items()))
        trial.fail(f"the two sub-clients differ in {differ}")
    if account.rules() is rules:
        trial.fail("rules() makes new ones: a client's gate and tokens are its own")


def _methods(client: Any) -> dict[str, tuple[str, ...]]:
    """Return the public methods of a sub-client, each with the names of its arguments."""
    members = inspect.getmembers(client, inspect.isfunction)
    return {name: (*inspect.signature(each).parameters,) for name, each in members if name[0] != "_"}


@promise
def a_request_names_its_account(trial: Trial) -> None:
    """`account` is a label: another account's is refused, and so is what is no text. The request is frozen."""
    request: Any = trial.request
    others: tuple[tuple[Any, type[Any]], ...] = (
        ("another account", NotConfiguredError),
        (5, InvalidRequestError),
        (["a"], InvalidRequestError),
    )
    for label, wanted in others:
        about = f"the request's account is {label!r}"
        for result in _played(trial, partial(_cancelling, request, "account", label)):
            if result.scene.calls or not isinstance(result.said, wanted):
                trial.fail(f"{wanted.__name__} was expected, and nothing on the wire", result, about)
    for result in _played(trial, partial(_cancelling, request, "account", trial.account.label)):
        if not isinstance(result.said, trial.counterpart.accepted_means):
            trial.fail("the request's own account does it", result)
    try:
        request.account = None
    except AttributeError:
        return
    trial.fail("a request is frozen")


@promise
def a_request_names_its_order(trial: Trial) -> None:
    """The order's id is in the URL or in the body, of a cancellation and of a read."""
    wanted = _plain(str(trial.order_id))
    for kind, call in _calls(trial, trial.request).items():
        said = f"{unquote(call.target)} {_told(call.body or b'')}"
        if wanted not in _plain(said):
            trial.fail(f"the {kind} does not: {call.method} {call.target}")


def _told(body: bytes) -> str:
    try:
        return str(json.loads(body))
    except ValueError:
        return body.decode("latin-1")


def _plain(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


@promise
def an_id_that_names_no_order_is_refused_before_sending(trial: Trial) -> None:
    """`check` and `check_order_id` raise InvalidRequestError, and nothing is sent."""
    field = _id_field(trial)
    texts = ("", " ", ".", "..", "\n", "A\r\nX: y", "\ud800")
    for value in (*texts, None, b"1", True, 1.5, object()):
        _is_refused(trial, value, partial(_waiting, trial.account, value))
        if field is not None:
            _is_refused(trial, value, partial(_cancelling, trial.request, field, value))


def _waiting(account: AnyAccount, order_id: object, client: Any) -> Any:
    return client[account].wait_until_settled(order_id)


def _cancelling(request: CancelRequest[Any], field: str, value: object, client: Any) -> Any:
    return client.cancel(_changed(request, field, value))


def _is_refused(trial: Trial, value: object, ask: "Callable[[Any], Any]") -> None:
    for result in _played(trial, ask):
        if result.scene.calls or not isinstance(result.said, InvalidRequestError):
            problem = "InvalidRequestError was expected, and nothing on the wire"
            trial.fail(problem, result, f"the order's id is {value!r}")


def _played(trial: Trial, ask: "Callable[[Any], Any]") -> "Iterator[Result]":
    for client_kind in CLIENT_KINDS:
        yield trial.play(ask, client_kind, Scene(trial.counterpart))


def _changed(request: Any, field: str, value: object) -> CancelRequest[Any]:
    """Return the request with another value of one field."""
    changed: CancelRequest[Any] = attrs.evolve(request, **{field: value})
    return changed


@promise
def an_id_stays_one_part_of_the_url(trial: Trial) -> None:
    """Whatever an id holds, the URL leads to that order and to nothing else: `checks.quoted` sees to it."""
    usual = _targets(trial, trial.request)
    field = _id_field(trial)
    for value in ("A/../B", "A?all=1", "A#b", "A&all=1", "A%2FB", "ü/ü"):
        if field is None:
            break
        try:
            targets = _targets(trial, _changed(trial.request, field, value))
        except InvalidRequestError:
            continue
        for plain, target in zip(usual, targets, strict=True):
            marks = [re.sub(r"[^/?&#=]", "", text) for text in (plain, target)]
            if marks[0] != marks[1] or not target.isascii():
                trial.fail(f"it leads to {target}", about=f"the order's id is {value!r}")


def _targets(trial: Trial, request: CancelRequest[Any]) -> list[str]:
    """Return the targets of a cancellation and of a read."""
    return [call.target for call in _calls(trial, request).values()]


def _calls(trial: Trial, request: CancelRequest[Any]) -> dict[Kind, Call]:
    """Return a cancellation and a read."""
    scene = Scene(trial.counterpart, cancel=[Step(_LOST)])
    trial.play(lambda client: client.cancel(request), "blocking", scene)
    first = dict(zip(reversed(scene.kinds), reversed(scene.calls), strict=True))
    kinds: tuple[Kind, ...] = ("cancel", "read")
    return {kind: first[kind] for kind in kinds}


def _id_field(trial: Trial) -> str | None:
    """Return the field of the request that holds the order's id, if one does."""
    request: Any = trial.request
    kind: Any = type(trial.request)
    if not attrs.has(kind):
        return None
    values = attrs.asdict(request, recurse=False)
    return next((name for name, value in values.items() if value == trial.order_id), None)


@promise
def an_account_shows_no_credential(trial: Trial) -> None:
    """No repr shows one, and the configuration cannot be pickled."""
    account = trial.account
    rules = account.rules()
    trial.check_secrets("the configuration", [account, [account]])
    trial.check_secrets("what it is made of", [rules, vars(rules), rules.auth])
    try:
        pickle.dumps(account)
    except TypeError:
        return
    trial.fail("the configuration can be pickled, credentials and all: decorate it with @sealed")


@promise
def a_wrong_credential_is_refused_without_repeating_it(trial: Trial) -> None:
    """A text with a line break, or bytes, is a ValueError whose traceback does not show it."""
    account: Any = trial.account
    kind: Any = type(trial.account)
    if not attrs.has(kind):
        return
    fields = {field.name: field.alias for field in attrs.fields(kind) if field.init}
    values = {alias: getattr(account, name) for name, alias in fields.items()}
    for alias, value in values.items():
        text = value.reveal() if isinstance(value, Secret) else value
        if text not in trial.counterpart.secrets:
            continue
        for wrong in (f"{text}\r\nx: y", text.encode()):
            try:
                kind(**{**values, alias: wrong})
            except ValueError as error:
                trial.check_secrets("its ValueError", [error], about=f"{alias} is wrong")
            else:
                trial.fail(
                    "ValueError was expected: it does not fit into a header", about=f"{alias} is wrong"
                )


@promise
def a_credential_that_is_echoed_is_struck_out(trial: Trial) -> None:
    """A reply that repeats a credential does not carry it into an outcome or an error."""
    about, secrets = trial.counterpart, trial.counterpart.secrets
    # Each result is checked for credentials.
    trial.cancel(*OUTCOMES, cancel=[Step(echoing(about.accepted, secrets), True, shows=about.accepted_means)])
    answers = [Reply(status, {}) for status in (400, 401, 403, 404, 409, 422, 500)]
    answers += [reply for reply in (about.not_found, about.refused) if reply is not None]
    for answer in answers:
        echo = Step(echoing(answer, secrets), shows=Refused if answer is about.refused else None).always()
        trial.cancel(
            *OUTCOMES, CountermandError, cancel=[echo], read=[echo], about=f"an echo in a {answer.status}"
        )
    read = Step(echoing(about.cancelled, secrets), shows=Cancelled).always()
    trial.cancel(Cancelled, cancel=[Step(_LOST, applied=True)], read=[read], about="an echo in the order")


FORM: tuple[Promise, ...] = tuple(found for found in list(globals().values()) if isinstance(found, Promise))
