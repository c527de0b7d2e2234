"""Check what the built wheel and sdist hold: the package, its types, its licence, and nothing else.

Run by `make wheel` as `python tests/wheel/contents.py DIRECTORY`.
"""

import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path


def check_wheel(wheel: Path) -> None:
    """The wheel holds every module of src/ and its metadata, and no test, cache or stray file."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = next(name.partition("/")[0] for name in names if ".dist-info/" in name)
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
        entry_points = archive.read(f"{info}/entry_points.txt").decode()

    source = Path("src")
    shipped = {
        path.relative_to(source).as_posix()
        for path in source.glob("countermand/**/*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    modules = {name for name in names if not name.startswith(f"{info}/")}
    assert modules == shipped, f"in one of wheel and src/ only: {sorted(modules ^ shipped)}"
    assert "countermand/py.typed" in names, "py.typed is missing: type checkers would not look at the package"
    assert f"{info}/licenses/LICENSE" in names, "the licence is missing"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert set(metadata.get_all("Provides-Extra") or ()) == {"sandbox", "aiohttp", "httpx2", "otel", "cli"}
    assert metadata.get_payload(), "the README is not in the metadata: name it as `readme` in pyproject.toml"
    assert "countermand = countermand.cli:main" in entry_points, "the command line is not named"
    assert "countermand = countermand.sandbox.pytest_plugin" in entry_points, "the pytest plugin is not named"


def check_sdist(sdist: Path) -> None:
    """The sdist holds what the wheel is built from, and nothing generated."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for needed in ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "src/countermand/__init__.py"):
        assert needed in names, f"{needed} is missing from the sdist"
    strays = {
        name for name in names if name.startswith((".venv", "build/", "dist/")) or "__pycache__" in name
    }
    assert not strays, f"strays in the sdist: {sorted(strays)}"


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    (built_wheel,) = directory.glob("*.whl")
    (built_sdist,) = directory.glob("*.tar.gz")
    check_wheel(built_wheel)
    check_sdist(built_sdist)
    print(f"contents: {built_wheel.name} and {built_sdist.name} hold what they should")
