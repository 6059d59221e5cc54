"""The bot is killed at every named step of the way: nothing is lost, said twice or left over."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.kill.audit import Tally
from tests.faults.kill.strikes import kill_amid_scenes, recover, rehearse, strike
from tests.faults.kill.theatre import open_theatre
from tests.steps import all_steps

pytestmark = pytest.mark.timeout(300)

Record = Callable[[str, object], None]
_SHARDS = 4
_MIGRATIONS = Path(__file__).parents[2] / "storage" / "sqlite" / "migrations"
FIRST = frozenset({"migration begins", "migration statement done", "migration committed", "token written"})
"""Steps that only the first start on a data directory comes to."""


def test_the_code_names_enough_steps() -> None:
    assert len(all_steps()) >= 40


@pytest.mark.parametrize("shard", range(_SHARDS))
async def test_a_bot_killed_at_any_step_loses_nothing_and_says_nothing_twice(
    shard: int, tmp_path: Path, record_property: Record
) -> None:
    tally = Tally(name=f"kills at named steps, part {shard + 1} of {_SHARDS}")
    async with open_theatre(tmp_path) as theatre:
        await theatre.begin()
        reached = await rehearse(theatre)
        unreached = set(all_steps()) - FIRST - {step for steps in reached.values() for step in steps}
        assert not unreached, "no scene comes to these steps"
        for step in sorted(set(all_steps()) - FIRST)[shard::_SHARDS]:
            await strike(theatre, tally, [name for name, steps in reached.items() if step in steps], step)
    record_property("summary", str(tally))


@pytest.mark.parametrize("batch", range(2))
async def test_a_bot_killed_at_whatever_step_of_a_scene_loses_nothing_and_says_nothing_twice(
    batch: int, tmp_path: Path, record_property: Record
) -> None:
    record_property("summary", str(await kill_amid_scenes(tmp_path, secrets.randbelow(1_000_000), 25)))


async def test_a_bot_killed_at_its_very_first_start_begins_again(
    tmp_path: Path, record_property: Record
) -> None:
    tally = Tally(name="kills at the first start")
    for step, times in _first_moments():
        place = tmp_path / f"{step} {times}"
        place.mkdir()
        async with open_theatre(place) as theatre:
            theatre.lives.arm(step, times)
            await theatre.begin()
            assert not theatre.lives.armed, f"there is no {step!r} number {times}"
            tally.kills += 1
            await recover(theatre, tally)
            assert not tally.faults, "\n".join([f"killed at {times} {step!r}:", *tally.faults])
    record_property("summary", str(tally))


def _first_moments() -> Iterator[tuple[str, int]]:
    for step in sorted(FIRST):
        most = len([*_MIGRATIONS.glob("*.sql")]) if step.startswith("migration") else 1
        yield from ((step, times) for times in range(1, most + 1))
