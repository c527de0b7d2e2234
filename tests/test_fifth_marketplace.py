"""A marketplace from outside: the worked example is built, installed and used as any package would be.

It is installed into a folder of its own, without a network, and runs in a process of its own: nothing of
`examples/fifth_marketplace/src` is on the path there.
"""

import ast
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "fifth_marketplace"
SOURCES = sorted((EXAMPLE / "src").rglob("*.py"))

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("pip", "hatchling")),
    reason="pip and hatchling are needed to install a package",
)


def run(*command: str, path: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with what is installed in `path`, and countermand, to be found."""
    environ = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(path), str(ROOT / "src"))),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # a second to load, and none is needed
    }
    return subprocess.run(
        [sys.executable, *command], env=environ, cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the example into a folder."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--quiet"]
    done = run(
        "-m", "pip", "install", *options, "--target", str(folder), str(EXAMPLE), path=folder, cwd=folder
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_its_own_tests_pass_against_the_installed_package(installed: Path) -> None:
    """Both clients against the simulated Shop, the entry point, and the conformance suite."""
    options = ["-q", "--color=no", "-p", "no:cacheprovider"]
    done = run("-m", "pytest", *options, path=installed, cwd=EXAMPLE)
    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"(\d+) passed in", done.stdout)
    assert counted is not None, done.stdout
    assert int(counted[1]) > 20


STORY = """
import httpx
from countermand import Countermand, Requested
from countermand.marketplaces.registry import configuration_of
Shop = configuration_of("shop")
import fifth_marketplace
assert Shop is fifth_marketplace.Shop
answer = {"order": "A-1", "state": "cancellation_requested"}
transport = httpx.MockTransport(lambda request: httpx.Response(202, json=answer))
account = Shop(api_key="shop-api-k3y", label="eu")
with Countermand(account, http_client=httpx.Client(transport=transport)) as client:
    assert client["eu"] is client[Shop] is client[account]
    outcome = client.cancel(fifth_marketplace.CancelShopOrder("A-1", account="eu"))
    assert isinstance(outcome, Requested) and outcome.account == "eu"
print(fifth_marketplace.__file__)
"""


def test_a_client_takes_an_account_of_it(installed: Path, tmp_path: Path) -> None:
    """Found by its name alone, asked by class, account, label and request; it is the installed package."""
    done = run("-c", STORY, path=installed, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(installed)


def test_the_page_says_how_the_suite_is_run() -> None:
    """The code on docs/fifth-marketplace.md is run as it stands: each promise is kept."""
    page = (ROOT / "docs" / "fifth-marketplace.md").read_text(encoding="utf-8")
    (code,) = (code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "PROMISES" in code)
    names: dict[str, Any] = {}
    exec(code, names)
    for promise in names["PROMISES"]:
        names["test_promise"](promise)


def test_it_is_small_and_uses_no_private_name() -> None:
    """200 lines with both sub-clients; what it imports of countermand has no underscore, nor what it calls."""
    assert sum(len(source.read_text(encoding="utf-8").splitlines()) for source in SOURCES) <= 200
    imported: list[str] = []
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("countermand"):
                imported += [*(node.module or "").split("."), *(name.name for name in node.names)]
    assert imported
    assert not [name for name in imported if name.startswith("_")]


def test_countermand_does_not_know_it() -> None:
    """Not a line of the package was written for it."""
    for source in (ROOT / "src").rglob("*.py*"):
        if source.suffix in {".py", ".pyi"}:
            assert "import fifth_marketplace" not in source.read_text(encoding="utf-8"), source
            assert "from fifth_marketplace" not in source.read_text(encoding="utf-8"), source
