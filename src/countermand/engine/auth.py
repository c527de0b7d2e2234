"""Who we are to a marketplace: headers that stay, a credential that is read anew, or a token that is fetched.

`auth_for` chooses between the first two. `TokenAuth` is the third: it fetches a token by a login, and again before
the token expires.
"""

from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import NamedTuple, Protocol

from .credentials import (
    Credential,
    SecretSource,
    UnreadableCredentialError,
    problem_in_body,
    problem_in_header,
    read,
)
from .secret import SealedHeaders, Secret
from .wire import Call, Flow, Reply

#: A fetched token is not used in the last seconds of its life: it may expire on the way.
_MARGIN = 300.0
#: How often a call looks whether the token that another call is fetching has arrived, in seconds.
_LOOK_AGAIN = 0.02
#: After this many seconds of one call's login, another call may try its own.
_LONGEST_LOGIN = 10.0
#: How often a file that holds a credential is looked at, in seconds.
_LOOK_AT_FILES = 1.0


class LoginFailedError(Exception):
    """A token or a credential could not be had; the operation turns it into a public error.

    `status` is what a login was answered with, None where nothing was sent; `cause` is what reading a credential
    raised.
    """

    def __init__(self, detail: str, status: int | None = None, cause: BaseException | None = None) -> None:
        super().__init__(detail, status, cause)
        self.detail = detail
        self.status = status
        self.cause = cause


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


class SharedAuth(Auth):
    """Headers that have to be fetched first. One call fetches; calls beside it wait for what it gets.

    A subclass says in `_fetch` how, and has its result kept by `_keep`.
    """

    renews_on = frozenset({401})
    # Said again, so that type checkers take no other type for them.
    headers: SealedHeaders | None
    expires_at: float
    secrets: list[bytes]

    def __init__(self, secrets: Iterable[Secret], credentials: Mapping[str, Credential]) -> None:
        given = [credential for credential in credentials.values() if isinstance(credential, Secret)]
        super().__init__({}, [*secrets, *given])
        self.headers = None
        self.expires_at = float("-inf")
        self._credentials = dict(credentials)
        self._fetching_until = float("-inf")
        self._failure: tuple[float, LoginFailedError] | None = None
        self._lock = Lock()
        self._own = list(self.secrets)
        self._before: set[bytes] = set()

    def acquire(self, sender: Sender) -> Flow[SealedHeaders]:
        """Return headers that are good. Raise `LoginFailedError` if they cannot be had."""
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
            return (yield from self._fetch(sender))
        except LoginFailedError as failure:
            self._failure = sender.now(), LoginFailedError(*failure.args)
            raise
        finally:
            self._fetching_until = float("-inf")

    def renew(self, refused: SealedHeaders) -> None:
        """Forget the headers `refused`, unless another call has replaced them already."""
        if self.headers is refused:
            self.headers = None
            self.expires_at = float("-inf")

    def _fetch(self, sender: Sender) -> Flow[SealedHeaders]:
        """Return new headers. Raise `LoginFailedError` if they cannot be had."""
        raise NotImplementedError

    def _read(self, name: str, problem_in: Callable[[object], str | None]) -> Secret:
        """Return a credential as it is now; no lock is held."""
        try:
            return read(name, self._credentials[name], problem_in)
        except UnreadableCredentialError as problem:
            failure = LoginFailedError(problem.detail, cause=problem.cause)
        raise failure

    def _keep(self, headers: SealedHeaders, secrets: Iterable[Secret], expires_at: float) -> SealedHeaders:
        self._before = self._strike_out(secrets)
        self.expires_at = expires_at
        self.headers = headers
        return headers

    def _strike_out(self, secrets: Iterable[Secret]) -> set[bytes]:
        """Have these struck out of every reply, and the ones before them, which are good for minutes yet."""
        forms = {form for secret in secrets for form in secret.forms()}
        self.secrets = [*self._own, *self._before, *forms]
        return forms


class ReadAuth(SharedAuth):
    """Credentials that are read: before the first request, after a 401, and, from a file, when it has changed."""

    expires_at: float

    def __init__(
        self, headers: Callable[..., Mapping[str, str]], credentials: Mapping[str, Credential]
    ) -> None:
        super().__init__((), credentials)
        self._headers_for = headers
        self._secrets: dict[str, Secret] = {}
        self._stamps: dict[str, object] = {}

    def acquire(self, sender: Sender) -> Flow[SealedHeaders]:
        """Return headers with the credentials as they are now. Raise `LoginFailedError` if one cannot be read."""
        headers = self.headers
        if headers is None:
            return (yield from super().acquire(sender))
        # They were good a moment ago: other calls go on with them while this one looks at the files.
        self.expires_at = sender.now() + _LOOK_AT_FILES
        changed = [name for name, stamp in self._looked_at().items() if stamp != self._stamps.get(name)]
        try:
            return self._use(changed, sender) if changed else headers
        except LoginFailedError:
            return headers  # it is being written, or mistaken; a 401 will tell

    def _fetch(self, sender: Sender) -> Flow[SealedHeaders]:
        return self._use(self._credentials, sender)
        yield

    def _use(self, names: Iterable[str], sender: Sender) -> SealedHeaders:
        # Before it is read: what is written meanwhile is seen at the next look.
        stamps = self._looked_at()
        secrets = self._secrets | {name: self._read(name, problem_in_header) for name in names}
        expires_at = sender.now() + _LOOK_AT_FILES if stamps else float("inf")
        headers = SealedHeaders(self._headers_for(**secrets))
        self._secrets, self._stamps = secrets, self._stamps | stamps
        return self._keep(headers, secrets.values(), expires_at)

    def _looked_at(self) -> dict[str, object]:
        """Return what changes with the files, of those that are there."""
        sources = {
            name: source for name, source in self._credentials.items() if isinstance(source, SecretSource)
        }
        stamps = {name: source.stamp() for name, source in sources.items()}
        return {name: stamp for name, stamp in stamps.items() if stamp is not None}


def auth_for(headers: Callable[..., Mapping[str, str]], **credentials: Credential) -> Auth:
    """Return the `Auth` for credentials that travel in headers, given as text or read from somewhere.

    `headers` takes them by the same names, as `Secret`s, and returns the headers:

        auth_for(lambda token: {"Authorization": f"Bearer {token.reveal()}"}, token=configuration.token)
    """
    given = {name: each for name, each in credentials.items() if isinstance(each, Secret)}
    if len(given) < len(credentials):
        return ReadAuth(headers, credentials)
    return Auth(headers(**given), given.values())


class Token(NamedTuple):
    """A token as a login gave it. `lifetime` is in seconds."""

    secret: Secret
    lifetime: float


class TokenAuth(SharedAuth):
    """A token fetched by a login. One call fetches; calls beside it wait for the token instead of fetching too.

    `login` is the request, or what makes it of the credentials, which are read anew for each login and which it
    takes by the names that they have here.
    """

    def __init__(
        self,
        login: Call | Callable[..., Call],
        read: Callable[[Reply], Token | None],
        headers: Callable[[Secret], Mapping[str, str]],
        secrets: Iterable[Secret] = (),
        *,
        renews_on: frozenset[int] = frozenset({401}),
        **credentials: Credential,
    ) -> None:
        super().__init__(secrets, credentials)
        self.renews_on = renews_on
        self._login = login
        self._token_in = read
        self._headers_for = headers
        self._used: list[Secret] = []

    def _fetch(self, sender: Sender) -> Flow[SealedHeaders]:
        login = self._login
        if not isinstance(login, Call):
            used = {name: self._read(name, problem_in_body) for name in self._credentials}
            self._used = list(used.values())
            self._strike_out(self._used)
            login = login(**used)
        asked = sender.now()
        reply = yield from sender.send_login(login)
        token = self._token_in(reply) if reply.status == 200 and not reply.flaw else None
        if token is None:
            raise LoginFailedError(f"the login was answered with {reply.status} and no token", reply.status)
        # A token that lives shorter than the margin is used for half its life.
        expires_at = asked + max(token.lifetime - _MARGIN, token.lifetime / 2)
        headers = SealedHeaders(self._headers_for(token.secret))
        return self._keep(headers, [*self._used, token.secret], expires_at)
