"""What a terminal would have shown, as HTML: colours become classes, all else that steers a terminal goes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from markupsafe import Markup, escape

from bot.web.markup import visible

_STEERING = re.compile(
    r"\x1b\[(?P<sgr>[0-9;:]*)m"  # colours and letters
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # any other control sequence: cursor, erasing, modes
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # strings to the terminal: titles, links, the clipboard
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]"
)
_LEVELS = (0, 95, 135, 175, 215, 255)
_SIXTEEN = (
    *((0, 0, 0), (170, 0, 0), (0, 170, 0), (170, 85, 0), (0, 0, 170), (170, 0, 170), (0, 170, 170)),
    *((170, 170, 170), (85, 85, 85), (255, 85, 85), (85, 255, 85), (255, 255, 85), (85, 85, 255)),
    *((255, 85, 255), (85, 255, 255), (255, 255, 255)),
)
"""The colours that have a class: a page with a strict policy takes no style of its own from a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pen:
    marks: frozenset[str] = frozenset()
    ink: int | None = None
    paper: int | None = None

    @property
    def classes(self) -> str:
        names = sorted(self.marks)
        names += [] if self.ink is None else [f"ink{self.ink}"]
        names += [] if self.paper is None else [f"paper{self.paper}"]
        return " ".join(names)


_MARKS = {1: "bold", 2: "dim", 3: "italic", 4: "under", 7: "turned", 9: "struck"}
_UNMARKS = {22: {"bold", "dim"}, 23: {"italic"}, 24: {"under"}, 27: {"turned"}, 29: {"struck"}}


def to_html(text: str) -> Markup:
    """`text` with its colours, and nothing in it that is markup or steers anything."""
    parts: list[str] = []
    pen, place = _Pen(), 0
    text = _last_written(text)
    for found in _STEERING.finditer(text):
        parts.append(_written(text[place : found.start()], pen))
        place = found.end()
        if found["sgr"] is not None:
            pen = _turned(pen, found["sgr"])
    parts.append(_written(text[place:], pen))
    return Markup("".join(parts))  # noqa: S704 - every part was escaped


def to_text(text: str) -> str:
    """`text` without anything that steers a terminal."""
    return _STEERING.sub("", _last_written(text))


def _last_written(text: str) -> str:
    """Of each line what was written after the cursor went back to its beginning, as a progress bar does."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _written(text: str, pen: _Pen) -> str:
    if not text:
        return ""
    escaped = str(escape(visible(text)))
    return f'<span class="{pen.classes}">{escaped}</span>' if pen.classes else escaped


def _turned(pen: _Pen, sgr: str) -> _Pen:
    codes = iter([int(code[:4]) if code else 0 for code in re.split("[;:]", sgr)][:32])
    for code in codes:
        if code == 0:
            pen = _Pen()
        elif code in _MARKS:
            pen = replace(pen, marks=pen.marks | {_MARKS[code]})
        elif code in _UNMARKS:
            pen = replace(pen, marks=pen.marks - _UNMARKS[code])
        else:
            pen = _coloured(pen, code, codes)
    return pen


def _coloured(pen: _Pen, code: int, codes: Iterator[int]) -> _Pen:
    tens, unit = divmod(code, 10)
    name, base = {3: ("ink", 0), 4: ("paper", 0), 9: ("ink", 8), 10: ("paper", 8)}.get(tens, ("", 0))
    if not name:
        return pen
    colour = base + unit if unit < 8 else None
    if unit == 8 and not base:
        colour = _chosen(codes)
    return replace(pen, ink=colour) if name == "ink" else replace(pen, paper=colour)


def _chosen(codes: Iterator[int]) -> int | None:
    """One of 256 colours or of all, as the nearest of sixteen."""
    how = next(codes, 0)
    if how == 2:
        return _nearest((next(codes, 0), next(codes, 0), next(codes, 0)))
    number = next(codes, 0)
    if how != 5 or number > 255:
        return None
    if number < 16:
        return number
    if number >= 232:
        return _nearest(((number - 232) * 10 + 8,) * 3)
    red, rest = divmod(number - 16, 36)
    green, blue = divmod(rest, 6)
    return _nearest((_LEVELS[red], _LEVELS[green], _LEVELS[blue]))


def _nearest(colour: tuple[int, int, int]) -> int:
    def distance(other: tuple[int, int, int]) -> int:
        return sum((one - two) ** 2 for one, two in zip(colour, other, strict=True))

    return min(range(16), key=lambda number: distance(_SIXTEEN[number]))
