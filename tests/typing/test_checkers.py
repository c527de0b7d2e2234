"""The type checkers are asked whether the errors that the files here expect do come, and no others."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bulk.test_pages import code

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MARK = re.compile(r"  # type: ignore\[[a-z-]+\]$")


def without_marks(name: str, to: Path) -> tuple[Path, list[int]]:
    """Copy a file without its marks, and return it with the lines on which an error has to come."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    copy = to / name
    copy.write_text("\n".join(MARK.sub("", line) for line in lines), encoding="utf-8")
    return copy, [number for number, line in enumerate(lines, 1) if MARK.search(line)]


def of_the_pages(to: Path) -> list[str]:
    """Write the code of the pages on workflows, in which no error has to come; return the files' names."""
    loose = (
        "any-generics subclassing-any untyped-calls untyped-defs incomplete-defs untyped-decorators".split()
    )
    untyped = f"# mypy: no-warn-return-any, {', '.join(f'allow-{what}' for what in loose)}"
    pages = {"on_temporal.py": "bulk-temporal.md", "on_dbos.py": "bulk-dbos.md"}
    for name, page in pages.items():
        to.joinpath(name).write_text(f"{untyped}\n{code(page)}", encoding="utf-8")
    return [str(to / name) for name in pages]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, list[int]]]:
    """Return the files without their marks."""
    folder = tmp_path_factory.mktemp("typing")
    return [
        without_marks(name, folder) for name in ("exhaustive.py", "returns.py", "third_party.py", "star.py")
    ]


def expected(files: list[tuple[Path, list[int]]]) -> set[tuple[str, int]]:
    """Return where errors have to come."""
    return {(file.name, number) for file, numbers in files for number in numbers}


def test_mypy_reports_what_is_expected(files: list[tuple[Path, list[int]]], tmp_path: Path) -> None:
    """A case left out of a `match` fails, and so does each mistake; nothing else does, nor the code of the pages.

    In the pages' code, what is of other libraries is taken as it is. One run for all: most of it is reading countermand.
    """
    pytest.importorskip("mypy", reason="mypy is not among the oldest dependencies")
    cache = str(ROOT / ".mypy_cache" / "tests")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "--cache-dir",
        cache,
        "--ignore-missing-imports",
    ]
    names = [*(str(file) for file, _ in files), *of_the_pages(tmp_path)]
    done = subprocess.run([*command, *names], capture_output=True, text=True, cwd=ROOT, check=False)
    found = re.findall(r"^.*?(\w+\.py):(\d+): error: ", done.stdout, re.MULTILINE)
    assert {(name, int(number)) for name, number in found} == expected(files), done.stdout + done.stderr
    assert done.returncode == 1


def test_pyright_reports_what_is_expected(files: list[tuple[Path, list[int]]], tmp_path: Path) -> None:
    """As mypy does."""
    pytest.importorskip("pyright", reason="pyright is not among the oldest dependencies")
    folder = files[0][0].parent
    paths = [str(ROOT / "src"), str(ROOT / "examples" / "fifth_marketplace" / "src")]
    settings = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "extraPaths": paths}
    project = folder / "pyrightconfig.json"
    project.write_text(json.dumps(settings | {"reportUnnecessaryIsInstance": False}), encoding="utf-8")
    command = [sys.executable, "-m", "pyright", "--project", str(project), "--outputjson"]
    command += ["--pythonpath", sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    reports = json.loads(done.stdout)["generalDiagnostics"]
    found = {
        (Path(report["file"]).name, report["range"]["start"]["line"] + 1)
        for report in reports
        if report["severity"] == "error"
    }
    assert found == expected(files), done.stdout
