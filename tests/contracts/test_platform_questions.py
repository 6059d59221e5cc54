"""What an agent asks, on every chat platform: who may decide it, how, and what everybody then sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.model import Job, Outcome, OutcomeKind
from executor.questions import Asked, Choice, Decision, Question, QuestionKind, Verdict
from tests.contracts.life import Life, living
from tests.contracts.test_platform import at_work, card, life, thread
from tests.contracts.world import Row, World
from tests.contracts.worlds import quick, world

pytestmark = pytest.mark.timeout(120)
__all__ = ["life", "quick", "world"]  # fixtures

COMMAND = "rm -rf build && echo '<done>' > `tty`"
RUN = Asked(
    kind=QuestionKind.APPROVAL,
    text="Run a command?",
    detail=COMMAND,
    syntax="bash",
    grant=f"run this very command: {COMMAND}",
)
STORES = tuple(
    Choice(label=label, description=f"as {label} does") for label in ("Redis", "Postgres", "a *file*")
)
WHERE = Asked(kind=QuestionKind.CHOICE, text="Where shall sessions live?", choices=STORES)
WHICH = Asked(kind=QuestionKind.CHOICE, text="Which of them are used?", choices=STORES, several=True)
LINES = 1_500
"""More than any platform shows in a message."""
CHANGE = Asked(
    kind=QuestionKind.APPROVAL,
    text="Change cache.py?",
    detail="--- a/cache.py\n+++ b/cache.py\n" + "\n".join(f"+line {number} of it" for number in range(LINES)),
    syntax="diff",
)
WAITING = Outcome(kind=OutcomeKind.WAITING, reason="waiting")


def question(world: World, number: int = 1) -> Row | None:
    """The message of the question."""
    found = [row for row in thread(world) if f"question {number} of" in row.text.lower()]
    assert len(found) < 2, "it is said once"
    return found[0] if found else None


def says(world: World, *parts: str, number: int = 1) -> bool:
    row = question(world, number)
    return row is not None and all(part.lower() in row.text.lower() for part in parts)


async def asked(life: Life, job: Job, *wanted: Asked, request: str = "r-1", shows: int = 1) -> None:
    """The agent asks, and everybody sees the last of it."""
    await life.wants(job, *wanted, request=request)
    await life.world.until(lambda: question(life.world, shows) is not None, "the question")


async def kept(life: Life, job: Job, number: int = 1) -> Question:
    return (await life.storage.questions.of_job(job.id))[number - 1]


async def test_what_it_wants_to_do_is_shown_to_the_letter_and_approved_by_who_asked_for_the_job(
    life: Life,
) -> None:
    world = life.world
    job = await at_work(life)
    await asked(life, job, RUN)
    assert says(world, COMMAND, "waiting for an answer", "run this very command")
    row = question(world)
    assert row and row.buttons[:3] == ("Approve", "Approve for this job", "Deny")
    assert world.name == "web" or list(world.pings) == ["Ann"]
    await world.until(lambda: "waiting for an answer" in card(world).text.lower(), "that it waits")
    refused = await world.another_presses("Approve")
    assert world.name == "web" or "only that person or an admin" in refused
    assert (await life.job(job)).asking == 1
    await world.presses("Approve")
    await world.until(lambda: says(world, COMMAND, "approved by"), "who has approved it")
    await world.until(lambda: "running" in card(world).text.lower(), "that it goes on")
    row = question(world)
    assert row and not row.buttons
    decision = (await kept(life, job)).decision
    assert decision and decision.verdict is Verdict.APPROVE
    assert (await life.job(job)).asking == 0
    await world.until(lambda: any("Approved: job" in told for told in world.told), "an answer")
    told = len(world.told)
    await world.presses("Deny", stale=True)
    await world.until(lambda: len(world.told) > told, "why not")
    assert "was approved by" in world.told[-1]
    assert world.name == "web" or list(world.pings) == ["Ann"], "an edit calls nobody"


async def test_a_choice_is_made_by_a_button_in_words_or_by_a_reply(life: Life) -> None:
    world = life.world
    job = await at_work(life)
    await asked(life, job, WHERE)
    assert says(world, "as Postgres does", "a *file*" if world.name == "web" else "file")
    await world.presses("Postgres")
    await world.until(lambda: says(world, "answered by", "Postgres"), "the answer")
    await asked(life, job, WHICH, request="r-2", shows=2)
    await world.writes("Answer…", choices="1,3", prompt="and the disk")
    await world.until(lambda: says(world, "answered by", "and the disk", number=2), "the answer")
    await asked(life, job, WHERE, request="r-3", shows=3)
    await world.writes("Answer in words…", prompt="in memory")
    await world.until(lambda: says(world, "in memory", number=3), "the answer")
    await asked(life, job, WHERE, request="r-4", shows=4)
    await world.replies("on *paper*", twice=True)
    await world.until(lambda: says(world, "paper", number=4), "the answer")
    decisions = [each.decision for each in await life.storage.questions.of_job(job.id)]
    said = [(each.choices, each.text) for each in decisions if each]
    assert said == [
        (("Postgres",), ""),
        (("Redis", "a *file*"), "and the disk"),
        ((), "in memory"),
        ((), "on *paper*"),
    ]
    assert (await life.job(job)).replies == 0, "an answer is no reply besides"


async def test_a_reply_is_no_answer_to_what_it_wants_to_do_and_why_not_is_told(life: Life) -> None:
    world = life.world
    job = await at_work(life)
    await asked(life, job, RUN)
    await world.replies("approve")
    await world.until(lambda: "replies waiting" in card(world).text, "that it is kept")
    assert (await life.job(job)).asking == 1
    await world.writes("Deny and say why…", prompt="use the staging database")
    await world.until(lambda: says(world, "denied by", "use the staging database"), "why not")
    decision = (await kept(life, job)).decision
    assert decision and (decision.verdict, decision.text) == (Verdict.DENY, "use the staging database")


async def test_what_is_long_is_attached_and_what_nobody_decides_is_asked_again(life: Life) -> None:
    world = life.world
    job = await at_work(life)
    await asked(life, job, CHANGE)
    name = f"question-{job.short_id}-1.diff"
    await world.until(lambda: any(name in row.files for row in thread(world)), "all of it")
    assert await life.told()
    assert (await world.file(name)).decode() == CHANGE.detail
    assert says(world, "line 1 of it", "the whole is in the file below")
    await life.ends(job, WAITING)
    await world.until(lambda: says(world, "asked again below", "question 2"), "that it is asked again")
    await world.until(lambda: question(world, 2) is not None, "the question again")
    first, second = question(world), question(world, 2)
    assert first and second and not first.buttons and "Approve" in second.buttons
    assert world.name == "web" or list(world.pings) == ["Ann", "Ann"]
    told = len(world.told)
    await world.presses("Approve", stale=True)
    await world.until(lambda: len(world.told) > told, "where to")
    assert "question 2" in world.told[-1]
    assert (await life.job(job)).asking == 1


async def test_a_question_outlives_the_bot_and_ends_with_its_job(world: World, tmp_path: Path) -> None:
    async with living(world, tmp_path) as life:
        job = await at_work(life)
        await asked(life, job, RUN)
        assert await life.told()
    async with living(world, tmp_path) as life:
        await world.until(lambda: "waiting for an answer" in card(world).text.lower(), "that it waits")
        await world.presses("Approve for this job")
        await world.until(lambda: says(world, "approved for this job by"), "who has approved it")
        job = await life.begins()
        await asked(life, job, WHERE, request="r-2", shows=2)
        await world.presses("Cancel")
        await life.stopped(job)
        assert await life.told()
        row = question(world, 2)
        assert row and not row.buttons and "not asked any more" in row.text.lower()


async def test_a_question_whose_answer_is_lost_is_found_again_and_changed(life: Life) -> None:
    """F42."""
    job = await at_work(life)
    life.world.lose_answers()
    await asked(life, job, RUN)
    no = Decision(verdict=Verdict.DENY, by="Ann")
    assert await life.storage.questions.decide((await kept(life, job)).id, no)
    await life.world.until(lambda: says(life.world, "denied by"), "who has denied it")
    assert await life.told()
    row = question(life.world)
    assert row and not row.buttons
