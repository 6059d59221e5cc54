"""Shows figures to people, and keeps them for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Figure, Target

_MARKS = {None: "", True: "✓", False: "✗"}


def show(figures: Sequence[Figure], console: Console) -> None:
    """One line per figure."""
    table = Table(caption=_machine(), caption_justify="left")
    table.add_column("measured")
    for heading in ("value", "baseline", "ratio"):
        table.add_column(heading, justify="right")
    table.add_column("target")
    for figure in figures:
        table.add_row(
            figure.name,
            f"{_number(figure.value)} {figure.unit}",
            _number(figure.baseline),
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            _target(figure.target),
        )
    console.print(table)


def write(figures: Sequence[Figure], path: Path) -> None:
    """All figures as a JSON list; `ok` is null where there is no target."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([_as_data(figure) for figure in figures], indent=2, ensure_ascii=False) + "\n")


def _as_data(figure: Figure) -> dict[str, object]:
    return {
        "name": figure.name,
        "value": figure.value,
        "unit": figure.unit,
        "baseline": figure.baseline,
        "ratio": figure.ratio,
        "target": figure.target and figure.target.text,
        "ok": figure.target and figure.target.ok,
    }


def _target(target: Target | None) -> str:
    return "" if target is None else f"{_MARKS[target.ok]} {target.text}"


def _number(number: float | None) -> str:
    if number is None:
        return ""
    return f"{number:.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def _machine() -> str:
    load = os.getloadavg()[0]
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f} at the end"
