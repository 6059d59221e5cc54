"""Many jobs streaming at once to a platform that enforces its limits: what is lost, refused, late.

By itself, `python -m tests.bench.load --speed 1 slack 50`, it measures one crowd by the wall's clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from tests.bench.fast_clock import on_fast_clock
from tests.bench.figures import Figure, Target, at_most, p99
from tests.bench.streaming import CHUNKS, Crowd, Stream, open_crowd
from tests.bench.venues import VENUES, Messages, Venue

_SPEED = 10.0
"""How much faster than the wall's clock that of the bot and the simulators runs."""
_SLOWER = 5.0
"""The same where milliseconds count."""
_CROWDS = (1, 5, 10, 20, 50)
_EVERY_S = 1.0
_STREAM_S = CHUNKS * _EVERY_S
_MOST_S = 900.0
_STREAMING, _NEWCOMERS = 20, 40
_SETTLED_S = 160.0
_STREAMS_S = 340.0
"""Longer than all takes, for the last words of the others would go before the cards of newcomers."""
_APART_S = 3.0
"""Seconds between two newcomers: each takes two posts, its card and its last word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What people saw of a crowd. Times are in seconds of the clock that all share."""

    jobs: int
    lost: int
    """Characters of the chunks that stand nowhere in the end."""
    repeated: int
    finals: int
    """Last words that stand and carry their whole answer."""
    throttled: int
    last_final_s: float
    """From the first command to the last last word."""
    least_s: float
    told_s: float
    """From the first command until nothing is due any more."""
    first_card_p99_s: float
    lag_p99_s: float
    """From a chunk's writing until a message shows it, once the job has a page and while it runs."""
    live: float
    """The share of chunks of which that can be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomers:
    """Of jobs that are asked for one after the other while others stream."""

    cards_ms: Sequence[float]
    """Milliseconds by the wall's clock until the card of each stands."""
    lags_s: Sequence[float]
    """From each chunk of the others to its being seen, by the fast clock."""
    interval_s: float


async def measure(place: Path) -> Sequence[Figure]:
    """Each crowd on each platform, all jobs of it asked for at once in one channel."""
    figures: list[Figure] = []
    for name in VENUES:
        for jobs in _CROWDS:
            home = place / f"{name}-{jobs}"
            home.mkdir()
            figures += _figures(name, await on_fast_clock(_SPEED, partial(_crowd, name, jobs, home)))
        home = place / f"{name}-newcomers"
        home.mkdir()
        newcomers = await on_fast_clock(_SLOWER, partial(_newcomers, name, home))
        figures += _while_streaming(name, newcomers)
    return figures


def _figures(name: str, seen: Report) -> Sequence[Figure]:
    about = f"{name}, {seen.jobs} at once"
    wrong = seen.lost + seen.repeated
    none = Target(text="= 0", ok=wrong == 0)
    return [
        Figure(name=f"{about}: characters lost or repeated", value=wrong, unit="", target=none),
        Figure(
            name=f"{about}: last words missing",
            value=seen.jobs - seen.finals,
            unit="",
            target=Target(text="= 0", ok=seen.finals == seen.jobs),
        ),
        Figure(
            name=f"{about}: answered with 429",
            value=seen.throttled,
            unit="",
            target=Target(text="= 0", ok=seen.throttled == 0),
        ),
        Figure(
            name=f"{about}: until the last last word",
            value=seen.last_final_s,
            unit="s",
            baseline=seen.least_s,
            target=at_most(seen.last_final_s / seen.least_s, 1.2, "× the least the limits allow"),
        ),
        Figure(name=f"{about}: chunks seen while it runs", value=100 * seen.live, unit="%"),
    ]


def _while_streaming(name: str, seen: Newcomers) -> Sequence[Figure]:
    card_ms, lag_s = p99(seen.cards_ms), p99(seen.lags_s)
    return [
        Figure(
            name=f"job → card on {name}, {_STREAMING} streaming, p99",
            value=card_ms,
            unit="ms",
            target=at_most(card_ms, 100, "ms"),
        ),
        Figure(
            name=f"chunk → visible on {name}, {_STREAMING} streaming, p99",
            value=lag_s,
            unit="s",
            baseline=seen.interval_s,
            target=at_most(lag_s / seen.interval_s, 1, "× the pacing interval"),
        ),
    ]


async def _crowd(name: str, jobs: int, place: Path) -> Report:
    async with asyncio.timeout(_MOST_S), _open(name, place) as (venue, crowd):
        streams = await _streamed(crowd, jobs)
        return _report(venue, streams, asyncio.get_running_loop().time())


@asynccontextmanager
async def _open(name: str, place: Path) -> AsyncIterator[tuple[Venue, Crowd]]:
    async with VENUES[name]() as venue, open_crowd(place, venue.platform, venue.origin) as crowd:
        yield venue, crowd


async def _streamed(crowd: Crowd, jobs: int) -> Sequence[Stream]:
    streams = [await crowd.ask() for _ in range(jobs)]
    async with asyncio.TaskGroup() as group:
        for stream in streams:
            group.create_task(crowd.play(stream, _EVERY_S))
    await crowd.told(streams)
    return streams


async def _newcomers(name: str, place: Path) -> Newcomers:
    async with asyncio.timeout(_MOST_S), _open(name, place) as (venue, crowd), asyncio.TaskGroup() as group:
        streams = [await crowd.ask() for _ in range(_STREAMING)]
        playing = [group.create_task(crowd.play(stream, _STREAMS_S / CHUNKS)) for stream in streams]
        # First the cards and the first pages of all, then nothing but output.
        await asyncio.sleep(_SETTLED_S)
        lags = [lag for each in streams for lag in _lags(each, venue.thread_of(each.job.short_id))]
        cards_ms = []
        for _ in range(_NEWCOMERS):
            newcomer = await crowd.ask()
            await crowd.announced(newcomer)
            cards_ms.append((_card_at(venue, newcomer) - newcomer.asked_at) * 1000 / _SLOWER)
            await crowd.end(newcomer)
            await asyncio.sleep(_APART_S)
        assert not any(each.done() for each in playing), "nobody streams any more"
        for each in playing:
            each.cancel()
        return Newcomers(cards_ms=cards_ms, lags_s=lags, interval_s=venue.interval_s(_STREAMING))


def _card_at(venue: Venue, stream: Stream) -> float:
    short_id = stream.job.short_id
    return next(versions[0].at for versions in venue.cards() if short_id in versions[0].text)


def _report(venue: Venue, streams: Sequence[Stream], told_at: float) -> Report:
    began_at = streams[0].asked_at
    threads = [venue.thread_of(stream.job.short_id) for stream in streams]
    finals = [at for each in zip(streams, threads, strict=True) if (at := _final_at(*each))]
    counts = [_counted(*each) for each in zip(streams, threads, strict=True)]
    lags = [lag for each in zip(streams, threads, strict=True) for lag in _lags(*each)]
    return Report(
        jobs=len(streams),
        lost=sum(lost for lost, _ in counts),
        repeated=sum(repeated for _, repeated in counts),
        finals=len(finals),
        throttled=venue.throttled(),
        last_final_s=max(finals, default=told_at) - began_at,
        least_s=venue.limits.least_s(len(streams), _STREAM_S),
        told_s=told_at - began_at,
        first_card_p99_s=p99([versions[0].at - began_at for versions in venue.cards()]),
        lag_p99_s=p99(lags) if lags else 0.0,
        live=len(lags) / (CHUNKS * len(streams)),
    )


def _final_at(stream: Stream, thread: Messages) -> float | None:
    """When its last word came, if it carries the whole answer."""
    for versions in thread:
        text = versions[-1].text
        if f"{stream.job.short_id} · done" in text and stream.answer.strip() in text:
            return versions[0].at
    return None


def _counted(stream: Stream, thread: Messages) -> tuple[int, int]:
    """Characters lost, characters repeated."""
    text = "\n".join(versions[-1].text for versions in thread)
    counts = [(len(chunk), text.count(chunk.strip())) for chunk in stream.chunks]
    lost = sum(length for length, count in counts if count == 0)
    return lost, sum(length * (count - 1) for length, count in counts if count > 1)


def _lags(stream: Stream, thread: Messages) -> Sequence[float]:
    """Of the chunks that were written when a page stood and were seen while the job ran."""
    seen = sorted((each for versions in thread for each in versions), key=lambda each: each.at)
    seen = [each for each in seen if not stream.ended_at or each.at < stream.ended_at]
    lags = []
    for chunk, written_at in zip(stream.chunks, stream.written, strict=False):
        shown_at = next((each.at for each in seen if chunk.strip() in each.text), None)
        if shown_at is not None and written_at > seen[0].at:
            lags.append(shown_at - written_at)
    return lags


def main() -> None:
    """One crowd; prints what was seen as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.load", description=__doc__)
    parser.add_argument("--speed", type=float, default=_SPEED)
    parser.add_argument("venue", choices=VENUES)
    parser.add_argument("jobs", type=int)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bifrost-bench-") as place:
        story = on_fast_clock(asked.speed, lambda: _crowd(asked.venue, asked.jobs, Path(place)))
        json.dump(asdict(asyncio.run(story)), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
