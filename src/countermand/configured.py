"""Clients that are configured by the environment or by a file."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar
from warnings import warn

from .engine.events import Hook
from .engine.retry import DEFAULT_RETRY, RetryPolicy

if TYPE_CHECKING:
    from os import PathLike

H = TypeVar("H")


class Configured(Generic[H]):
    """What makes a client of texts. `H` is what its constructor takes as `http_client`."""

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        prefix: str = "COUNTERMAND_",
        timeout: float | None = None,
        retry: RetryPolicy = DEFAULT_RETRY,
        hooks: Iterable[Hook] = (),
        http_client: H | None = None,
    ) -> Self:
        """Configure every marketplace that has COUNTERMAND_… variables, one account at each.

        `environ` takes the place of the process's environment, and `prefix` that of "COUNTERMAND_". `timeout` is
        COUNTERMAND_TIMEOUT, in seconds, or 30; an argument goes before it. The other arguments are the
        constructor's. Raises ValueError if a variable is missing, not known or makes no sense, or if none
        configures an account: the message names each such variable and its marketplace, and repeats no value.

            client = Countermand.from_env()  # COUNTERMAND_PATTERN_TOKEN and so on
        """
        from .marketplaces.environment import from_environment
        from .marketplaces.loading import Environ

        given = Environ(environ)
        del environ  # a handler that prints local variables would print the credentials in it
        setup = from_environment(given, prefix)
        opened: Any = cls
        client: Self = opened(
            *setup.checked(),
            timeout=setup.patience(timeout),
            retry=retry,
            hooks=hooks,
            http_client=http_client,
        )
        return client

    @classmethod
    def from_file(
        cls,
        path: "str | PathLike[str]",
        *,
        environ: Mapping[str, str] | None = None,
        timeout: float | None = None,
        retry: RetryPolicy = DEFAULT_RETRY,
        hooks: Iterable[Hook] = (),
        http_client: H | None = None,
    ) -> Self:
        """Configure the accounts that a TOML file lists, each in a table `[accounts.<label>]`.

        A table has `marketplace` and the fields of its configuration. A value is text or a number,
        `{ env = "NAME" }` (looked up in `environ`, by default the process's), or `{ file = "path" }`, relative to
        the accounts' file; a credential's own file is read anew when it has changed. `timeout` at the top is the
        client's, in seconds; an argument goes before it. The other arguments are the constructor's. Raises
        ValueError if the file cannot be read or makes no sense: the message names the file, the account, the key
        and the marketplace, and repeats no value. Warns (UserWarning) of a file that holds a credential itself and
        that others than its owner can read.

            client = Countermand.from_file("accounts.toml")
            client["ar"].cancel(CancelVtexOrder("1172452900788-01"))
        """
        from .marketplaces.accounts_file import from_accounts_file
        from .marketplaces.loading import Environ

        given = Environ(environ)
        del environ
        setup = from_accounts_file(path, given)
        accounts = setup.checked()
        if setup.warning is not None:
            warn(setup.warning, stacklevel=2)
        opened: Any = cls
        client: Self = opened(
            *accounts, timeout=setup.patience(timeout), retry=retry, hooks=hooks, http_client=http_client
        )
        return client
