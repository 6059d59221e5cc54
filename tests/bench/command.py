"""A command on Slack: when the person reads "queued", when the card stands, when the CLI starts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from executor.model import JobStatus
from tests.bench.bare_run import bare_command, run
from tests.bench.figures import Figure, at_most, in_turns, median, p99
from tests.bench.idle_bot import idle_bot, make_cli, started_at
from tests.stage import Stage

_ROUNDS = 150
_WARM_UP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    """Milliseconds after the command was typed."""

    ack: float
    card: float
    process: float

    @property
    def visible(self) -> float:
        return min(self.ack, self.card)


async def measure(place: Path) -> Sequence[Figure]:
    """Types commands one after the other, each when the job before it has ended and all of it is told.

    In turns with them, the same CLI is started without a bot around it. The simulator works in the bot's own
    process, so its part of the work is in every figure.
    """
    seen: list[_Times] = []
    async with idle_bot(place, executable=make_cli(place)) as stage:

        async def typed() -> float:
            seen.append(await _typed(stage))
            return seen[-1].process

        await typed()
        bare = bare_command(stage.house.workshop, (await stage.house.storage.jobs.jobs())[0], place)

        async def spawned() -> float:
            asked_at = time.time()
            await run(bare)
            return (started_at(place / "results") - asked_at) * 1000

        await in_turns(_WARM_UP, typed, spawned)
        seen.clear()
        processes, spawns = await in_turns(_ROUNDS, typed, spawned)
    return [*_shown(seen), *_started(processes, spawns)]


async def _typed(stage: Stage) -> _Times:
    asked_at, asked_at_wall = time.monotonic(), time.time()
    reply = await stage.ann.command("/job", "session say hello", channel=stage.dev)
    job = await stage.ended()
    assert reply.shown is not None and reply.plain.startswith("Queued"), reply.plain
    assert job.status is JobStatus.DONE, job.message
    process_at = started_at(stage.house.data.jobs / job.id / "results")
    return _Times(
        ack=(reply.shown.history[0].at - asked_at) * 1000,
        card=(stage.slack.messages(stage.dev)[-1].history[0].at - asked_at) * 1000,
        process=(process_at - asked_at_wall) * 1000,
    )


def _shown(seen: Sequence[_Times]) -> Sequence[Figure]:
    acks, cards, visible = zip(*((each.ack, each.card, each.visible) for each in seen), strict=True)
    slowest = p99(visible)
    return [
        Figure(
            name="/job → queued is visible, p99", value=slowest, unit="ms", target=at_most(slowest, 50, "ms")
        ),
        Figure(name="/job → acknowledged, p50", value=median(acks), unit="ms"),
        Figure(name="/job → acknowledged, p99", value=p99(acks), unit="ms"),
        Figure(name="/job → card posted, p50", value=median(cards), unit="ms"),
        Figure(name="/job → card posted, p99", value=p99(cards), unit="ms"),
    ]


def _started(processes: Sequence[float], spawns: Sequence[float]) -> Sequence[Figure]:
    added = median(processes) - median(spawns)
    return [
        Figure(
            name="/job → CLI started, p50",
            value=median(processes),
            unit="ms",
            baseline=median(spawns),
            target=at_most(added, 15, "ms more than a bare spawn"),
        ),
        Figure(name="/job → CLI started, p99", value=p99(processes), unit="ms", baseline=p99(spawns)),
    ]
