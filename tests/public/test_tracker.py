"""What a real error tracker reports of a failing or interrupted call: sentry-sdk itself, with local variables on."""

import json
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import httpx
import pytest

from countermand import Crux, Kibo, NotSentError, Pattern, RetryPolicy, SecretFile, Vtex
from tests.support.doors import Kind, OpenDoor
from tests.support.stage import Stage, lost, reply, unsent

SECRET = "sekret-of-the-tracker"
USER = "user-of-the-tracker"
sentry = pytest.importorskip("sentry_sdk", reason="sentry-sdk is not among the oldest dependencies")


@pytest.fixture
def report() -> Iterator[Callable[[BaseException], str]]:
    """Return what gives the report of an exception as sentry-sdk would send it."""
    from sentry_sdk.transport import Transport

    sent: list[str] = []

    class Kept(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            sent.append(envelope.serialize().decode("utf-8", "replace"))

    client = sentry.Client(
        dsn="http://key@localhost/1",
        transport=Kept,
        default_integrations=False,
        include_local_variables=True,
        max_value_length=100_000,
        event_scrubber=None,
    )

    def reported(error: BaseException) -> str:
        from sentry_sdk.utils import event_from_exception

        event, hint = event_from_exception(error, client_options=client.options)
        client.capture_event(event, hint)
        client.flush()
        assert sent
        return sent.pop()

    yield reported
    client.close()


ACCESS: dict[str, Any] = {
    "pattern": lambda: Pattern(token=SECRET),
    "vtex": lambda: Vtex(account="a", app_key=SECRET, app_token=SECRET),
    "crux": lambda: Crux(username=USER, password=SECRET),
    "kibo": lambda: Kibo(tenant_id=1, client_id=USER, client_secret=SECRET),
    "function": lambda: Pattern(token=lambda: SECRET),
}
CALLS: dict[str, tuple[Any, ...]] = {
    "pattern": ("pattern", "cancel_order", "114-1"),
    "function": ("pattern", "cancel_order", "114-1"),
    "vtex": ("vtex", "cancel_order", "1172-01"),
    "crux": ("crux", "cancel_order", "521a91e5-058d-4474-aeee-f0c148594a00"),
    "kibo": ("kibo", "cancel_order", 1, "other"),
}
TOKENS = {"auth_token": SECRET, "access_token": SECRET, "expires_in": 3600}
ENDS: dict[str, Any] = {
    "401": reply(401, {"message": SECRET}),
    "403": reply(403, {"detail": SECRET}),
    "404": reply(404, {"message": SECRET}),
    "429": reply(429, retry_after="9999"),
    "not sent": unsent(),
    "Ctrl-C": KeyboardInterrupt(),
    "the caller's own": RuntimeError("my hook broke"),
}


@pytest.mark.parametrize("name", ACCESS)
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("at", ["cancel", "login"])
def test_no_credential_is_reported(
    name: str,
    end: Any,
    at: str,
    kind: Kind,
    open_door: OpenDoor,
    report: Callable[[BaseException], str],
) -> None:
    """Whatever failed, and wherever; the user name of a login is one, too."""
    if at == "login" and name not in {"crux", "kibo"}:
        return
    stage = Stage(
        cancel=[end] * 3, read=[lost()] * 9, login=[end] * 9 if at == "login" else [reply(200, TOKENS)] * 3
    )
    driver = stage.driver if kind == "sync" else stage.async_driver
    door = open_door(**{CALLS[name][0]: ACCESS[name](), "http_client": driver, "retry": RetryPolicy.never()})
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - each kind has its own
        door.do(*CALLS[name])
    # The test's own frames hold what it plays with; the report of ours begins below them.
    told = report(_without_ours(caught.value))
    assert SECRET not in told
    assert USER not in told
    assert type(caught.value).__name__ in told


def _without_ours(error: BaseException) -> BaseException:
    """Drop the frames of tests: they hold the credentials that the tests made up, and the replies of the stage."""
    frames: list[TracebackType] = []
    trace = error.__traceback__
    while trace is not None:
        if not str(trace.tb_frame.f_globals.get("__name__")).startswith("tests."):
            frames.append(trace)
        trace = trace.tb_next
    kept: TracebackType | None = None
    for each in reversed(frames):
        kept = TracebackType(kept, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return error.with_traceback(kept)


def test_no_credential_is_reported_of_a_stock_client(
    kind: Kind, open_door: OpenDoor, report: Callable[[BaseException], str]
) -> None:
    """A connection that nobody accepts, with the library's own error as the cause."""
    door = open_door(pattern=Pattern(token=SECRET, base_url="http://127.0.0.1:9"), retry=RetryPolicy.never())
    with pytest.raises(NotSentError) as caught:
        door.do("pattern", "cancel_order", "114-1")
    assert SECRET not in report(_without_ours(caught.value))


def test_no_credential_is_reported_of_a_borrowed_client(
    kind: Kind, open_door: OpenDoor, report: Callable[[BaseException], str]
) -> None:
    """A transport of the caller's that breaks with every header in reach."""

    def breaks(request: httpx.Request) -> httpx.Response:
        held = dict(request.headers)
        raise LookupError(len(held))

    transport = httpx.MockTransport(breaks)
    client = httpx.Client(transport=transport) if kind == "sync" else httpx.AsyncClient(transport=transport)
    door = open_door(pattern=Pattern(token=SECRET), http_client=client)
    with pytest.raises(LookupError) as caught:
        door.do("pattern", "cancel_order", "114-1")
    error = _without_ours(caught.value)
    names = []
    trace = error.__traceback__
    while trace is not None:
        names.append(str(trace.tb_frame.f_globals.get("__name__")))
        trace = trace.tb_next
    assert not [name for name in names if name.startswith(("httpx", "httpcore"))]
    told = json.loads(json.dumps(report(error.with_traceback(None))))
    assert SECRET not in told


def test_a_file_that_is_gone_reports_no_credential(
    open_door: OpenDoor, report: Callable[[BaseException], str], tmp_path: Any
) -> None:
    """The path is told, and nothing else."""
    door = open_door(pattern=Pattern(token=SecretFile(tmp_path / "gone")), http_client=None)
    with pytest.raises(NotSentError) as caught:
        door.do("pattern", "cancel_order", "114-1")
    assert SECRET not in report(_without_ours(caught.value))
