"""A bot that is started anew between any two steps of a story, or dies after each thing that it says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from executor.events import SessionOpened, TextWritten
from executor.questions import Asked, QuestionKind
from executor.steps import watched
from tests.contracts.life import Life, living
from tests.contracts.world import World
from tests.contracts.worlds import quick, world

pytestmark = pytest.mark.timeout(180)
__all__ = ["quick", "world"]  # fixtures

PROMPT = "how do we cache?"
REPLY = "and now the tests"


async def _ask(life: Life) -> None:
    await life.world.asks("research", PROMPT)


async def _begin(life: Life) -> None:
    await life.does(await life.begins(), SessionOpened(session_id="s-1"))


async def _write(life: Life) -> None:
    await life.does(await life.begins(), TextWritten(text="First I look."))


async def _ask_people(life: Life) -> None:
    asked = Asked(
        kind=QuestionKind.APPROVAL, text="Run make?", detail="make\n" * 5_000, syntax="bash", grant="run make"
    )
    await life.wants(await life.begins(), asked)


async def _approve(life: Life) -> None:
    """The button is that of an earlier life, and nobody has begun anything in this one."""
    await life.world.presses("Approve")


async def _reply(life: Life) -> None:
    await life.begins()
    await life.world.replies(REPLY)


async def _end(life: Life) -> None:
    job = await life.begins()
    await life.does(job, TextWritten(text="And then I see."))
    await life.ends(job, report=True)


async def _go_on(life: Life) -> None:
    await life.does(await life.begins(), TextWritten(text="The tests are written."))


async def _end_all(life: Life) -> None:
    await life.ends(await life.begins())


async def _again(life: Life) -> None:
    """Buttons are those of an earlier life."""
    await life.world.presses("Retry")


Step = Callable[[Life], Awaitable[None]]
STEPS: Mapping[Step, str] = {
    _ask: PROMPT,
    _begin: "running",
    _write: "first i look.",
    _ask_people: "waiting for an answer",
    _approve: "approved by",
    _reply: "replies waiting",
    _end: "and then i see.",
    _go_on: "the tests are written.",
    _end_all: "",
    _again: "pending",
}
"""What happens, each with what everybody then sees."""


def shows(world: World, sight: str) -> bool:
    """Whether anything in #dev says this."""
    rows = [row for talk in world.talks for row in (talk.head, *talk.replies)]
    return any(sight in row.text.lower() for row in rows)


async def test_a_bot_that_is_restarted_between_any_two_steps_tells_the_story_once(
    world: World, tmp_path: Path
) -> None:
    for step, sight in STEPS.items():
        async with living(world, tmp_path) as life:
            await step(life)
            await world.until(partial(shows, world, sight), sight)
            assert await life.told()
    the_story_is_told_once(world)


class Struck(BaseException):
    """The bot is dead."""


@dataclass
class Killer:
    """Kills the bot after each thing that it has said, before it can write down that it has."""

    world: World
    over: asyncio.Event = field(default_factory=asyncio.Event)
    done: set[tuple[str, int]] = field(default_factory=set)

    def strike(self, step: str) -> None:
        rows = sum(1 + len(talk.replies) for talk in self.world.talks)
        if step in ("message posted", "message edited", "file attached") and (step, rows) not in self.done:
            self.done.add((step, rows))
            self.over.set()
            raise Struck


async def test_a_bot_that_dies_after_each_thing_it_says_tells_the_story_once(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """F07, F42."""
    killer = Killer(world)
    with watched(killer.strike):
        for step, sight in STEPS.items():
            await _live(killer, tmp_path, step, sight)
            while killer.over.is_set():
                await _live(killer, tmp_path, None, sight)
    assert {step for step, _ in killer.done} == {"message posted", "message edited", "file attached"}
    assert not [record for record in caplog.records if record.name == "aiohttp.server"], "readers may leave"
    the_story_is_told_once(world)


async def _live(killer: Killer, place: Path, step: Step | None, sight: str) -> None:
    """One life, in which the story goes on by this step or what was begun is told to the end."""
    world = killer.world
    killer.over.clear()
    try:
        async with living(world, place, killer.over) as life:
            if step is not None:
                await life.or_over(step(life))
            await life.or_over(world.until(partial(shows, world, sight), sight))
            await life.told()
    except* Struck:
        assert killer.over.is_set()


def the_story_is_told_once(world: World) -> None:
    (talk,) = world.talks
    texts = [row.text for row in talk.replies]
    for said, times in (("First I look.", 1), ("Sessions are cached", 2), ("The tests are written.", 1)):
        assert len([text for text in texts if said in text]) == times, said
    assert len([text for text in texts if "Question 1 of" in text and "approved by" in text.lower()]) == 1
    names = [name for row in talk.replies for name in row.files]
    assert [name.partition("-")[0] for name in names] == ["question", "report"]
    assert "done" in talk.head.text.lower()
    assert world.name == "web" or list(world.pings) == ["Ann"] * 3
