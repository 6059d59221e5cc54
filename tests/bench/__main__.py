"""Runs the measurements: `python -m tests.bench [--only NAME]`. A missed target is no failure, a crash is."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from tests.bench import (
    agent_tools,
    cancel,
    command,
    day,
    firing,
    footprint,
    history,
    ingest,
    load,
    memory,
    page,
    paint,
    queue,
    readers,
    streaming_memory,
    table,
    whole_job,
)
from tests.bench.figures import Figure

_MEASUREMENTS: Mapping[str, Callable[[Path], Awaitable[Sequence[Figure]]]] = {
    "command": command.measure,
    "queue": queue.measure,
    "job": whole_job.measure,
    "ingest": ingest.measure,
    "memory": memory.measure,
    "footprint": footprint.measure,
    "cancel": cancel.measure,
    "firing": firing.measure,
    "history": history.measure,
    "load": load.measure,
    "streaming": streaming_memory.measure,
    "day": day.measure,
    "page": page.measure,
    "paint": paint.measure,
    "readers": readers.measure,
    "tools": agent_tools.measure,
}
_RESULTS = Path(__file__).parents[2] / "build" / "bench.json"
_TIMEOUT_S = 300.0
"""Seconds for one measurement; a bound for what hangs."""


def main() -> int:
    """Measures and says so. The exit status is 1 where something could not be measured."""
    console = Console(highlight=False, width=110)
    gc.freeze()  # as the bot does once it serves
    figures: list[Figure] = []
    failed = False
    for name in _wanted():
        console.print(f"measuring: {name} …", style="dim")
        try:
            figures += asyncio.run(_measured(name))
        except Exception:
            logging.exception("bench.failed", extra={"measurement": name})
            failed = True
    table.show(figures, console)
    table.write(figures, _RESULTS)
    return int(failed)


async def _measured(name: str) -> Sequence[Figure]:
    async with asyncio.timeout(_TIMEOUT_S):
        with tempfile.TemporaryDirectory(prefix="bifrost-bench-") as place:
            return await _MEASUREMENTS[name](Path(place))


def _wanted() -> Sequence[str]:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", choices=_MEASUREMENTS, metavar="NAME", help=", ".join(_MEASUREMENTS))
    only: str | None = parser.parse_args().only
    return [only] if only else list(_MEASUREMENTS)


if __name__ == "__main__":
    sys.exit(main())
