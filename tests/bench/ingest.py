"""How fast lines of JSON become activities, against a loop that only parses them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import orjson

from executor.backends.claude_events import ClaudeDecoder
from executor.processes.lines import LineSplitter
from tests.bench.figures import Figure, at_least, in_turns, median, pair_ratio
from tests.bench.stream import write_stream

_ROUNDS = 9
_CHUNK = 64 * 1024


async def measure(place: Path) -> Sequence[Figure]:
    """Reads 100 MB of recordings from a file, as an attempt reads its process: in chunks, line by line."""
    path = place / "stream.ndjson"
    megabytes = write_stream(path) / 1e6

    async def decoded() -> float:
        began_at = time.perf_counter()
        _decode(path)
        return megabytes / (time.perf_counter() - began_at)

    async def parsed() -> float:
        began_at = time.perf_counter()
        _parse(path)
        return megabytes / (time.perf_counter() - began_at)

    rates, raw_rates = await in_turns(_ROUNDS, decoded, parsed)
    ratio = pair_ratio(rates, raw_rates)
    return [
        Figure(
            name="claude's output decoded",
            value=median(rates),
            unit="MB/s",
            baseline=median(raw_rates),
            pair_ratio=ratio,
            target=at_least(ratio, 0.5, "× orjson.loads line by line"),
        )
    ]


def _decode(path: Path) -> None:
    splitter, decode = LineSplitter(), ClaudeDecoder().stdout
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            for line in splitter.feed(chunk):
                decode(line)


def _parse(path: Path) -> None:
    with path.open("rb") as file:
        for line in file:
            orjson.loads(line)
