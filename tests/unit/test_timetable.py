"""Jobs for later and schedules, as people ask for them: what is said, what is kept, what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.desk.asks import Answer, Invocation
from executor.model import Job, JobStatus, Origin
from executor.schedules import Missed, Schedule, advance
from tests.builders import START, claim_one
from tests.unit.office import ADMIN, ANN, BOB, ELSEWHERE, EVE, Office, an_office

# The office's clock stands at Friday, 20 November 2026, 12:00 UTC, which is 13:00 in Paris.


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path) as office:
        yield office


async def scheduled(office: Office, text: str = 'session --cron "0 2 * * mon-fri" tidy up') -> Schedule:
    answer = await office.type(text)
    assert answer.ok and answer.job is None, answer.text
    (schedule, *_) = await office.storage.schedules.schedules()
    return schedule


async def job_of(office: Office, answer: Answer) -> Job:
    assert answer.ok and answer.job is not None, answer.text
    return await office.job(answer.job)


@pytest.mark.parametrize(
    ("options", "at"),
    [
        ('--at "tomorrow 09:30"', datetime(2026, 11, 21, 8, 30, tzinfo=UTC)),
        ("—at “mon 7:00”", datetime(2026, 11, 23, 6, tzinfo=UTC)),
        ("--at 18:00 --zone america/new_york", datetime(2026, 11, 20, 23, tzinfo=UTC)),
        ("--in 2h30m", START + timedelta(hours=2, minutes=30, seconds=1)),
    ],
)
async def test_a_job_for_later_is_kept_with_its_time(office: Office, options: str, at: datetime) -> None:
    for text in (f"session {options} tidy up", f"session tidy up {options}"):
        office.clock.at = START
        job = await job_of(office, await office.type(text))
        assert (job.status, job.scheduled_at, job.prompt) == (JobStatus.SCHEDULED, at, "tidy up")


async def test_the_answer_the_list_and_show_say_when_it_starts(office: Office) -> None:
    answer = await office.type('session tidy up --at "tomorrow 02:00"')
    job = await job_of(office, answer)
    when = "Sat 21 Nov 2026, 02:00 (Europe/Paris), in 13 h"
    assert answer.text.startswith(f"Scheduled as `{job.short_id}`: {when}.")
    assert f"`/job resume {job.short_id}` starts it now" in answer.text
    for text in ("list", f"show {job.short_id}"):
        assert f"starts {when}" in (await office.type(text)).text


async def test_the_same_delivery_is_one_job_for_later_and_one_schedule(office: Office) -> None:
    for text in ("session tidy up --in 1h", "session tidy up --cron @daily"):
        answers = [await office.type(text, delivery=text) for _ in range(2)]
        assert answers[0].text.partition(":")[0] == answers[1].text.partition(":")[0]
    assert len(await office.storage.jobs.jobs()) == 1
    assert len(await office.storage.schedules.schedules()) == 1


@pytest.mark.parametrize(
    ("text", "says", "field"),
    [
        ("session x --at 25:00", ["`25:00` is no time of day", "Examples: `18:00`"], "at"),
        ("session x --at noon", ["`noon` is no time that I can read", "`tomorrow 09:30`"], "at"),
        ('session x --at "2026-11-20 12:00"', ["is past: it is Fri 20 Nov 2026, 13:00:01 (Europe"], "at"),
        ("session x --in 0m", ["is no time at all"], "in"),
        ("session x --in tomorrow", ["is no span of time", "`2h30m`"], "in"),
        ("session x --cron @often", ["`@often`"], "cron"),
        ('session x --cron "* * * * *"', ["as often as every 1 min", "least interval here is 5 min"], "cron"),
        ('session x --cron "0 0 30 2 *"', ["never happens"], "cron"),
        ("session x --at 18:00 --zone Europe/Pariss", ["is no time zone", "`Europe/Paris`"], "zone"),
        ("session x --at 18:00 --in 1h", ["`--at`, `--in` and `--cron` exclude each other"], "in"),
        ("session x --zone UTC", ["`--zone` says whose clocks"], "zone"),
        ("session x --at 18:00 --missed skip", ["`--missed` says what becomes of missed runs"], "missed"),
        ("session x --cron @daily --missed never", ["`never` is no way", "`once` or `skip`"], "missed"),
    ],
)
async def test_a_time_that_cannot_be_taken_is_refused_with_examples_and_nothing_is_kept(
    office: Office, text: str, says: list[str], field: str
) -> None:
    before = office.rows()
    answer = await office.type(text)
    said = await office.refused(answer, before)
    assert answer.field == field
    for part in says:
        assert part in said


async def test_a_time_is_one_of_the_persons_own_zone_where_it_is_known(office: Office) -> None:
    """B59: and the zone is said in the answer."""

    async def tokyo() -> str:
        return "Asia/Tokyo"

    async def nowhere() -> str:
        return "Mars/Phobos"

    for zone, says in ((tokyo, "(Asia/Tokyo)"), (nowhere, "(Europe/Paris)"), (None, "(Europe/Paris)")):
        origin = Origin(actor=ANN, channel="C0DEV")
        ask = Invocation(text="session x --at 23:00", origin=origin, delivery=says + str(zone), zone=zone)
        assert "23:00 " + says in (await office.desk.command(ask)).text


async def test_a_job_for_later_can_be_hurried_and_called_off(office: Office) -> None:
    first, second = [await job_of(office, await office.type("session x --in 5h")) for _ in range(2)]
    assert await claim_one(office.storage.jobs, ["rehearsal"]) is None
    answer = await office.type(f"resume {first.short_id}")
    assert answer.text == f"Job `{first.short_id}` starts now."
    claimed = await claim_one(office.storage.jobs, ["rehearsal"])
    assert claimed is not None and claimed.id == first.id
    answer = await office.type(f"cancel {second.short_id}")
    assert answer.text == f"Job `{second.short_id}` is cancelled; it had not started."


async def test_a_schedule_is_answered_with_its_next_runs(office: Office) -> None:
    answer = await office.type('session tidy up --cron "0 2 * * mon-fri" --missed skip --priority high')
    (schedule,) = await office.storage.schedules.schedules()
    assert (schedule.missed, schedule.request.origin.actor) == (Missed.SKIP, ANN)
    assert schedule.request.payload["prompt"] == "tidy up"
    assert schedule.request.priority == 2
    assert answer.text.startswith(
        f"Schedule `{schedule.short_id}`: session by rehearsal (rehearsal), `0 2 * * mon-fri` "
        "on the clocks of Europe/Paris.\nNext: Mon 23 Nov 2026, 02:00 (Europe/Paris), in 2 d 13 h; "
        "then Tue 24 Nov 2026, 02:00"
    )


async def test_schedules_are_listed_paused_resumed_and_deleted(office: Office) -> None:
    assert "Nothing runs again by itself." in (await office.type("schedules")).text
    schedule = await scheduled(office)
    which = schedule.short_id
    line = f"- `{which}` `0 2 * * mon-fri` (Europe/Paris) · session · tidy up · "
    assert line + "next Mon 23 Nov 2026, 02:00" in (await office.type("schedules")).text
    assert f"`{which}` rests." in (await office.type(f"schedule pause {which}")).text
    assert line + "paused" in (await office.type("schedules")).text
    assert "rests already" in (await office.type(f"schedule pause {which}")).text
    answer = await office.type(f"schedule resume {which}")
    assert answer.text.startswith(f"Schedule `{which}` goes on: next Mon 23 Nov 2026, 02:00")
    assert "goes on already" in (await office.type(f"schedule resume {which}")).text
    assert (await office.type(f"schedule delete {which}")).text == f"Schedule `{which}` is deleted."
    assert "There is no schedule" in (await office.type(f"schedule delete {which}")).text


async def test_a_run_that_was_left_out_is_told_in_the_list_and_in_the_thread_of_what_still_runs(
    office: Office,
) -> None:
    schedule = await scheduled(office, "session tidy up --cron @hourly")
    job = None
    for hours in (1, 2):
        office.clock.at = START + timedelta(hours=hours)
        (due,) = await office.storage.schedules.due_schedules(office.clock.at, 10)
        fire = advance(due, office.clock.at)
        assert fire is not None
        await office.storage.schedules.fire([fire])
        job = job or await claim_one(office.storage.jobs, ["rehearsal"])
    assert job is not None
    assert (job.schedule_id, job.scheduled_at) == (schedule.id, START + timedelta(hours=1))
    note = f"  - last: Left out: job `{job.short_id}` of the run before has not ended."
    assert note in (await office.type("schedules")).text
    *_, last = await office.storage.jobs.events(job.id)
    assert "is left out: this job has not ended." in getattr(last.body, "text", "")
    answer = await office.type(f"schedule delete {schedule.short_id}")
    assert answer.text.endswith(f"is deleted; job `{job.short_id}` of its last run goes on.")


async def test_a_run_by_hand_is_a_job_of_the_schedule_now(office: Office) -> None:
    schedule = await scheduled(office)
    answer = await office.type(f"schedule run {schedule.short_id}", ADMIN)
    job = await job_of(office, answer)
    assert answer.text.startswith(f"Queued as `{job.short_id}`")
    assert (job.status, job.schedule_id, job.prompt) == (JobStatus.PENDING, schedule.id, "tidy up")
    assert job.origin.actor == ANN


@pytest.mark.parametrize("change", ["pause", "resume", "delete", "run"])
async def test_nobody_changes_the_schedule_of_another(office: Office, change: str) -> None:
    schedule = await scheduled(office)
    before = office.rows()
    said = await office.refused(await office.type(f"schedule {change} {schedule.short_id}", BOB), before)
    assert "was made by somebody else" in said
    said = await office.refused(
        await office.type(f"schedule {change} {schedule.short_id}", ELSEWHERE), before
    )
    assert "There is no schedule" in said
    assert "Nothing runs again" in (await office.type("schedules", ELSEWHERE)).text


async def test_an_owner_who_may_no_longer_run_it_is_told_why(office: Office) -> None:
    request = (await scheduled(office)).request
    assert (await office.desk.refusal(request)) == ""
    assert (await office.desk.refusal(replace(request, provider="gemini"))) == "gemini is switched off here."
    assert (await office.desk.refusal(replace(request, workspace="gone"))).startswith(
        "There is no workspace `gone`"
    )
    shut_out = replace(request, origin=Origin(actor=EVE, channel="C0DEV"))
    assert (await office.desk.refusal(shut_out)).startswith("You are not on the list")


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        (frozenset({"crew", "x"}), ""),
        (frozenset({"x"}), "You are not on the list"),
        (None, "Slack did not say which roles the owner has"),
    ],
)
async def test_of_who_is_let_in_by_a_role_alone_it_is_asked_at_each_run(
    office: Office, roles: frozenset[str] | None, told: str
) -> None:
    eve = replace(EVE, roles=frozenset({"crew"}))
    assert (await office.type('session tidy up --cron "0 2 * * *"', eve)).ok
    (schedule,) = await office.storage.schedules.schedules()
    assert schedule.request.origin.actor.roles == frozenset(), "what is kept says nothing of roles"
    asked = []

    async def roles_of(team: str, user_id: str) -> frozenset[str] | None:
        asked.append((team, user_id))
        return roles

    assert (await office.desk.refusal(schedule.request)).startswith("You are not on"), "nobody is asked yet"
    office.desk.vouching.ask("slack", roles_of)
    refusal = await office.desk.refusal(schedule.request)
    assert refusal.startswith(told) and bool(refusal) == bool(told)
    assert asked == [(eve.team, eve.user_id)]


async def test_nobody_is_asked_about_whom_a_role_would_not_help(office: Office) -> None:
    async def roles_of(team: str, user_id: str) -> frozenset[str] | None:
        raise AssertionError

    office.desk.vouching.ask("slack", roles_of)
    request = (await scheduled(office)).request
    assert await office.desk.refusal(request) == ""
