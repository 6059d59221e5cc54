"""The list of jobs: whose, of which sort, and how many more there are."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.desk.asks import Answer, Invocation
from executor.listing import JobFilter, Sight
from executor.model import Actor, Job, JobStatus, Origin, OutcomeKind
from executor.questions import Asked, Decision, QuestionKind, Verdict
from storage.sqlite.lists import filter_query, filter_values
from storage.sqlite.queries import load
from tests.builders import START, claim_one, request
from tests.unit.office import ADMIN, ANN, BOB, OWNER, Office, an_office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path) as office:
        yield office


async def typed(office: Office, text: str, by: Actor = ANN, channel: str = "C0DEV") -> Answer:
    office.clock.pass_by(seconds=1)
    delivery = f"list:{office.clock.now()}"
    origin = Origin(actor=by, channel=channel)
    return await office.desk.command(Invocation(text=text, origin=origin, delivery=delivery))


def questions(answer: Answer) -> list[str]:
    assert answer.ok, answer.text
    return re.findall(r"research · (\w+)", answer.text)


async def test_a_page_says_how_many_more_there_are_and_what_shows_them(office: Office) -> None:
    for number in range(20):
        await office.queued(f"research q{number}")
    page = await office.type("list")
    assert questions(page) == [f"q{number}" for number in range(19, 4, -1)]
    found = re.search(r"\n\nThere are 5 older ones: `/job (list --before [0-9a-f]{8})`$", page.text)
    assert found, page.text
    last = await office.type(found[1])
    assert questions(last) == ["q4", "q3", "q2", "q1", "q0"]
    assert "older" not in last.text


async def test_more_than_a_hundred_are_not_counted(office: Office) -> None:
    for number in range(117):
        await office.storage.jobs.submit(
            request(dedupe_key=str(number), origin=Origin(actor=ANN, channel="C0DEV"))
        )
    assert "There are more than 100 older ones: " in (await office.type("list --by me")).text
    assert "`/job list --by me --before " in (await office.type("list --by me")).text


async def test_old_jobs_of_a_channel_are_found_behind_any_number_of_others(office: Office) -> None:
    mine = await office.queued("research mine")
    for number in range(60):
        elsewhere = Origin(actor=BOB, channel="C0OTHER")
        await office.storage.jobs.submit(request(dedupe_key=str(number), origin=elsewhere))
    page = await office.type("list")
    assert page.text == f"- `{mine.short_id}` pending · research · mine"


async def test_a_list_shows_the_jobs_of_the_channel_and_the_own_ones_of_everywhere(office: Office) -> None:
    for by, channel in ((ANN, "C1"), (BOB, "C1"), (ANN, "C2"), (BOB, "C2"), (OWNER, "dev")):
        await typed(office, f"research {by.user_id}{channel}", by, channel)
    assert questions(await typed(office, "list", ANN, "C1")) == ["annC2", "bobC1", "annC1"]
    assert questions(await typed(office, "list", BOB, "C2")) == ["bobC2", "annC2", "bobC1"]
    assert questions(await typed(office, "list --by me", ANN, "C1")) == ["annC2", "annC1"]
    team = ["bobC2", "annC2", "bobC1", "annC1"]
    assert questions(await typed(office, "list", ADMIN, "C3")) == team
    assert questions(await typed(office, "list", OWNER, "dev")) == ["ownerdev", *team]
    assert questions(await typed(office, "list --by me", OWNER, "dev")) == ["ownerdev"]


async def test_a_list_is_narrowed_by_status_and_type(office: Office) -> None:
    done = await office.ended()
    failed = await office.ended(kind=OutcomeKind.FAILED, reason="exit")
    waits = await office.queued("session tidy")

    async def short_ids(options: str) -> list[str]:
        return re.findall(r"`([0-9a-f]{6})`", (await office.type(f"list {options}")).text)

    assert await short_ids("--status failed") == [failed.short_id]
    assert await short_ids("--status pending") == [waits.short_id]
    assert await short_ids("--type research") == [failed.short_id, done.short_id]
    assert await short_ids("--type research --status done") == [done.short_id]
    nothing = await office.type("list --status running")
    assert nothing.text == "No job is like that. `/job list` shows the latest ones."


async def test_what_waits_for_an_answer_is_marked_and_found(office: Office) -> None:
    job = await office.running()
    await office.queued()
    asked = Asked(kind=QuestionKind.CHOICE, text="Where?")
    (question,) = await office.storage.questions.ask(job, "r-1", [asked], office.clock.now())
    page = await office.type("list --status asking --type research")
    assert page.text == f"- `{job.short_id}` running, waits for an answer · research · how?"
    assert not questions(await typed(office, "list --status asking", BOB, "C2"))
    await office.storage.questions.decide(question.id, Decision(verdict=Verdict.ANSWER, by="Ann"))
    assert (await office.type("list --status asking")).text.startswith("No job is like that.")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--status queued", "`queued` cannot be the value of `--status`. There are: `pending`, `scheduled`,"),
        ("--status=pending'", "`pending'` cannot be the value of `--status`. There are: `pending`,"),  # B79
        ("--type root", "`root` cannot be the value of `--type`. There are: `research`, `session`, "),
        ("--by bob", "`bob` cannot be the value of `--by`. There are: `anyone`, `me`."),
        ("--before ffffff", "There is no job `ffffff`."),
        ("please", "`please` is too much here."),
    ],
)
async def test_what_no_list_can_be_of_is_refused_in_words(office: Office, options: str, says: str) -> None:
    before = office.rows()
    assert (await office.refused(await office.type(f"list {options}"), before)).startswith(says)


async def test_a_job_of_another_team_is_no_place_in_the_list(office: Office) -> None:
    hidden = await typed(office, "research x", OWNER)
    assert hidden.job is not None
    assert "There is no job" in (await office.type(f"list --before {hidden.job.id}")).text


SIGHTS = {
    "all": None,
    "a team": Sight(platform="slack", team="T1"),
    "a channel and a person": Sight(platform="slack", team="T1", channel="C1", user_id="u3"),
    "a person": Sight(platform="slack", team="T1", user_id="u3"),
}


@pytest.mark.parametrize("sight", SIGHTS.values(), ids=SIGHTS)
async def test_no_list_reads_through_the_jobs_whatever_it_asks_for(
    office: Office, sight: Sight | None
) -> None:
    job = await office.queued()
    statements = load("lists")
    for wanted in (
        JobFilter(sight=sight),
        JobFilter(sight=sight, statuses=[JobStatus.RUNNING], job_type="session", before=job),
    ):
        values = {**filter_values(wanted), "limit": 15, "most": 116}
        with closing(sqlite3.connect(office.database)) as connection:
            plan = connection.execute(
                f"EXPLAIN QUERY PLAN {statements[filter_query(wanted)]}", values
            ).fetchall()
        steps = [str(step[3]) for step in plan]
        assert not [step for step in steps if re.match(r"SCAN (jobs|each|here|own)\b", step)], steps
        reads = [step for step in steps if re.match(r"SEARCH (each|here|own)\b", step)]
        assert reads
        for step in reads:
            assert "COVERING INDEX" in step
            assert "type=? AND status=? AND (created_at,id)<(?,?)" in step
    with closing(sqlite3.connect(office.database)) as connection:
        values = filter_values(JobFilter(sight=sight, asking=True)) | {"limit": 15, "most": 116}
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statements['newest_asking']}", values).fetchall()
    assert any(step[3].startswith("SEARCH each USING INDEX jobs_asking") for step in plan), plan


@pytest.mark.parametrize("sight", SIGHTS.values(), ids=SIGHTS)
async def test_a_page_is_what_sorting_all_jobs_would_give(office: Office, sight: Sight | None) -> None:
    store, kinds = office.storage.jobs, ("research", "session", "workflow")
    for number in range(40):
        actor = replace(ANN, user_id=f"u{number % 4}", team=f"T{number % 5 and 1}")
        if number % 10 == 0:
            office.clock.pass_by(seconds=1)
        origin = Origin(actor=actor, channel=f"C{number % 2}")
        await store.submit(request(type=kinds[number % 3], dedupe_key=str(number), origin=origin))
        if number % 4 == 0 and (running := await claim_one(store, ["rehearsal"])) and number % 8 == 0:
            asked = [Asked(kind=QuestionKind.CHOICE, text="Where?")]
            assert await office.storage.questions.ask(running, "r-1", asked, office.clock.now())
    everything = (await store.page(JobFilter(), 100, 100)).jobs
    assert len(everything) == 40
    assert list(everything) == sorted(everything, key=lambda job: (job.created_at, job.id), reverse=True)
    narrowed = ((), (JobStatus.RUNNING,), (JobStatus.PENDING, JobStatus.DONE))
    for statuses, asking in (*((each, False) for each in narrowed), ((), True)):
        for kind in (None, *kinds):
            for place in range(8):
                wanted = JobFilter(
                    statuses=statuses, asking=asking, job_type=kind, sight=sight, before=everything[place]
                )
                fitting = [job for job in everything[place + 1 :] if _fits(wanted, job)]
                page = await store.page(wanted, 5, 12)
                assert list(page.jobs) == fitting[:5]
                assert page.found == min(12, len(fitting))


def _fits(wanted: JobFilter, job: Job) -> bool:
    if (wanted.statuses and job.status not in wanted.statuses) or wanted.job_type not in (None, job.type):
        return False
    if wanted.asking and not job.asking:
        return False
    sight, origin, actor = wanted.sight, job.origin, job.origin.actor
    if sight is None:
        return True
    if (actor.platform, actor.team) != (sight.platform, sight.team):
        return False
    whole = sight.channel is None and sight.user_id is None
    return whole or origin.channel == sight.channel or actor.user_id == sight.user_id


async def test_limits_are_told_while_they_hold(office: Office) -> None:
    assert await office.storage.jobs.limits() == {}
    await office.limited()
    assert await office.storage.jobs.limits() == {"rehearsal": START + timedelta(hours=1)}
    office.clock.pass_by(seconds=3600)
    assert await office.storage.jobs.limits() == {}
