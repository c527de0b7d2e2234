"""The progress of a run: a live display on a terminal, or a plain line every few seconds."""

import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..bulk.results import LaneProgress, Progress
from .terminal import is_live, people, plain, several, tell

#: Seconds between two plain lines.
EVERY = 5.0
#: Frames a second of the display.
_FRAMES = 4
#: A terminal with fewer columns shows less of each account.
_WIDE = 80
#: The five answers, and their colours.
ANSWERS = {
    "cancelled": "green",
    "requested": "cyan",
    "partially_cancelled": "yellow",
    "refused": "magenta",
    "unknown": "red",
}
_STYLES = {"running": "green", "idle": "dim", "waiting": "yellow", "paused": "yellow", "stopped": "red"}


class Shown(Protocol):
    """A run whose progress is shown."""

    @property
    def progress(self) -> Progress:
        """Its current progress."""
        ...


@contextmanager
def showing(run: Shown, total: int) -> Generator[None]:
    """Show a run of `total` rows on standard error during the `with` block."""
    snapshot = _Snapshot(run)
    if is_live():
        console = people(wraps=True)
        picture = _Picture(snapshot, total, console)
        with Live(console=console, refresh_per_second=_FRAMES, get_renderable=picture.draw):
            yield
        return
    ended = threading.Event()

    def lines() -> None:
        while not ended.wait(EVERY):
            tell(line(snapshot.take(), total))

    thread = threading.Thread(target=lines, name="countermand-display", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class _Snapshot:
    """A run's progress, read from another thread: the previous one if the run is just changing it."""

    def __init__(self, run: Shown) -> None:
        self._run = run
        self._last = run.progress

    def take(self) -> Progress:
        with suppress(RuntimeError):  # a dict has changed while it was copied
            self._last = self._run.progress
        return self._last


def errors_in(progress: Progress) -> int:
    """Return how many results are errors."""
    return sum(count for kind, count in progress.kinds.items() if kind.startswith("error:"))


def line(progress: Progress, total: int) -> str:
    """Return a run's progress on one line."""
    counts = [
        f"{progress.kinds.get(kind, 0):,} {_words(kind)}" for kind in ANSWERS if progress.kinds.get(kind)
    ]
    counts.append(several(errors_in(progress), "error"))
    left = progress.seconds_left(total)
    told = [
        f"{datetime.now().astimezone():%H:%M:%S}",
        f"{progress.done:,} of {total:,}: {', '.join(counts)};",
        f"{progress.rate:,.0f}/s" + (f", {duration(left)} left" if left and round(left) else ""),
    ]
    lanes = [
        f"{lane.account} {state_of(lane)}" for lane in progress.lanes if lane.state not in ("idle", "running")
    ]
    return " ".join(told) + (f"; {'; '.join(lanes)}" if lanes else "")


def state_of(lane: LaneProgress) -> str:
    """Return an account's state as text."""
    until = "" if lane.until is None else f" until {lane.until.astimezone():%H:%M:%S}"
    why = f": {plain(lane.reason)}" if lane.reason else ""
    if lane.state == "paused":
        return f"paused, next try{until.replace(' until', ' at')}{why}"
    return f"{lane.state}{until}{why}"


def rate_of(lane: LaneProgress) -> str:
    """Return an account's limit as text."""
    if lane.rate is None:
        return "no limit seen"
    return f"{per_time(lane.rate)} {'learnt' if lane.learnt else 'configured'}"


def per_time(rate: float) -> str:
    """Return requests a second as text."""
    return f"{rate:,.1f}/s" if rate >= 1 else f"{rate * 60:,.1f}/min"


def duration(seconds: float) -> str:
    """Return a time such as 7m 50s."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {seconds:02}s" if minutes else f"{seconds}s"


def _words(kind: str) -> str:
    return kind.replace("_", " ")


class _Picture:
    """Draws a run."""

    def __init__(self, snapshot: _Snapshot, total: int, console: Console) -> None:
        self._snapshot = snapshot
        self._total = total
        self._console = console

    def draw(self) -> Group:
        """Return the current display."""
        progress = self._snapshot.take()
        return Group(self._head(progress), self._counts(progress), self._lanes(progress))

    def _head(self, progress: Progress) -> Table:
        left = progress.seconds_left(self._total)
        share = progress.done / self._total if self._total else 1.0
        head = Table.grid(padding=(0, 1), expand=True)
        head.add_column(no_wrap=True)
        head.add_column(ratio=1)
        head.add_column(no_wrap=True, justify="right")
        head.add_row(
            Text(f"{progress.done:,} of {self._total:,}", style="bold"),
            ProgressBar(
                total=max(self._total, 1),
                completed=progress.done,
                complete_style="cyan",
                finished_style="green",
            ),
            Text(f"{share:4.0%}"),
        )
        pace = f"{progress.rate:,.0f}/s, {duration(progress.elapsed)}"
        head.add_row(
            Text(pace), Text(f"about {duration(left)} left" if left and round(left) else ""), Text("")
        )
        return head

    def _counts(self, progress: Progress) -> Text:
        said: list[tuple[str, int, str]] = [
            (_words(kind), progress.kinds.get(kind, 0), colour) for kind, colour in ANSWERS.items()
        ]
        said.append(("errors", errors_in(progress), "red"))
        text = Text()
        for name, count, colour in said:
            text.append(f"{name} ", style="dim" if not count else "")
            text.append(f"{count:,}   ", style=f"bold {colour}" if count else "dim")
        return text

    def _lanes(self, progress: Progress) -> Table:
        rows = [_cells(lane) for lane in progress.lanes]
        table = Table(box=None, pad_edge=False, header_style="dim", expand=False)
        narrow = self._console.width < _WIDE
        for title in ("account", "done", "state") if narrow else rows[0] if rows else ():
            right = title in ("done", "in flight", "429s")
            words = title in ("account", "state")  # these two share what the numbers leave
            table.add_column(title, justify="right" if right else "left", no_wrap=not words, overflow="fold")
        for row in rows:
            table.add_row(*(row[str(column.header)] for column in table.columns))
        return table


def _cells(lane: LaneProgress) -> dict[str, Text | str]:
    named = f"{lane.account} ({lane.marketplace})" if lane.account != lane.marketplace else lane.account
    return {
        "account": Text(named),
        "done": f"{lane.done:,}",
        "in flight": str(lane.in_flight),
        "429s": f"{lane.rate_limited:,}",
        "limit": rate_of(lane),
        "state": Text(state_of(lane), style=_STYLES[lane.state]),
    }
