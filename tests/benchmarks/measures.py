"""What is measured, and the bars: the table that `docs/benchmarks.md` shows and `check` holds us to."""

from collections.abc import Sequence
from dataclasses import dataclass

from .cold import HEAVY
from .contenders import ASYNC, PEERS
from .harness import Entry, Group, Results, Round, Spread
from .worker import MARKETPLACES

TOLERANCE = 0.10
"""How far beyond its bar a measure may be before `check` fails: what a busy machine does to a short run."""

LIMITS = ("httpx", "httpx, limits = in flight")
"""The limits that bare httpx is tried with; the better of them is what we are measured against."""

CASES = ((1, "fast"), (16, "fast"), (64, "fast"), (16, "slow"), (64, "slow"))
_SECONDS_AND_TIMES = {
    "1 fast": (0.06, 3),
    "16 fast": (0.1, 1),
    "64 fast": (0.25, 1),
    "16 slow": (0.3, 1),
    "64 slow": (0.5, 1),
}
_DUELS = (
    ("1 fast", "httpx", "countermand", 4),
    ("64 fast", "httpx", "countermand", 2),
    ("64 fast", "httpx", "countermand with httpx2", 2),
    ("64 fast", "httpx2", "countermand with httpx2", 4),
    ("64 fast", "httpx", "countermand with aiohttp", 2),
    ("64 fast", "aiohttp", "countermand with aiohttp", 4),
)
"""Two that a bar compares against the quick server, where a busy machine shows most: measured back to back."""

_MORE_PARTS = "parts-{} beside parts-1"
_PARTS_SECONDS = 0.5
"""Long enough for some full collections of garbage: they take as long as many calls, and a short turn has one or none."""

_QUICK_CASES = {"1 fast", "64 fast", "64 slow"}
_QUICK_ASYNC = (
    *LIMITS,
    "httpx2",
    "aiohttp",
    "countermand",
    "countermand with httpx2",
    "countermand with aiohttp",
)


def groups(*, quick: bool) -> list[Group]:
    """Give what one round consists of; a quick one leaves out what no bar asks for."""

    def sync(name: str, entries: list[tuple[str, str]], times: int, seconds: float = 0.04) -> Group:
        return Group(name, [Entry(contender, case, seconds) for contender, case in entries], times)

    both = ("httpx", "countermand")
    all_groups = [
        sync("sync", [(who, "four") for who in both], 6),
        sync("marketplaces", [(who, case) for who in both for case in MARKETPLACES], 2),
        sync("peers", [(who, "kibo") for who in ("httpx", *PEERS)], 4),
        sync(
            "parts",
            [("countermand", _MORE_PARTS.format(parts)) for parts in (1000, 2000)]
            + [("httpx", _MORE_PARTS.format(1000)), ("json.loads", "parts-1000")],
            2,
            _PARTS_SECONDS,
        ),
    ]
    for in_flight, speed in CASES:
        case = f"{in_flight} {speed}"
        if quick and case not in _QUICK_CASES:
            continue
        seconds, times = _SECONDS_AND_TIMES[case]
        names = _QUICK_ASYNC if quick else ASYNC
        entries = [Entry(who, case, seconds, in_flight, speed == "slow") for who in names]
        all_groups.append(Group(case, entries, times))
    for case, baseline, ours, times in _DUELS:
        seconds, _ = _SECONDS_AND_TIMES[case]
        entries = [Entry(who, case, seconds, int(case.split()[0])) for who in (baseline, ours)]
        all_groups.append(Group(_duel(case, baseline, ours), entries, times))
    return all_groups


def _duel(case: str, baseline: str, ours: str) -> str:
    return f"{case}: {ours} beside {baseline}"


def better_limits(results: Results, case: str) -> str:
    """Give which of the limits served bare httpx better in this run."""
    return min(LIMITS, key=lambda name: results.median(case, f"{name}: {case}"))


def throughput(results: Results, case: str, contender: str, baseline: str | None = None) -> Spread:
    """Give a contender's throughput over bare httpx's at its better limits, or over another's."""
    baseline = baseline or better_limits(results, case)
    return Spread.of(results.ratios(case, f"{baseline}: {case}", f"{contender}: {case}"))


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table: what was measured, against which bar."""

    title: str
    bar: float
    measured: Spread
    at_most: bool = True

    @property
    def met(self) -> bool:
        """Say whether the median is within the bar."""
        return self.within(0.0)

    def within(self, tolerance: float) -> bool:
        """Say whether the median is within the bar, give or take."""
        if self.at_most:
            return self.measured.median <= self.bar * (1 + tolerance)
        return self.measured.median >= self.bar * (1 - tolerance)


def measures(results: Results) -> list[Measure]:
    """Work out every measure that has a bar."""
    four = Spread.of(results.ratios("sync", "countermand: four", "httpx: four"))
    peers = {
        peer: Spread.of(results.ratios("peers", f"{peer}: kibo", "httpx: kibo")).median for peer in PEERS
    }
    cheapest = min(peers, key=peers.__getitem__)

    def wide(title: str, bar: float, case: str, contender: str, baseline: str | None = None) -> Measure:
        baseline = baseline or better_limits(results, case)
        duel = _duel(case, baseline, contender)
        group = duel if duel in results.rounds else case
        ratios = results.ratios(group, f"{baseline}: {case}", f"{contender}: {case}")
        return Measure(title, bar, Spread.of(ratios), at_most=False)

    ours, with_httpx2, with_aiohttp = (f"countermand{plug}" for plug in ("", " with httpx2", " with aiohttp"))
    of_64 = "throughput over bare `httpx.AsyncClient` at its better limits, 64 in flight"
    return [
        Measure("sync call, all four marketplaces, time over bare httpx", 0.85, four),
        Measure(f"the same, below every peer (the cheapest is {cheapest})", peers[cheapest], four),
        wide(
            "async, throughput over bare `httpx.AsyncClient`, 1 in flight, stock",
            1.1,
            "1 fast",
            ours,
            "httpx",
        ),
        wide(f"async, {of_64}: stock", 2.0, "64 fast", ours),
        wide("… with an httpx2 client", 2.5, "64 fast", with_httpx2),
        wide("… with the aiohttp driver", 8.0, "64 fast", with_aiohttp),
        wide("the same against a server that takes 50 ms: stock", 1.6, "64 slow", ours),
        wide("… with the aiohttp driver", 1.9, "64 slow", with_aiohttp),
        wide(
            "httpx2 client, throughput over bare `httpx2.AsyncClient`, 64 in flight",
            0.95,
            "64 fast",
            with_httpx2,
            "httpx2",
        ),
        wide(
            "aiohttp driver, throughput over bare aiohttp with `json.loads`, 64 in flight",
            0.8,
            "64 fast",
            with_aiohttp,
            "aiohttp",
        ),
        _cold(results, "`import countermand`, time over `import httpx`", 0.3, "import"),
        Measure(f"of {', '.join(HEAVY)}: imported by it", 0, _modules(results)),
        _cold(
            results,
            "import, build a client, first call: time over the same with bare httpx",
            1.25,
            "first call",
        ),
        _cold(results, "memory of a further idle client over a bare `httpx.Client`'s", 1.3, "idle"),
        Measure(
            "CPU that 1,000 parts in the answer add over 1, over `json.loads` of the body",
            1.5,
            growth(results),
        ),
        Measure("… and what 2,000 add over what 1,000 add: linear is 2", 2.2, linearity(results)),
    ]


def _cold(results: Results, title: str, bar: float, name: str) -> Measure:
    values = results.cold_ratios(f"{name} countermand", f"{name} httpx")
    return Measure(title, bar, Spread.of(values))


def _modules(results: Results) -> Spread:
    return Spread.of([each["modules"] for each in results.cold])


def growth(results: Results, contender: str = "countermand") -> Spread:
    """Give the CPU that 1,000 parts add to a call, in `json.loads` of the same body."""
    return Spread.of(
        [
            _added(each, contender, 1000) / each["json.loads: parts-1000"].cpu_per_call
            for each in results.rounds["parts"]
        ]
    )


def linearity(results: Results) -> Spread:
    """Give the CPU that 2,000 parts add over what 1,000 add."""
    return Spread.of(
        [
            _added(each, "countermand", 2000) / _added(each, "countermand", 1000)
            for each in results.rounds["parts"]
        ]
    )


def _added(each: Round, contender: str, parts: int) -> float:
    return each[f"{contender}: {_MORE_PARTS.format(parts)}"].cpu_per_call


def failures(table: Sequence[Measure], tolerance: float = TOLERANCE) -> list[Measure]:
    """Give the measures that are beyond their bars by more than the tolerance."""
    return [measure for measure in table if not measure.within(tolerance)]
