"""The plot of `docs/benchmarks.md`, drawn as SVG by hand: bars, quartiles, and a line where bare httpx is."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from .harness import Spread

_WIDTH, _LEFT, _RIGHT = 760, 226, 64
_ROW, _BAR, _HEAD, _GAP = 26, 15, 58, 22
_OURS, _OTHERS, _INK, _QUIET, _RULE = "#0f766e", "#a8b3c2", "#1f2937", "#6b7280", "#e5e7eb"


@dataclass(frozen=True, slots=True)
class Bar:
    """One contender's bar."""

    label: str
    ratio: Spread

    @property
    def ours(self) -> bool:
        """Say whether it is countermand's own."""
        return self.label.startswith("countermand")


@dataclass(frozen=True, slots=True)
class Panel:
    """Some bars on one scale."""

    title: str
    note: str
    bars: Sequence[Bar]


def draw(panels: Sequence[Panel]) -> str:
    """Draw the panels one below the other."""
    top = 18
    drawn: list[str] = []
    for panel in panels:
        drawn += _panel(panel, top)
        top += _HEAD + _ROW * len(panel.bars) + _GAP
    height = top
    font = "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    sheet = f'<rect x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1}" rx="8" fill="#fff" stroke="{_RULE}"/>'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{font}">'
    return "\n".join([opening, sheet, *drawn, "</svg>\n"])


def _panel(panel: Panel, top: int) -> list[str]:
    longest = max(max(bar.ratio.high, bar.ratio.median) for bar in panel.bars)
    scale = (_WIDTH - _LEFT - _RIGHT) / longest
    begin, end = top + _HEAD, top + _HEAD + _ROW * len(panel.bars)
    one = _LEFT + scale
    drawn = [
        _text(24, top + 18, panel.title, size=15, weight=600),
        _text(24, top + 37, panel.note, size=12, fill=_QUIET),
    ]
    rows = [(bar, begin + _ROW * (number + 0.5)) for number, bar in enumerate(panel.bars)]
    for bar, middle in rows:
        drawn += _bar(bar, middle, scale)
    drawn.append(
        f'<line x1="{one:.1f}" y1="{begin - 6}" x2="{one:.1f}" y2="{end}" stroke="{_INK}" stroke-dasharray="3 3"/>'
    )
    drawn += [_value(bar, middle, scale) for bar, middle in rows]
    return drawn


def _bar(bar: Bar, middle: float, scale: float) -> list[str]:
    ratio = bar.ratio
    end, low, high = (_LEFT + value * scale for value in (ratio.median, ratio.low, ratio.high))
    box = f'x="{_LEFT}" y="{middle - _BAR / 2}" width="{end - _LEFT:.1f}" height="{_BAR}" rx="2"'
    quartiles = f"M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 4}v8M{high:.1f} {middle - 4}v8"
    return [
        _text(_LEFT - 10, middle + 4, bar.label, anchor="end", weight=600 if bar.ours else 400),
        f'<rect {box} fill="{_OURS if bar.ours else _OTHERS}"/>',
        f'<path d="{quartiles}" stroke="{_INK}" stroke-opacity="0.65" fill="none"/>',
    ]


def _value(bar: Bar, middle: float, scale: float) -> str:
    end = _LEFT + scale * max(bar.ratio.median, bar.ratio.high)
    text = _text(end + 8, middle + 4, f"{bar.ratio.median:.2f}", weight=600 if bar.ours else 400)
    halo = 'paint-order="stroke" stroke="#fff" stroke-width="5"'  # the line does not cross a figure out
    return text.replace("<text ", f"<text {halo} ")


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: int = 13,
    weight: int = 400,
    fill: str = _INK,
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{fill}"'
        f' text-anchor="{anchor}">{escape(text)}</text>'
    )
