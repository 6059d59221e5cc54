"""The bot is killed at every named step of the way: nothing is lost, said twice or left over."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.kill.audit import Tally
from tests.faults.kill.strikes import recover, rehearse, strike, strike_anywhere
from tests.faults.kill.theatre import open_theatre
from tests.steps import all_steps

pytestmark = pytest.mark.timeout(400)

Record = Callable[[str, object], None]
_SHARDS = 2
_AMID = 25
_MIGRATIONS = Path(__file__).parents[2] / "storage" / "sqlite" / "migrations"
_OF_A_MIGRATION = ("migration begins", "migration statement done", "migration committed")
FIRST = frozenset({*_OF_A_MIGRATION, "token written"})
"""Steps that only the first start on a data directory comes to."""


def test_the_code_names_enough_steps() -> None:
    assert len(all_steps()) >= 40


@pytest.mark.parametrize("shard", range(_SHARDS))
async def test_a_bot_killed_at_any_step_loses_nothing_and_says_nothing_twice(
    shard: int, tmp_path: Path, record_property: Record
) -> None:
    """At each step where a scene first comes to it, then at random ones of all that a scene comes to."""
    tally = Tally(name=f"kills at named steps and amid scenes, part {shard + 1} of {_SHARDS}")
    async with open_theatre(tmp_path) as theatre:
        await theatre.begin()
        reached = await rehearse(theatre)
        unreached = set(all_steps()) - FIRST - {step for steps in reached.values() for step in steps}
        assert not unreached, "no scene comes to these steps"
        for step in sorted(set(all_steps()) - FIRST)[shard::_SHARDS]:
            await strike(theatre, tally, [name for name, steps in reached.items() if step in steps], step)
        await strike_anywhere(theatre, tally, reached, secrets.randbelow(1_000_000), _AMID)
    record_property("summary", str(tally))


async def test_a_bot_killed_at_its_very_first_start_begins_again(
    tmp_path: Path, record_property: Record
) -> None:
    tally = Tally(name="kills at the first start")
    async with open_theatre(tmp_path) as theatre:
        for step, times in _first_moments():
            theatre.lives.arm(step, times)
            await theatre.begin()
            assert not theatre.lives.armed, f"there is no {step!r} number {times}"
            tally.kills += 1
            await recover(theatre, tally)
            assert not tally.faults, "\n".join([f"killed at {times} {step!r}:", *tally.faults])
            await theatre.lives.end()
            shutil.rmtree(theatre.data)
    record_property("summary", str(tally))


def _first_moments() -> Iterator[tuple[str, int]]:
    """Once in each migration, at its steps in turn."""
    yield "token written", 1
    for number in range(1, len([*_MIGRATIONS.glob("*.sql")]) + 1):
        yield _OF_A_MIGRATION[number % len(_OF_A_MIGRATION)], number
