"""Who we are to a marketplace: headers that stay, or a token that is fetched, expires and is fetched again."""

from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import NamedTuple, Protocol

from .secret import SealedHeaders, Secret
from .wire import Call, Flow, Reply

#: A fetched token is not used in the last seconds of its life: it may expire on the way.
_MARGIN = 300.0
#: How often a call looks whether the token that another call is fetching has arrived, in seconds.
_LOOK_AGAIN = 0.02
#: After this many seconds of one call's login, another call may try its own.
_LONGEST_LOGIN = 10.0


class LoginFailedError(Exception):
    """A token could not be had. Carries what came back; the operation turns it into a public error."""

    def __init__(self, detail: str, status: int | None = None) -> None:
        super().__init__(detail, status)
        self.detail = detail
        self.status = status


class Sender(Protocol):
    """What `Auth` needs of the call that it serves: ways to send a login and to pause, and the time."""

    def send_login(self, call: Call) -> Flow[Reply]:
        """Send a login and return its reply; raise when none comes within the call's time."""
        ...

    def sleep(self, seconds: float) -> Flow[None]:
        """Pause; an interruption carries the call's evidence."""
        ...

    def now(self) -> float:
        """Return the instant, in seconds of the monotonic clock."""
        ...

    def time_left(self) -> float:
        """Return the seconds until the call's deadline."""
        ...


class Auth:
    """Headers that do not change: a Bearer token, a VTEX key pair, a Crux token, a Kibo tenant."""

    #: The status codes after which another token is fetched, once.
    renews_on: frozenset[int] = frozenset()

    def __init__(self, headers: Mapping[str, str], secrets: Iterable[Secret]) -> None:
        #: The headers to send, or None while there are none.
        self.headers: SealedHeaders | None = SealedHeaders(headers)
        #: The instant of the monotonic clock from which they are not sent any more.
        self.expires_at: float = float("inf")
        #: Every credential in use, to be struck out of whatever a marketplace echoes.
        self.secrets: list[bytes] = [form for secret in secrets for form in secret.forms()]

    def acquire(self, sender: Sender) -> Flow[SealedHeaders]:
        """Return the headers to send, fetching a token first if none is at hand."""
        assert self.headers is not None
        return self.headers
        yield

    def renew(self, refused: SealedHeaders) -> None:
        """Forget the token in `refused`, unless it has been replaced already."""


class Token(NamedTuple):
    """A token as a login gave it. `lifetime` is in seconds."""

    secret: Secret
    lifetime: float


class TokenAuth(Auth):
    """A token fetched by a login. One call fetches; calls beside it wait for the token instead of fetching too."""

    def __init__(
        self,
        login: Call,
        read: Callable[[Reply], Token | None],
        headers: Callable[[Secret], Mapping[str, str]],
        secrets: Iterable[Secret],
        renews_on: frozenset[int] = frozenset({401}),
    ) -> None:
        super().__init__({}, secrets)
        self.renews_on = renews_on
        self.headers = None
        self._login = login
        self._read = read
        self._headers_for = headers
        self.expires_at = float("-inf")
        self._fetching_until = float("-inf")
        self._failure: tuple[float, LoginFailedError] | None = None
        self._lock = Lock()
        self._own = list(self.secrets)
        self._current: set[bytes] = set()

    def acquire(self, sender: Sender) -> Flow[SealedHeaders]:
        """Return headers with a good token. Raise `LoginFailedError` if the login is refused or makes no sense."""
        began, waited = sender.now(), False
        while True:
            with self._lock:
                if self.headers is not None and sender.now() < self.expires_at:
                    return self.headers
                if waited and self._failure is not None and self._failure[0] >= began:
                    # The login that this call waited for was refused: fifty more would lock the account.
                    raise LoginFailedError(*self._failure[1].args)
                if sender.now() >= self._fetching_until or sender.time_left() <= _LOOK_AGAIN:
                    self._fetching_until = sender.now() + min(sender.time_left(), _LONGEST_LOGIN)
                    break
            waited = True
            yield from sender.sleep(_LOOK_AGAIN)
        try:
            asked = sender.now()
            reply = yield from sender.send_login(self._login)
            token = self._read(reply) if reply.status == 200 and not reply.flaw else None
            if token is not None:
                return self._keep(token, asked)
            failure = LoginFailedError(
                f"the login was answered with {reply.status} and no token", reply.status
            )
            self._failure = sender.now(), failure
        finally:
            self._fetching_until = float("-inf")
        raise failure

    def renew(self, refused: SealedHeaders) -> None:
        """Forget the token in `refused`, unless another call has replaced it already."""
        if self.headers is refused:
            self.headers = None
            self.expires_at = float("-inf")

    def _keep(self, token: Token, asked: float) -> SealedHeaders:
        headers = SealedHeaders(self._headers_for(token.secret))
        # A token that lives shorter than the margin is used for half its life.
        self.expires_at = asked + max(token.lifetime - _MARGIN, token.lifetime / 2)
        # The token before this one is good for minutes yet: an echo of it is struck out too.
        self.secrets = [*self._own, *self._current, *token.secret.forms()]
        self._current = token.secret.forms()
        self.headers = headers
        return headers
