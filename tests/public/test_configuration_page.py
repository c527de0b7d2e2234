"""The page on configuration: its code runs as it stands, and prints what its comments say."""

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from countermand import Crux, Kibo, Pattern, Vtex
from countermand.sandbox import Sandbox, SandboxRequest

from .mistakes import PAGE

MARKETPLACES = {
    "stage-api.pattern.com": "pattern",
    "api.pattern.com": "pattern",
    "brand-ar.vtexcommercestable.com.br": "vtex",
}


def test_the_page_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a folder with the file that it shows; a simulated world answers for the marketplaces."""
    page = PAGE.read_text(encoding="utf-8")
    world = Sandbox().world
    world.pattern.tokens = {"pattern-token"}
    world.vtex.app_key, world.vtex.app_token = "ar-key", "ar-token"

    def answer(_: object, request: httpx.Request) -> httpx.Response:
        target = request.url.raw_path.decode().removeprefix("/hub")
        path = f"/{MARKETPLACES[request.url.host]}{target}"
        reply = world.handle(SandboxRequest.to(request.method, path, request.headers, request.read()))
        return httpx.Response(reply.status, headers=list(reply.headers), content=reply.body)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", answer)
    monkeypatch.chdir(tmp_path)
    (toml,) = re.findall(r"^```toml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    Path("accounts.toml").write_text(toml, encoding="utf-8")
    Path("secrets").mkdir()
    Path("secrets", "vtex-ar").write_text("ar-token\n")
    names: dict[str, Any] = {"__name__": "configuration"}
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 5
    for block in blocks:
        exec(compile(block, "configuration.md", "exec"), names)
        printed = capsys.readouterr().out.splitlines()
        said = re.findall(r"\bprint\(.*\)  # (.*)", block)
        assert len(printed) == len(said), (block, printed)
        for line, pattern in zip(printed, said, strict=True):
            assert fnmatchcase(line, pattern), (line, pattern)


def test_the_page_names_every_environment_variable() -> None:
    """The table of variables is exactly what `from_env` reads, and says which of them are needed."""
    page = PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `COUNTERMAND_(\w+)` \| ([^|]*?) ?\|", page, re.MULTILINE))
    fields = {
        f"{kind.__name__}_{field.name}".upper(): field.default is attrs.NOTHING
        for kind in (Pattern, Vtex, Crux, Kibo)
        for field in attrs.fields(kind)
    }
    assert {name: needed == "yes" for name, needed in rows.items()} == fields
