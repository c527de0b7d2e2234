"""The configured accounts, from the environment or a file."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import attrs

from ..client import Countermand
from ..errors import CountermandError, InvalidRequestError
from ..marketplaces.accounts_file import from_accounts_file
from ..marketplaces.environment import from_environment
from ..marketplaces.loading import Environ
from ..marketplaces.registry import OURS, AnyAccount, announced
from .codes import Exit, Stop
from .terminal import data, data_json, tell


@attrs.frozen(repr=False)
class Opened:
    """A client, and the accounts it was created with."""

    client: Countermand
    accounts: Mapping[str, AnyAccount]

    def label_for(self, marketplace: str, label: str | None) -> str:
        """Return the label of the account for a request. Raises InvalidRequestError."""
        here = [name for name, account in self.accounts.items() if account.marketplace == marketplace]
        if label is not None:
            if label in here:
                return label
            if label in self.accounts:
                other = self.accounts[label].marketplace
                raise InvalidRequestError(f"the account {label!r} is at {other}, not at {marketplace}")
            raise InvalidRequestError(f"no account has the label {label!r}{_guess(label, self.accounts)}")
        if not here:
            raise InvalidRequestError(f"no account at {marketplace} is configured")
        if len(here) > 1:
            raise InvalidRequestError(
                f"there are several accounts at {marketplace}: say which, {' or '.join(here)}"
            )
        return here[0]


def opened(config: Path | None) -> Opened:
    """Open the accounts that a file or the environment configures. Raises `Stop`."""
    setup = (
        from_environment(Environ(), "COUNTERMAND_")
        if config is None
        else from_accounts_file(config, Environ())
    )
    try:
        accounts = setup.checked()
        client = Countermand(*accounts, timeout=setup.patience(None))
    except (ValueError, CountermandError) as error:
        raise Stop(str(error.args[0])) from None
    if setup.warning is not None:
        tell(f"warning: {setup.warning}", style="yellow")
    return Opened(client, {account.label: account for account in accounts})


def marketplace_of(name: str) -> str:
    """Return the short name of a marketplace. Raises InvalidRequestError for an unknown one."""
    found = name.strip().casefold()
    if found in OURS or found in announced():
        return found
    known = [*OURS, *announced()]
    raise InvalidRequestError(
        f"there is no marketplace {name!r}{_guess(found, known)}: it is one of {', '.join(known)}"
    )


def _guess(word: str, words: "Mapping[str, Any] | list[str]") -> str:
    close = get_close_matches(word, list(words), 1, 0.6)
    return f", did you mean {close[0]}?" if close else ""


def told(account: AnyAccount) -> dict[str, str | None]:
    """Return the public settings of an account."""
    return {
        "account": account.label,
        "marketplace": account.marketplace,
        # A base URL replaces the environment's URL.
        "environment": None if getattr(account, "base_url", None) else getattr(account, "environment", None),
        "url": getattr(account, "url", None),
        "rate": account.rate,
    }


def list_accounts(config: Path | None, as_json: bool) -> Exit:
    """Write the configured accounts, without their credentials."""
    accounts = opened(config)
    rows = [told(account) for account in accounts.accounts.values()]
    accounts.client.close()
    if as_json:
        for row in rows:
            data_json(row)
        return Exit.DONE
    shown = [{name: value or "-" for name, value in row.items()} for row in rows]
    titles: dict[str, str] = {name: name for name in shown[0]}
    widths = {name: max(len(row[name]) for row in [titles, *shown]) for name in titles}
    for line in (titles, *shown):
        data("  ".join(line[name].ljust(width) for name, width in widths.items()).rstrip())
    return Exit.DONE
