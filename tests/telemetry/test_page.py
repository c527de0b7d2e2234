"""The code on docs/telemetry.md runs as it stands, and prints what its comments say."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "telemetry.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_the_page_runs_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    """Every block after the ones before it; OpenTelemetry's only where it is installed."""
    names: dict[str, Any] = {"__name__": "page"}
    expected = 0
    for block in BLOCKS:
        if "opentelemetry" in block and find_spec("opentelemetry") is None:
            continue
        exec(compile(block, PAGE.name, "exec"), names)
        said = re.findall(r"^ +# (.*)$", block, re.MULTILINE)
        assert capsys.readouterr().out.splitlines() == said
        expected += len(said)
    assert expected == 4


def test_the_page_names_every_event_and_every_reason() -> None:
    """And no field that there is not."""
    import attrs

    from countermand import CallEnd, RequestEnd, WaitReason
    from countermand.engine import events

    page = PAGE.read_text(encoding="utf-8")
    for kind in (events.CallStarted, events.RequestStarted, events.RequestEnded, events.WaitStarted):
        row = next(line for line in page.splitlines() if line.startswith(f"| `{kind.__name__}`"))
        fields = {field.name for field in attrs.fields(kind)}
        assert set(re.findall(r"`(\w+)`", row.rsplit("|", 2)[1])) <= fields
    shown = {*RequestEnd, *WaitReason, CallEnd.READ, CallEnd.ERROR, CallEnd.INTERRUPTED}
    assert not [member for member in shown if f"`{member.name}`" not in page]
