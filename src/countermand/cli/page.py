"""The report as one HTML file: no script, no external resources, light and dark, for phones too."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import escape
from importlib.resources import files

from .display import duration, per_time
from .findings import KINDS, NAMED, Findings, Group, Need, Piece, moment, ordered, words_of
from .terminal import several

#: The most consecutive empty pieces that a timeline draws; a longer pause is one mark.
_PAUSE = 4


def page(found: Findings) -> str:
    """Return the report as HTML."""
    style = files(__package__ or "").joinpath("page.css").read_text(encoding="utf-8")
    title = f"Cancellations: {found.path.name}"
    body = "\n".join(_sections(found))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _sections(found: Findings) -> Iterator[str]:
    yield f"<header><h1>Cancellations</h1><p>{escape(found.path.name)}, as of {_now()}</p></header>"
    yield _summary(found)
    yield _counts(found)
    yield "<h2>What needs a person</h2>"
    yield from _needs(found.urgent, "Nothing: every order that was answered is cancelled or pending.")
    if found.waiting:
        yield "<h2>What is not settled yet</h2>"
        yield from _needs(found.waiting, "")
    yield from _timeline(found)
    yield _accounts(found)
    yield _sessions(found)


def _now() -> str:
    return f"{datetime.now().astimezone():%Y-%m-%d %H:%M}"


def _summary(found: Findings) -> str:
    done = found.kinds["cancelled"]
    needing = sum(need.count for need in found.urgent)
    unsent = found.kinds["unsent"]
    tiles = [
        ("cancelled", "cancelled", done),
        ("requested", "not settled yet", found.kinds["requested"]),
        *([("unsent", "not sent yet", unsent)] if unsent else []),
        ("unknown" if needing else "", "needs a person" if needing == 1 else "need a person", needing),
    ]
    shown = "".join(
        f'<div class="tile {kind}"><strong>{count:,}</strong><span>{words}</span></div>'
        for kind, words, count in tiles
    )
    of = f"of {found.orders:,} orders"
    again = f"; {several(found.duplicates, 'duplicate row')}" if found.duplicates else ""
    return f'<div class="tiles">{shown}</div><p class="note">{of}{again}</p>'


def _counts(found: Findings) -> str:
    total = max(found.orders, 1)
    bars = "".join(
        f'<i class="{_class(kind)}" style="flex-grow:{found.kinds[kind]}" title="{escape(words_of(kind))}"></i>'
        for kind in ordered(found)
    )
    rows = "".join(
        f'<tr><td><i class="dot {_class(kind)}"></i>{escape(words_of(kind))}</td>'
        f"<td>{found.kinds[kind]:,}</td><td>{_share(found.kinds[kind] / total)}</td></tr>"
        for kind in ordered(found)
    )
    return (
        f'<h2>What became of them</h2><div class="bar" aria-hidden="true">{bars}</div>'
        f"<table><thead><tr><th>answer</th><th>orders</th><th>share</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _share(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "&lt;0.1%"


def _needs(needs: list[Need], nothing: str) -> Iterator[str]:
    if not needs:
        yield f"<p>{nothing}</p>"
    for need in needs:
        groups = "".join(_group(group) for group in need.groups)
        yield (
            f'<section class="need {need.name}"><h3>{escape(need.title)}</h3><p>{_code(need.todo)}</p>{groups}</section>'
        )


def _group(group: Group) -> str:
    where = f" at {escape(group.where)}" if group.where else ""
    why = f": {escape(group.reason)}" if group.reason else ""
    orders = "".join(f"<li>{escape(order)}</li>" for order in group.orders)
    more = f"<p>… and {group.count - NAMED:,} more, in the journal.</p>" if group.count > NAMED else ""
    return f"<details><summary><strong>{group.count:,}</strong>{where}{why}</summary><ul>{orders}</ul>{more}</details>"


def _code(text: str) -> str:
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces))


def _timeline(found: Findings) -> Iterator[str]:
    pieces = found.timeline
    if not pieces:
        return
    most = max(piece.kinds.total() for piece in pieces)
    columns: list[str] = []
    before: Piece | None = None
    for piece in pieces:
        if before is not None:
            columns += _between(before, piece, found.length)
        columns.append(
            _column(piece.kinds, most, f"{piece.began:%Y-%m-%d %H:%M:%S}: {piece.kinds.total():,}")
        )
        before = piece
    first, last = pieces[0].began, pieces[-1].began + timedelta(seconds=found.length)
    end = f"{last:%H:%M:%S}" if last.date() == first.date() else f"{last:%Y-%m-%d %H:%M:%S}"
    yield (
        f"<h2>Timeline</h2><p class='note'>Answers in each {duration(found.length)}, {most:,} at most</p>"
        f'<div class="time" role="img" aria-label="Answers over time">{"".join(columns)}</div>'
        f'<p class="axis"><span>{first:%Y-%m-%d %H:%M:%S}</span><span>{end}</span></p>'
    )


def _between(before: Piece, piece: Piece, length: int) -> list[str]:
    empty = round((piece.began - before.began).total_seconds() / length) - 1
    if empty <= _PAUSE:
        return ["<b></b>"] * empty
    return [f'<b class="pause" title="nothing for {duration(empty * length)}"></b>']


def _column(kinds: Counter[str], most: int, title: str) -> str:
    known = [kind for kind in (*KINDS, *sorted(set(kinds) - set(KINDS))) if kinds[kind]]
    parts = "".join(
        f'<i class="{_class(kind)}" style="height:{kinds[kind] / most:.2%}"></i>' for kind in reversed(known)
    )
    return f'<b title="{title}">{parts}</b>'


def _accounts(found: Findings) -> str:
    kinds = ordered(found)
    rows: list[str] = []
    for account, counts in found.by_account.items():
        marketplace, url = found.accounts.get(account, ("", ""))
        name = escape(account) if account else "rows that are not requests"
        about = f"{marketplace}, {url}" if marketplace else ""
        rate = f"<br>learnt limit {per_time(found.rates[account])}" if account in found.rates else ""
        cells = "".join(_cell(kind, counts[kind]) for kind in kinds)
        rows.append(f"<tr><th>{name}<small>{escape(about)}{rate}</small></th>{cells}</tr>")
    heads = "".join(f"<th>{escape(words_of(kind))}</th>" for kind in kinds)
    return (
        '<h2>By account</h2><table class="accounts"><thead><tr><th>account</th>'
        f"{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _cell(kind: str, count: int) -> str:
    zero = "" if count else ' class="zero"'
    return f'<td{zero} data-name="{escape(words_of(kind))}">{count:,}</td>'


def _sessions(found: Findings) -> str:
    rows = "".join(
        f"<tr><td>{moment(session.began)}</td>"
        f"<td>{moment(session.ended) if session.ended else 'still running, or killed'}</td></tr>"
        for session in found.sessions
    )
    return f"<h2>Runs</h2><table><thead><tr><th>began</th><th>ended</th></tr></thead><tbody>{rows}</tbody></table>"


def _class(kind: str) -> str:
    return "error" if kind.startswith("error:") else kind
