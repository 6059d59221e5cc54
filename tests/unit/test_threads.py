"""What is said in a job's thread: which words are a command, and which go to the agent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.desk.asks import REPLY, Answer, Ask, Invocation
from bot.desk.commands import Misunderstood
from bot.desk.threads import read
from executor import outbox
from executor.model import Actor, Job, Origin
from tests.unit.office import ADMIN, ANN, BOB, ELSEWHERE, EVE, Office, an_office

HEAD = "100.1"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path) as office:
        yield office


async def carded(office: Office, job: Job, head: str = HEAD) -> Job:
    """The job, whose card now stands at the head of a thread."""
    await office.storage.outbox.shown(job.id, outbox.CARD, job.seq, head)
    return job


async def say(
    office: Office,
    text: str,
    by: Actor = ANN,
    *,
    thread: str | None = HEAD,
    delivery: str = "said:1",
    overheard: bool = False,
) -> Answer:
    """A reply in the thread, as a door hands it over."""
    origin = Origin(actor=by, channel="C0DEV", thread=thread)
    args = {"prompt": text}
    return await office.desk.ask(
        Ask(verb=REPLY, origin=origin, delivery=delivery, args=args, overheard=overheard)
    )


@pytest.mark.parametrize(
    "words",
    [
        "and now write the tests",
        "show me the diff",
        "list the files that you changed",
        "cancel the timer in worker.py",
        "resume where you stopped, but slower",
        "retry with a lock",
        "schedule a sweep in the code",
        "help me understand line 3",
        "resaerch it",
    ],
)
async def test_what_is_no_command_goes_to_the_agent_to_the_letter(office: Office, words: str) -> None:
    ended = await carded(office, await office.ended())
    answer = await office.type(words, thread=HEAD)
    assert answer.job is not None, answer.text
    assert (answer.job.prompt, answer.job.parent_job_id) == (words, ended.id)
    assert (answer.job.session_id, answer.job.origin.thread) == ("s-1", HEAD)


@pytest.mark.parametrize(
    ("words", "verb"),
    [
        ("show", "show"),
        ("Retry", "retry"),
        ("show 3fa9c1", "show"),
        ("resume 3fa9c1 and go", "resume"),
        ("list", "list"),
        ("list --by me", "list"),
        ("help", "help"),
        ("help research", "help"),
        ("research how?", "research"),
        ("schedule pause 5c4ed0", "schedule"),
    ],
)
async def test_a_command_stays_one_in_a_thread_and_may_leave_out_the_id(
    office: Office, words: str, verb: str
) -> None:
    job = await office.ended()
    ask = read(Invocation(text=words, origin=job.origin, delivery="d"), job)
    assert ask.verb == verb
    if words in ("show", "Retry"):
        assert ask.target == job.id


@pytest.mark.parametrize("words", ["research x --modle opus", "", "  ", "session x --effort"])
async def test_a_job_asked_for_wrongly_and_no_word_at_all_start_nothing(office: Office, words: str) -> None:
    job = await office.ended()
    with pytest.raises(Misunderstood):
        read(Invocation(text=words, origin=job.origin, delivery="d"), job)


async def test_outside_of_a_jobs_thread_words_are_commands_or_wrong(office: Office) -> None:
    await carded(office, await office.ended())
    for thread in (None, "100.2"):
        assert (await office.type("and go on", thread=thread)).text.startswith("I know no command `and`.")


async def test_a_reply_to_an_ended_job_goes_on_with_its_session(office: Office) -> None:
    ended = await carded(office, await office.ended())
    answer = await say(office, "and now\nthe tests")
    assert answer.job is not None and answer.text.startswith(f"Queued as `{answer.job.short_id}`")
    assert (answer.job.prompt, answer.job.parent_job_id) == ("and now\nthe tests", ended.id)


async def test_a_reply_is_for_the_newest_job_of_the_thread(office: Office) -> None:
    await carded(office, await office.ended())
    first = (await say(office, "one")).job
    assert first is not None and first.origin.thread == HEAD
    second = await office.finish(first)
    third = (await say(office, "two", delivery="said:2")).job
    assert third is not None
    assert third.parent_job_id == second.id


async def test_the_same_message_delivered_again_starts_one_job(office: Office) -> None:
    await carded(office, await office.ended())
    first = await say(office, "go on")
    before = office.rows()
    again = await say(office, "go on")
    assert first.job is not None and again.job is not None
    assert again.ok
    assert again.job.id == first.job.id
    await office.finish(first.job)
    assert (await say(office, "go on")).text.startswith("Taken in already")
    assert office.rows()["jobs"] == before["jobs"]


async def test_an_admin_may_reply_in_anybodys_thread(office: Office) -> None:
    await carded(office, await office.ended())
    answer = await say(office, "go on", ADMIN)
    assert answer.job is not None and answer.job.origin.actor == ADMIN


@pytest.mark.parametrize("stranger", [BOB, EVE, replace(ELSEWHERE, user_id="bob")])
async def test_who_may_not_go_on_with_a_job_is_told_so_if_they_speak_to_us(
    office: Office, stranger: Actor
) -> None:
    await carded(office, await office.ended())
    before = office.rows()
    assert await office.refused(await say(office, "go on", stranger), before) != ""
    assert await office.refused(await say(office, "go on", stranger, overheard=True), before) == ""


async def test_people_who_talk_in_other_threads_hear_nothing(office: Office) -> None:
    await carded(office, await office.ended())
    before = office.rows()
    for thread in ("100.2", None):
        assert await office.refused(await say(office, "hi", thread=thread, overheard=True), before) == ""
    assert (await say(office, "hi", thread="100.2")).text.startswith("This is not the thread of a job")


async def test_the_owner_hears_why_a_reply_cannot_be_taken_also_without_a_mention(office: Office) -> None:
    await carded(office, await office.ended(session=""))
    before = office.rows()
    told = await office.refused(await say(office, "x", overheard=True), before)
    assert told.startswith("rehearsal keeps no sessions, so job")
    assert (await say(office, "\x07", overheard=True)).text.startswith("The prompt holds a control character")
    assert (await say(office, "y" * 1001, overheard=True)).text.startswith("The prompt has 1,001 characters")
    assert office.rows() == before
