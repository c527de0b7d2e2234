"""Clients configured from environment variables or from a file."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar
from warnings import warn

from ..engine.retry import DEFAULT_RETRY, RetryPolicy
from ..engine.secret import LeavesNoFrames

if TYPE_CHECKING:
    from os import PathLike

    from ..engine.events import Hook
    from .loading import Setup

H = TypeVar("H")


class Configured(LeavesNoFrames, Generic[H]):
    """The constructors that read a configuration. `H` is the type of the argument `http_client`."""

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        prefix: str = "COUNTERMAND_",
        timeout: float | None = None,
        retry: RetryPolicy = DEFAULT_RETRY,
        hooks: Iterable["Hook"] = (),
        http_client: H | None = None,
    ) -> Self:
        """Configure one account for each marketplace that has COUNTERMAND_… variables.

        `environ` replaces the environment of the process, and `prefix` replaces "COUNTERMAND_". `timeout`, in
        seconds, overrides COUNTERMAND_TIMEOUT; the default is 30. The other arguments are the constructor's.
        Raises ValueError if a variable is missing, unknown or invalid, or if no account is configured. The
        message names each such variable and its marketplace, and never repeats a value.

            client = Countermand.from_env()  # COUNTERMAND_PATTERN_TOKEN and so on
        """
        from .environment import from_environment
        from .loading import Environ

        given = Environ(environ)
        del environ  # it holds credentials, and a traceback with local variables would print them
        setup = from_environment(given, prefix)
        return cls._opened(setup, timeout, retry=retry, hooks=hooks, http_client=http_client)

    @classmethod
    def from_file(
        cls,
        path: "str | PathLike[str]",
        *,
        environ: Mapping[str, str] | None = None,
        timeout: float | None = None,
        retry: RetryPolicy = DEFAULT_RETRY,
        hooks: Iterable["Hook"] = (),
        http_client: H | None = None,
    ) -> Self:
        """Configure the accounts that a TOML file lists, each in a table `[accounts.<label>]`.

        A table has `marketplace` and the fields of its configuration. A value is text, a number,
        `{ env = "NAME" }` (looked up in `environ`, by default the environment of the process), or
        `{ file = "path" }`, relative to the accounts file. A credential file is read again when it changes.
        `timeout`, in seconds, overrides the key `timeout` of the file. The other arguments are the constructor's.
        Raises ValueError if the file cannot be read or is invalid. The message names the file, the account, the
        key and the marketplace, and never repeats a value. Emits a UserWarning if the file itself contains a
        credential and users other than its owner can read it.

            client = Countermand.from_file("accounts.toml")
            client["ar"].cancel(CancelVtexOrder("1172452900788-01"))
        """
        from .accounts_file import from_accounts_file
        from .loading import Environ

        given = Environ(environ)
        del environ
        setup = from_accounts_file(path, given)
        if setup.warning is not None and not setup.problems:
            warn(setup.warning, stacklevel=2)
        return cls._opened(setup, timeout, retry=retry, hooks=hooks, http_client=http_client)

    @classmethod
    def _opened(cls, setup: "Setup", timeout: float | None, **others: Any) -> Self:
        opened: Any = cls
        client: Self = opened(*setup.checked(), timeout=setup.patience(timeout), **others)
        return client
