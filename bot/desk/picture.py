"""The chart as a picture, for chats: on a ground of its own, so that it reads well on dark and on light."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from bot.desk.chart import Chart

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

_WIDTH, _HEIGHT = 1200, 560
_LEFT, _TOP, _RIGHT, _BOTTOM = 150, 104, 36, 142
_GROUND, _GRID, _QUIET, _INK = "#15161a", "#33363f", "#a0a2ae", "#ececf1"
COLOURS = ("#a8a5fc", "#56cf9b", "#eeb75a", "#7fb4ff", "#ff8f92", "#8b8d97")
_LONGEST = 18
"""Characters of a name that are written."""


def draw(chart: Chart, title: str) -> bytes:
    """A PNG. It takes tens of milliseconds, so it belongs into a thread."""
    # Most bots are asked for no picture for days, and need not hold what draws them.
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (_WIDTH, _HEIGHT), _GROUND)
    brush = ImageDraw.Draw(image)
    small, large = ImageFont.load_default(24), ImageFont.load_default(32)
    brush.text((36, 30), title, fill=_INK, font=large)
    _scale(brush, chart, small)
    _bars(brush, chart)
    _legend(brush, chart, small)
    out = BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _scale(brush: ImageDraw, chart: Chart, font: FreeTypeFont | ImageFont) -> None:
    for part in (0.0, 0.5, 1.0):
        y = _y(part)
        brush.line([(_LEFT, y), (_WIDTH - _RIGHT, y)], fill=_GRID, width=2)
        said = chart.measure.said(chart.top * part)
        brush.text((_LEFT - 18, y), said, fill=_QUIET, font=font, anchor="rm")
    ends = ((0, _LEFT, "la"), (len(chart.days) - 1, _WIDTH - _RIGHT, "ra"))
    for day, x, anchor in ends[: len(chart.days)]:
        brush.text((x, _y(0) + 12), f"{chart.days[day]:%Y-%m-%d}", fill=_QUIET, font=font, anchor=anchor)


def _bars(brush: ImageDraw, chart: Chart) -> None:
    step = (_WIDTH - _LEFT - _RIGHT) / len(chart.days)
    gap = min(6.0, step * 0.2)
    for day in range(len(chart.days)):
        left = _LEFT + day * step + gap / 2
        for block in chart.bar(day):
            upper, lower = _y(block.bottom + block.height), _y(block.bottom)
            box = (left, min(upper, lower - 1), max(left + 1, left + step - gap), lower)
            brush.rectangle(box, fill=COLOURS[block.layer])


def _legend(brush: ImageDraw, chart: Chart, font: FreeTypeFont | ImageFont) -> None:
    x, y = float(_LEFT), _HEIGHT - 84
    for number, layer in enumerate(chart.layers):
        if layer.label:
            name = layer.label if len(layer.label) <= _LONGEST else layer.label[: _LONGEST - 1] + "…"
            width = 30 + brush.textlength(name, font=font) + 34
            if x + width > _WIDTH and x > _LEFT:
                x, y = float(_LEFT), y + 36
            brush.rectangle((x, y + 3, x + 20, y + 23), fill=COLOURS[number])
            brush.text((x + 30, y), name, fill=_INK, font=font)
            x += width


def _y(part: float) -> float:
    return _HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM)
