"""`countermand report`: the report of a journal as text, as JSON, and as one HTML file."""

from pathlib import Path
from typing import Any

from .codes import Exit, Stop
from .display import per_time
from .findings import NEEDS, Findings, Group, Need, findings, moment, ordered, words_of
from .page import page
from .terminal import data, data_json, files_of, several, spare, tell

#: Orders that the text lists of each group, and the width of a timeline's longest bar.
_NAMED, _BAR = 5, 40


def report(journal: Path, html: Path | None, *, as_json: bool) -> Exit:
    """Write the report of a journal."""
    found = findings(journal)
    if html is not None:
        spare(html, *files_of(journal))
        try:
            html.write_text(page(found), encoding="utf-8")
        except OSError as error:
            raise Stop(f"{html}: it cannot be written: {error.strerror}") from None
        tell(f"The report is in {html}.")
    if as_json:
        data_json(_plain_data(found))
    elif html is None:
        for line in _text(found):
            data(line)
    return Exit.DONE


def _text(found: Findings) -> list[str]:
    lines = [
        f"{found.path.name}: {several(found.orders, 'order')}, {several(found.duplicates, 'duplicate row')}"
    ]
    for session in found.sessions:
        ended = "no end: still running, or killed" if session.ended is None else moment(session.ended)
        lines.append(f"  run from {moment(session.began)} to {ended}")
    lines += ["", "What became of them"]
    lines += [f"  {found.kinds[kind]:>9,}  {words_of(kind)}" for kind in ordered(found)]
    lines += ["", "By account"]
    for account, kinds in found.by_account.items():
        counts = ", ".join(f"{kinds[kind]:,} {words_of(kind)}" for kind in ordered(found) if kinds[kind])
        rate = f"; learnt limit {per_time(found.rates[account])}" if account in found.rates else ""
        lines.append(f"  {account or '(rows that are not requests)'}: {counts}{rate}")
    lines += ["", "What needs a person" if found.urgent else "Nothing needs a person."]
    lines += [line for need in found.urgent for line in _need(need)]
    if found.waiting:
        lines += ["", "What is not settled yet"]
        lines += [line for need in found.waiting for line in _need(need)]
    if found.timeline:
        lines += ["", f"Timeline (answers in {found.length} s)"]
        most = max(piece.kinds.total() for piece in found.timeline)
        for piece in found.timeline:
            count = piece.kinds.total()
            bar = "#" * max(1, round(count / most * _BAR))
            lines.append(f"  {piece.began:%Y-%m-%d %H:%M:%S}  {count:>7,}  {bar}")
    return lines


def _need(need: Need) -> list[str]:
    lines = [f"  {need.title}", f"    {need.todo}"]
    for group in need.groups:
        where = f" at {group.where}" if group.where else ""
        why = f": {group.reason}" if group.reason else ""
        named = ", ".join(group.orders[:_NAMED])
        more = f" and {group.count - _NAMED:,} more" if group.count > _NAMED else ""
        lines += [f"    - {group.count:,}{where}{why}", f"      {named}{more}"]
    return lines


def _plain_data(found: Findings) -> dict[str, Any]:
    return {
        "schema": 1,
        "report": "bulk",
        "journal": str(found.path),
        "accounts": {
            label: {"marketplace": name, "url": url} for label, (name, url) in found.accounts.items()
        },
        "sessions": [
            {"began": one.began.isoformat(), "ended": None if one.ended is None else one.ended.isoformat()}
            for one in found.sessions
        ],
        "rows": found.rows,
        "orders": found.orders,
        "duplicates": found.duplicates,
        "kinds": dict(found.kinds),
        "by_account": {account: dict(kinds) for account, kinds in found.by_account.items()},
        "learnt_rates": dict(found.rates),
        "needs_a_person": [_group_data(group) for need in found.urgent for group in need.groups],
        "not_settled": [_group_data(group) for need in found.waiting for group in need.groups],
        "timeline": {
            "seconds": found.length,
            "pieces": [{"began": piece.began.isoformat(), **piece.kinds} for piece in found.timeline],
        },
    }


def _group_data(group: Group) -> dict[str, Any]:
    return {
        "kind": group.kind,
        "account": group.account or None,
        "reason": group.reason,
        "count": group.count,
        "to_do": NEEDS[group.need][2],
        "orders": group.orders,
    }
