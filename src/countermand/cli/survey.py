"""The first look at an input: how many orders at which accounts, what makes no request, what is there twice."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing

from ..bulk.results import UnreadRow
from .accounts import Opened, told
from .codes import Exit, Stop
from .rows import InputRow, Rows
from .terminal import data, data_json, several, tell

#: Bad rows that are told one by one before a run; all of them are in its results.
_SHOWN = 20


class Survey:
    """What an input holds. Its memory does not grow with the input."""

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
        """Read the whole input. `bad` is told each row that makes no request, `again` each order that comes again."""
        with closing(sqlite3.connect("", isolation_level=None)) as seen:  # a file of its own that nobody sees
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
        """Tell people how many orders there are, and where."""
        tell(f"{several(self.orders.total(), 'order')} to cancel:")
        width = max((len(label) for label in self.orders), default=0)
        for label, count in self.orders.items():
            about = told(self._accounts.accounts[label])
            where = f"{about['marketplace']} {about['environment'] or ''}".strip()
            tell(f"  {label:<{width}}  {count:>9,}  {where}, {about['url']}")
        if self.duplicates:
            rows = several(self.duplicates, "row names", "rows name")
            tell(f"{rows} an order again, which is cancelled once and told for each row")
        for (marketplace, column), count in self.unused.items():
            tell(
                f"note: {marketplace} takes no {column}: in {several(count, 'row')} it is not sent",
                style="yellow",
            )
        if self.bad:
            tell(f"{several(self.bad, 'bad row')}: nothing is sent for them", style="red")


def survey(rows: Rows, accounts: Opened) -> Survey:
    """Look through the input; tell people of its bad rows, the first of them one by one."""
    found = Survey(accounts)

    def bad(row: InputRow) -> None:
        if found.bad <= _SHOWN:
            tell(str(row.problem), style="red")
        elif found.bad == _SHOWN + 1:
            tell("… further bad rows are in the results", style="red")

    found.take(rows, bad)
    return found


def dry_run(rows: Rows, accounts: Opened, as_json: bool) -> Exit:
    """Check every row and send nothing; write every row that has something to tell."""
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
            data(f"line {row.line}: the same order as line {first}: it is cancelled once")

    found.take(rows, bad, again)
    if not found.rows:
        raise Stop(f"{rows.name}: there is no order in it")
    found.tell()
    if found.bad:
        tell("Nothing was sent: a dry run.", style="bold")
        return Exit.FAILED
    tell("Every row is good. Nothing was sent: a dry run.", style="bold")
    return Exit.DONE
