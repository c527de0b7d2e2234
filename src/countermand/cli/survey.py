"""The survey of an input: orders by account, bad rows, duplicates."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing

from ..bulk.results import UnreadRow
from .accounts import Opened, told
from .codes import Exit, Stop
from .rows import InputRow, Rows
from .terminal import data, data_json, several, tell

#: Bad rows that are listed before a run; all of them are in its results.
_SHOWN = 20


class Survey:
    """The contents of an input. Memory does not grow with the input."""

    def __init__(self, accounts: Opened) -> None:
        self._accounts = accounts
        self.rows: int = 0
        self.bad: int = 0
        self.duplicates: int = 0
        #: Account → orders.
        self.orders: Counter[str] = Counter()
        #: Marketplace and column → values that are not sent.
        self.unused: Counter[tuple[str, str]] = Counter()

    def take(
        self,
        rows: Rows,
        bad: Callable[[InputRow], None],
        again: Callable[[InputRow, int], None] | None = None,
    ) -> None:
        """Read the whole input. `bad` is called with each bad row, `again` with each duplicate and its first line."""
        with closing(sqlite3.connect("", isolation_level=None)) as seen:  # an anonymous temporary file
            seen.execute(
                "CREATE TABLE seen (account TEXT, key TEXT, line INT, PRIMARY KEY (account, key)) WITHOUT ROWID"
            )
            seen.execute("PRAGMA cache_size = -512")
            seen.execute("BEGIN")
            for row in rows:
                self.rows += 1
                if isinstance(row.request, UnreadRow):
                    self.bad += 1
                    bad(row)
                    continue
                label = self._accounts.label_for(row.request.marketplace, row.request.account)
                rules = self._accounts.client[label].rules
                key = rules.order_key(rules.order_of(row.request))
                added = seen.execute(
                    "INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (label, key, row.line)
                ).rowcount
                if added:
                    self.orders[label] += 1
                else:
                    self.duplicates += 1
                    where = "SELECT line FROM seen WHERE account = ? AND key = ?"
                    if again is not None:
                        again(row, seen.execute(where, (label, key)).fetchone()[0])
                for column in row.unused:
                    self.unused[row.request.marketplace, column] += 1

    def tell(self) -> None:
        """Print the number of orders at each account."""
        tell(f"{several(self.orders.total(), 'order')} to cancel:")
        width = max((len(label) for label in self.orders), default=0)
        for label, count in self.orders.items():
            about = told(self._accounts.accounts[label])
            where = f"{about['marketplace']} {about['environment'] or ''}".strip()
            tell(f"  {label:<{width}}  {count:>9,}  {where}, {about['url']}")
        if self.duplicates:
            rows = several(self.duplicates, "duplicate row")
            tell(f"{rows}: each order is cancelled once, and each row has its result")
        for (marketplace, column), count in self.unused.items():
            tell(
                f"note: {marketplace} takes no {column}: in {several(count, 'row')} it is not sent",
                style="yellow",
            )
        if self.bad:
            tell(f"{several(self.bad, 'bad row')}: nothing is sent for them", style="red")


def survey(rows: Rows, accounts: Opened) -> Survey:
    """Survey the input, and print its first bad rows."""
    found = Survey(accounts)

    def bad(row: InputRow) -> None:
        if found.bad <= _SHOWN:
            tell(str(row.problem), style="red")
        elif found.bad == _SHOWN + 1:
            tell("… further bad rows are in the results", style="red")

    found.take(rows, bad)
    return found


def dry_run(rows: Rows, accounts: Opened, as_json: bool) -> Exit:
    """Check every row and send nothing; write the bad rows and the duplicates."""
    found = Survey(accounts)

    def bad(row: InputRow) -> None:
        if as_json:
            data_json({"line": row.line, "problem": row.problem})
        else:
            data(str(row.problem))

    def again(row: InputRow, first: int) -> None:
        if as_json:
            data_json({"line": row.line, "duplicate_of_line": first})
        else:
            data(f"line {row.line}: the same order as line {first}, which is cancelled once")

    found.take(rows, bad, again)
    if not found.rows:
        raise Stop(f"{rows.name}: it contains no orders")
    found.tell()
    if found.bad:
        tell("Nothing was sent: a dry run.", style="bold")
        return Exit.FAILED
    tell("Every row is good. Nothing was sent: a dry run.", style="bold")
    return Exit.DONE
