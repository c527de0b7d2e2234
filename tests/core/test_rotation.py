"""Credentials that are read: when, how often, by whom, and what becomes of one that cannot be."""

import os
import threading
import time
import warnings
from collections.abc import Callable
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

import attrs
import pytest

from countermand import (
    AuthenticationError,
    Countermand,
    Crux,
    Kibo,
    NotSentError,
    Pattern,
    RateLimitedError,
    Requested,
    RetryPolicy,
    SecretFile,
    Unknown,
    Vtex,
)
from countermand.engine.secret import Secret
from countermand.engine.wire import Call, Flow, Sleep
from tests.public.test_secrets import raised
from tests.support.doors import Door, Kind, OnStage
from tests.support.markets import CRUX, KIBO, PATTERN, VTEX, Market
from tests.support.stage import After, Stage, lost, reply


class Reader:
    """A function that returns one credential after the other, the last for ever, and counts."""

    def __init__(self, *credentials: Any) -> None:
        self.credentials = list(credentials)
        self.asked = 0

    def __call__(self) -> str:
        """Return the next one, or raise it."""
        self.asked += 1
        found = self.credentials.pop(0) if len(self.credentials) > 1 else self.credentials[0]
        if isinstance(found, BaseException):
            raise found
        text: str = found
        return text

    def __repr__(self) -> str:
        return f"Reader({self.credentials})"


#: Each way to have a credential in a header read: the market, and what makes its configuration of a source.
ACCESS: dict[str, tuple[Market, Callable[[Any], Any]]] = {
    "Pattern": (PATTERN, lambda source: Pattern(token=source)),
    "Vtex, its key": (VTEX, lambda source: Vtex(account="a", app_key=source, app_token="fixed")),
    "Vtex, its token": (VTEX, lambda source: Vtex(account="a", app_key="fixed", app_token=source)),
    "Crux": (CRUX, lambda source: Crux(token=source)),
    "Kibo": (KIBO, lambda source: Kibo(tenant_id=1, access_token=source)),
}
each_access = pytest.mark.parametrize("market, access", ACCESS.values(), ids=ACCESS)
LOGINS: dict[str, tuple[Market, Callable[[Any], Any]]] = {
    "Crux": (CRUX, lambda source: Crux(username="shop", password=source)),
    "Kibo": (KIBO, lambda source: Kibo(tenant_id=1, client_id="app", client_secret=source)),
}
each_login = pytest.mark.parametrize("market, access", LOGINS.values(), ids=LOGINS)
TOKEN = {"auth_token": "fetched-token", "access_token": "fetched-token", "expires_in": 3600}


def with_access(market: Market, access: Any) -> Market:
    """Return a market with another configuration."""
    return attrs.evolve(market, access=access)


def used(stage: Stage) -> list[str]:
    """Return what the headers of each request carry, without the name of a scheme."""
    names = ("Authorization", "X-VTEX-API-AppKey", "X-VTEX-API-AppToken")
    found = [[call.headers.get(name) for name in names] for call in stage.calls]
    return [" ".join(text.split()[-1] for text in texts if text and text != "fixed") for texts in found]


@each_access
def test_a_function_is_asked_once(market: Market, access: Any, on_stage: OnStage) -> None:
    """Before the first request, not when the client is built; what it returned is used from then on."""
    read, stage = Reader("first-secret"), Stage(cancel=repeat(market.accepted))
    door = on_stage(stage, with_access(market, access(read)))
    assert read.asked == 0
    market.cancel(door)
    market.cancel(door)
    assert (read.asked, used(stage)) == (1, ["first-secret", "first-secret"])


@each_access
def test_a_401_has_a_function_asked_anew(market: Market, access: Any, on_stage: OnStage) -> None:
    """And the request is made again with what it returns."""
    read = Reader("first-secret", "second-secret")
    stage = Stage(cancel=[reply(401), market.accepted])
    outcome = market.cancel(on_stage(stage, with_access(market, access(read))))
    assert isinstance(outcome, Requested)
    assert (read.asked, used(stage)) == (2, ["first-secret", "second-secret"])


@each_access
def test_a_second_401_raises(market: Market, access: Any, on_stage: OnStage) -> None:
    """A function is asked anew once for each call."""
    read, stage = Reader("first-secret"), Stage(cancel=[reply(401), reply(401)])
    with pytest.raises(AuthenticationError):
        market.cancel(on_stage(stage, with_access(market, access(read))))
    assert read.asked == 2


def test_a_credential_as_text_is_not_sent_again(on_stage: OnStage) -> None:
    """There is nothing to read."""
    stage = Stage(cancel=[reply(401)])
    with pytest.raises(AuthenticationError):
        PATTERN.cancel(on_stage(stage, PATTERN))


def touch(path: Path, text: str, number: int) -> None:
    """Write a file as of another time."""
    path.write_text(text)
    os.utime(path, ns=(number, number))


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Return a file with a credential in it."""
    touch(tmp_path / "secret", "first-secret\n", 1)
    return tmp_path / "secret"


@each_access
def test_a_file_that_has_changed_is_read_anew(
    market: Market, access: Any, secret: Path, on_stage: OnStage
) -> None:
    """Without any 401; it is looked at once a second at most, by the driver's clock."""
    stage = Stage(cancel=repeat(market.accepted))
    door = on_stage(stage, with_access(market, access(SecretFile(secret))))
    market.cancel(door)
    touch(secret, "second-secret\n", 2)
    stage.now = 0.9
    market.cancel(door)
    stage.now = 1.1
    market.cancel(door)
    market.cancel(door)
    assert used(stage) == ["first-secret", "first-secret", "second-secret", "second-secret"]


def test_a_file_is_looked_at_once_a_second(
    secret: Path, monkeypatch: pytest.MonkeyPatch, on_stage: OnStage
) -> None:
    """Not with every request, and not read when it has not changed; requests keep the headers they had."""
    counted = {"stat": 0, "read": 0}

    class Counting(SecretFile):
        __slots__ = ()

        def stamp(self) -> object:
            counted["stat"] += 1
            return super().stamp()

        def read(self) -> str:
            counted["read"] += 1
            return super().read()

    stage = Stage(cancel=repeat(PATTERN.accepted))
    door = on_stage(stage, with_access(PATTERN, Pattern(token=Counting(secret))))
    for step in range(30):
        stage.now = step / 10
        PATTERN.cancel(door)
    assert counted == {"stat": 3, "read": 1}
    assert len({id(call.headers) for call in stage.calls}) == 1


def test_a_file_that_is_replaced_by_another_counts_as_changed(secret: Path, on_stage: OnStage) -> None:
    """As old as the one before, and as long: a mounted secret is exchanged as a whole."""
    stage = Stage(cancel=repeat(PATTERN.accepted))
    door = on_stage(stage, with_access(PATTERN, Pattern(token=SecretFile(secret))))
    PATTERN.cancel(door)
    touch(secret.with_name("new"), "other-secret\n", 1)
    secret.with_name("new").replace(secret)
    stage.now = 2
    PATTERN.cancel(door)
    assert used(stage) == ["first-secret", "other-secret"]


@pytest.mark.skipif(os.name == "nt", reason="it has no time of the last change of a file's metadata")
def test_a_file_whose_time_was_set_back_counts_as_changed(secret: Path, on_stage: OnStage) -> None:
    """Written in place, as long as before, and by a program that keeps the time of the original."""
    stage = Stage(cancel=repeat(PATTERN.accepted))
    door = on_stage(stage, with_access(PATTERN, Pattern(token=SecretFile(secret))))
    PATTERN.cancel(door)
    before = secret.stat().st_ctime_ns
    while secret.stat().st_ctime_ns == before:  # the clock of a file system is coarse
        touch(secret, "other-secret\n", 1)
    stage.now = 2
    PATTERN.cancel(door)
    assert used(stage) == ["first-secret", "other-secret"]


@pytest.mark.parametrize(
    "content", ["", "\n", "Bearer sekret", None], ids=["empty", "a line", "a scheme", "gone"]
)
def test_a_file_that_holds_none_for_a_while_is_passed_over(
    content: str | None, secret: Path, on_stage: OnStage
) -> None:
    """It is being written: the credential that was read stays in use until there is another, or a 401."""
    stage = Stage(cancel=[*repeat(PATTERN.accepted, 3), reply(401)])
    door = on_stage(stage, with_access(PATTERN, Pattern(token=SecretFile(secret))))
    PATTERN.cancel(door)
    secret.unlink() if content is None else touch(secret, content, 2)
    stage.now = 2
    PATTERN.cancel(door)
    touch(secret, "second-secret", 3)
    stage.now = 4
    PATTERN.cancel(door)
    assert used(stage) == ["first-secret", "first-secret", "second-secret"]
    secret.unlink()
    with pytest.raises(NotSentError, match="No such file"):
        PATTERN.cancel(door)


def test_a_401_has_a_file_read_at_once(secret: Path, on_stage: OnStage) -> None:
    """Even in the second in which it was looked at, and though it looks unchanged."""

    def meanwhile() -> Any:
        touch(secret, "other-secret\n", 1)
        return reply(401)

    stage = Stage(cancel=[meanwhile, PATTERN.accepted])
    PATTERN.cancel(on_stage(stage, with_access(PATTERN, Pattern(token=SecretFile(secret)))))
    assert used(stage) == ["first-secret", "other-secret"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_one_line_break_at_the_end_does_not_count(ending: str, secret: Path, on_stage: OnStage) -> None:
    """Editors and `echo` leave it."""
    secret.write_bytes(f"first-secret{ending}".encode())
    stage = Stage(cancel=[PATTERN.accepted])
    PATTERN.cancel(on_stage(stage, with_access(PATTERN, Pattern(token=SecretFile(secret)))))
    assert used(stage) == ["first-secret"]


BAD: dict[str, Any] = {
    "nothing": None,
    "a number": 5,
    "bytes": b"sekret-text",
    "empty": "",
    "a line break": "sekret-text\n",
    "a scheme": "Bearer sekret-text",
    "a secret": Secret("sekret-text"),
}


@each_access
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_what_is_read_is_checked(market: Market, access: Any, bad: Any, on_stage: OnStage) -> None:
    """NotSentError, nothing is sent, and what was read is not repeated."""
    stage = Stage()
    door = on_stage(stage, with_access(market, access(Reader(bad))))
    with pytest.raises(NotSentError, match="as read from the function given for it, must be") as caught:
        market.cancel(door)
    assert (caught.value.marketplace, caught.value.order_id) == (market.name, str(market.order_id))
    assert caught.value.__cause__ is None
    assert "sekret" not in raised(lambda: market.cancel(door))
    assert stage.calls == []


@each_access
def test_what_a_function_raises_is_the_cause(market: Market, access: Any, on_stage: OnStage) -> None:
    """Of a NotSentError; the function is asked again by the next call."""
    problem = LookupError("the vault is closed")
    stage = Stage(cancel=[market.accepted])
    door = on_stage(stage, with_access(market, access(Reader(problem, "second-secret"))))
    with pytest.raises(
        NotSentError, match="could not be read from the function given for it: LookupError"
    ) as caught:
        market.cancel(door)
    assert caught.value.__cause__ is problem
    market.cancel(door)
    assert used(stage) == ["second-secret"]


def failing(sekret: str) -> str:
    """Fail with a credential in hand."""
    held = sekret + "-one"
    try:
        raise KeyError
    except KeyError:
        return str(int(held.encode() and "x"))


def called(function: Callable[[], Any]) -> Any:
    """Return what a function returns."""
    return function()


def unreadable() -> str:
    """Fail with an exception that holds what it complains of."""
    return b"sekret-\xff".decode()


@pytest.mark.parametrize("read", [partial(failing, "sekret"), unreadable], ids=["frames", "an exception"])
def test_a_cause_shows_no_secret(read: Any, on_stage: OnStage) -> None:
    """Its frames are left behind, and so is what it quotes."""
    door = on_stage(Stage(), with_access(PATTERN, Pattern(token=read)))
    assert "sekret" not in raised(lambda: PATTERN.cancel(door))
    with pytest.raises(NotSentError) as caught:
        PATTERN.cancel(door)
    cause = caught.value.__cause__
    assert isinstance(cause, ValueError)
    while cause is not None:
        assert cause.__traceback__ is None
        cause = cause.__context__


def test_what_the_caller_is_handling_keeps_its_frames(on_stage: OnStage) -> None:
    """It is behind the function's exception, and none of ours."""
    door = on_stage(Stage(), with_access(PATTERN, Pattern(token=Reader(LookupError("closed")))))
    own = KeyError("the caller's")
    try:
        raise own
    except KeyError:
        with pytest.raises(NotSentError):
            PATTERN.cancel(door)
    assert own.__traceback__ is not None


def test_an_interruption_passes_through(kind: Kind, on_stage: OnStage) -> None:
    """It is none of the function's exceptions."""

    class Interruption(BaseException):
        pass

    door = on_stage(Stage(), with_access(PATTERN, Pattern(token=Reader(Interruption()))))
    with pytest.raises(Interruption):
        PATTERN.cancel(door)


def test_a_function_is_shown_nowhere() -> None:
    """A partial's repr holds its arguments."""
    given = Pattern(token=partial(failing, "sekret"))
    assert "sekret" not in repr(given) + repr(given.token)
    assert given == Pattern(token=given.token) != Pattern(token=partial(failing, "sekret"))
    assert hash(given.token) == hash(Pattern(token=given.token).token)


def test_a_coroutine_is_no_credential(on_stage: OnStage) -> None:
    """A function that returns one is told so, and Python does not complain that nobody awaited it."""

    async def later() -> str:
        return "sekret-one"

    class Later:
        async def __call__(self) -> str:
            return "sekret-one"

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for function in (later, partial(later), Later()):
            with pytest.raises(ValueError, match=r"pattern: token must be .*coroutine"):
                Pattern(token=function)  # type: ignore[arg-type]
        door = on_stage(Stage(), with_access(PATTERN, Pattern(token=partial(called, later))))
        with pytest.raises(NotSentError, match="not coroutine"):
            PATTERN.cancel(door)


def test_a_doubt_stays_a_doubt_when_the_credential_is_gone(on_stage: OnStage) -> None:
    """The cancellation may have been applied: that no read could be made is Unknown, not an error."""
    read = Reader("first-secret", LookupError("closed"))
    stage = Stage(cancel=[lost()], read=[reply(401)])
    outcome = PATTERN.cancel(on_stage(stage, with_access(PATTERN, Pattern(token=read))))
    assert isinstance(outcome, Unknown)


def test_the_gate_stays(on_stage: OnStage) -> None:
    """Another credential of the same account is no way around a 429."""
    read = Reader("first-secret", "second-secret")
    stage = Stage(cancel=[reply(401), reply(429, retry_after="99")])
    door = on_stage(stage, with_access(PATTERN, Pattern(token=read)), retry=RetryPolicy.never())
    for _ in range(2):
        with pytest.raises(RateLimitedError):
            PATTERN.cancel(door)
    assert len(stage.calls) == 2


def test_what_was_read_is_struck_out(on_stage: OnStage) -> None:
    """And what was read before it: a late answer may be to a request that carried it."""
    read = Reader("first-secret", "second-secret")
    stage = Stage(cancel=[reply(401), reply(403, "first-secret second-secret")])
    with pytest.raises(Exception, match="403") as caught:
        PATTERN.cancel(on_stage(stage, with_access(PATTERN, Pattern(token=read))))
    assert caught.value.body == '"[redacted] [redacted]"'  # type: ignore[attr-defined]


class TestAtOnce:
    """Calls that need a credential at the same time have it read once."""

    @each_access
    def test_calls_that_all_get_a_401(self, market: Market, access: Any) -> None:
        """Whoever comes late finds the new credential there, although it is the same text."""
        read = Reader("first-secret", "second-secret")
        stage = Stage(cancel=[*repeat(reply(401), 5), *repeat(market.accepted, 5)])
        with Door("async", http_client=stage.async_driver, **{market.name: access(read)}) as door:
            calls = [lambda: getattr(door.client, market.name).cancel_order(*market.arguments)] * 5
            outcomes = door.together(*calls)
        assert all(isinstance(outcome, Requested) for outcome in outcomes), outcomes
        assert read.asked == 2

    def test_threads(self) -> None:
        """The others wait while one of them reads, with no lock held."""
        ready, others_wait, asked = threading.Barrier(4), threading.Event(), []

        class Waiting(Stage):
            def step(self, flow: Flow[Any], step: Call | Sleep) -> Call | Sleep:
                if not isinstance(step, Sleep):
                    return super().step(flow, step)
                others_wait.set()
                time.sleep(0)  # no time passes here, but other threads have their turn
                return flow.send(None)

        def slow() -> str:
            asked.append(threading.get_ident())
            assert others_wait.wait(timeout=10)
            return "first-secret"

        stage = Waiting(cancel=repeat(PATTERN.accepted))
        client = Countermand(Pattern(token=slow), http_client=stage.driver)
        outcomes: list[Any] = []

        def cancel() -> None:
            ready.wait(timeout=10)
            outcomes.append(client.pattern.cancel_order("114-1"))

        threads = [threading.Thread(target=cancel) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(outcomes) == 4
        assert len(asked) == 1
        assert asked[0] in {thread.ident for thread in threads}


@each_login
def test_a_password_is_read_for_each_login(market: Market, access: Any, on_stage: OnStage) -> None:
    """It may have changed since the last."""
    read = Reader("first-secret", "second-secret")
    stage = Stage(login=repeat(reply(200, TOKEN)), cancel=[reply(401), market.accepted])
    market.cancel(on_stage(stage, with_access(market, access(read))))
    logins = [
        call.body or b"" for call, what in zip(stage.calls, stage.kinds, strict=True) if what == "login"
    ]
    assert [b"first-secret" in logins[0], b"second-secret" in logins[1]] == [True, True]
    assert read.asked == 2


@each_login
def test_a_password_in_a_file(market: Market, access: Any, secret: Path, on_stage: OnStage) -> None:
    """It is read as any credential is."""
    stage = Stage(login=[reply(200, TOKEN)], cancel=[market.accepted])
    market.cancel(on_stage(stage, with_access(market, access(SecretFile(secret)))))
    assert b'"first-secret"' in (stage.calls[0].body or b"")


@each_login
@pytest.mark.parametrize("bad", [LookupError("closed"), "", None, "sekret\n"], ids=repr)
def test_a_password_that_cannot_be_read(market: Market, access: Any, bad: Any, on_stage: OnStage) -> None:
    """NotSentError; not even the login is sent."""
    stage = Stage()
    door = on_stage(stage, with_access(market, access(Reader(bad))))
    with pytest.raises(NotSentError, match="read from the function") as caught:
        market.cancel(door)
    assert caught.value.__cause__ is (bad if isinstance(bad, Exception) else None)
    assert stage.calls == []


@each_login
def test_a_password_that_was_read_is_struck_out(market: Market, access: Any, on_stage: OnStage) -> None:
    """From the answer to its own login too, whose id is kept."""
    stage = Stage(login=[After(1.0, reply(401, x_request_id="for-first-secret"))])
    with pytest.raises(AuthenticationError) as caught:
        market.cancel(on_stage(stage, with_access(market, access(Reader("first-secret")))))
    assert caught.value.attempts[0].request_id == "for-[redacted]"


def test_a_class_is_no_function() -> None:
    """`SecretFile` without its path, say."""
    with pytest.raises(ValueError, match=r"crux: password must be .*not a class"):
        Crux(username="u", password=SecretFile)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["", " ", b"run/token"], ids=repr)
def test_a_secret_file_needs_a_path(path: Any) -> None:
    """It is refused where it is built, and not when the file is read."""
    with pytest.raises(ValueError, match="path of a SecretFile"):
        SecretFile(path)


def test_a_secret_file_is_told_by_its_path() -> None:
    """Which is no secret."""
    assert repr(SecretFile(Path("run") / "token")) == repr(SecretFile(os.path.join("run", "token")))  # noqa: PTH118
    assert SecretFile("a") == SecretFile(Path("a")) != SecretFile("b")
    assert len({SecretFile("a"), SecretFile(Path("a"))}) == 1
    assert SecretFile("a") != "a"


@pytest.mark.parametrize("content", [b"", b"\xff", b"x" * 70000], ids=["empty", "no text", "too long"])
def test_a_file_without_a_credential(content: bytes, secret: Path, on_stage: OnStage) -> None:
    """NotSentError, which names the path."""
    secret.write_bytes(content)
    door = on_stage(Stage(), with_access(PATTERN, Pattern(token=SecretFile(secret))))
    with pytest.raises(NotSentError, match="64 KiB") as caught:
        PATTERN.cancel(door)
    assert str(secret) in caught.value.message
