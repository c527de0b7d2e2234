"""Results as `docs/benchmarks.md` and its plot."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from .contenders import ASYNC, PEERS
from .harness import Results, Spread
from .measures import CASES, LIMITS, TOLERANCE, Measure, better_limits, growth, measures, throughput
from .plot import Bar, Panel, draw
from .worker import MARKETPLACES

PAGE, PLOT = Path("docs/benchmarks.md"), Path("docs/benchmarks.svg")


def write(results: Results) -> None:
    """Write the page and its plot."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(results), encoding="utf-8")
    PLOT.write_text(plot(results), encoding="utf-8")


def lines(table: Sequence[Measure]) -> list[tuple[str, ...]]:
    """Give the table of the bars, a tuple of texts for each line, its head first."""
    rows: list[tuple[str, ...]] = [("measure", "bar", "measured", "quartiles", "verdict")]
    for measure in table:
        sign, ratio = "≤" if measure.at_most else "≥", measure.measured
        if measure.met:
            verdict = "met"
        else:
            verdict = "within the tolerance" if measure.within(TOLERANCE) else "**missed**"
        quartiles = f"{ratio.low:.2f} to {ratio.high:.2f}"
        rows.append((measure.title, f"{sign} {measure.bar:.3g}", f"{ratio.median:.2f}", quartiles, verdict))
    return rows


def plain_table(rows: Sequence[tuple[str, ...]]) -> str:
    """Lay a table out for a terminal."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def plot(results: Results) -> str:
    """Draw what a reader asks first: the sync call beside the peers, and 64 calls in flight."""
    ours = Bar("countermand, all four", _sync(results, "countermand"))
    sync = [ours, *(Bar(peer, _peer(results, peer)) for peer in PEERS)]
    panels = [Panel("A sync call: time over bare httpx", "lower is better; the line is bare httpx", sync)]
    for case, server in (("64 fast", "a quick server"), ("64 slow", "a server that takes 50 ms")):
        bars = [Bar(name, throughput(results, case, name)) for name in ASYNC if name not in LIMITS]
        bars.sort(key=lambda bar: bar.ratio.median)
        note = "higher is better; the line is bare httpx at its better limits"
        panels.append(Panel(f"Async, 64 in flight, {server}: throughput over bare httpx", note, bars))
    return draw(panels)


def page(results: Results) -> str:
    """Write the page."""
    about = results.about
    runs = f"{len(results.rounds['sync'])} rounds of the sync call and {len(results.rounds['64 fast'])} of each async case"
    over_tls = Spread.of(results.cold_ratios("first call over TLS countermand", "first call over TLS httpx"))
    return f"""# Benchmarks

What countermand costs over the HTTP library underneath, beside other SDKs, and what it does with many calls in
flight. `{about["command"]}` wrote this page; `make bench-check` fails when a measure is more than
{TOLERANCE:.0%} beyond its bar.

{_table(lines(measures(results)))}

![Bars: a sync call's time, and throughput with 64 in flight, over bare httpx](benchmarks.svg)

Measured on {about["machine"]}, {about["python"]}, in {about["seconds"]} seconds: {runs} (seed {about["seed"]}).
Versions: {about["versions"]}.

## How it is measured

- Every contender has one process of its own, started once. A loopback server, in a process of its own too, finds the
  end of a request and sends a fixed reply: about 25 µs from send to receive on a bare socket.
- Contenders take short turns one after another, in an order shuffled anew each round, a few unmeasured calls first.
  A ratio is of two turns of the same round, and where a bar compares two that have calls in flight against the quick
  server, of two turns back to back; the table shows the median of these ratios and their quartiles. The garbage
  collector is left as it is.
- Bare httpx is one `httpx.Client`, kept open: `client.post(url, json=…, headers=…).json()` with the URL an
  f-string and the headers a fixed dict. countermand's calls are typed, authenticated and retry-protected.
- Each peer makes one authenticated POST with a JSON body, Kibo's, through its own machinery: a typed answer where it has
  one, its retries on, one connection kept open.
- With calls in flight, every turn is a burst from a new client. The clock runs from the end of one call to the end of
  another, with all lanes busy before, between and after: opening the connections is not counted.
- With many in flight, bare httpx is shown with its limits as they come (100 connections, 20 kept) and with as many
  connections as calls; the better of the two in this run is the baseline. Eight connections are quicker against a
  quick server, because httpx looks through all of its connections for every call, and far slower against any other;
  they are shown too.
- Starting up is measured in fresh interpreters, each timing itself, so that Python's own start is not in it, and
  without rich and click, which `import httpx` would import where peers have brought them. Memory is resident memory, for each of 50 further
  clients that have made one call over TLS.

## The first call

Loopback is plain http, where bare httpx loads the CA bundle all the same and countermand does not. Over TLS both
have to, and to import, build a client and make the first call takes {over_tls.median:.2f} times what it takes with bare httpx
({over_tls.low:.2f} to {over_tls.high:.2f}): what is added is attrs, msgspec, four
configurations and the models of the marketplace that is called, once.

## A sync call

{_table(_sync_rows(results))}

{_table(_marketplace_rows(results))}

## Many calls in flight

Throughput over bare httpx at its better limits (the one with the star), and calls per second.

{_table(_async_rows(results))}

## Many parts

A thousand parts in the answer add to a call of countermand {growth(results).median:.2f} times the CPU of `json.loads` of
the same body; to one of bare httpx, which gives plain dicts, {growth(results, "httpx").median:.2f} times. Calls
with one part and with many are made in turn: in a series of its own a small call is quicker than it is beside large ones.
Full collections of garbage are in it: Python's collector tracks an object of a class, and not a dict of numbers and texts.

## What this does not tell

Loopback has no latency and no loss, and next to nothing here is encrypted; a real marketplace takes tens
or hundreds of milliseconds, beside which the difference between any two contenders in one sync call is small. All
marketplaces are one address here, and four in life. Only the happy path is timed: no retry, no wait, no settling read.

Figures per second are this machine's; the ratios travel better, though not unchanged. Against the server that takes
50 ms nobody can do more than 1,280 calls per second with 64 in flight, and how far bare httpx stays below that depends
on the machine. A burst is what it says: bare httpx that has been at it for more than five seconds without a pause,
against a quick server, has let go of its idle connections and does better than shown.
"""


def _sync(results: Results, who: str) -> Spread:
    return Spread.of(results.ratios("sync", f"{who}: four", "httpx: four"))


def _peer(results: Results, who: str, quantity: str = "per_call") -> Spread:
    return Spread.of(results.ratios("peers", f"{who}: kibo", "httpx: kibo", quantity))


def _sync_rows(results: Results) -> Iterable[tuple[str, ...]]:
    yield "contender", "time over bare httpx", "quartiles", "µs per call", "answer"
    for group, who, case in (
        ("sync", "countermand", "four"),
        ("sync", "httpx", "four"),
        *(("peers", who, "kibo") for who in ("httpx", *PEERS)),
    ):
        ratio = Spread.of(results.ratios(group, f"{who}: {case}", f"httpx: {case}"))
        key = f"{who}: {case}"
        name = f"{who}, {'all four in turn' if case == 'four' else 'one POST'}"
        answers = {each[key].answer for each in results.rounds[group]} - {"NoneType"}
        yield _row(name, ratio, f"{results.median(group, key) * 1e6:.0f}", " or ".join(sorted(answers)))


def _marketplace_rows(results: Results) -> Iterable[tuple[str, ...]]:
    yield "countermand at", "time over bare httpx", "quartiles", "µs per call", "bare httpx, µs"
    for case in MARKETPLACES:
        ours, bare = f"countermand: {case}", f"httpx: {case}"
        ratio = Spread.of(results.ratios("marketplaces", ours, bare))
        figures = (f"{results.median('marketplaces', key) * 1e6:.0f}" for key in (ours, bare))
        yield _row(case, ratio, *figures)


def _async_rows(results: Results) -> Iterable[tuple[str, ...]]:
    cases = [f"{in_flight} {speed}" for in_flight, speed in CASES]
    heads = (case.replace("fast", "in flight").replace("slow", "in flight, 50 ms") for case in cases)
    yield "contender", *heads
    for name in ASYNC:
        cells: list[str] = []
        for case in cases:
            ratio = throughput(results, case, name).median
            rate = 1 / results.median(case, f"{name}: {case}")
            mark = " *" if name == better_limits(results, case) else ""
            cells.append(f"{ratio:.2f} ({rate:,.0f}/s){mark}")
        yield name, *cells


def _row(name: str, ratio: Spread, *more: str) -> tuple[str, ...]:
    return name, f"{ratio.median:.2f}", f"{ratio.low:.2f} to {ratio.high:.2f}", *more


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    head, *body = rows
    dashes = tuple("---" for _ in head)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, dashes, *body))
