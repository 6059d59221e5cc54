"""The ways to kill a bot again and again, and to see each time that it goes on as if nothing had been."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.faults.kill.audit import Tally, audit
from tests.faults.kill.load import Load
from tests.faults.kill.story import SCENES, play
from tests.faults.kill.theatre import Theatre, open_theatre
from tests.fsck import check

_TRIES = 3
_LONGEST_S = 0.6
"""Seconds of the longest life under load; the bot needs a tenth of one to begin, and a job as long."""


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


async def kill_amid_scenes(place: Path, seed: int, kills: int) -> Tally:
    """Kills it at a random one of all the steps that a scene comes to, whatever that is called."""
    chance = random.Random(seed)
    tally = Tally(name=f"kills amid scenes, seed {seed}")
    async with open_theatre(place) as theatre:
        await theatre.begin()
        reached = await rehearse(theatre)
        for _ in range(kills):
            scene = chance.choice([*SCENES])
            await strike(theatre, tally, [scene], "any", chance.randint(1, len(reached[scene]) // 2))
    return tally


async def kill_at_random(place: Path, seed: int, kills: int) -> Tally:
    """Kills it at random moments while many people ask at once. All is audited at the end."""
    chance = random.Random(seed)
    tally = Tally(name=f"kills at random moments, seed {seed}")
    async with open_theatre(place) as theatre:
        await theatre.begin()  # a database is looked at after each kill: there has to be one
        await theatre.lives.end()
        asking = asyncio.create_task(Load(theatre, chance).run())
        for _ in range(kills):
            await theatre.lives.begin()
            # The random moment is what is tested.
            await asyncio.wait({asking}, timeout=chance.uniform(0, _LONGEST_S))
            await theatre.lives.end()
            tally.kills += 1
            check(theatre.database)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await recover(theatre, tally)
    assert not tally.faults, "\n".join([str(tally), *tally.faults])
    return tally
