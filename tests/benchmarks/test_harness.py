"""The benchmark computes what it says it computes, and its server answers as a marketplace would."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest

from . import __main__, plot, report, server
from .calls import Call, many_parts_call, plain_calls
from .harness import Results, Round, Spread
from .measures import Measure, failures, groups, measures
from .worker import Sample, run_async, run_beside


def sample(per_call: float) -> Sample:
    """Make a sample of a hundred calls."""
    return Sample(calls=100, wall=per_call * 100, cpu=per_call * 50, answer="Requested")


def made_up() -> Results:
    """Make results in which countermand takes 0.9 of every other contender's time."""

    def per_call(contender: str, case: str) -> float:
        name, _, beside = case.partition(" beside ")
        parts = int(name.removeprefix("parts-")) if name.startswith("parts-") else 0
        if beside:
            return parts / 100_000
        return (0.0009 if contender.startswith("countermand") else 0.001) * (1 + parts / 100)

    rounds: dict[str, list[Round]] = {
        group.name: [{entry.key: sample(per_call(entry.contender, entry.case)) for entry in group.entries}]
        * 2
        for group in groups(quick=False)
    }
    cold = {"import httpx": 0.1, "import countermand": 0.05, "modules": 0.0}
    cold |= {"first call httpx": 0.2, "first call countermand": 0.3}
    cold |= {"first call over TLS httpx": 0.2, "first call over TLS countermand": 0.3}
    cold |= {"idle httpx": 1e6, "idle countermand": 1e5}
    about = dict.fromkeys(("command", "machine", "python", "versions"), "…")
    return Results(rounds, [cold, cold], {**about, "seconds": 1, "seed": 1})


def test_a_ratio_is_of_two_turns_of_one_round() -> None:
    """A machine that is twice as slow in one round changes no ratio."""
    rounds = [{"ours": sample(0.9), "bare": sample(1.0)}, {"ours": sample(1.8), "bare": sample(2.0)}]
    assert Results({"sync": rounds}, [], {}).ratios("sync", "ours", "bare") == pytest.approx([0.9, 0.9])


@pytest.mark.parametrize("tolerance, status", [(0.1, 1), (100.0, 0)])
def test_a_check_judges(
    tolerance: float, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exit status says whether everything is within its bar, and it writes no page."""
    made_up().save(tmp_path / "results.json")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(__main__, "failures", lambda table: failures(table, tolerance))
    monkeypatch.setattr("sys.argv", ["benchmarks", "check", "--results", "results.json"])
    assert __main__.main() == status
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_a_spread_is_the_median_and_its_quartiles() -> None:
    """One stray value moves neither the median nor the quartiles far."""
    assert Spread.of([1.0, 2.0, 3.0, 4.0, 100.0]) == Spread(3.0, 2.0, 4.0, 5)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0, 1)


@pytest.mark.parametrize(
    "measured, at_most, met, fails",
    [
        (0.95, True, True, False),
        (1.0, True, False, False),
        (1.1, True, False, True),
        (0.8, False, False, True),
    ],
)
def test_check_fails_only_beyond_the_tolerance(
    measured: float, at_most: bool, met: bool, fails: bool
) -> None:
    """A measure just beyond its bar is not met, and does not fail yet; one far beyond it does."""
    measure = Measure("…", 0.95, Spread.of([measured]), at_most=at_most)
    assert measure.met is met
    assert bool(failures([measure])) is fails


def test_every_measure_is_worked_out_from_a_run() -> None:
    """Time ratios are ours over theirs, throughput ratios the other way round."""
    found = {measure.title: measure.measured.median for measure in measures(made_up())}
    titles = list(found)
    assert found[titles[0]] == pytest.approx(0.9)
    assert found["… with the aiohttp driver"] == pytest.approx(1 / 0.9)
    assert found["`import countermand`, time over `import httpx`"] == pytest.approx(0.5)
    assert found["… and what 2,000 add over what 1,000 add: linear is 2"] == pytest.approx(2)


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Saving and loading changes nothing."""
    results = made_up()
    results.save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json") == results


def test_the_page_and_its_plot_hold_every_contender() -> None:
    """The page names all of them, and the plot is well-formed SVG."""
    results = made_up()
    assert all(
        entry.contender in report.page(results) for group in groups(quick=False) for entry in group.entries
    )
    assert ElementTree.fromstring(report.plot(results)).tag == "{http://www.w3.org/2000/svg}svg"
    assert plot.draw([]).startswith("<svg")


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """Run the server as the benchmark does."""
    with server.running() as url:
        yield url


@pytest.mark.parametrize("marketplace", ["pattern", "vtex", "crux", "kibo"])
def test_the_server_answers_about_the_order_that_was_asked_for(base: str, marketplace: str) -> None:
    """Two different orders get two answers, each with its own id; Crux's answer is empty."""
    make = plain_calls(base)[marketplace]
    with httpx.Client() as client:
        for _ in range(2):
            call = make()
            response = client.request(call.method, call.url, json=call.json, headers=call.headers)
            if marketplace == "crux":
                assert (response.status_code, response.content) == (204, b"")
                continue
            answer = response.raise_for_status().json()
            asked = {
                "pattern": call.url.partition("=")[2],
                "vtex": call.url.split("/")[-2],
                "kibo": (call.json or {}).get("orderId"),
            }
            said = {"pattern": "market_order_id", "vtex": "orderId", "kibo": "orderID"}
            assert answer[said[marketplace]] == asked[marketplace]


def test_what_a_call_takes_more_than_another() -> None:
    """The CPU is the difference of the two, and the calls are the first one's."""
    made: list[str] = []

    def burn(name: str, rounds: int) -> Call:
        def call() -> int:
            made.append(name)
            return sum(range(rounds))

        return call

    found = run_beside(burn("large", 100_000), burn("small", 100), 0.05)
    assert made[: 2 * found.calls : 2] == ["large"] * found.calls
    assert 0 < found.cpu < found.wall


def test_the_server_answers_with_as_many_parts_as_the_path_says(base: str) -> None:
    """A thousand parts arrive whole, each with an id of its own."""
    call = many_parts_call(base, 1000)
    parts = httpx.post(call.url, headers=call.headers).json()["cancelled_orders"]
    assert len({part["warehouse_order_id"] for part in parts}) == 1000


def test_the_server_refuses_what_no_marketplace_takes(base: str) -> None:
    """A contender that calls wrongly is not measured as a quick one."""
    assert httpx.get(f"{base}/kibo/api/v2/order/action/cancel").status_code == 404
    assert httpx.patch(f"{base}/crux/orders/cancel/", json={}).status_code == 404


def test_a_request_in_pieces_and_two_in_one_piece_are_both_answered() -> None:
    """What has not come whole is waited for; what follows a whole request is kept."""
    body = json.dumps({"orderId": 7}).encode()
    head = b"POST /kibo/api/v2/order/action/cancel HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert server.respond(head[:30]) is None
    assert server.respond(head + body[:5]) is None
    reply, rest = server.respond(head + body + head) or (b"", b"")
    assert b'"orderID": 7,' in reply
    assert rest == head


def test_a_delay_holds_up_nobody_else() -> None:
    """Ten calls at once, at a server that takes 100 ms, are answered long before ten times 100 ms."""
    request = b"POST /vtex/api/oms/pvt/orders/1/cancel HTTP/1.1\r\n\r\n"
    with server.running(0.1) as base, ExitStack() as stack:
        address = ("127.0.0.1", int(base.rpartition(":")[2]))
        connections = [stack.enter_context(socket.create_connection(address)) for _ in range(10)]
        begin = time.monotonic()
        for connection in connections:
            connection.sendall(request)
        assert all(connection.recv(65536).startswith(b"HTTP/1.1 200 OK") for connection in connections)
        assert 0.1 <= time.monotonic() - begin < 0.5


async def test_calls_in_flight_are_counted_from_end_to_end() -> None:
    """Four lanes of calls that take 20 ms make about 200 a second, whatever the first and last of them do."""
    taken = await run_async(lambda: asyncio.sleep(0.02, "answered"), in_flight=4, seconds=0.2)
    assert taken.calls % 4 == 0
    assert taken.answer == "str"
    assert 0.004 < taken.per_call < 0.012
