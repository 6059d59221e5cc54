"""The ways to kill a bot again and again, and to see each time that it goes on as if nothing had been."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.faults.kill.audit import Tally, audit
from tests.faults.kill.load import Load
from tests.faults.kill.story import SCENES, play
from tests.faults.kill.theatre import Theatre, open_theatre
from tests.fsck import check

_TRIES = 3
_STARTS = 5
"""How many times as long as its start the longest life under load takes; a job needs as long as a start."""


async def rehearse(theatre: Theatre) -> Mapping[str, Sequence[str]]:
    """The steps that each scene comes to when nobody strikes, in order."""
    reached = {}
    for name, scene in SCENES.items():
        before = len(theatre.lives.reached())
        await play(theatre, scene)
        reached[name] = theatre.lives.reached()[before:]
    return reached


async def strike(theatre: Theatre, tally: Tally, scenes: Sequence[str], step: str, times: int = 1) -> None:
    """Plays `scenes` until the bot dies at `step`, lets the next one go on from there, and audits it."""
    theatre.lives.arm(step, times)
    for scene in [*scenes] * _TRIES:
        await play(theatre, SCENES[scene])
        if not theatre.lives.armed:
            break
    assert not theatre.lives.armed, f"{scenes} come to step {step!r} no more"
    await theatre.lives.end()  # where the scene has begun the next one already
    tally.kills += 1
    if tally.kills % 2:  # every other bot begins at once, and may meet what has not died yet
        tally.leftovers += await theatre.survivors()
    await recover(theatre, tally)
    assert not tally.faults, "\n".join([f"killed at {times} {step!r} in one of {scenes}:", *tally.faults])


async def recover(theatre: Theatre, tally: Tally) -> None:
    """The next bot goes on from where the last one died; what came of it is audited."""
    await theatre.begin()
    await theatre.redeliver()
    await theatre.settled()
    await audit(theatre, tally)


@contextmanager
def _seeded(seed: int) -> Iterator[random.Random]:
    """Chance by the seed, which is told with whatever goes wrong."""
    try:
        yield random.Random(seed)
    except BaseException as error:
        error.add_note(f"seed {seed}")
        raise


async def strike_anywhere(
    theatre: Theatre, tally: Tally, reached: Mapping[str, Sequence[str]], seed: int, kills: int
) -> None:
    """Kills it at a random one of all the steps that a scene comes to, whatever that is called."""
    with _seeded(seed) as chance:
        for _ in range(kills):
            scene = chance.choice([*SCENES])
            await strike(theatre, tally, [scene], "any", chance.randint(1, len(reached[scene]) // 2))


async def kill_amid_scenes(place: Path, seed: int, kills: int) -> Tally:
    """The same with a bot of its own."""
    tally = Tally(name=f"kills amid scenes, seed {seed}")
    async with open_theatre(place) as theatre:
        await theatre.begin()
        await strike_anywhere(theatre, tally, await rehearse(theatre), seed, kills)
    return tally


async def _start_s(theatre: Theatre) -> float:
    """Seconds that a start takes here and now; the very first one makes the database, and does not count."""
    for _ in range(2):
        began = time.monotonic()
        await theatre.begin()
        took_s = time.monotonic() - began
        await theatre.lives.end()
    return took_s


async def kill_at_random(place: Path, seed: int, kills: int) -> Tally:
    """Kills it at random moments while many people ask at once. All is audited at the end."""
    tally = Tally(name=f"kills at random moments, seed {seed}")
    with _seeded(seed) as chance:
        async with open_theatre(place) as theatre:
            longest_s = _STARTS * await _start_s(theatre)
            asking = asyncio.create_task(Load(theatre, chance).run())
            for _ in range(kills):
                await theatre.lives.begin()
                # The random moment is what is tested.
                await asyncio.wait({asking}, timeout=chance.uniform(0, longest_s))
                if asking.done():
                    asking.result()  # it only ends by a fault of its own
                await theatre.lives.end()
                tally.kills += 1
                check(theatre.database)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await recover(theatre, tally)
    assert not tally.faults, "\n".join([str(tally), *tally.faults])
    return tally
