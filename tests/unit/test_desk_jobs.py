"""What the desk does with jobs that there are: cancel, resume, retry, list, show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from executor import outbox
from executor.executor import GO_ON
from executor.lifecycle import Transition
from executor.model import Origin, Outcome, OutcomeKind, Report, Usage
from tests.builders import START, claim_one
from tests.unit.office import ADMIN, ANN, BOB, OWNER, Office, an_office, desk_on


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path) as office:
        yield office


async def test_a_waiting_job_is_cancelled_at_once(office: Office) -> None:
    job = await office.queued()
    answer = await office.type(f"cancel {job.short_id}")
    assert answer.text == f"Job `{job.short_id}` is cancelled; it had not started."
    assert (await office.job(job)).cancelled_by == "Ann"


async def test_a_job_that_waits_for_a_limit_is_cancelled_at_once(office: Office) -> None:
    job = await office.limited()
    assert (await office.type(f"cancel {job.id}")).text == f"Job `{job.short_id}` is cancelled."


async def test_a_running_job_is_asked_to_stop_and_twice_is_no_fault(office: Office) -> None:
    job = await office.running()
    for _ in range(2):
        answer = await office.type(f"cancel {job.short_id}")
        assert answer.ok
        assert answer.text == f"Stopping job `{job.short_id}` …"
    assert (await office.job(job)).cancel_requested_at is not None


async def test_a_press_on_cancel_of_a_job_that_has_ended_says_so(office: Office) -> None:
    """B81: what is done stays done, and the answer says how it stands."""
    job = await office.ended()
    before = office.rows()
    text = await office.refused(await office.ask("cancel", job.id), before)
    assert text == f"Job `{job.short_id}` is done already; there is nothing to cancel."


async def test_resume_goes_on_with_the_session_in_the_same_thread(office: Office) -> None:
    ended = await office.ended()
    await office.storage.outbox.shown(ended.id, outbox.CARD, ended.seq, "100.1")
    answer = await office.type(f"resume {ended.short_id} and now\nthe tests")
    assert answer.job is not None
    assert (answer.job.session_id, answer.job.parent_job_id) == ("s-1", ended.id)
    assert answer.job.prompt == "and now\nthe tests"
    assert answer.job.origin == Origin(actor=ANN, channel="C0DEV", thread="100.1")


async def test_resume_without_words_says_to_go_on(office: Office) -> None:
    ended = await office.ended()
    answer = await office.ask("resume", ended.id)
    assert answer.job is not None and answer.job.prompt == GO_ON


async def test_what_continues_a_job_belongs_to_who_asked(office: Office) -> None:
    ended = await office.ended()
    answer = await office.ask("retry", ended.id, ADMIN)
    assert answer.job is not None and answer.job.origin.actor == ADMIN


async def test_a_job_in_a_thread_is_continued_in_that_thread(office: Office) -> None:
    await office.type("research how?", thread="55.5")
    job = await claim_one(office.storage.jobs, ["rehearsal"])
    assert job is not None
    await office.storage.jobs.settle(job, Transition.FAIL, Outcome(kind=OutcomeKind.FAILED))
    answer = await office.ask("retry", job.id)
    assert answer.job is not None and answer.job.origin.thread == "55.5"


async def test_a_job_whose_card_was_refused_is_continued_in_the_channel(office: Office) -> None:
    ended = await office.ended()
    await office.storage.outbox.shown(ended.id, outbox.CARD, ended.seq, "")
    answer = await office.ask("retry", ended.id)
    assert answer.job is not None and answer.job.origin.thread is None


async def test_a_job_of_another_platform_is_continued_where_it_is_asked_for(office: Office) -> None:
    ended = await office.ended()
    await office.storage.outbox.shown(ended.id, outbox.CARD, ended.seq, "100.1")
    answer = await office.ask("retry", ended.id, OWNER)
    assert answer.job is not None
    assert answer.job.origin == Origin(actor=OWNER, channel="C0DEV")


async def test_retry_does_the_same_afresh(office: Office) -> None:
    failed = await office.ended(kind=OutcomeKind.FAILED, reason="exit", message="It broke.")
    answer = await office.type(f"retry {failed.id}")
    assert answer.job is not None
    assert answer.job.session_id is None
    assert replace(answer.job, id="", origin=failed.origin).payload == failed.payload


async def test_two_presses_on_resume_start_one_job(office: Office) -> None:
    ended = await office.ended()
    answers = await asyncio.gather(*(office.ask("resume", ended.id) for _ in range(5)))
    (started,) = [answer.job for answer in answers if answer.job is not None]
    others = [answer for answer in answers if not answer.ok]
    assert len(others) == 4
    for answer in others:
        assert answer.text == (
            f"Job `{ended.short_id}` goes on already as `{started.short_id}`, which is pending. "
            f"Wait for it, or stop it with `/job cancel {started.short_id}`."
        )
    assert office.rows()["jobs"] == 2


async def test_a_job_that_never_got_a_session_cannot_be_resumed_but_retried(office: Office) -> None:
    failed = await office.ended(session="", kind=OutcomeKind.FAILED, reason="spawn")
    before = office.rows()
    text = await office.refused(await office.ask("resume", failed.id), before)
    assert "never got as far as a session" in text
    assert "Retry does the same again" in text
    assert (await office.ask("retry", failed.id)).ok


@pytest.mark.parametrize("verb", ["resume", "retry"])
async def test_what_has_not_ended_is_not_continued(office: Office, verb: str) -> None:
    running = await office.running()
    before = office.rows()
    text = await office.refused(await office.ask(verb, running.id), before)
    assert text == (
        f"Job `{running.short_id}` is running; {verb} is for jobs that have ended. "
        f"Reply in its thread to tell it more; `/job cancel {running.short_id}` stops it."
    )
    await office.ask("cancel", running.id)
    before = office.rows()
    stopping = await office.refused(await office.ask(verb, running.id), before)
    assert stopping == f"Job `{running.short_id}` is being stopped; {verb} it as soon as it has ended."


async def test_resume_lets_a_job_that_waits_for_a_limit_go_on_now(office: Office) -> None:
    job = await office.limited()
    assert await claim_one(office.storage.jobs, ["rehearsal"]) is None
    answer = await office.ask("resume", job.id)
    assert answer.text == f"Job `{job.short_id}` goes on now."
    assert await claim_one(office.storage.jobs, ["rehearsal"]) is not None


async def test_new_words_for_a_job_that_waits_for_a_limit_are_not_lost_in_silence(office: Office) -> None:
    job = await office.limited()
    before = office.rows()
    text = await office.refused(await office.type(f"resume {job.short_id} with new words"), before)
    assert "takes no new words or options until it has ended" in text
    assert f"`/job resume {job.short_id}` alone" in text
    assert (await office.job(job)).retry_at == job.retry_at


async def test_retry_of_a_job_that_waits_for_a_limit_is_refused_in_words(office: Office) -> None:
    job = await office.limited()
    assert f"Job `{job.short_id}` is rate limited;" in (await office.ask("retry", job.id)).text


@pytest.mark.parametrize(
    ("words", "says"), [("x" * 2000, "at most 1,000"), ("a\0b", "U+0000"), ("\ud83d", "not valid Unicode")]
)
async def test_new_words_are_held_to_the_rules_of_a_prompt(office: Office, words: str, says: str) -> None:
    ended = await office.ended()
    before = office.rows()
    answer = await office.ask("resume", ended.id, prompt=words)
    assert says in await office.refused(answer, before)
    assert answer.field == "prompt"


@pytest.mark.parametrize("verb", ["resume", "retry"])
async def test_a_job_of_an_agent_that_is_switched_off_is_not_continued(office: Office, verb: str) -> None:
    ended = await office.ended()
    before = office.rows()
    office.desk = desk_on(office.storage, ("claude",))
    text = await office.refused(await office.ask(verb, ended.id), before)
    assert "was done by rehearsal, which is switched off here" in text


async def test_no_jobs_are_answered_with_a_first_command(office: Office) -> None:
    text = (await office.type("list")).text
    assert text == "There are no jobs yet. Start one: `/job research how do we cache sessions?`"


async def test_the_list_shows_the_newest_first_on_a_line_each(office: Office) -> None:
    done = await office.ended()
    waits = await office.queued("session clean `everything`\nup " + "and on " * 30)
    first, second = (await office.type("list")).text.splitlines()
    assert first.startswith(f"- `{waits.short_id}` pending · session · clean 'everything' up and on")
    assert first.endswith("…") and len(first) < 110
    assert second == (f"- `{done.short_id}` done · research · how? · cost $0.42 · turns 3 · duration 42s")


async def test_a_job_is_shown_with_its_terms_and_what_it_waits_for(
    office: Office,
) -> None:
    limited = Outcome(kind=OutcomeKind.LIMITED, reason="rate_limit", resets_at=START + timedelta(hours=2))
    await office.type("session first")
    job = await claim_one(office.storage.jobs, ["rehearsal"])
    assert job is not None
    await office.storage.jobs.settle(job, Transition.HIT_LIMIT, limited)
    asked = await office.type("session second --priority high --timeout 90m")
    assert asked.job is not None
    answer = await office.type(f"show {asked.job.short_id}")
    assert answer.text.endswith("\n- priority high · timeout 1 h 30 min")
    assert (
        f"- pending · waits for the usage limit of rehearsal until {START:%Y-%m-%d} 14:00 UTC\n"
        in answer.text
    )
    assert answer.text.count("usage limit") == 1
    shown = await office.type(f"show {job.short_id}")
    assert (
        f"- rate limited (rate_limit) · goes on {START:%a %d %b %Y}, 15:00 (Europe/Paris), in 2 h"
        in shown.text
    )
    assert f"- usage limit of rehearsal until {START:%a %d %b %Y}, 15:00 (Europe/Paris)" in shown.text
    assert "- attempt 1: limited (rate_limit)" in shown.text


async def test_a_job_with_a_program_is_shown_with_where_it_stands_in_it(office: Office) -> None:
    job = await office.queued("autopilot - Look\n- Write `it`: all of it")
    shown = await office.type(f"show {job.short_id}")
    assert "- step 1 of 2: Look\n" in shown.text


async def test_a_job_is_shown_with_all_that_is_known(office: Office) -> None:
    failed = await office.ended(kind=OutcomeKind.FAILED, reason="exit", message="It broke. Press Retry.")
    answer = await office.type(f"show {failed.short_id}")
    asked_at = f"{START:%Y-%m-%d} 12:00:01 UTC"
    assert answer.text == (
        f"**research** `{failed.short_id}` how?\n"
        "- failed (exit) · cost $0.42 · turns 3 · duration 42s\n"
        "- rehearsal (rehearsal, effort medium) · workspace main\n"
        f"- asked by Ann at {asked_at}\n"
        "- session `s-1`\n"
        "- attempt 1: failed (exit) · cost $0.42 · turns 3 · duration 42s\n\n"
        "It broke. Press Retry."
    )


async def test_of_a_job_that_has_not_ended_only_what_is_known_is_shown(office: Office) -> None:
    job = await office.queued()
    asked = f"- asked by Ann at {START:%Y-%m-%d} 12:00:01 UTC"
    head = f"**research** `{job.short_id}` how?\n"
    about = f"- rehearsal (rehearsal, effort medium) · workspace main\n{asked}"
    assert (await office.type(f"show {job.id}")).text == f"{head}- pending\n{about}"
    claimed = await claim_one(office.storage.jobs, ["rehearsal"])
    assert claimed is not None
    assert (await office.type(f"show {job.id}")).text == (
        f"{head}- running since {START:%Y-%m-%d} 12:00:02 UTC\n{about}\n- attempt 1: running"
    )


async def test_a_report_is_linked_from_the_job_it_is_of(office: Office) -> None:
    job = await office.running()
    report = Report(slug="how-3f", title="How", description="")
    await office.storage.jobs.settle(job, Transition.FINISH, Outcome(kind=OutcomeKind.DONE), report)
    assert "\n- report: https://bot.example/reports/how-3f/\n" in (await office.type(f"show {job.id}")).text


async def test_every_attempt_is_shown_with_its_outcome_and_reason(office: Office) -> None:
    job = await office.running()
    lost = Outcome(kind=OutcomeKind.INTERRUPTED, reason="shutdown")
    await office.storage.jobs.settle(job, Transition.INTERRUPT, lost)
    again = await claim_one(office.storage.jobs, ["rehearsal"])
    assert again is not None
    ended = Outcome(kind=OutcomeKind.CANCELLED, reason="cancelled", usage=Usage(duration_ms=2_000))
    await office.ask("cancel", job.id)
    assert " UTC · Ann wants it stopped\n" in (await office.type(f"show {job.id}")).text
    await office.storage.jobs.settle(again, Transition.CANCEL, ended)
    text = (await office.type(f"show {job.id}")).text
    assert "- cancelled by Ann · duration 2.0s\n" in text
    assert text.endswith("- attempt 1: interrupted (shutdown)\n- attempt 2: cancelled · duration 2.0s")


async def test_a_continued_job_names_the_one_before_it(office: Office) -> None:
    ended = await office.ended()
    answer = await office.ask("retry", ended.id)
    assert answer.job is not None
    assert f"continues `{ended.short_id}`" in (await office.type(f"show {answer.job.id}")).text


async def test_help_is_for_everybody_who_is_let_in(office: Office) -> None:
    assert (await office.type("help", BOB)).text.startswith("**Start a job**")
