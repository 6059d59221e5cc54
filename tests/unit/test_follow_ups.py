"""Replies that come before a job has ended: kept, counted, and gone on with when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.desk.asks import REPLY, Answer, Ask
from bot.desk.follow_ups import MOST
from bot.news.announcements import card
from bot.platforms.base import Announcement
from executor import outbox
from executor.events import ReplyRefused
from executor.follow_ups import FollowUps, Permit
from executor.lifecycle import Transition
from executor.model import EARLIER, Actor, Job, JobRequest, JobStatus, Origin, Outcome, OutcomeKind
from executor.wakeups import NEWS, QUEUE, Wakeups
from storage import open_storage
from tests.builders import TestClock
from tests.fsck import check
from tests.unit.office import ADMIN, ANN, BOB, Office, desk_on

HEAD = "100.1"
DONE = Outcome(kind=OutcomeKind.DONE, result="42")


class Talk(Office):
    """An office in whose one thread people talk while the loop is at work."""

    wakeups: Wakeups

    async def say(self, text: str, by: Actor = ANN, *, delivery: str = "") -> Answer:
        origin = Origin(actor=by, channel="C0DEV", thread=HEAD)
        delivery = delivery or f"said:{text}"
        return await self.desk.ask(Ask(verb=REPLY, origin=origin, delivery=delivery, args={"prompt": text}))

    async def begun(self, session: str = "s-1") -> Job:
        job = await self.running(session=session)
        await self.storage.outbox.shown(job.id, outbox.CARD, job.seq, HEAD)
        return job

    async def end(self, job: Job, move: Transition = Transition.FINISH, outcome: Outcome = DONE) -> None:
        self.clock.pass_by(seconds=1)  # what follows it is newer
        assert await self.storage.jobs.settle(job, move, outcome) is not None

    @asynccontextmanager
    async def at_work(self, permit: Permit | None = None) -> AsyncIterator[None]:
        permit = permit or self.desk.reply_refusal
        task = asyncio.create_task(FollowUps(self.storage.replies, self.wakeups, permit).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=5)

    async def until(self, condition: Callable[[list[Job]], bool]) -> list[Job]:
        """All jobs, the newest first, as soon as the condition holds of them."""
        async with asyncio.timeout(5):
            while True:
                with self.wakeups.listen(QUEUE) as bell:
                    jobs = list(await self.storage.jobs.jobs())
                    if condition(jobs):
                        return jobs
                    await bell.wait(0.05)


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    clock, wakeups, database = TestClock(), Wakeups(), tmp_path / "bifrost.db"
    async with open_storage(database, wakeups, clock) as storage:
        talk = Talk(storage, desk_on(storage, clock=clock), database, clock)
        talk.wakeups = wakeups
        yield talk
    check(database)


async def test_replies_to_a_running_job_are_kept_and_go_on_with_it_in_their_order(talk: Talk) -> None:
    job = await talk.begun()
    for text in ("first\nthis", "then that"):
        answer = await talk.say(text)
        assert answer.ok
        assert answer.text.startswith(f"Job `{job.short_id}` is running. Your reply is kept")
    assert (await talk.job(job)).replies == 2
    async with talk.at_work():
        await talk.end(job)
        follow_up, ended = await talk.until(lambda jobs: len(jobs) == 2)
    assert follow_up.prompt == "first\nthis\n\nthen that"
    assert (follow_up.parent_job_id, follow_up.session_id) == (job.id, "s-1")
    assert follow_up.origin == Origin(actor=ANN, channel="C0DEV", thread=HEAD)
    assert (ended.replies, ended.status) == (0, JobStatus.DONE)


async def test_replies_outlast_a_bot_that_dies_before_it_goes_on(talk: Talk) -> None:
    job = await talk.begun()
    await talk.say("go on")
    await talk.end(job)
    assert len(await talk.storage.jobs.jobs()) == 1
    async with talk.at_work():  # the next start finds it without a wake-up
        await talk.until(lambda jobs: len(jobs) == 2)


@pytest.mark.parametrize(
    ("transition", "outcome"),
    [
        (Transition.FAIL, Outcome(kind=OutcomeKind.FAILED, reason="exit", message="It broke.")),
        (Transition.TIME_OUT, Outcome(kind=OutcomeKind.TIMED_OUT, reason="timeout")),
    ],
)
async def test_a_failed_job_is_gone_on_with_too(talk: Talk, transition: Transition, outcome: Outcome) -> None:
    job = await talk.begun()
    await talk.say("try it without the cache")
    async with talk.at_work():
        await talk.end(job, transition, outcome)
        follow_up, _ = await talk.until(lambda jobs: len(jobs) == 2)
    assert follow_up.session_id == "s-1"


async def test_without_a_session_it_starts_afresh_and_knows_what_was_asked(talk: Talk) -> None:
    job = await talk.begun(session="")
    await talk.say("try again")
    async with talk.at_work():
        await talk.end(job, Transition.FAIL, Outcome(kind=OutcomeKind.FAILED, reason="spawn"))
        follow_up, _ = await talk.until(lambda jobs: len(jobs) == 2)
    assert follow_up.session_id is None
    assert follow_up.payload[EARLIER].startswith("Asked: how?")


async def test_the_same_message_delivered_again_is_kept_and_answered_once(talk: Talk) -> None:
    job = await talk.begun()
    for _ in range(2):
        assert (await talk.say("go on")).ok
    assert (await talk.job(job)).replies == 1
    async with talk.at_work():
        await talk.end(job)
        await talk.until(lambda jobs: len(jobs) == 2)
        again = await talk.say("go on")
    assert again.text.startswith("Queued as")
    assert len(await talk.storage.jobs.jobs()) == 2


async def test_a_job_that_waits_keeps_replies_too(talk: Talk) -> None:
    job = await talk.queued()
    await talk.storage.outbox.shown(job.id, outbox.CARD, job.seq, HEAD)
    assert (await talk.say("and the tests")).text.startswith(f"Job `{job.short_id}` is pending.")
    assert [action.verb for action in _card(await talk.job(job)).actions] == ["cancel"]


async def test_a_job_that_has_replies_says_so_and_offers_to_take_them_now(talk: Talk) -> None:
    job = await talk.begun()
    assert [action.verb for action in _card(await talk.job(job)).actions] == ["cancel"]
    await talk.say("stop and do this")
    entry = (await talk.storage.outbox.of_job(job.id))[outbox.CARD]
    assert entry.due
    said = _card(await talk.job(job))
    assert [action.verb for action in said.actions] == ["interrupt", "cancel"]
    assert ("replies waiting", "1") in [(fact.label, fact.value) for fact in said.facts]


async def test_an_interrupt_stops_the_job_and_keeps_the_replies(talk: Talk) -> None:
    job = await talk.begun()
    await talk.say("stop and do this")
    answer = await talk.ask("interrupt", job.id)
    assert answer.ok
    assert (await talk.job(job)).cancel_requested_at is not None
    async with talk.at_work():
        await talk.end(job, Transition.CANCEL, Outcome(kind=OutcomeKind.CANCELLED, reason="cancelled"))
        follow_up, stopped = await talk.until(lambda jobs: len(jobs) == 2)
    assert (follow_up.prompt, stopped.status) == ("stop and do this", JobStatus.CANCELLED)


async def test_only_who_may_cancel_a_job_may_interrupt_it(talk: Talk) -> None:
    job = await talk.begun()
    await talk.say("stop and do this", ADMIN)
    before = talk.rows()
    assert "somebody else" in await talk.refused(await talk.ask("interrupt", job.id, BOB), before)
    assert (await talk.ask("interrupt", job.id, ADMIN)).ok


async def test_without_a_reply_there_is_nothing_to_interrupt_for(talk: Talk) -> None:
    job = await talk.begun()
    before = talk.rows()
    said = await talk.refused(await talk.ask("interrupt", job.id), before)
    assert said.startswith("rehearsal takes nothing in while it works")
    assert (await talk.job(job)).cancel_requested_at is None


async def test_who_may_not_go_on_with_it_any_more_is_told_so_in_the_thread(talk: Talk) -> None:
    job = await talk.begun()
    await talk.say("and the tests", ADMIN)
    await talk.say("and the docs")

    async def refusal(_: Job, request: JobRequest) -> str:
        return "You are no admin." if request.origin.actor.user_id == ADMIN.user_id else ""

    async with talk.at_work(refusal):
        await talk.end(job)
        follow_up, ended = await talk.until(lambda jobs: len(jobs) == 2)
    assert (follow_up.prompt, ended.replies) == ("and the docs", 0)
    events = await talk.storage.jobs.events(job.id)
    assert events[-1].body == ReplyRefused(by="Admin", why="You are no admin.")
    assert (await talk.storage.outbox.of_job(job.id))[outbox.REFUSED].due


async def test_of_replies_that_are_all_refused_no_job_is_made(talk: Talk) -> None:
    job = await talk.begun()
    await talk.say("and the tests")

    async def refusal(*_: object) -> str:
        return "You may not."

    async with talk.at_work(refusal):
        await talk.end(job)
        async with asyncio.timeout(5):
            with talk.wakeups.listen(NEWS) as bell:
                while (await talk.job(job)).replies:
                    await bell.wait(0.05)
    assert len(await talk.storage.jobs.jobs()) == 1


async def test_a_cancel_means_all_of_it(talk: Talk) -> None:
    job = await talk.begun()
    await talk.say("one")
    await talk.say("two")
    answer = await talk.ask("cancel", job.id)
    assert answer.text.endswith("The 2 replies that it has not taken up will not be answered.")
    async with talk.at_work():
        await talk.end(job, Transition.CANCEL, Outcome(kind=OutcomeKind.CANCELLED, reason="cancelled"))
        later = (await talk.say("three")).job
        assert later is not None
        (newest, _) = await talk.until(lambda jobs: len(jobs) == 2)
    assert newest.prompt == "three"


async def test_a_job_keeps_so_many_replies_and_no_more(talk: Talk) -> None:
    await talk.begun()
    for number in range(MOST):
        assert (await talk.say(str(number))).ok
    before = talk.rows()
    assert (await talk.refused(await talk.say("more"), before)).startswith(f"{MOST} replies wait")


async def test_replies_wait_for_the_job_that_goes_on_already(talk: Talk) -> None:
    job = await talk.begun()
    await talk.say("go on")
    await talk.end(job)
    talk.clock.pass_by(seconds=1)
    resumed = (await talk.ask("resume", job.id)).job
    assert resumed is not None
    async with talk.at_work():
        await talk.until(lambda jobs: jobs[0].replies == 1)
        talk.clock.pass_by(seconds=1)
        await talk.finish(resumed)
        newest, *_ = await talk.until(lambda jobs: len(jobs) == 3)
    assert (newest.prompt, newest.parent_job_id) == ("go on", resumed.id)


def _card(job: Job) -> Announcement:
    return card(job, step="", now=job.created_at, public_url="")
