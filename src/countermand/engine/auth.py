"""Authentication: static headers, a credential that is read again, or a token that is fetched.

`auth_for` chooses between the first two. `TokenAuth` fetches a token with a login, and again before it expires.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .operation import Operation

#: A token is not used in the last seconds of its lifetime: it may expire in transit.
_MARGIN = 300.0
#: The interval at which a call checks for the token that another call is fetching, in seconds.
_LOOK_AGAIN = 0.02
#: After so many seconds of one call's login, another call may try its own.
_LONGEST_LOGIN = 10.0
#: The interval at which a credential file is checked, in seconds.
_LOOK_AT_FILES = 1.0


class LoginFailedError(Exception):
    """A token or a credential is not available; the operation converts it to a public error.

    `status` is the status of the login, or None if nothing was sent. `cause` is the exception from reading a
    credential.
    """

    def __init__(self, detail: str, status: int | None = None, cause: BaseException | None = None) -> None:
        super().__init__(detail, status, cause)
        self.detail = detail
        self.status = status
        self.cause = cause


class Auth:
    """Static headers: a Bearer token, a VTEX key pair, a Crux token, a Kibo tenant."""

    #: The status codes after which a new token is fetched, once.
    renews_on: frozenset[int] = frozenset()

    def __init__(self, headers: Mapping[str, str], secrets: Iterable[Secret]) -> None:
        #: The headers to send, or None if they have to be fetched.
        self.headers: SealedHeaders | None = SealedHeaders(headers)
        #: The instant of the monotonic clock at which they expire.
        self.expires_at: float = float("inf")
        #: Every credential in use, to be redacted from replies.
        self.secrets: list[bytes] = [form for secret in secrets for form in secret.forms()]

    def acquire(self, operation: Operation[Any, Any]) -> Flow[SealedHeaders]:
        """Return the headers to send, after fetching a token if necessary."""
        assert self.headers is not None
        return self.headers
        yield

    def renew(self, refused: SealedHeaders) -> None:
        """Discard the token in `refused`, unless it has already been replaced."""


class SharedAuth(Auth):
    """Headers that have to be fetched (single-flight): one call fetches, concurrent calls wait for the result.

    A subclass implements `_fetch`, and stores the result with `_keep`.
    """

    renews_on: frozenset[int] = frozenset({401})
    # Declared again for type checkers.
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

    def acquire(self, operation: Operation[Any, Any]) -> Flow[SealedHeaders]:
        """Return valid headers. Raises `LoginFailedError` if that fails."""
        began, waited = operation.now(), False
        while True:
            with self._lock:
                if self.headers is not None and operation.now() < self.expires_at:
                    return self.headers
                if waited and self._failure is not None and self._failure[0] >= began:
                    # The login that this call waited for was refused. Repeating it could lock the account.
                    raise LoginFailedError(*self._failure[1].args)
                if operation.now() >= self._fetching_until or operation.time_left() <= _LOOK_AGAIN:
                    self._fetching_until = operation.now() + min(operation.time_left(), _LONGEST_LOGIN)
                    break
            waited = True
            yield from operation.sleep(_LOOK_AGAIN)
        try:
            return (yield from self._fetch(operation))
        except LoginFailedError as failure:
            self._failure = operation.now(), LoginFailedError(*failure.args)
            raise
        finally:
            self._fetching_until = float("-inf")

    def renew(self, refused: SealedHeaders) -> None:
        """Discard the headers `refused`, unless another call has already replaced them."""
        if self.headers is refused:
            self.headers = None

    def _fetch(self, operation: Operation[Any, Any]) -> Flow[SealedHeaders]:
        """Return new headers. Raises `LoginFailedError` if that fails."""
        raise NotImplementedError

    def _read(self, name: str, problem_in: Callable[[object], str | None]) -> Secret:
        """Return the current credential, without holding a lock."""
        try:
            return read(name, self._credentials[name], problem_in)
        except UnreadableCredentialError as problem:
            failure = LoginFailedError(problem.detail, cause=problem.cause)
        raise failure

    def _keep(self, headers: SealedHeaders, secrets: Iterable[Secret], expires_at: float) -> SealedHeaders:
        self._before = self._redact(secrets)
        self.expires_at = expires_at
        self.headers = headers
        return headers

    def _redact(self, secrets: Iterable[Secret]) -> set[bytes]:
        """Redact these credentials from every reply, and their predecessors, which may still be valid."""
        forms = {form for secret in secrets for form in secret.forms()}
        self.secrets = [*self._own, *self._before, *forms]
        return forms


class ReadAuth(SharedAuth):
    """Credentials that are read: before the first request, after a 401, and when a file has changed."""

    expires_at: float

    def __init__(
        self, headers: Callable[..., Mapping[str, str]], credentials: Mapping[str, Credential]
    ) -> None:
        super().__init__((), credentials)
        self._headers_for = headers
        self._secrets: dict[str, Secret] = {}
        self._stamps: dict[str, object] = {}

    def acquire(self, operation: Operation[Any, Any]) -> Flow[SealedHeaders]:
        """Return headers with the current credentials. Raises `LoginFailedError` if one cannot be read."""
        headers = self.headers
        if headers is None:
            return (yield from super().acquire(operation))
        # Other calls keep using the old headers while this one checks the files.
        self.expires_at = operation.now() + _LOOK_AT_FILES
        changed = [name for name, stamp in self._looked_at().items() if stamp != self._stamps.get(name)]
        try:
            return self._use(changed, operation) if changed else headers
        except LoginFailedError:
            return headers  # it may be in the middle of a write; a 401 will show if it is wrong

    def _fetch(self, operation: Operation[Any, Any]) -> Flow[SealedHeaders]:
        return self._use(self._credentials, operation)
        yield

    def _use(self, names: Iterable[str], operation: Operation[Any, Any]) -> SealedHeaders:
        # Taken before reading: a write in between is noticed at the next check.
        stamps = self._looked_at()
        secrets = self._secrets | {name: self._read(name, problem_in_header) for name in names}
        expires_at = operation.now() + _LOOK_AT_FILES if stamps else float("inf")
        headers = SealedHeaders(self._headers_for(**secrets))
        self._secrets, self._stamps = secrets, self._stamps | stamps
        return self._keep(headers, secrets.values(), expires_at)

    def _looked_at(self) -> dict[str, object]:
        """Return the stamps of the files that exist."""
        sources = {
            name: source for name, source in self._credentials.items() if isinstance(source, SecretSource)
        }
        stamps = {name: source.stamp() for name, source in sources.items()}
        return {name: stamp for name, stamp in stamps.items() if stamp is not None}


def auth_for(headers: Callable[..., Mapping[str, str]], **credentials: Credential) -> Auth:
    """Return the `Auth` for credentials that are sent in headers, whether text or read from a source.

    `headers` is called with the same keyword arguments, as `Secret`s, and returns the headers:

        auth_for(lambda token: {"Authorization": f"Bearer {token.reveal()}"}, token=configuration.token)
    """
    given = {name: each for name, each in credentials.items() if isinstance(each, Secret)}
    if len(given) < len(credentials):
        return ReadAuth(headers, credentials)
    return Auth(headers(**given), given.values())


class Token:
    """A token from a login. `lifetime` is in seconds."""

    __slots__ = ("lifetime", "secret")

    def __init__(self, secret: Secret, lifetime: float) -> None:
        self.secret: Secret = secret
        self.lifetime: float = lifetime


class TokenAuth(SharedAuth):
    """A token fetched with a login (single-flight): one call fetches, concurrent calls wait for the token.

    `login` is the request, or a function that builds it from the credentials. They are read again for each login,
    and passed by the names that they have here.
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
        self.renews_on: frozenset[int] = renews_on
        self._login = login
        self._token_in = read
        self._headers_for = headers
        self._used: list[Secret] = []

    def _fetch(self, operation: Operation[Any, Any]) -> Flow[SealedHeaders]:
        login = self._login
        if not isinstance(login, Call):
            used = {name: self._read(name, problem_in_body) for name in self._credentials}
            self._used = list(used.values())
            self._redact(self._used)
            login = login(**used)
        asked = operation.now()
        reply = yield from operation.send_login(login)
        token = self._token_in(reply) if reply.status == 200 and not reply.flaw else None
        if token is None:
            raise LoginFailedError(f"the login was answered with {reply.status} and no token", reply.status)
        # A token with a lifetime shorter than the margin is used for half of it.
        expires_at = asked + max(token.lifetime - _MARGIN, token.lifetime / 2)
        headers = SealedHeaders(self._headers_for(token.secret))
        return self._keep(headers, [*self._used, token.secret], expires_at)
