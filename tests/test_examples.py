"""The examples run, the README's code does what its comments say, and the picture shows what the demo prints.

`python -m tests.test_examples` draws the picture, docs/demo.svg, anew.
"""

import os
import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from html import escape, unescape
from inspect import cleandoc
from pathlib import Path
from typing import Any

import httpx
import pytest

from countermand import StoredRun, errors
from countermand.sandbox import Sandbox, SandboxRequest, World
from countermand.sandbox.ledger import Marketplace

pytest_plugins = "pytester"

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
PICTURE = ROOT / "docs" / "demo.svg"
README = (ROOT / "README.md").read_text(encoding="utf-8")


# --- the examples ------------------------------------------------------------------------------------------------------

GIST = {
    "cancel_at_pattern": "requested/cancelled/partially cancelled, 1 of 2/1004, shipped: Cannot cancel/refused/1005/1006/complete",
    "cancel_at_vtex": "requested/receipt 0/cancelled/refused: The parcel has left/refused: The order cannot be canceled/404/ready-for-handling",
    "cancel_at_crux": "requested/cancelled/requested/partially cancelled, 1 of 2/line-4: HasTracking/refused",
    "cancel_at_kibo": "cancelled/CANCELED, 4.99 USD/requested/cancelled/refused: The order cannot be canceled/is allowed with the reason",
    "cancel_many": "177 Requested/20 Refused/3 OrderNotFoundError",
    "prometheus_metrics": 'call_seconds_count/outcome="requested"} 1.0/reason="rate_limit"} 30.0',
    "every_answer": "Cancelled: /Requested: /PartiallyCancelled: /Refused: /Unknown: /OrderNotFoundError: ",
}


@pytest.mark.parametrize("name", GIST)
def test_an_example_runs_and_says_what_it_promises(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each example, run as a script, prints the gist of its story in this order."""
    if name == "prometheus_metrics":
        pytest.importorskip(
            "prometheus_client", reason="prometheus-client is not among the oldest dependencies"
        )
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert re.search(".*".join(map(re.escape, GIST[name].split("/"))), printed, re.DOTALL), printed


def test_every_example_is_run_here_and_is_short() -> None:
    """No example goes untested, and none but the demo is longer than 60 lines."""
    scripts = {path.stem: path for path in EXAMPLES.glob("*.py")}
    assert scripts.keys() - {"cancel_everywhere"} == GIST.keys()
    assert all(len(scripts[name].read_text(encoding="utf-8").splitlines()) <= 60 for name in GIST)


@pytest.fixture(scope="module")
def demo() -> str:
    """Return what `make demo` prints where nobody watches."""
    return run_demo()


def run_demo() -> str:
    """Run the demo as its own process; a proxy that cannot be reached is none of its business."""
    command = [sys.executable, str(EXAMPLES / "cancel_everywhere.py")]
    environment = os.environ | {"http_proxy": "http://127.0.0.1:9"}
    return subprocess.run(
        command, check=True, capture_output=True, encoding="utf-8", timeout=60, env=environment
    ).stdout


def test_the_demo_shows_every_kind_of_ending(demo: str) -> None:
    """A partial cancellation, a refusal, a 429 that was waited out, a lost answer settled by reading; no colours."""
    at_first, in_the_end = re.split("WHAT BECAME OF IT", demo)
    assert re.search(r"PartiallyCancelled +1003 begun, 1004 picked +cancel 206\n", at_first)
    assert re.search(r"Refused +invoiced +cancel 409, read 200\n", at_first)
    assert re.search(r"Requested +cancel 429, 1 s, cancel 200\n", at_first)
    assert re.search(r"Cancelled +CANCELED +cancel lost, read 200\n", at_first)
    assert re.search(r"PartiallyCancelled +1003 cancelled, 1004 shipped ", in_the_end)
    assert re.search(r"Cancelled +1001 cancelled, 1002 cancelled +read 200, \d times", in_the_end)
    assert re.search(r"Refused +The parcel has left ", in_the_end)
    assert re.search(r"Requested +cancellation-requested ", in_the_end)
    assert re.search(r"Cancelled +line-1 Cancelled, line-2 Cancelled ", in_the_end)
    assert {line.split()[0] for line in at_first.splitlines()[2:-2]} == {"pattern", "vtex", "crux", "kibo"}
    assert "\033" not in demo
    assert max(map(len, demo.splitlines())) < 120


# --- the README --------------------------------------------------------------------------------------------------------

PYTHON = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = PYTHON.findall(README)
HOSTS: dict[str, Marketplace] = {
    "api.pattern.com": "pattern",
    "mystore.vtexcommercestable.com.br": "vtex",
    "api.cruxconnect.com": "crux",
    "12345-translation.mozu.com": "kibo",
}


@pytest.fixture
def real_hosts(monkeypatch: pytest.MonkeyPatch) -> World:
    """Let a simulated world answer for the marketplaces' real hosts, its time moving on after every request."""
    world = Sandbox().world

    def answer(_: object, request: httpx.Request) -> httpx.Response:
        marketplace = HOSTS[request.url.host]
        target = request.url.raw_path.decode().removeprefix("/hub")
        asked = SandboxRequest.to(request.method, f"/{marketplace}{target}", request.headers, request.read())
        reply = world.handle(asked)
        world.advance(10)
        return httpx.Response(reply.status, headers=list(reply.headers), content=reply.body)

    async def answer_async(transport: object, request: httpx.Request) -> httpx.Response:
        return answer(transport, request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", answer)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", answer_async)
    for name, value in {
        "PATTERN_TOKEN": min(world.pattern.tokens),
        "VTEX_ACCOUNT": "mystore",
        "VTEX_APP_KEY": world.vtex.app_key,
        "VTEX_APP_TOKEN": world.vtex.app_token,
        "CRUX_TOKEN": min(world.crux.tokens),
        "KIBO_TENANT_ID": str(world.kibo.tenant_id),
    }.items():
        monkeypatch.setenv(f"COUNTERMAND_{name}", value)
    return world


def test_the_readme_runs_as_it_stands(
    real_hosts: World,
    capsys: pytest.CaptureFixture[str],
    countermand_sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every block of Python runs after the ones before it, and prints what its comments after `print` say."""
    assert len(BLOCKS) > 10
    monkeypatch.chdir(tmp_path)  # a block writes a journal
    names: dict[str, Any] = {"__name__": "readme"}
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), names)
        printed = capsys.readouterr().out.splitlines()
        said = [
            re.sub(r"\[", "[[]", text).replace("…", "*")
            for text in re.findall(r"\bprint\(.*\)  # (.*)", block)
        ]
        assert len(printed) == len(said), (block, printed)
        for line, pattern in zip(printed, said, strict=True):
            assert fnmatchcase(line, pattern), (line, pattern)
    tests: list[Callable[[Sandbox], None]] = [
        value for name, value in names.items() if name.startswith("test_")
    ]
    assert tests
    for test in tests:
        test(countermand_sandbox)


def test_the_readme_draws_the_tree_of_errors_as_it_is() -> None:
    """The tree of the README is that of the module, line for line."""
    drawn = re.search(r"```text\n(CountermandError\n.*?)```", README, re.DOTALL)
    assert drawn
    assert drawn[1].strip() in cleandoc(errors.__doc__ or "")


def test_the_readme_names_targets_that_exist() -> None:
    """Whoever types a command of the README finds its target in the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert {"demo", "test", "help"} <= targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


# --- the pages about bulk runs and data ---------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["bulk", "data"])
def test_a_page_runs_as_it_stands(
    page: str, real_hosts: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every block of Python, but a sketch of a class; the run reads a file of orders, one row of it without an order."""
    if page == "data":
        pytest.importorskip("fastapi", reason="FastAPI is not among the oldest dependencies")
    monkeypatch.chdir(tmp_path)
    Path("orders.csv").write_text("order,account\n1172452900788-01,\n,\n1172452900791-01,mystore\n")
    names: dict[str, Any] = {"__name__": page}
    for block in PYTHON.findall((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")):
        if "    ...\n" not in block:
            exec(compile(block, f"{page}.md", "exec"), names)
    if page == "bulk":
        with StoredRun("run.db") as run:
            assert run.counts() == {"error:invalid_request": 1, "refused": 1, "requested": 1}


# --- the page about testing --------------------------------------------------------------------------------------------


def test_the_page_about_testing_is_a_suite_that_passes(pytester: pytest.Pytester) -> None:
    """Its blocks of Python, one after the other, are tests as a user would write them."""
    blocks = PYTHON.findall((ROOT / "docs" / "testing.md").read_text(encoding="utf-8"))
    suite = "\n".join(blocks)
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef anyio_backend(): return 'asyncio'")
    pytester.makepyfile(suite)
    options = ("-p", "no:cacheprovider", "--strict-markers", "-Werror")
    pytester.runpytest_inprocess(*options).assert_outcomes(passed=suite.count("def test_"))


# --- the architecture --------------------------------------------------------------------------------------------------


def test_the_architecture_names_every_room_and_no_other() -> None:
    """The drawing has the floors of the import contract in their order; every module that the page names exists."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    floors = re.findall(r"\w+", " ".join(contracts["contracts"][0]["layers"]))
    drawing = page.split("```")[1]
    standing = {word: place.start() for word in floors if (place := re.search(rf"\b{word}\b", drawing))}
    assert sorted(standing, key=lambda floor: standing[floor]) == floors
    package = ROOT / "src" / "countermand"
    assert set(floors) <= {path.stem for path in package.iterdir()}
    assert set(re.findall(r"\b(\w+\.py)\b", page)) <= {path.name for path in package.rglob("*.py")}


# --- the picture -------------------------------------------------------------------------------------------------------

STYLE = """\
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #d4d9e0 }
.head { fill: #8b949e } .dim { fill: #9aa4b0 } .prompt { fill: #7ee787 }
.Cancelled { fill: #7ee787 } .Requested { fill: #e3b341 } .PartiallyCancelled { fill: #76e3ea }
.Refused { fill: #ff938a } .Unknown { fill: #d2a8ff }"""
COLUMNS = (0, 13, 34, 54, 92)
ADVANCE, LEADING, MARGIN = 7.83, 20, 24


def cells(line: str) -> Iterator[str]:
    """Cut a line of the demo's table into its five columns."""
    for start, end in zip(COLUMNS, (*COLUMNS[1:], None), strict=True):
        yield line[start:end].strip()


def drawn_line(line: str, y: int) -> Iterator[str]:
    """Draw one line, cell by cell, so that the columns stand whatever the font."""
    heading = line.startswith("MARKETPLACE")
    for column, text in enumerate(cells(line)):
        style = "head" if heading else text if column == 2 else "dim" if column == 4 else ""
        if text:
            kind = f' class="{style}"' if style else ""
            x = MARGIN + COLUMNS[column] * ADVANCE
            yield f'<text x="{x:.0f}" y="{y}"{kind}>{escape(text, quote=False)}</text>'


def picture(output: str) -> str:
    """Return what the demo prints as a terminal, drawn in SVG; it brings its own dark ground into any theme."""
    lines = output.rstrip("\n").split("\n")
    width, height = 980, 2 * MARGIN + LEADING * len(lines) + 12
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<title>The output of make demo</title>\n<style>\n{STYLE}\n</style>",
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="9" fill="#161b22" stroke="#3d444d"/>',
        f'<text x="{MARGIN}" y="{MARGIN + 12}"><tspan class="prompt">$</tspan> make demo</text>',
    ]
    for number, line in enumerate(lines, start=1):
        drawn += drawn_line(line, MARGIN + 12 + LEADING * number)
    return "\n".join([*drawn, "</svg>", ""])


def test_the_picture_shows_what_the_demo_prints(demo: str) -> None:
    """Every cell of the table stands in the picture, in its order: in virtual time no machine is too slow for it."""
    shown = [
        unescape(text)
        for text in re.findall(r'<text x="\d+" y="\d+"[^>]*>([^<]+)</text>', PICTURE.read_text())
    ]
    printed = [list(cells(line)) for line in demo.splitlines() if line]
    assert shown == [text for line in printed for text in line if text]


if __name__ == "__main__":
    PICTURE.write_text(picture(run_demo()), encoding="utf-8")
